"""Weeks of telling, drawn by lot, beside a clerk who reckons from the notices that left and from nothing else."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import datetime as dt
import io
import itertools
import random
from typing import NamedTuple

import pytest

from tests.chance import seeds
from tests.feeds.conftest import Store
from tests.notices.conftest import BY_AT, contact, prepared, suppression
from tests.notices.test_planning import AT, BANKER, DAY, KNOWN, WATCHER, Open, columns
from tocsin.directory.models import Constituent, Contact
from tocsin.kernel.refusals import Conflict
from tocsin.notices import queries
from tocsin.notices.actions import record_outcome
from tocsin.notices.choices import Happening, NoticeState, Whom, Why
from tocsin.notices.courses import Before, Entry, Telling, known
from tocsin.notices.models import Notice, Policy
from tocsin.notices.planning import Addressee, Line, PlannedNotice, Recipient, plan, told_after
from tocsin.notices.rules import Answered, Hours, Step, Terms, is_told_since, why_now

AFTER = (3, 6, 10)
STEPS = tuple(
    Step(days * DAY, whom, "bank") for days, whom in zip(AFTER, (Whom.SECOND, Whom.PARENT, Whom.REGULATOR), strict=True)
)
ANEW = (Why.NEW, Why.RETURNED)
TO = ("Security contact: soc@moh.example", "Second contact: it@moh.example", "Regulator: bank")


@dataclasses.dataclass
class Left:
    """A line of a notice that left."""

    at: dt.datetime
    step: int
    why: Why
    returns: int
    to: str
    course: int
    """The clerk gives each course of a finding a number."""
    notice: int
    came_back: bool = False


class Wanted(NamedTuple):
    """How a finding is told now."""

    why: Why
    step: int
    to: str


@dataclasses.dataclass
class Clerk:
    """Reckons from what left and what came back, by the sentences of the documentation."""

    after: tuple[int, ...] = AFTER
    """Days of the steps."""
    order: tuple[str, ...] = ("soc@moh.example", "it@moh.example")
    """Addresses of the organisation's own, who is told first above."""
    others: tuple[str, ...] = ("soc@bank.example",)
    """Who is told by the steps after the second contact."""
    left: dict[str, list[Left]] = dataclasses.field(default_factory=dict)
    reactions: dict[str, set[int]] = dataclasses.field(default_factory=dict)
    """Courses in which somebody has reacted."""
    contradicted: dict[str, dt.datetime] = dataclasses.field(default_factory=dict)
    """When what is seen all the same was said to be fixed last."""

    def note(self, line: Line, step: int, to: str, at: dt.datetime, notice: int = 0) -> None:
        """Enter a line that leaves: of what was said to be fixed while its list waited, against that answer."""
        known = self.course(line.finding)
        is_against = self._is_against(line.finding, known)
        why = Why.ESCALATED if line.why == Why.DIGEST and is_against else line.why
        is_anew = not known or line.returns > known[-1].returns or (is_against and not step)
        is_anew = is_anew and not (known and self._is_owed(line.finding) == why and line.returns == known[-1].returns)
        left = self.left.setdefault(line.finding, [])
        course = max((each.course for each in left), default=0) + 1 if is_anew else known[-1].course
        left.append(Left(at, step, why, line.returns, to, course, notice))

    def came_back(self, notice: int) -> None:
        """Enter that a notice came back: its findings count as not told."""
        for each in itertools.chain.from_iterable(self.left.values()):
            each.came_back |= each.notice == notice

    def reacted(self, finding: str) -> None:
        """Enter that somebody has reacted: nobody else is told then, as long as the course lasts."""
        self.reactions.setdefault(finding, set()).update(each.course for each in self.course(finding)[:1])

    def lists(self) -> list[dt.datetime]:
        """Return when weekly lists left that did not come back."""
        left = itertools.chain.from_iterable(self.left.values())
        return sorted(each.at for each in left if each.why == Why.DIGEST and not each.came_back)

    def expects(self, finding: str, returns: int, at: dt.datetime) -> Wanted | None:
        """Return why a finding is told now, by which step, and to whom; None where it waits."""
        course = self.course(finding)
        if not course:
            return Wanted(Why.NEW, 0, self.order[0])
        if returns > course[-1].returns:
            return Wanted(Why.RETURNED, 0, self.order[0])
        if self._is_against(finding, course):
            return Wanted(Why.ESCALATED, 0, self.order[0])
        knows = self.order[0] in {each.to for each in course}
        if (why := self._is_owed(finding)) and not knows and not self._has_reacted(finding):
            return Wanted(why, 0, self.order[0])
        if due := self._step(finding, at):
            return Wanted(Why.ESCALATED, *due)
        to_first = [each.at for each in course if not each.step] or [course[0].at]
        is_weekly = all((at.date() - last.date()).days >= 7 for last in (to_first[-1], *self.lists()[-1:]))
        return Wanted(Why.DIGEST, 0, self.order[0]) if is_weekly else None

    def course(self, finding: str) -> list[Left]:
        """Return who knows of a finding since it was told as new, as having come back, or against an answer."""
        known = [each for each in self.left.get(finding, []) if not each.came_back]
        latest = max((each.course for each in known), default=0)
        return [each for each in known if each.course == latest]

    def told_of(self, finding: str, why: str, returns: int) -> str:
        """Return who was told of a finding before it is told so, as the column of the attachment says it."""
        days: dict[str, list[str]] = {}
        course = self.course(finding)
        is_of_the_course = course and (
            why not in ANEW or (self._is_owed(finding) == why and course[-1].returns == returns)
        )
        for each in course if is_of_the_course else []:
            days.setdefault(TO[each.step], []).append(each.at.date().isoformat())
        spans = [(min(told), max(told), to) for to, told in days.items()]
        return "; ".join(f"{first}{f' – {last}' if last > first else ''} {to}" for first, last, to in sorted(spans))

    def _is_owed(self, finding: str) -> Why | None:
        """Return why the course began, where others know of it and the first contact does not."""
        course = self.course(finding)
        opening = next(each for each in self.left[finding] if each.course == course[0].course)
        return opening.why if all(each.step for each in course) else None

    def _is_against(self, finding: str, course: list[Left]) -> bool:
        return bool(finding in self.contradicted and course and course[-1].at <= self.contradicted[finding])

    def _has_reacted(self, finding: str) -> bool:
        return self.course(finding)[0].course in self.reactions.get(finding, set())

    def _step(self, finding: str, at: dt.datetime) -> tuple[int, str] | None:
        if self._has_reacted(finding):
            return None
        course = self.course(finding)
        done, when = max((each.step, each.at) for each in course)
        gone_out = {each.step for each in self.left[finding] if each.course == course[0].course}
        for number in range(1, len(self.after) + 1):
            if any(each.step == number for each in course) or (number < done and number not in gone_out):
                continue  # told, or passed over
            has_waited = at >= course[0].at + self.after[number - 1] * DAY
            between = self.after[number - 1] - self.after[done - 1] if done else 0
            is_due = has_waited and (at.date() - when.date()).days >= between * bool(done)
            to = self._by(number, course)
            if to and (number < done or is_due):
                return number, to
        return None

    def _by(self, number: int, course: list[Left]) -> str:
        """Return who is told by a step: as second contact another than those who know of it."""
        if number > 1:
            return self.others[number - 2]
        told = {each.to for each in course}
        return next((each for each in self.order if each not in told), "")


@dataclasses.dataclass
class Ledgers:
    """What is known of findings, kept as the room keeps it: one telling after the other, anew when one comes back."""

    told: dict[str, Before] = dataclasses.field(default_factory=dict)
    entries: dict[str, list[Entry]] = dataclasses.field(default_factory=dict)

    def leaves(self, notice: PlannedNotice, number: int, at: dt.datetime) -> None:
        """Let a notice leave."""
        self.told |= told_after(self.told, notice, at)
        for line in notice.lines:
            telling = Telling(at, "moh", notice.step, notice.whom, notice.to.to, line.why, line.returns)
            self._enter(line.finding, Entry(at, number, NoticeState.SENT, telling))
        assert all(self.told[each] == known(entries) for each, entries in self.entries.items() if each in self.told)

    def comes_back(self, number: int, at: dt.datetime) -> None:
        """Let it come back."""
        for finding, entries in self.entries.items():
            if sent := [each for each in entries if each.notice == number]:
                self._enter(finding, sent[0]._replace(at=at, what=NoticeState.BOUNCED))
                before = known(entries)
                self.told = {each: kept for each, kept in self.told.items() if each != finding}
                self.told |= {finding: before} if before else {}

    def reacts(self, finding: str, at: dt.datetime) -> None:
        """Let somebody reply to the last notice about a finding."""
        before = self.told[finding]
        self.told[finding] = before._replace(reacted_at=before.reacted_at or at)
        self._enter(finding, self.entries[finding][-1]._replace(at=at, what=Happening.REPLIED))

    def _enter(self, finding: str, entry: Entry) -> None:
        self.entries.setdefault(finding, []).append(entry)


OWN = (Addressee(1, "soc@moh.example"), Addressee(2, "deputy@moh.example"), Addressee(3, "it@moh.example"))


@pytest.mark.parametrize("seed", seeds(24))
def test_in_any_order_of_tellings_lists_bounces_deputies_and_answers_each_is_told_once_and_waits_the_days_between(
    seed: int,
) -> None:
    """Telling, weekly list, step, weekend, stop, bounce, deputy, answer and return, in whatever order they come."""
    lot, clerk, kept = random.Random(seed), Clerk(others=(WATCHER.to, BANKER.to)), Ledgers()
    hours = Hours(frozenset(range(5)), dt.time(8), dt.time(17)) if lot.random() < 0.5 else Hours()
    terms = Terms(1, interval=dt.timedelta(0), steps=STEPS, digest=lot.random() < 0.8, hours=hours)
    returns = dict.fromkeys("abc", 0)
    waiting: list[tuple[dt.datetime, dt.datetime, PlannedNotice]] = []
    at, sent, is_away = AT, 0, False
    for _turn in range(90):
        at += dt.timedelta(hours=lot.choice((1, 7, 13, 24, 30)))
        for made_at, notice in [(made_at, each) for leaves, made_at, each in waiting if leaves <= at]:
            sent, leaving = sent + 1, _looked_at_anew(notice, kept, clerk, returns, made_at)
            for line in leaving.lines:
                clerk.note(line, notice.step, notice.to.to, at, sent)
            kept.leaves(leaving, sent, at)
        waiting = [each for each in waiting if each[0] > at]
        is_away = is_away if lot.random() < 0.8 else not is_away
        own = OWN[1:] if is_away else OWN
        clerk.order = tuple(each.to for each in own)
        _happens(lot, clerk, kept, returns, at, sent)
        prepared = {line.finding for *_at, notice in waiting for line in notice.lines}
        open_now = [Open(each, returns=number) for each, number in returns.items()]
        known_now = dataclasses.replace(
            KNOWN, policies=(terms,), told=kept.told, prepared=frozenset(prepared),
            recipients={**KNOWN.recipients, "moh": Recipient("health", True, (), "state", own[0], own[1:])},
            digests={("moh", 1): clerk.lists()[-1]} if clerk.lists() else {},
            answered={each: Answered("moh", when, is_quiet=False) for each, when in clerk.contradicted.items()},
        )  # fmt: skip
        found = plan(columns(open_now), known_now, at)
        said = {line.finding: (line.why, each.step, each.to.to) for each in found.notices for line in each.lines}
        wanted = {each: clerk.expects(each, number, at) for each, number in returns.items() if each not in prepared}
        if not terms.digest:
            wanted = {each: told_so for each, told_so in wanted.items() if told_so and told_so.why != Why.DIGEST}
        assert said == {each: told_so for each, told_so in wanted.items() if told_so}, at
        if lot.random() < 0.7:  # somebody prepares and sends; mail may be stopped for days
            stopped = lot.choice((0, 0, 0, 2, 5)) * DAY
            waiting += [(each.not_before + stopped, at, each) for each in found.notices]
    assert clerk.left


def _looked_at_anew(
    notice: PlannedNotice, kept: Ledgers, clerk: Clerk, returns: dict[str, int], made_at: dt.datetime
) -> PlannedNotice:
    """Return a notice as it leaves after it has waited: without what is not so any more."""
    lines = []
    for line in notice.lines:
        before, when = kept.told.get(line.finding), clerk.contradicted.get(line.finding)
        answered = Answered("moh", when, is_quiet=False) if when else None
        why = Why(why_now(line.why, line.returns, before, answered))
        if before is None:
            is_left = line.why in ANEW
        else:
            is_past = line.why not in ANEW and returns[line.finding] > before.returns
            is_in_peace = notice.step and before.has_reacted
            is_told = is_told_since(line.why, notice.step, line.returns, before, made_at)
            is_left = not (is_past or is_in_peace or is_told)
        if is_left:
            lines.append(line._replace(why=why, returns=returns[line.finding]))
    return dataclasses.replace(notice, lines=tuple(lines))


def _happens(
    lot: random.Random, clerk: Clerk, kept: Ledgers, returns: dict[str, int], at: dt.datetime, sent: int
) -> None:
    """Let a finding come back, a notice come back undelivered, or somebody react, now and then."""
    finding, chance = lot.choice("abc"), lot.random()
    if chance < 0.04:
        returns[finding] += 1
    elif chance < 0.12 and finding in kept.told:
        kept.reacts(finding, at)
        clerk.reacted(finding)
        if chance < 0.08:  # by saying that it is fixed, while the reports go on showing it
            clerk.contradicted[finding] = at
    elif chance < 0.24 and sent:  # soon, or days later
        number = max(1, sent - lot.choice((0, 0, 1, 3, 6)))
        kept.comes_back(number, at)
        clerk.came_back(number)


@pytest.mark.django_db
def test_each_row_of_each_notice_says_who_was_told_of_it_before_and_when(told: Store) -> None:
    lot, clerk = random.Random(6), Clerk(after=(3, 6))
    Policy.objects.update(
        interval_hours=1, second_after_days=3, regulator_after_days=6, digest=True,
        regulator=Constituent.objects.get(public_id="bank"),
    )  # fmt: skip
    contact("moh", "it@moh.example", role="technical")
    Contact.objects.update(language="en")
    for finding in lot.sample(sorted(_open_findings()), 6):
        suppression(finding=finding, until=AT.date() + lot.randint(0, 5) * DAY)
    at, parts, owed, sent = AT, 0, 0, list[Notice]()
    for _turn in range(12):
        for notice in _prepared(at):
            rows = {row["id"]: row for row in csv.DictReader(io.StringIO(_attached(notice, at)))}
            lines = list(notice.lines.all())
            for line in lines:
                assert clerk.expects(line.finding, line.returns, at) == (line.why, notice.step, notice.to)
            assert {row: said["told"] for row, said in rows.items()} == {
                line.finding: clerk.told_of(line.finding, line.why, line.returns) for line in lines
            }
            parts += _parts_that_are_true(notice, clerk, at)
            Notice.objects.filter(pk=notice.pk).update(state=NoticeState.QUEUED)
            record_outcome(notice, what=NoticeState.SENT, **{**BY_AT, "at": at})
            for line in lines:
                owed += bool(line.why in ANEW and clerk.course(line.finding))
                clerk.note(
                    Line(line.finding, Why(line.why), line.returns, 3, ""), notice.step, notice.to, at, notice.pk
                )
            sent.append(notice)
            if lot.random() < 0.25:
                for line in lines:
                    clerk.reacted(line.finding)
                record_outcome(notice, what=NoticeState.READ, **{**BY_AT, "at": at})
        if sent and lot.random() < 0.3:
            _comes_back(sent[-lot.randint(1, min(6, len(sent)))], clerk, at)
        at += lot.choice((1, 1, 2)) * DAY
    assert parts and owed and any(each.step == 2 for left in clerk.left.values() for each in left)


def _comes_back(notice: Notice, clerk: Clerk, at: dt.datetime) -> None:
    with contextlib.suppress(Conflict):  # it was read
        record_outcome(notice, what=NoticeState.BOUNCED, **{**BY_AT, "at": at})
        clerk.came_back(notice.pk)


def _open_findings() -> set[str]:
    notices = [each for each in queries.plan_now(AT).notices if each.constituent == "moh"]
    return {line.finding for notice in notices for line in notice.lines}


def _prepared(at: dt.datetime) -> list[Notice]:
    with contextlib.suppress(Conflict):  # nobody is to be told anything
        return [each for each in prepared(at) if each.constituent.public_id == "moh"]
    return []


def _attached(notice: Notice, at: dt.datetime) -> str:
    return queries.attachment_of(notice, at, is_revised=True).decode("utf-8-sig")


def _parts_that_are_true(notice: Notice, clerk: Clerk, at: dt.datetime) -> int:
    """Compare the list in the text with the rows; return of how many it says that they were told of some rows only."""
    rows = [clerk.told_of(line.finding, line.why, line.returns) for line in notice.lines.all()]
    letter = queries.letter_of(notice, at, is_revised=True)
    assert {each.who: each.rows for each in letter.told_before} == {
        to: number for to in TO if (number := sum(to in row for row in rows))
    }
    said = queries.text(letter)
    for each in letter.told_others:
        part = f" ({each.rows} of {len(rows)})" if each.rows < len(rows) else ""
        assert f"\n  {each.days}  {each.who}{part}\n" in said
    return sum(each.rows < len(rows) for each in letter.told_others)
