"""Numbers with their nouns, in the English that the command line speaks."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 report`, `2 reports`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
