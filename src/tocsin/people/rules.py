"""Decisions about accounts that need no database."""

from __future__ import annotations

from tocsin.people.choices import Standing


def standing(*, is_active: bool, is_enrolled: bool, is_invited: bool, has_factor: bool) -> Standing:
    """Return how far an account has come."""
    if not is_active:
        return Standing.CLOSED
    if is_enrolled:
        return Standing.OPEN if has_factor else Standing.WITHOUT_FACTOR
    return Standing.INVITED if is_invited else Standing.NOT_INVITED
