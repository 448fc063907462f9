"""Who was told of which finding before, and when: whoever is told now reads it, in the text and beside each row.

It is read from the ledgers of notices, finding by finding: what is so of one row need not be so of another. A finding
that is told anew (new, come back, open against an answer) begins a course of its own, and only who was told in that one
counts (see `courses`).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tocsin.directory.models import Constituent
from tocsin.kernel.clock import Instant, day_of
from tocsin.notices.choices import OF_ONES_OWN, Channel, Whom
from tocsin.notices.courses import ANEW, FIRST, Course, Telling, courses, makes_up
from tocsin.notices.history import AT_ONCE, entries_of
from tocsin.notices.models import Notice
from tocsin.notices.ways import addressee, ways_gone
from tocsin.notices.writing import ToldBefore


class KnownBy(NamedTuple):
    """Who was told of a finding, and when."""

    at: Instant
    on: dt.date
    whom: Whom
    to: str
    name: str
    """The address of one of the constituent's own, or that it was its own pages; else the name of the organisation."""

    @property
    def reader(self) -> tuple[Whom, str, str]:
        """By what tellings of the same one, by the same way, are known."""
        return self.whom, self.to.lower(), self.name


@dataclasses.dataclass(frozen=True)
class Story:
    """Who was told of the findings of a notice before it, the earliest first."""

    told: Mapping[str, Sequence[KnownBy]] = dataclasses.field(default_factory=dict)
    """Finding → since it was first told in its present course; none of one of which nobody was told in it."""
    earlier: Mapping[str, Sequence[KnownBy]] = dataclasses.field(default_factory=dict)
    """Finding → in courses before that."""

    def told_before(self) -> tuple[ToldBefore, ...]:
        """Return everybody who was told of any of them, each once, with the days and of how many."""
        return tuple(_each_once(self.told.values()))

    def of(self, finding: str) -> tuple[ToldBefore, ...]:
        """Return everybody who was told of one of them."""
        return tuple(_each_once([self.told.get(finding, ())]))

    def told_again(self, reader: str) -> tuple[int, dt.date | None]:
        """Return of how many of them a reader was told in an earlier course, and on which day last."""
        theirs = [
            max(each.at for each in tellings if each.to.lower() == reader.lower())
            for tellings in self.earlier.values()
            if any(each.to.lower() == reader.lower() for each in tellings)
        ]
        return len(theirs), day_of(max(theirs)) if theirs else None

    def told_gone(self, came_back: Iterable[str]) -> tuple[int, dt.date | None]:
        """Return of how many findings that came back somebody was told before they had gone, and on which day last."""
        theirs = [max(each.at for each in tellings) for one in came_back if (tellings := self.earlier.get(one))]
        return len(theirs), day_of(max(theirs)) if theirs else None


class ToTell(NamedTuple):
    """What is told of a finding, as its notice has it."""

    why: str
    returns: int
    """How often it had come back by then."""


def story_of(
    constituent: Constituent, lines: Mapping[str, ToTell], *, besides: int | None = None, until: Instant | None = None
) -> Story:
    """Return who was told of a constituent's findings before they are told so.

    `besides` is the key of the notice itself; what happened from `until` on, if that is given, is left out.
    """
    taken = {
        finding: found
        for finding, entries in entries_of(list(lines), of=constituent, besides=besides, until=until).items()
        if (found := courses(entries))
    }
    names = _names({notice for found in taken.values() for course in found for notice, _telling in course.told})
    told: dict[str, list[KnownBy]] = {}
    earlier: dict[str, list[KnownBy]] = {}
    for finding, found in taken.items():
        is_of_the_last = not _begins_anew(lines[finding], found[-1])
        before, course = (found[:-1], found[-1:]) if is_of_the_last else (found, [])
        told[finding] = [_known_by(*each, names) for one in course for each in one.told]
        earlier[finding] = [_known_by(*each, names) for one in before for each in one.told]
    return Story(told, earlier)


def _begins_anew(line: ToTell, course: Course) -> bool:
    """Say whether a line tells of a finding anew, after its last course.

    What is open against an answer does, too, but its reader is to know who was told of what was answered.
    """
    before = course.before()
    return line.why in ANEW and not (before and makes_up(line.why, FIRST, line.returns, before))


def _known_by(notice: int, telling: Telling, names: Mapping[int, str]) -> KnownBy:
    return KnownBy(telling.at, day_of(telling.at), telling.whom, telling.to, names[notice])


def _names(notices: Iterable[int]) -> dict[int, str]:
    """Return how who was told by each of some notices is named."""
    found: dict[int, str] = {}
    named = sorted(notices)
    for first in range(0, len(named), AT_ONCE):
        some = Notice.objects.filter(pk__in=named[first : first + AT_ONCE])
        rows = list(some.select_related("contact__constituent"))
        ways = ways_gone(row for row in rows if row.whom in OF_ONES_OWN)
        found |= {row.pk: addressee(_name(row), ways.get(row.pk, Channel.MAIL)) for row in rows}
    return found


def _name(notice: Notice) -> str:
    is_other = notice.whom not in OF_ONES_OWN and notice.contact is not None
    return notice.contact.constituent.local_name if is_other and notice.contact else notice.to


def _each_once(tellings: Iterable[Sequence[KnownBy]]) -> Iterator[ToldBefore]:
    days: dict[tuple[Whom, str, str], list[dt.date]] = defaultdict(list)
    rows: dict[tuple[Whom, str, str], int] = defaultdict(int)
    latest: dict[tuple[Whom, str, str], KnownBy] = {}
    for of_one in tellings:
        for each in of_one:
            days[each.reader].append(each.on)
            latest[each.reader] = each
        for reader in {each.reader for each in of_one}:
            rows[reader] += 1
    for reader in sorted(days, key=lambda each: (min(days[each]), list(Whom).index(each[0]), *each[1:])):
        told, last = days[reader], latest[reader]
        yield ToldBefore(min(told), last.whom, last.name, last=max(told), rows=rows[reader], to=last.to)
