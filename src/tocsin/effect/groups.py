"""Lives sorted into those that were told and those that they are compared with.

Pure: columns in, columns out. A told life is watched from the day on which its
constituent was told: it had to be there to be told. What came before that day
is another piece of the same life. Compared are either

- pieces from before anybody was told of the class (`before`), cut off on that
  day, with told pieces since; or
- lives that began while organisations were held out of their class (`held_out`),
  by the group that the lot put their organisation into, told or not: so nothing
  but the lot tells the two groups apart.

Lives that changed hands, or whose beginning nobody knows, are in neither.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from tocsin.reason.lives import Lives, lives

NEVER = np.int64(1 << 19)
"""A day that does not come: places of a day and a key fit together into a word."""
_DAY_BITS = 20
_EPOCH = dt.date(1970, 1, 1)


def number(day: dt.date) -> int:
    """Return a day as the columns have it."""
    return (day - _EPOCH).days


@dataclasses.dataclass(frozen=True)
class Stock:
    """Lives in columns; constituents and classes by their place among the names."""

    k1: Any
    k2: Any
    category: Any
    categories: tuple[str, ...]
    constituent: Any
    constituents: tuple[str, ...]
    severity: Any
    begin: Any
    watched: Any
    end: Any
    ended: Any
    back: Any
    horizon: Any
    known: Any

    def __len__(self) -> int:
        return len(self.k1)


def stock(table: pa.Table) -> Stock:
    """Return a table of `engine.lives` in columns."""
    (category, categories), (constituent, constituents) = (_coded(table[name]) for name in ("class", "constituent"))
    plain = ("severity", "begin", "watched", "end", "ended", "back", "horizon", "known")
    columns = {name: table[name].to_numpy() for name in plain}
    days = {name: columns[name].astype(np.int64) for name in ("begin", "watched", "end", "back", "horizon")}
    return Stock(
        k1=table["k1"].to_numpy(), k2=table["k2"].to_numpy(), category=category, categories=categories,
        constituent=constituent, constituents=constituents, **{**columns, **days},
    )  # fmt: skip


def _coded(column: pa.ChunkedArray) -> tuple[Any, tuple[str, ...]]:
    whole = column.combine_chunks().fill_null("") if column.null_count else column.combine_chunks()
    return whole.indices.to_numpy(zero_copy_only=False).astype(np.int64), tuple(map(str, whole.dictionary.to_pylist()))


@dataclasses.dataclass(frozen=True)
class Happenings:
    """What happened to findings on which day, in columns: they were told, or went from one hand to another."""

    k1: Any
    k2: Any
    on: Any
    policy: Any
    """By which policy they were told; 0 where they were not."""
    constituent: Any
    """Who was told, as a place among the constituents of the stock; -1 for another."""


@dataclasses.dataclass(frozen=True)
class Telling:
    """Beside each life: when its constituent was first told of it, and by which policy."""

    on: Any
    """NEVER where it was not told, or was over by then."""
    policy: Any
    is_another_s: Any
    """Whether somebody else was told of it."""


def _lives_on(found: Stock, happened: Happenings) -> tuple[Any, Any]:
    """Return which life of its finding each happening falls into, and whether there is one that was there by then."""
    _, code = np.unique(np.concatenate([found.k1, happened.k1]), return_inverse=True)
    of_lives, of_happened = code[: len(found)].astype(np.int64), code[len(found) :].astype(np.int64)
    placed = of_lives << _DAY_BITS | found.begin
    order = np.argsort(placed, kind="stable")
    at = np.searchsorted(placed[order], of_happened << _DAY_BITS | happened.on, "right") - 1
    life = order[np.maximum(at, 0)] if len(order) else np.zeros(len(at), np.int64)
    if not len(order):
        return life, np.zeros(len(at), np.bool_)
    same = (at >= 0) & (of_lives[life] == of_happened) & (found.k2[life] == happened.k2)
    return life, same & (found.end[life] > happened.on)


def telling(found: Stock, told: Happenings) -> Telling:
    """Return when each life was first told."""
    life, was_there = _lives_on(found, told)
    places = np.flatnonzero(was_there)
    places = places[np.lexsort((told.on[places], life[places]))]
    first = places[np.unique(life[places], return_index=True)[1]]
    on, policy = np.full(len(found), NEVER), np.zeros(len(found), np.int64)
    on[life[first]], policy[life[first]] = told.on[first], told.policy[first]
    another = np.zeros(len(found), np.bool_)
    another[life[places[told.constituent[places] != found.constituent[life[places]]]]] = True
    return Telling(on, policy, another)


def handed_over(found: Stock, happened: Happenings) -> Any:
    """Return which lives went from one constituent to another while they lasted (a mask)."""
    life, was_there = _lives_on(found, happened)
    mask = np.zeros(len(found), np.bool_)
    mask[life[was_there]] = True
    return mask


@dataclasses.dataclass(frozen=True)
class Pieces:
    """Pieces of lives to be compared, in columns."""

    life: Any
    """The place of the life."""
    entered: Any
    lasted: Any
    ended: Any
    is_told: Any
    policy: Any
    """By which the life was told; 0 for a piece that was not."""

    def of(self, chosen: Any, found: Stock) -> Lives:
        """Return some pieces as lives; organisations hang together."""
        cluster = found.constituent[self.life[chosen]]
        return lives(self.lasted[chosen], self.ended[chosen], entered=self.entered[chosen], cluster=cluster)


def _pieces(found: Stock, life: Any, entered: Any, end: Any, ended: Any, is_told: Any, policy: Any) -> Pieces:
    begin = found.begin[life]
    is_any = end > entered
    columns = (life, entered - begin, end - begin, ended, is_told, policy)
    return Pieces(*(column[is_any] for column in columns))


def before(found: Stock, told: Telling, chosen: Any) -> Pieces:
    """Return told pieces, and those from before anybody was told of the class."""
    since = first_told(found, told)[found.category]
    is_told = np.flatnonzero(chosen & (told.on < NEVER))
    rest = np.flatnonzero(chosen)
    until = np.minimum(found.end, since)
    natural = _pieces(
        found, rest, found.watched[rest], until[rest], (found.ended & (found.end <= since))[rest],
        np.zeros(len(rest), np.bool_), np.zeros(len(rest), np.int64),
    )  # fmt: skip
    entered = np.maximum(found.watched, told.on)[is_told]
    after = _pieces(
        found, is_told, entered, found.end[is_told], found.ended[is_told],
        np.ones(len(is_told), np.bool_), told.policy[is_told],
    )  # fmt: skip
    return joined([natural, after])


def first_told(found: Stock, told: Telling) -> Any:
    """Return on which day anybody was first told of each class; NEVER where nobody was."""
    days = np.full(max(len(found.categories), 1), NEVER)
    np.minimum.at(days, found.category, told.on)
    return days


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """Organisations that were held out of a class, in numbers of days."""

    category: str
    severities: range
    since: int
    until: int
    """The first day on which they were told."""
    is_held: Any
    """Beside each constituent of the stock, whether the lot put it among those held out."""


def held_out(found: Stock, chosen: Any, hold_outs: Iterable[HeldOut]) -> Pieces:
    """Return lives that began while organisations were held out of their class, by the group of their organisation."""
    return joined([_during(found, chosen, each) for each in hold_outs])


def _during(found: Stock, chosen: Any, hold_out: HeldOut) -> Pieces:
    if hold_out.category not in found.categories:
        return joined([])
    of_class = found.category == found.categories.index(hold_out.category)
    mild = (found.severity >= hold_out.severities.start) & (found.severity < hold_out.severities.stop)
    began = (found.begin > hold_out.since) & (found.begin < hold_out.until)
    life = np.flatnonzero(chosen & of_class & mild & began)
    end = np.minimum(found.end[life], hold_out.until)
    ended = found.ended[life] & (found.end[life] <= hold_out.until)
    is_told = ~hold_out.is_held[found.constituent[life]]
    return _pieces(found, life, found.watched[life], end, ended, is_told, np.zeros(len(life), np.int64))


def joined(pieces: Sequence[Pieces]) -> Pieces:
    """Return pieces as one."""
    kinds = (np.int64, np.int64, np.int64, np.bool_, np.bool_, np.int64)
    names = [field.name for field in dataclasses.fields(Pieces)]
    columns = [
        np.concatenate([np.zeros(0, kind), *(getattr(each, name) for each in pieces)])
        for name, kind in zip(names, kinds, strict=True)
    ]
    return Pieces(*columns)
