"""What has happened in the room."""

from __future__ import annotations

import dataclasses

from tocsin.kernel.events import Event


@dataclasses.dataclass(frozen=True, kw_only=True)
class EffectMeasured(Event):
    """Whether telling helps was reckoned anew."""

    measurement: int
    lives: int
    told: int
    verdicts: dict[str, str]
    """Comparison → what can be said of all findings."""
