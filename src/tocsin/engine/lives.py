"""How long findings were there: a row for each life, from the files of the findings of a type.

A finding that had gone and is seen again begins a new life. A life lasts from
the day that saw it first to the first counted cycle that came without it, where
enough cycles came without it for it to be gone. Whether that is so can be told
up to the type's horizon only: every life is watched up to it, and what is still
there is watched no further, seen later or not. So a life that has ended is known
as soon as one that has not, and a type that stops arriving ends none.

Of what was there when the type's reports began, or came again after a silence,
nobody knows since when: such lives are marked. What began after the horizon is
left out, and counted.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tocsin.engine import lost, parquet
from tocsin.engine.cycles import Calendar
from tocsin.engine.normalise import TEXT
from tocsin.engine.reduce import read_state

LONGEST_SILENCE_DAYS = 7
"""What is first seen after a longer silence of its type may have been there for long."""
LIVES = pa.schema(
    [
        ("k1", pa.uint64()),
        ("k2", pa.uint64()),
        ("type", TEXT),
        ("class", TEXT),
        ("severity", pa.int8()),
        ("constituent", TEXT),
        ("number", pa.int32()),
        ("begin", pa.int32()),
        ("watched", pa.int32()),
        ("end", pa.int32()),
        ("ended", pa.bool_()),
        ("back", pa.int32()),
        ("horizon", pa.int32()),
        ("known", pa.bool_()),
    ]
)
"""Days since 1970. `number`: how often it had come back. `watched`: from when on it is among those at risk. `end`: the
first counted cycle without it where it `ended`, else the horizon. `back`: when it was seen again, 0 for not. `known`:
whether it began when it was first seen, as far as can be known."""
_READ = ("k1", "k2", "class", "severity", "constituent", "first_seen", "cycles", "last_cycle", "opened_on", "returns",
         "recent")  # fmt: skip
_BITS = 64
_AT_ONCE = 20_000
"""Findings whose bits are spread out at once: 10 MB."""
_EPOCH = dt.date(1970, 1, 1)


@dataclasses.dataclass(frozen=True)
class Source:
    """A report type whose lives are asked for."""

    type: str
    files: tuple[Path, ...]
    """Of its findings."""
    parts: tuple[tuple[dt.date, Path], ...]
    """Its observations that count, with the day of their cycle."""
    counted: tuple[dt.date, ...]
    gone_after: int
    came: tuple[dt.date, ...]
    """Days of all its cycles."""
    kept_from: dt.date | None = None
    """The first day whose observations are kept; None for all. What had gone before is forgotten, so that only what
    was there then is watched, and from then on."""


@dataclasses.dataclass(frozen=True)
class Found:
    """The lives of a type, and how many could not be taken."""

    lives: pa.Table
    """Columns of LIVES."""
    too_young: int = 0
    """They began after the horizon."""


def lives_of(source: Source) -> Found:
    """Return the lives of the findings of a type that are somebody's. Raises LostFile."""
    calendar = Calendar(source.counted, source.gone_after)
    tables = [read_state(file, _READ) for file in source.files]
    if calendar.horizon is None or not tables:
        return Found(LIVES.empty_table())
    state = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
    state = state.filter(state["constituent"].is_valid())
    horizon = _number(calendar.horizon)
    earlier = _earlier(source, state, calendar)
    lives = _joined(_latest(state, calendar), earlier)
    begin, came = lives["begin"], np.array(sorted(map(_number, source.came)), np.int32)
    before = np.searchsorted(came, begin, "left") - 1
    is_known = (before >= 0) & (begin - came[np.maximum(before, 0)] <= LONGEST_SILENCE_DAYS)
    is_old = begin < horizon
    first = _number(source.kept_from) if source.kept_from else np.iinfo(np.int32).min
    lives["watched"] = np.maximum(begin, first)
    lives["end"] = np.where(lives["ended"], lives["end"], horizon)
    lives["known"] = is_known
    chosen = is_old & (lives["end"] > lives["watched"])
    return Found(_table(source.type, state, lives, chosen, horizon), int((~is_old).sum()))


Columns = dict[str, Any]
"""`row` leads to the finding."""
_NAMES = ("row", "number", "begin", "end", "ended", "back")


def _latest(state: pa.Table, calendar: Calendar) -> Columns:
    """Return the last life of each finding, which alone may not have ended."""
    last = _days(state, "last_cycle")
    end, has_end = _after(last, calendar)
    horizon = _number(calendar.horizon or dt.date.min)
    count = state.num_rows
    return {
        "row": np.arange(count),
        "number": state["returns"].to_numpy().astype(np.int32),
        "begin": _days(state, "opened_on"),
        "end": end,
        "ended": has_end & (last < horizon),
        "back": np.zeros(count, np.int32),
    }


def _earlier(source: Source, state: pa.Table, calendar: Calendar) -> Columns:
    """Return the lives of findings that have come back, but for their last ones."""
    returned = np.flatnonzero(state["returns"].to_numpy() > 0)
    if not len(returned):
        return {name: np.zeros(0, np.bool_ if name == "ended" else np.int32) for name in _NAMES}
    last, recent = _days(state, "last_cycle")[returned], state["recent"].to_numpy()[returned]
    cycles = state["cycles"].to_numpy()[returned]
    at, day = _by_bits(recent, last)
    known = np.bincount(at, minlength=len(returned))
    lacking = np.flatnonzero(known < cycles)
    if len(lacking):
        more_at, more_day = _by_observations(source, state, returned[lacking])
        at, day = np.concatenate([at, lacking[more_at]]), np.concatenate([day, more_day])
        both = np.unique(at.astype(np.int64) << 32 | day.astype(np.int64))
        at, day = both >> 32, (both & 0xFFFFFFFF).astype(np.int32)
    return _between(state, returned, at, day, calendar)


def _by_bits(recent: Any, last: Any) -> tuple[Any, Any]:
    """Return which finding was seen on which day, by the bits of its last 64 days; in order of both."""
    back = np.arange(_BITS - 1, -1, -1, dtype=np.uint64)
    found = []
    for first in range(0, len(recent), _AT_ONCE):
        some = recent[first : first + _AT_ONCE]
        at, place = np.nonzero((some[:, None] >> back) & np.uint64(1))
        found.append((at + first, last[first + at] - (_BITS - 1 - place).astype(np.int32)))
    return np.concatenate([at for at, _ in found]), np.concatenate([day for _, day in found])


def _by_observations(source: Source, state: pa.Table, rows: Any) -> tuple[Any, Any]:
    """Return the same for findings that were seen before their last 64 days, from what is kept of the reports."""
    k1, k2 = state["k1"].to_numpy()[rows], state["k2"].to_numpy()[rows]
    order = np.argsort(k1)
    found = [(np.zeros(0, np.int64), np.zeros(0, np.int32))]
    for on, path in source.parts:
        with lost.told(path), pq.ParquetFile(parquet.whole(path)) as file:
            seen = file.read(["k1", "k2"])
        here = seen["k1"].to_numpy()
        place = order[np.minimum(np.searchsorted(k1, here, sorter=order), len(order) - 1)]
        same = (k1[place] == here) & (k2[place] == seen["k2"].to_numpy())
        places = np.unique(place[same])
        found.append((places, np.full(len(places), _number(on), np.int32)))
    return np.concatenate([at for at, _ in found]), np.concatenate([day for _, day in found])


def _between(state: pa.Table, returned: Any, at: Any, day: Any, calendar: Calendar) -> Columns:
    """Return the lives that lie between the days which saw findings; `at` names the finding among those returned."""
    again = np.flatnonzero(at[1:] == at[:-1]) + 1  # a sighting with another of its finding before it
    missed = calendar.missed(day[again - 1].astype("datetime64[D]"), day[again].astype("datetime64[D]"))
    opens = again[missed >= calendar.gone_after]  # where a life begins anew: the one before it ended
    whose = at[opens]
    # The place of each among those of its finding, counted from the last.
    left = np.searchsorted(whose, whose, "right") - np.arange(len(whose))
    rows = returned[whose]
    number = state["returns"].to_numpy()[rows] - left
    first = np.searchsorted(at, whose, "left")
    is_first = np.append(True, whose[1:] != whose[:-1])[: len(whose)]
    begins = np.where(is_first, first, np.append(0, opens[:-1])[: len(opens)])
    seen = np.bincount(at, minlength=len(returned))[whose]
    is_whole = seen == state["cycles"].to_numpy()[rows]
    begin = np.where(is_first & ~is_whole, _days(state, "first_seen")[rows], day[begins])
    end, has_end = _after(day[opens - 1], calendar)
    # Of one whose beginning is not among the days that are kept, only the first life's is known.
    chosen = (number >= 0) & has_end & (~is_first | is_whole | (number == 0))
    columns = {"row": rows, "number": number, "begin": begin, "end": end, "ended": has_end, "back": day[opens]}
    return {name: column[chosen] for name, column in columns.items()}


def _after(last: Any, calendar: Calendar) -> tuple[Any, Any]:
    """Return the first counted cycle after each day, and whether there is one."""
    days = calendar.days.astype(np.int64).astype(np.int32)
    at = np.searchsorted(days, last, "right")
    return np.append(days, 0)[at].astype(np.int32), at < len(days)


def _joined(one: Columns, other: Columns) -> Columns:
    return {name: np.concatenate([one[name], other[name]]) for name in _NAMES}


def _table(kind: str, state: pa.Table, lives: Columns, chosen: Any, horizon: int) -> pa.Table:
    rows = pa.array(lives["row"][chosen])
    of_finding = state.select(["k1", "k2", "class", "severity", "constituent"]).take(rows)
    columns = {name: of_finding[name] for name in of_finding.column_names}
    columns |= {name: lives[name][chosen] for name in (*_NAMES[1:], "watched", "known")}
    columns["type"] = pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(rows), np.int32)), [kind])
    columns["horizon"] = np.full(len(rows), horizon, np.int32)
    return pa.table({field.name: columns[field.name] for field in LIVES}).cast(LIVES)


def _days(state: pa.Table, name: str) -> Any:
    """Return a column of days, or of instants as days."""
    column = state[name]
    if pa.types.is_timestamp(column.type):
        return (column.cast(pa.int64()).to_numpy() // 86_400_000_000).astype(np.int32)
    return column.cast(pa.int32()).to_numpy()


def _number(day: dt.date) -> int:
    return (day - _EPOCH).days


def together(found: Sequence[Found]) -> Found:
    """Return the lives of several types as those of one."""
    tables = [each.lives for each in found if each.lives.num_rows]
    lives = pa.concat_tables(tables).unify_dictionaries().combine_chunks() if tables else LIVES.empty_table()
    return Found(lives, sum(each.too_young for each in found))


_LETTERS = b"abcdefghijklmnopqrstuvwxyz234567"


def words_of_many(public: Sequence[str]) -> tuple[Any, Any]:
    """Return the two words of each of many public ids, which are known to be such."""
    values = np.zeros(256, np.uint64)
    values[np.frombuffer(_LETTERS, np.uint8)] = np.arange(32, dtype=np.uint64)
    letters = values[np.array(public, "S26").view(np.uint8).reshape(-1, 26)]
    return _word(letters, range(12)) << np.uint64(4) | letters[:, 12] >> np.uint64(1), _second(letters)


def _second(letters: Any) -> Any:
    middle = _word(letters, range(13, 25))
    return (letters[:, 12] & np.uint64(1)) << np.uint64(63) | middle << np.uint64(3) | letters[:, 25] >> np.uint64(2)


def _word(letters: Any, places: Iterable[int]) -> Any:
    word = np.zeros(len(letters), np.uint64)
    for place in places:
        word = word << np.uint64(5) | letters[:, place]
    return word
