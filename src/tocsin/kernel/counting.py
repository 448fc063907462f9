"""Numbers with their nouns, in the English that the command line speaks."""

from __future__ import annotations


def counted(number: int, noun: str, one: str = "", several: str = "") -> str:
    """Return a number with its noun, and what is said of it: `1 report waits`, `2 reports wait`."""
    said = f"{number} {noun} {one}" if number == 1 else f"{number} {noun}s {several}"
    return said.rstrip()
