"""What comes of reckoning, as values. Apart from `measuring`, which loads NumPy."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from tocsin.effect.choices import By, Comparison


@dataclasses.dataclass(frozen=True)
class Reckoned:
    """One figure: see `models.Figure`."""

    comparison: Comparison
    by: By
    key: str
    facts: dict[str, Any]
    curves: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Measured:
    """All figures, and what they rest on."""

    lives: int
    told: int
    began_before: int
    too_young: int
    handed_over: int
    watched_to: dt.date | None
    figures: tuple[Reckoned, ...]
