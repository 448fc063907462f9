"""Whether notices made a difference, and when nobody can say.

The rules are strict on purpose: published evidence says that most notices
change nothing, and a team that looks at twenty figures a week would find an
effect somewhere every week.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import Any

from tocsin.reason import hazards, survival
from tocsin.reason.intervals import LEVEL
from tocsin.reason.lives import Flags, Lives

FEWEST_ORGANISATIONS = 10
"""In each group: with fewer, one diligent administrator decides."""
FEWEST_GONE = 20
"""In each group."""


class Verdict(enum.StrEnum):
    """What can be said of findings that were told, beside those that were not."""

    TOO_FEW = "too_few"
    """Not enough organisations, or not enough findings that have gone, to say anything."""
    NO_VISIBLE_EFFECT = "no_visible_effect"
    """They may go as fast as the others."""
    FASTER = "faster"
    SLOWER = "slower"


@dataclasses.dataclass(frozen=True)
class Effect:
    """Told findings beside others."""

    verdict: Verdict
    told: survival.Curve
    natural: survival.Curve
    ratio: hazards.Ratio | None
    """How many times as fast told findings go; None where that cannot be told."""


def effect(found: Lives, is_told: Flags, *, stratum: Any = None, level: float = LEVEL) -> Effect:
    """Return what telling did. Clusters of `found` are organisations; lives are compared within each stratum.

    A told finding is watched from when it was told (`entered`): it had to be there to be told, and without that every
    notice would seem to keep findings alive.
    """
    told, natural = found.where(is_told), found.where(~is_told)
    ratio = hazards.compare(found, is_told, stratum=stratum, level=level)
    curves = survival.curve(told, level=level), survival.curve(natural, level=level)
    if ratio is None or _few(told) or _few(natural):
        return Effect(Verdict.TOO_FEW, *curves, ratio)
    return Effect(_verdict(ratio), *curves, ratio)


def _few(group: Lives) -> bool:
    return group.clusters < FEWEST_ORGANISATIONS or int(group.ended.sum()) < FEWEST_GONE


def _verdict(ratio: hazards.Ratio) -> Verdict:
    if ratio.ratio.low > 1.0:
        return Verdict.FASTER
    return Verdict.SLOWER if ratio.ratio.high < 1.0 else Verdict.NO_VISIBLE_EFFECT
