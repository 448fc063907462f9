"""Fold observations into findings: new, still, gone, returned.

A finding's state is a function of the days on which it was seen and of the
counted cycles of its type; nothing else. *Gone* is not even stored: a finding is
gone when enough counted cycles lie after the last one that saw it, and one day
for the whole type, the calendar's horizon, says so. So confirming, discarding
or declaring a cycle rewrites no finding.

One partition of keys at a time; arrays in, arrays out. What was known before
enters as one sighting on the last day it was seen.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from tocsin.engine.cycles import Calendar
from tocsin.engine.duplicates import Twins
from tocsin.engine.normalise import EVENT_COLUMNS, MICROSECONDS, TEXT
from tocsin.engine.reattribute import with_holders

Rows = np.ndarray[Any, np.dtype[np.intp]]


class Label(enum.IntEnum):
    """What a sighting was, beside the sightings before it."""

    NEW = 0
    STILL = 1
    RETURNED = 2
    GONE = 3


ASSET: dict[str, pa.DataType] = {
    **{name: kind for name, kind in EVENT_COLUMNS.items() if name not in ("line", "time", "k1", "k2")},
    "constituent": TEXT,
    "claim": TEXT,
}
"""What the latest observation says of the asset."""

LIFE: dict[str, pa.DataType] = {
    "first_seen": MICROSECONDS,
    "last_seen": MICROSECONDS,
    "count": pa.int64(),
    "cycles": pa.int32(),
    "last_cycle": pa.date32(),
    "opened_on": pa.date32(),
    "label": pa.int8(),
    "returns": pa.int32(),
    "recent": pa.uint64(),
    "seen_at": MICROSECONDS,
    "report": pa.uint64(),
    "line": pa.int64(),
}
"""`recent`: bit i is set when it was seen i days before `last_cycle`. `seen_at`, `report`, `line`: the observation that
`ASSET` is taken from."""

STATE: dict[str, pa.DataType] = {"type": TEXT, "k1": pa.uint64(), "k2": pa.uint64(), **ASSET, **LIFE}
STATE_SCHEMA = pa.schema(list(STATE.items()))
_BITS = 64


@dataclasses.dataclass(frozen=True)
class Folded:
    """What became of one partition."""

    state: pa.Table
    """Columns of `STATE`, sorted by key."""
    movements: pa.Table
    """`on`, `label`, `constituent`, `class`, `severity`, `findings`: how many were what, for the days from `since`."""
    duplicates: int
    """Copies among rows whose fingerprints are known."""
    twins: Twins
    """Rows that may be copies of each other, where some have no fingerprint yet."""


def in_key_order(k1: Any, k2: Any, *then: Any, in_runs: bool = False) -> Rows:
    """Return the order by (k1, k2, then…). Keys seldom repeat, so only those that do are sorted by the rest.

    `in_runs`: the rows are two runs, each in this order, and a key of both comes first in the first: so a merge is
    enough, but for keys that share their first word.
    """
    order: Rows = np.argsort(k1, kind="stable" if in_runs else None)
    ordered = k1[order]
    same = ordered[1:] == ordered[:-1]
    if in_runs and not (same & (k2[order[1:]] != k2[order[:-1]])).any():
        return order
    tied = np.flatnonzero(np.append(same, False) | np.insert(same, 0, False))
    if len(tied):
        rows = order[tied]
        order[tied] = rows[np.lexsort((*(column[rows] for column in reversed(then)), k2[rows], k1[rows]))]
    return order


def begins(*columns: Any) -> Any:
    """Return where, in ordered columns, a new combination begins (a mask)."""
    count = len(columns[0])
    mask = np.ones(count, bool)
    mask[1:] = False
    for column in columns:
        mask[1:] |= column[1:] != column[:-1]
    return mask


@dataclasses.dataclass(frozen=True)
class Sightings:
    """Each key on each day that saw it, ordered by key and day. `row` leads to the table that it comes from."""

    k1: Any
    k2: Any
    on: Any
    count: Any
    first: Any
    last: Any
    report: Any
    line: Any
    row: Any


def sightings(rows: pa.Table) -> tuple[Sightings, Twins]:
    """Return the sightings in spilled rows, and the rows of this run that share key and time with another."""
    k1, k2 = rows["k1"].to_numpy(), rows["k2"].to_numpy()
    on = rows["on"].cast(pa.int32()).to_numpy()
    time = rows["time"].cast(pa.int64()).to_numpy()
    report, line = rows["report"].to_numpy(), rows["line"].to_numpy()
    order = in_key_order(k1, k2, on, time, report, line)
    k1, k2, on, time = k1[order], k2[order], on[order], time[order]
    start = np.flatnonzero(begins(k1, k2, on))
    end = np.append(start[1:], len(order)) - 1 if len(start) else start
    twins = _twins(rows, order, begins(k1, k2, on, time))
    latest = order[end]
    found = Sightings(
        k1[start], k2[start], on[start], end - start + 1, time[start], time[end], report[latest], line[latest], latest
    )
    return found, twins


def _twins(rows: pa.Table, order: Rows, moment: Any) -> Twins:
    """Return this run's rows that share key and time; `moment` marks where, in order, such groups begin."""
    group = np.cumsum(moment)
    alone = moment & np.append(moment[1:], True)
    shared, groups = order[~alone], group[~alone]
    part = rows["part"].to_numpy()[shared]
    of_this_run = part >= 0
    shared, groups, part = shared[of_this_run], groups[of_this_run], part[of_this_run]
    return Twins(groups, part, rows["row"].to_numpy()[shared].astype(np.int64), rows["print"].to_numpy()[shared])


def fold(
    report_type: str,
    prior: pa.Table,
    rows: pa.Table,
    calendar: Calendar,
    since: dt.date,
    holders: pa.Table | None = None,
) -> Folded:
    """Fold spilled rows of one partition of a type into what was known of it.

    No row may be of a day before a prior finding's last cycle: what arrives
    late is folded anew, from all observations of its type. `holders` then says
    who held what before (see `reattribute.with_holders`).

    What was seen on a day counts for whom its row was attributed to when it was
    read, what went gone for whoever held it then.
    """
    seen, twins = sightings(rows)
    duplicates, unsettled = twins.settled()
    life = _Life(report_type, prior, rows, seen, calendar)
    state = life.state()
    if holders is not None:
        state = with_holders(state, holders)
    return Folded(state, life.movements(since, state["constituent"]), duplicates, unsettled)


class _Life:
    """The sightings of one partition, those known before among them, as parallel arrays in order of key and day."""

    def __init__(self, kind: str, prior: pa.Table, rows: pa.Table, seen: Sightings, calendar: Calendar) -> None:
        self.type, self.prior, self.rows, self.calendar = kind, prior, rows, calendar
        known, new = prior.num_rows, len(seen.k1)
        days = prior["last_cycle"].cast(pa.int32()).to_numpy()
        k1 = np.concatenate([prior["k1"].to_numpy(), seen.k1])
        k2 = np.concatenate([prior["k2"].to_numpy(), seen.k2])
        on = np.concatenate([days, seen.on])
        is_new = np.repeat([False, True], [known, new])
        # Both are in order of key and day already.
        self.order = in_key_order(k1, k2, on, is_new, in_runs=True) if known and new else None
        self.k1, self.k2, self.on, self.is_new = map(self._ordered, (k1, k2, on, is_new))
        self.seen = seen
        self.starts = np.flatnonzero(begins(self.k1, self.k2))
        self.ends = np.append(self.starts[1:], len(self.on)) - 1 if len(self.starts) else self.starts
        self.label, self.gone_before = self._labels()

    def _ordered(self, values: Any) -> Any:
        return values if self.order is None else values[self.order]

    def _both(self, known: str, fresh: Any, dtype: Any) -> Any:
        """Return, beside each sighting, a column of the prior state or, where it is new, `fresh`: array or number."""
        values = self.prior[known]
        if pa.types.is_temporal(values.type):
            values = values.cast(pa.int32() if pa.types.is_date32(values.type) else pa.int64())
        both = np.empty(len(self.on), dtype)
        both[: self.prior.num_rows] = values.to_numpy()
        both[self.prior.num_rows :] = fresh
        return self._ordered(both)

    def _labels(self) -> tuple[Any, Any]:
        """Return the label of each sighting and, where it returned, the day on which it had gone before."""
        label = self._both("label", 0, np.int8)
        days = self.on.astype("datetime64[D]")
        before = np.roll(days, 1)
        first = np.zeros(len(days), bool)
        first[self.starts] = True
        again = self.is_new & ~first
        same_day = again & (days == before)
        later = again & ~same_day
        away = np.zeros(len(days), bool)
        away[later] = self.calendar.missed(before[later], days[later]) >= self.calendar.gone_after
        label[self.is_new & first] = Label.NEW
        label[later] = np.where(away[later], Label.RETURNED, Label.STILL)
        # A cycle that arrives in several calls: what was known of the day stays what it was.
        label[same_day] = np.roll(label, 1)[same_day]
        gone = np.full(len(days), np.datetime64("NaT", "D"))
        gone[away] = self.calendar.gone_on(before[away])
        self.same_day = same_day
        return label, gone

    def state(self) -> pa.Table:
        """Return one row for each key."""
        seen = self.seen
        days = self._both("cycles", 1, np.int32)
        days[self.same_day] = 0
        returned = self.is_new & ~self.same_day & (self.label == Label.RETURNED)
        chosen = self._latest()
        life = {
            "first_seen": self._over(np.minimum, self._both("first_seen", seen.first, np.int64)),
            "last_seen": self._over(np.maximum, self._both("last_seen", seen.last, np.int64)),
            "count": self._over(np.add, self._both("count", seen.count, np.int64)),
            "cycles": self._over(np.add, days),
            "last_cycle": self.on[self.ends].astype(np.int32),
            "opened_on": self._over(np.maximum, self._opened()),
            "label": self.label[self.ends],
            "returns": self._over(np.add, self._both("returns", 0, np.int32) + returned),
            "recent": self._over(np.bitwise_or, self._recent()),
            "seen_at": self._at(chosen, seen.last, "seen_at"),
            "report": self._at(chosen, seen.report, "report"),
            "line": self._at(chosen, seen.line, "line"),
        }
        kind = pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(self.starts), np.int32)), [self.type])
        columns = {"type": kind, "k1": self.k1[self.starts], "k2": self.k2[self.starts], **self._asset(chosen), **life}
        return pa.table([_typed(columns[name], kind) for name, kind in STATE.items()], schema=STATE_SCHEMA)

    def _over(self, function: Any, values: Any) -> Any:
        return function.reduceat(values, self.starts) if len(self.starts) < len(values) else values

    def _opened(self) -> Any:
        """Return the day on which an episode began at each sighting; long ago where none did."""
        begun = self.is_new & ~self.same_day & (self.label != Label.STILL)
        opened = self._both("opened_on", self.seen.on, np.int32)
        opened[self.is_new & ~begun] = np.iinfo(np.int32).min
        return opened

    def _recent(self) -> Any:
        """Return each sighting's bits, counted back from its key's last day."""
        lengths = np.diff(np.append(self.starts, len(self.on)))
        back = np.repeat(self.on[self.ends], lengths) - self.on
        bits = self._both("recent", 1, np.uint64)
        return np.where(back < _BITS, bits << np.minimum(back, _BITS - 1).astype(np.uint64), np.uint64(0))

    def _latest(self) -> Any:
        """Return the sighting of each key whose observation describes it: the last, by time where one day has two."""
        chosen = self.ends.copy()
        two = np.flatnonzero(self.same_day[self.ends]) if len(self.ends) else chosen[:0]
        if len(two):
            new, old = self.ends[two], self.ends[two] - 1
            older = np.zeros(len(two), bool)
            equal = np.ones(len(two), bool)
            observed = (self.seen.last, self.seen.report, self.seen.line)
            for fresh, (name, kind) in zip(observed, _OBSERVATION, strict=True):
                values = self._both(name, fresh, kind)
                older |= equal & (values[new] < values[old])
                equal &= values[new] == values[old]
            chosen[two[older]] -= 1
        return chosen

    def _at(self, chosen: Any, fresh: Any, known: str) -> Any:
        return self._both(known, fresh, dict(_OBSERVATION)[known])[chosen]

    def _asset(self, chosen: Any, names: Sequence[str] = tuple(ASSET)) -> dict[str, Any]:
        """Return columns of `ASSET` for the chosen sightings, taken from the new rows and the prior ones."""
        known = self.prior.num_rows
        source = self._ordered(np.concatenate([np.arange(known), self.seen.row + known]))
        taken = pa.array(source[chosen])
        both = self.rows.select(names)
        if self.prior.num_rows:
            both = pa.concat_tables([self.prior.select(names), _cast(both)]).unify_dictionaries()
        return {name: both[name].take(taken) for name in names}

    def movements(self, since: dt.date, holders: pa.ChunkedArray) -> pa.Table:
        """Return, for each day from `since`, how many findings of whom were what; `holders` have the findings now."""
        day = (since - dt.date(1970, 1, 1)).days
        seen = np.flatnonzero((self.on >= day) & ~self.same_day)
        between = np.flatnonzero(_on_or_after(self.gone_before, day))
        last_gone = self.calendar.gone_on(self.on[self.ends].astype("datetime64[D]"))
        tail = np.flatnonzero(_on_or_after(last_gone, day))
        at = np.concatenate([seen, between - 1, self.ends[tail]])
        days = np.concatenate(
            [self.on[seen], self.gone_before[between].astype(np.int64), last_gone[tail].astype(np.int64)]
        )
        labels = np.concatenate([self.label[seen], np.full(len(between) + len(tail), Label.GONE, np.int8)])
        asset = self._asset(at, BY)
        if len(tail):
            seen_by = asset["constituent"].slice(0, len(at) - len(tail))
            chunks = [*seen_by.chunks, *holders.take(pa.array(tail)).chunks]
            asset["constituent"] = pa.chunked_array(chunks).unify_dictionaries()
        return _counted(days, labels, asset)


def _on_or_after(days: Any, day: int) -> Any:
    return ~np.isnat(days) & (days.astype(np.int64) >= day)


_OBSERVATION = (("seen_at", np.int64), ("report", np.uint64), ("line", np.int64))
BY = ("constituent", "class", "severity")
MOVEMENTS = pa.schema(
    [
        ("on", pa.date32()),
        ("label", pa.int8()),
        ("constituent", pa.utf8()),
        ("class", pa.utf8()),
        ("severity", pa.int8()),
        ("findings", pa.int64()),
    ]
)


def _counted(days: Any, labels: Any, asset: dict[str, Any]) -> pa.Table:
    """Count by day, label, constituent, class and severity."""
    by = ["on", "label", *BY]
    table = pa.table({"on": pa.array(days.astype(np.int32)).cast(pa.date32()), "label": labels, **asset})
    grouped = table.group_by(by).aggregate([([], "count_all")])
    return grouped.select([*by, "count_all"]).rename_columns(MOVEMENTS.names).cast(MOVEMENTS)


def _cast(table: pa.Table) -> pa.Table:
    return table.cast(pa.schema([(name, ASSET[name]) for name in table.column_names]))


def _typed(values: Any, kind: pa.DataType) -> Any:
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if isinstance(values, pa.Array):
        return values if values.type == kind else values.cast(kind)
    if pa.types.is_timestamp(kind):
        return pa.array(values, pa.int64()).cast(kind)
    return pa.array(values).cast(kind)
