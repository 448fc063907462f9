"""Whole addresses for texts that leave the house.

Only the site knows how it is reached, and that a room above has pages for members; it says so when it starts.
"""

from __future__ import annotations

from collections.abc import Callable

_opened: list[Callable[[str], str]] = []
_base: list[Callable[[], str]] = []


def reached_at(base: Callable[[], str]) -> None:
    """Have whole addresses begin with what a function returns."""
    _base[:] = [base]


def whole(path: str) -> str:
    """Return the whole address of a page of ours; its path alone while nobody has said how we are reached."""
    return (_base[0]() if _base else "") + path


def opened_at(path: Callable[[str], str]) -> None:
    """Have notices lead to the pages of members: a function returns the path of the page of a notice."""
    _opened[:] = [path]


def page_of_members(reference: str) -> str:
    """Return the whole address at which a member opens a notice; nothing while there are no such pages."""
    return whole(_opened[0](reference)) if _opened else ""
