"""What is known of a finding from who was told of it: the courses that it takes, and how far the latest one is.

Pure. A finding begins a course when it is told as new, as having come back, or against an answer; the steps and the
weekly lists after that belong to it. What came back undelivered told nobody: it counts as if it had not been sent, and
is owed as long as others know of the course. A course of which nobody knows is none.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import NamedTuple

from tocsin.kernel.clock import Instant
from tocsin.notices.choices import OF_ONES_OWN, Happening, NoticeState, Whom, Why

ANEW = (Why.NEW, Why.RETURNED)
"""Told for the first time since it was found, or since it came back."""
FIRST = 0
"""The step by which the security contact is told."""


class Telling(NamedTuple):
    """That a notice about a finding left."""

    at: Instant
    constituent: str
    """Public id of whose finding it was."""
    step: int
    whom: Whom
    to: str
    why: Why
    returns: int
    """How often the finding had come back by then."""
    written_at: Instant | None = None
    """When what it says was so, where it was read only later, having come back or been refused; None for `at`."""


class Before(NamedTuple):
    """What a constituent knows of a finding already, by the course that it takes."""

    constituent: str
    first_at: Instant
    """When the first of those was told who know of it since the course began."""
    last_at: Instant
    step: int
    """The last one that was told; 0 where only the security contact was."""
    returns: int
    reacted_at: Instant | None = None
    """When somebody reacted first."""
    security_at: Instant | None = None
    """When its security contact was told last; None for `first_at`."""
    stepped_at: Instant | None = None
    """When the last step was told; None where none was."""
    opened: Why = Why.NEW
    """Why the course began."""
    lost: tuple[int, ...] = ()
    """Steps that were told to nobody in this course, since all that went out by them came back."""
    people: tuple[str, ...] = ()
    """Addresses of the constituent's own who were told in this course, in lower case."""
    written_at: Instant | None = None
    """When the latest of what they know was written, where it was read only later; None for `last_at`."""

    @property
    def has_reacted(self) -> bool:
        """Whether somebody has: nobody else is told of it then."""
        return self.reacted_at is not None

    @property
    def listed_from(self) -> Instant:
        """From when a weekly list is reckoned."""
        return self.security_at or self.first_at

    @property
    def said_at(self) -> Instant:
        """When the latest of what they know was said: whatever came about later, nobody there has been told of."""
        return self.written_at or self.last_at

    @property
    def owed(self) -> tuple[int, ...]:
        """Steps that came back while a later one was told: they are made up for."""
        return tuple(step for step in self.lost if step < self.step)


def begins_anew(why: str, step: int) -> bool:
    """Say whether days are counted from this telling on: of what is new, came back, or is open against an answer."""
    return why in ANEW or (why == Why.ESCALATED and step == FIRST)


def opens(telling: Telling, before: Before | None) -> bool:
    """Say whether a telling begins a course. What makes up for one that came back takes its place in the course."""
    if before is None or before.constituent != telling.constituent:
        return True
    return begins_anew(telling.why, telling.step) and not makes_up(telling.why, telling.step, telling.returns, before)


def makes_up(why: str, step: int, returns: int, before: Before) -> bool:
    """Say whether what would be told was told in this course already, and came back, while others know of it."""
    if step != FIRST:
        return why == Why.ESCALATED and step in before.owed
    return FIRST in before.owed and why == before.opened and returns == before.returns


def after(before: Before | None, telling: Telling) -> Before:
    """Return what is known of a finding once it has been told.

    A weekly list begins nothing anew: steps go on from the first telling.
    """
    if before is None or opens(telling, before):
        return _told(_begun(telling, telling.why), telling)
    return _told(before, telling)


def _begun(telling: Telling, why: Why, lost: Iterable[int] = ()) -> Before:
    return Before(
        telling.constituent, telling.at, telling.at, 0, telling.returns, opened=why, lost=tuple(sorted(lost)),
        written_at=telling.written_at,
    )  # fmt: skip


def _told(before: Before, telling: Telling) -> Before:
    people = {*before.people, telling.to.lower()} if telling.whom in OF_ONES_OWN else before.people
    said_at = telling.at if telling.written_at is None else max(before.said_at, telling.written_at)
    told = before._replace(
        last_at=telling.at,
        written_at=said_at if said_at != telling.at else None,
        returns=telling.returns,
        lost=tuple(step for step in before.lost if step != telling.step),
        people=tuple(sorted(people)),
    )
    if telling.step == FIRST:
        return told._replace(security_at=telling.at)
    is_made_up_for = telling.step < told.step
    return told if is_made_up_for else told._replace(step=telling.step, stepped_at=telling.at)


class Entry(NamedTuple):
    """What stands in the ledger of a notice about a finding."""

    at: Instant
    notice: int
    """Its key."""
    what: str
    """A `NoticeState` or a `Happening`; others than those named below say nothing of who knows."""
    telling: Telling
    """What the notice tells of the finding; its `at` is that of the entry."""


def told_at(ledger: Iterable[tuple[str, Instant]]) -> Instant | None:
    """Return when a notice was told by what stands in its ledger, in order: when it left, or was read all the same.

    None when it came back since, or never left. Courses hold the same of each telling.
    """
    told: Instant | None = None
    for what, at in ledger:
        if what == NoticeState.SENT or (what == NoticeState.READ and told is None):
            told = at
        elif what == NoticeState.BOUNCED:
            told = None
    return told


REACTED = (NoticeState.READ, NoticeState.ACTED, Happening.REPLIED)


@dataclasses.dataclass
class _Left:
    notice: int
    telling: Telling
    came_back: bool = False


@dataclasses.dataclass
class Course:
    """The tellings of a finding from the one that began it to the next that does."""

    left: list[_Left]
    reacted_at: Instant | None = None

    @property
    def told(self) -> list[tuple[int, Telling]]:
        """Those that did not come back, each with the key of its notice."""
        return [(each.notice, each.telling) for each in self.left if not each.came_back]

    def before(self) -> Before | None:
        """Return what is known by it; None while nobody knows."""
        steps = {telling.step for _notice, telling in self.told}
        lost = {each.telling.step for each in self.left} - steps
        known: Before | None = None
        for _notice, telling in self.told:
            known = _told(known or _begun(telling, self.left[0].telling.why, lost), telling)
        return known and known._replace(reacted_at=self.reacted_at)


def courses(entries: Iterable[Entry]) -> list[Course]:
    """Return the courses of a finding of which somebody knows, by what stands in ledgers, the earliest first."""
    found: list[Course] = []
    left: dict[int, _Left] = {}
    """The last telling of each notice."""
    went_at: dict[int, Instant] = {}
    """When each notice left, or was refused."""
    for entry in entries:
        last = left.get(entry.notice)
        is_read_all_the_same = entry.what == NoticeState.READ and (last is None or last.came_back)
        if entry.what in (NoticeState.SENT, NoticeState.BOUNCED):
            went_at[entry.notice] = entry.at if entry.what == NoticeState.SENT else went_at.get(entry.notice, entry.at)
        if entry.what == NoticeState.SENT or is_read_all_the_same:
            written_at = went_at.get(entry.notice) if is_read_all_the_same else None
            left[entry.notice] = _Left(entry.notice, entry.telling._replace(written_at=written_at))
            _enter(left[entry.notice], found, may_begin=not is_read_all_the_same)
        if entry.what == NoticeState.BOUNCED and last is not None:
            last.came_back = True
            found = [each for each in found if each.told]
        if entry.what in REACTED and found and found[-1].reacted_at is None:
            found[-1].reacted_at = entry.at
    return found


def _enter(new: _Left, found: list[Course], *, may_begin: bool) -> None:
    """Enter a telling into the course that it belongs to.

    One that had been refused or come back and was read all the same begins none where another has begun meanwhile: who
    read it knows of that one, or, where the finding has gone and come back since, of none that matters.
    """
    before = found[-1].before() if found else None
    if before is None or (may_begin and opens(new.telling, before)):
        found.append(Course([new]))
    elif may_begin or (before.constituent, before.returns) == (new.telling.constituent, new.telling.returns):
        found[-1].left.append(new)


def known(entries: Iterable[Entry]) -> Before | None:
    """Return what is known of a finding by what stands in ledgers; None where nobody knows."""
    found = courses(entries)
    return found[-1].before() if found else None
