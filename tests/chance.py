"""How much is tried on which database."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

Value = TypeVar("Value")


def fewer(values: Sequence[Value]) -> Sequence[Value]:
    """Return all; for a run on PostgreSQL one in three: for what is drawn or listed that is not about databases."""
    return values[::3] if os.environ.get("TOCSIN_DATABASE_URL") else values


def seeds(number: int) -> Sequence[int]:
    """Return so many numbers to draw by, fewer on PostgreSQL."""
    return fewer(range(number))
