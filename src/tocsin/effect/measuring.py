"""Reckon every figure: read lives and who was told when, sort them into groups, and draw the curves.

For background work: it loads NumPy and PyArrow, and reads every file of findings.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from tocsin.directory.models import Constituent
from tocsin.effect.choices import SPLITS, By, Comparison
from tocsin.effect.groups import (
    NEVER,
    Happenings,
    HeldOut,
    Pieces,
    Stock,
    Telling,
    before,
    handed_over,
    held_out,
    number,
    stock,
    telling,
)
from tocsin.effect.reckoned import Measured, Reckoned
from tocsin.feeds import lives as feeds
from tocsin.kernel.clock import Instant
from tocsin.notices import queries as notices
from tocsin.notices.models import HoldOut, Policy
from tocsin.reason import survival
from tocsin.reason.effect import FEWEST_ORGANISATIONS, Effect, Verdict, effect

WITHIN_DAYS = 14
COME_BACK_DAYS = (30, 90)
_DIGITS = 9


def measure(at: Instant) -> Measured:
    """Reckon all figures from what is there now. Raises LostFile."""
    lived = feeds.lives()
    found = stock(lived.lives)
    told = telling(found, _tellings(found))
    moved = handed_over(found, _handovers()) | told.is_another_s
    chosen = found.known & ~moved
    groups = {
        Comparison.BEFORE: before(found, told, chosen),
        Comparison.HELD_OUT: held_out(found, chosen, _hold_outs(found, at)),
    }
    desk = _Desk(found, told, chosen, _sectors(found))
    figures = [each for name, pieces in groups.items() for each in desk.figures(name, pieces)]
    last = int(found.horizon.max()) if len(found) else None
    return Measured(
        lives=int(chosen.sum()),
        told=int((chosen & (told.on < NEVER)).sum()),
        began_before=int((~found.known).sum()),
        too_young=lived.too_young,
        handed_over=int((found.known & moved).sum()),
        watched_to=dt.date(1970, 1, 1) + dt.timedelta(days=last) if last is not None else None,
        figures=tuple(figures),
    )


def _tellings(found: Stock) -> Happenings:
    """Return who was told of what on which day."""
    sent, place = notices.sent_notices(), {name: at for at, name in enumerate(found.constituents)}
    keys = np.array(sorted(sent), np.int64)
    told = [sent[key] for key in keys.tolist()]
    on = np.array([number(each.on) for each in told], np.int64)
    policy = np.array([each.policy for each in told], np.int64)
    whom = np.array([place.get(each.constituent, -1) for each in told], np.int64)
    parts: list[tuple[Any, Any, Any]] = []
    for findings, of in notices.told_findings():
        is_told = np.isin(of, keys)
        k1, k2 = feeds.words_of_many(findings)
        parts.append((k1[is_told], k2[is_told], np.searchsorted(keys, np.array(of, np.int64)[is_told])))
    k1, k2, at = _columns(parts, 3)
    return Happenings(k1, k2, on[at], policy[at], whom[at])


def _handovers() -> Happenings:
    """Return which findings went from one hand to another on which day."""
    rows = list(feeds.handovers())
    k1, k2 = feeds.words_of_many([finding for finding, _on in rows]) if rows else _columns([], 2)
    on = np.array([number(day) for _finding, day in rows], np.int64)
    return Happenings(k1, k2, on, np.zeros(len(on), np.int64), np.full(len(on), -1))


def _columns(parts: Sequence[tuple[Any, ...]], count: int) -> tuple[Any, ...]:
    kinds = (np.uint64, np.uint64, np.int64)[:count]
    return tuple(np.concatenate([np.zeros(0, kind), *(p[at] for p in parts)]) for at, kind in enumerate(kinds))


def _hold_outs(found: Stock, at: Instant) -> Iterator[HeldOut]:
    """Yield what was held out of whom, up to now."""
    for row in HoldOut.objects.order_by("pk"):
        over = row.until + dt.timedelta(days=1)
        until = min(over, row.ended_at.date()) if row.ended_at else over
        is_held = np.array([notices.is_held_out(row.key, row.share, each) for each in found.constituents], np.bool_)
        severities = range(notices.MILD, row.mildest + 1)
        yield HeldOut(row.category, severities, number(row.began_at.date()), number(min(until, at.date())), is_held)


def _sectors(found: Stock) -> tuple[Any, tuple[str, ...]]:
    """Return the sector of each constituent of the stock, as a place among the names of sectors."""
    known = dict(Constituent.objects.values_list("public_id", "sector"))
    named = [known.get(each, "") for each in found.constituents]
    names = tuple(sorted(set(named)))
    return np.array([names.index(each) for each in named], np.int64), names


class _Desk:
    """Makes figures of pieces, split by one thing after the other."""

    def __init__(self, found: Stock, told: Telling, chosen: Any, sectors: tuple[Any, tuple[str, ...]]) -> None:
        self._found, self._told, self._chosen = found, told, chosen
        self._sector, self._sectors = sectors
        self._policies = {row.pk: row for row in Policy.objects.select_related("constituent")}

    def figures(self, comparison: Comparison, pieces: Pieces) -> Iterator[Reckoned]:
        """Yield a figure for each group of pieces, by everything that the comparison may be split by."""
        if not len(pieces.life):
            return
        for by in SPLITS[comparison]:
            split = self._by_policy(pieces) if by is By.POLICY else self._by(by, pieces)
            for key, chosen in split:
                yield self._figure(comparison, by, key, pieces, chosen)

    def _keys(self, by: By) -> tuple[Any, tuple[str, ...]]:
        """Return the key of each life as a place among the keys."""
        found = self._found
        if by is By.CLASS:
            return found.category, found.categories
        if by is By.CONSTITUENT:
            return found.constituent, found.constituents
        if by is By.SECTOR:
            return self._sector[found.constituent], self._sectors
        return np.zeros(len(found), np.int64), ("",)

    def _by(self, by: By, pieces: Pieces) -> Iterator[tuple[str, Any]]:
        codes, names = self._keys(by)
        of_piece = codes[pieces.life]
        order = np.argsort(of_piece, kind="stable")
        edges = np.searchsorted(of_piece[order], np.arange(len(names) + 1))
        for at, name in enumerate(names):
            if edges[at] < edges[at + 1] and (name or by is By.ALL):
                yield name, order[edges[at] : edges[at + 1]]

    def _by_policy(self, pieces: Pieces) -> Iterator[tuple[str, Any]]:
        """Yield the pieces told by each policy, beside those of before that it would have been for."""
        for pk in np.unique(pieces.policy[pieces.is_told]).tolist():
            fits = self._fits(self._policies[pk])[pieces.life]
            yield str(pk), np.flatnonzero((pieces.is_told & (pieces.policy == pk)) | (~pieces.is_told & fits))

    def _fits(self, policy: Policy) -> Any:
        found = self._found
        fits = found.severity <= policy.threshold
        if policy.constituent is not None:
            fits &= _is(found.constituent, found.constituents, policy.constituent.public_id)
        if policy.sector:
            fits &= _is(self._sector[found.constituent], self._sectors, policy.sector)
        if policy.category:
            fits &= _is(found.category, found.categories, policy.category)
        return fits

    def _figure(self, comparison: Comparison, by: By, key: str, pieces: Pieces, chosen: Any) -> Reckoned:
        said = _effect(self._found, pieces, chosen)
        lives = np.unique(pieces.life[chosen])
        of = {"told": chosen[pieces.is_told[chosen]], "natural": chosen[~pieces.is_told[chosen]]}
        facts: dict[str, Any] = {name: self._group(getattr(said, name), pieces, places) for name, places in of.items()}
        facts |= {
            "verdict": said.verdict.value,
            "ratio": _rounded(said.ratio.ratio) if said.ratio else None,
            "came_back": [self._came_back(lives, days) for days in COME_BACK_DAYS],
        }
        days = _ticks(max(said.told.watched_to, said.natural.watched_to))
        curves: dict[str, Any] = {"ticks": days}
        for name, places in of.items():
            is_sure = facts[name]["organisations"] >= FEWEST_ORGANISATIONS
            points = _points(getattr(said, name), is_sure=is_sure)
            curves[name] = {**points, "at_risk_at": _at_risk(pieces, places, days)}
        return Reckoned(comparison, by, key, facts, curves)

    def _group(self, curve: survival.Curve, pieces: Pieces, places: Any) -> dict[str, Any]:
        median, within = curve.median, curve.gone_within(WITHIN_DAYS)
        gone = int(pieces.ended[places].sum())
        organisations = len(np.unique(self._found.constituent[pieces.life[places]]))
        is_sure = organisations >= FEWEST_ORGANISATIONS
        return {
            "lives": len(places),
            "gone": gone,
            "there": len(places) - gone,
            "organisations": organisations,
            "median": ([median.days, median.low, median.high] if is_sure else [median.days]) if median else None,
            "within": _rounded(within if is_sure else within[:1]) if within else None,
        }

    def _came_back(self, lives: Any, days: int) -> dict[str, int]:
        """Return how many came back within so many days, and of how many that were watched for so long."""
        found = self._found
        watched = lives[found.ended[lives] & (found.end[lives] + days <= found.horizon[lives])]
        back = found.back[watched]
        returned = (back > 0) & (back - found.end[watched] <= days)
        return {"days": days, "back": int(returned.sum()), "of": len(watched)}


def _is(codes: Any, names: Sequence[str], name: str) -> Any:
    return codes == (names.index(name) if name in names else -1)


def _effect(found: Stock, pieces: Pieces, chosen: Any) -> Effect:
    """Return what can be said of some pieces. Where few organisations are, no ratio is reckoned that nobody may use."""
    lives, is_told = pieces.of(chosen, found), pieces.is_told[chosen]
    told, natural = lives.where(is_told), lives.where(~is_told)
    if min(told.clusters, natural.clusters) < FEWEST_ORGANISATIONS:
        return Effect(Verdict.TOO_FEW, survival.curve(told), survival.curve(natural), None)
    return effect(lives, is_told, stratum=found.category[pieces.life[chosen]])


def _ticks(longest: float) -> list[int]:
    """Return five days, evenly spread, of which the last is no earlier than `longest`."""
    step = max(math.ceil(longest / 4), 1)
    return [step * at for at in range(5)]


def _at_risk(pieces: Pieces, places: Any, days: Sequence[int]) -> list[int]:
    """Return how many are watched right after each day."""
    entered, lasted = pieces.entered[places], pieces.lasted[places]
    return [int(((entered <= day) & (lasted > day)).sum()) for day in days]


def _rounded(values: Iterable[float]) -> list[float]:
    return [round(value, _DIGITS) for value in values]


def _points(curve: survival.Curve, *, is_sure: bool) -> dict[str, Any]:
    """Return a curve as it is kept; without bounds where few organisations would make them seem too narrow."""
    return {
        "days": curve.days.astype(int).tolist(),
        "at_risk": curve.at_risk.tolist(),
        "ended": curve.ended.tolist(),
        "left": _rounded(curve.left.tolist()),
        "low": _rounded(curve.low.tolist()) if is_sure else [],
        "high": _rounded(curve.high.tolist()) if is_sure else [],
        "watched_to": int(curve.watched_to),
        "lives": curve.lives,
    }
