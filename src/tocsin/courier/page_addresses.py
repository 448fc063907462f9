"""Whole addresses for texts that leave the house. Only the site knows how it is reached; it says so when it starts."""

from __future__ import annotations

from collections.abc import Callable

_base: list[Callable[[], str]] = []


def reached_at(base: Callable[[], str]) -> None:
    """Have whole addresses begin with what a function returns."""
    _base[:] = [base]


def whole(path: str) -> str:
    """Return the whole address of a page of ours; its path alone while nobody has said how we are reached."""
    return (_base[0]() if _base else "") + path
