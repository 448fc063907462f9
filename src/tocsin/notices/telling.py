"""Who was told of which finding before, and when: whoever is told now reads it, in the text and beside each row.

It is read from the notices that went out, finding by finding: what is so of one row need not be so of another. A
finding that is told anew (new, come back, open against an answer) begins a course of its own, and only who was told in
that one counts.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from django.db.models import Max
from django.utils.translation import gettext as _

from tocsin.courier import queries as outgoing
from tocsin.directory.models import Constituent
from tocsin.kernel.clock import Instant, day_of
from tocsin.notices.choices import OF_ONES_OWN, ROOM, WENT_OUT, NoticeState, Whom, Why
from tocsin.notices.models import LedgerEntry, Notice, NoticeFinding
from tocsin.notices.planning import begins_anew
from tocsin.notices.writing import ToldBefore

AT_ONCE = 10_000
ANEW = (Why.NEW, Why.RETURNED)
"""Of what is told so for the first time, nobody was told before."""


class Telling(NamedTuple):
    """That somebody was told by a notice."""

    at: Instant
    on: dt.date
    step: int
    whom: Whom
    to: str
    name: str
    """The address of one of the constituent's own, or that it was its own pages; else the name of the organisation."""

    @property
    def addressee(self) -> tuple[Whom, str, str]:
        """By what tellings of the same one, by the same way, are known."""
        return self.whom, self.to.lower(), self.name


@dataclasses.dataclass(frozen=True)
class Story:
    """Who was told of the findings of a notice before it, the earliest first."""

    told: Mapping[str, Sequence[Telling]] = dataclasses.field(default_factory=dict)
    """Finding → since it was first told in its present course; none of one of which nobody was told in it."""
    earlier: Mapping[str, Sequence[Telling]] = dataclasses.field(default_factory=dict)
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


def story_of(
    constituent: Constituent, lines: Mapping[str, str], *, besides: int | None = None, until: Instant | None = None
) -> Story:
    """Return who was told of a constituent's findings, given with why they are told now.

    `besides` is the key of the notice itself; what was told from `until` on, if that is given, is left out.
    """
    history: dict[str, list[tuple[str, Telling]]] = defaultdict(list)
    named = list(lines)
    for first in range(0, len(named), AT_ONCE):
        for finding, why, telling in _tellings(constituent, named[first : first + AT_ONCE], besides, until):
            history[finding].append((why, telling))
    told, earlier = {}, {}
    for finding, several in history.items():
        course, before = _courses(several)
        is_anew = lines[finding] in ANEW
        told[finding] = [] if is_anew else course
        earlier[finding] = [*before, *course] if is_anew else before
    return Story(told, earlier)


def _tellings(
    constituent: Constituent, findings: Sequence[str], besides: int | None, until: Instant | None
) -> Iterator[tuple[str, str, Telling]]:
    """Yield finding, why it was told, and when and to whom."""
    asked = NoticeFinding.objects.filter(
        finding__in=findings, notice__constituent=constituent, notice__state__in=WENT_OUT
    )
    rows = list(asked.exclude(notice=besides).order_by().values_list("finding", "why", "notice"))
    notices = _notices({notice for _finding, _why, notice in rows})
    for finding, why, notice in rows:
        telling = notices.get(notice)
        if telling is not None and (until is None or telling.at < until):
            yield finding, why, telling


def _notices(keys: Iterable[int]) -> dict[int, Telling]:
    """Return when and to whom notices were told; of one that was sent twice, the second time."""
    found: dict[int, Telling] = {}
    named = sorted(keys)
    for first in range(0, len(named), AT_ONCE):
        some = named[first : first + AT_ONCE]
        sent = LedgerEntry.objects.filter(what=NoticeState.SENT, notice__in=some).order_by().values_list("notice")
        sent_at = dict(sent.annotate(Max("at")))
        rows = list(Notice.objects.filter(pk__in=sent_at).select_related("contact__constituent"))
        on_pages = on_own_pages(rows)
        for row in rows:
            at, name = sent_at[row.pk], _("on its own pages") if row.pk in on_pages else _name(row)
            found[row.pk] = Telling(at, day_of(at), row.step, Whom(row.whom), row.to, name)
    return found


def on_own_pages(notices: Iterable[Notice]) -> set[int]:
    """Return those of some notices, by key, that left without a message: told on the constituent's own pages."""
    own = {each.reference: each.pk for each in notices if each.whom in OF_ONES_OWN and each.state in WENT_OUT}
    delivered = LedgerEntry.objects.filter(what=NoticeState.DELIVERED, notice__in=own.values()).order_by()
    told = set(delivered.values_list("notice", flat=True))
    return {own[reference] for reference in own.keys() - outgoing.having_messages(ROOM, own) if own[reference] in told}


def _name(notice: Notice) -> str:
    is_other = notice.whom not in OF_ONES_OWN and notice.contact is not None
    return notice.contact.constituent.local_name if is_other and notice.contact else notice.to


def _courses(several: Sequence[tuple[str, Telling]]) -> tuple[list[Telling], list[Telling]]:
    """Return the tellings of a finding in its latest course, and those before that, given with why it was told."""
    course: list[Telling] = []
    before: list[Telling] = []
    for why, telling in sorted(several, key=lambda each: (each[1].at, each[1].step)):
        if begins_anew(why, telling.step):
            before, course = [*before, *course], []
        course.append(telling)
    return course, before


def _each_once(tellings: Iterable[Sequence[Telling]]) -> Iterator[ToldBefore]:
    days: dict[tuple[Whom, str, str], list[dt.date]] = defaultdict(list)
    rows: dict[tuple[Whom, str, str], int] = defaultdict(int)
    latest: dict[tuple[Whom, str, str], Telling] = {}
    for of_one in tellings:
        for each in of_one:
            days[each.addressee].append(each.on)
            latest[each.addressee] = each
        for addressee in {each.addressee for each in of_one}:
            rows[addressee] += 1
    for addressee in sorted(days, key=lambda each: (min(days[each]), list(Whom).index(each[0]), *each[1:])):
        told, last = days[addressee], latest[addressee]
        yield ToldBefore(min(told), last.whom, last.name, last=max(told), rows=rows[addressee], to=last.to)
