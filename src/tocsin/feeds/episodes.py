"""The life of one finding, told from the days that saw it. Pure."""

from __future__ import annotations

import bisect
import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Literal

What = Literal["new", "returned", "gone"]
STRIP_DAYS = 30
_BITS = 64


@dataclasses.dataclass(frozen=True)
class Turn:
    """A day on which the finding became something else."""

    on: dt.date
    what: What


def turns(seen: Iterable[dt.date], counted: Sequence[dt.date], gone_after: int, is_first: bool = True) -> list[Turn]:
    """Return when a finding was new, gone and came back, oldest first.

    It is gone on the day of the `gone_after`-th counted cycle (`counted`, ascending) without it; seen later, it came
    back. `is_first` says whether the first day in `seen` is the first ever.
    """
    found: list[Turn] = []
    last: dt.date | None = None
    for day in sorted(set(seen)):
        if last is None:
            found += [Turn(day, "new")] if is_first else []
        elif (gone := _gone_on(last, counted, gone_after)) is not None and gone < day:
            found += [Turn(gone, "gone"), Turn(day, "returned")]
        last = day
    if last is not None and (gone := _gone_on(last, counted, gone_after)) is not None:
        found.append(Turn(gone, "gone"))
    return found


def _gone_on(last: dt.date, counted: Sequence[dt.date], gone_after: int) -> dt.date | None:
    at = bisect.bisect_right(counted, last) + gone_after - 1
    return counted[at] if at < len(counted) else None


def strip(recent: int, last_cycle: dt.date, opened_on: dt.date, until: dt.date) -> str:
    """Return STRIP_DAYS days up to `until`, oldest first: "s" seen, "n" seen for the first time or again, "." not seen.

    Bit i of `recent` says whether it was seen i days before `last_cycle`; `opened_on` begins its present episode.
    """
    days = (until - dt.timedelta(days=back) for back in reversed(range(STRIP_DAYS)))
    return "".join(_letter(recent, (last_cycle - day).days, day == opened_on) for day in days)


def _letter(recent: int, back: int, is_opening: bool) -> str:
    seen = 0 <= back < _BITS and recent >> back & 1
    return "." if not seen else "n" if is_opening else "s"
