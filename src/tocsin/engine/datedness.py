"""Whether a report is of the day that it says: by the times in its rows, and by what came under other days.

A job that hangs gives out yesterday's file under today's name. What it does not
show was not looked for, so its absence says nothing. Both signs are judged by
what is usual for the list, since others are as they are by nature: a blocklist
may stand still for weeks, and its rows may say when a host was listed first.

- *Old*: no row is of the report's day or of the day before, though in the counted
  cycles before some row was.
- *Repeated*: the same bytes came under an earlier day that counts. Where rows
  were fresh when the bytes came first, they say themselves of which day they are.
  Where they do not, only the bytes of the list's latest counted day are looked
  at, and only where the list was another each time before.

A list that was so once in a cycle that counts, be it that somebody confirmed it,
may be so again. Pure, and a function of the counted cycles before.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Sequence

FRESH_DAYS = 1
"""A report of a day shows that day or the day before: publishers date it by when they looked, or when they sent it."""
WINDOW = 7
"""So many of the latest counted cycles with a list say what is usual of it: a week, so that what stands still each
Sunday is asked about once."""
CHANGED = 4
"""In how many of them, one after another, a list whose rows say no time must have been another to be expected to be."""


@dataclasses.dataclass(frozen=True)
class Dated:
    """What a report says of its own day."""

    name: str
    lists: frozenset[str]
    """Which lists it is of."""
    content: str = ""
    """Digest of its bytes; empty where they say nothing, since there are no rows, or an older version read them."""
    age: int | None = None
    """Days from the newest time in its rows to its own day; None where no row says its time."""

    @property
    def is_old(self) -> bool:
        """Whether no row of it is of its day or of the day before."""
        return self.age is not None and self.age > FRESH_DAYS


@dataclasses.dataclass(frozen=True)
class _Came:
    """A list in a counted cycle."""

    contents: frozenset[str]
    repeated: bool
    timed: bool
    old: bool


class History:
    """What the lists of a type were like in its counted cycles, which are added in the order of their days."""

    def __init__(self) -> None:
        self._first: dict[str, dt.date] = {}
        """The counted day on which bytes came first."""
        self._came: dict[str, list[_Came]] = {}
        """Each list's counted cycles, oldest first."""

    def add(self, on: dt.date, reports: Sequence[Dated]) -> None:
        """Take the reports of a cycle that counts."""
        repeated = {report for report in reports if self._is_repeated(on, report)}
        lists = defaultdict[str, list[Dated]](list)
        for report in reports:
            for one in report.lists:
                lists[one].append(report)
        for one, of_it in lists.items():
            came = _Came(
                frozenset(r.content for r in of_it if r.content),
                repeated=bool(repeated) and not repeated.isdisjoint(of_it),
                timed=any(r.age is not None for r in of_it),
                old=any(r.is_old for r in of_it),
            )
            self._came.setdefault(one, []).append(came)
        for report in reports:
            self._first.setdefault(report.content, on)

    def repeated(self, on: dt.date, reports: Sequence[Dated]) -> tuple[str, ...]:
        """Return the names of reports of a cycle that repeat what came before, though their lists do not usually."""
        found = [r for r in reports if self._is_repeated(on, r) and not self._usually_repeats(on, r)]
        return tuple(sorted(report.name for report in found))

    def old(self, reports: Sequence[Dated]) -> tuple[str, ...]:
        """Return the names of reports that are old, though their lists usually are not."""
        return tuple(sorted(r.name for r in reports if r.is_old and self._is_usually_fresh(r)))

    def _is_repeated(self, on: dt.date, report: Dated) -> bool:
        if not report.content or report.content not in self._first:
            return False
        latest = [came[-1].contents for one in report.lists if (came := self._came.get(one))]
        return self._was_fresh(on, report) or any(report.content in contents for contents in latest)

    def _was_fresh(self, on: dt.date, report: Dated) -> bool:
        """Tell whether its rows were of the day under which its bytes came first, or of the day before that."""
        since = (on - self._first[report.content]).days
        return report.age is not None and report.age - since <= FRESH_DAYS

    def _usually_repeats(self, on: dt.date, report: Dated) -> bool:
        before = [came for came in self._latest(report) if came.contents]
        is_too_early = len(before) < CHANGED and not self._was_fresh(on, report)
        return is_too_early or any(came.repeated for came in before)

    def _is_usually_fresh(self, report: Dated) -> bool:
        before = [came for came in self._latest(report) if came.timed]
        return bool(before) and not any(came.old for came in before)

    def _latest(self, report: Dated) -> list[_Came]:
        """Return the latest counted cycles of each of its lists."""
        return [came for one in sorted(report.lists) for came in self._came.get(one, [])[-WINDOW:]]


__all__ = ["CHANGED", "FRESH_DAYS", "WINDOW", "Dated", "History"]
