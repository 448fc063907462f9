"""Weeks of telling, drawn by lot, beside a clerk who reckons from the notices that left and from nothing else."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import datetime as dt
import io
import random

import pytest

from tests.chance import seeds
from tests.feeds.conftest import Store
from tests.notices.conftest import BY_AT, contact, prepared, suppression
from tests.notices.test_planning import AT, DAY, KNOWN, Open, columns
from tocsin.directory.models import Constituent, Contact
from tocsin.kernel.refusals import Conflict
from tocsin.notices import queries
from tocsin.notices.actions import record_outcome
from tocsin.notices.choices import NoticeState, Whom, Why
from tocsin.notices.models import Notice, Policy
from tocsin.notices.planning import Line, PlannedNotice, plan, told_after
from tocsin.notices.rules import Answered, Before, Hours, Step, Terms, why_now

AFTER = (3, 6, 10)
STEPS = tuple(
    Step(days * DAY, whom, "bank") for days, whom in zip(AFTER, (Whom.SECOND, Whom.PARENT, Whom.REGULATOR), strict=True)
)
ANEW = (Why.NEW, Why.RETURNED)
TO = ("Security contact: soc@moh.example", "Second contact: it@moh.example", "Regulator: bank")


@dataclasses.dataclass(frozen=True)
class Left:
    """A line of a notice that left."""

    at: dt.datetime
    step: int
    why: Why
    returns: int


@dataclasses.dataclass
class Clerk:
    """Reckons from what left, by the sentences of the documentation."""

    after: tuple[int, ...] = AFTER
    """Days of the steps."""
    left: dict[str, list[Left]] = dataclasses.field(default_factory=dict)
    reactions: dict[str, list[dt.datetime]] = dataclasses.field(default_factory=dict)
    contradicted: dict[str, dt.datetime] = dataclasses.field(default_factory=dict)
    """When what is seen all the same was said to be fixed last."""
    lists: list[dt.datetime] = dataclasses.field(default_factory=list)

    def note(self, line: Line, step: int, at: dt.datetime) -> None:
        """Enter a line that leaves: of what was said to be fixed while its list waited, against that answer."""
        left = self.left.get(line.finding, [])
        is_against = line.finding in self.contradicted and left and left[-1].at <= self.contradicted[line.finding]
        why = Why.ESCALATED if line.why == Why.DIGEST and is_against else line.why
        self.left.setdefault(line.finding, []).append(Left(at, step, why, line.returns))
        if why == Why.DIGEST:
            self.lists.append(at)

    def expects(self, finding: str, returns: int, at: dt.datetime) -> tuple[Why, int] | None:
        """Return why a finding is told now, and by which step; None where it waits."""
        left = self.left.get(finding, [])
        if not left:
            return Why.NEW, 0
        if returns > left[-1].returns:
            return Why.RETURNED, 0
        if finding in self.contradicted and left[-1].at <= self.contradicted[finding]:
            return Why.ESCALATED, 0
        if step := self._step(finding, at):
            return Why.ESCALATED, step
        to_first = [each.at for each in left if not each.step]
        is_weekly = all((at.date() - last.date()).days >= 7 for last in (*to_first[-1:], *self.lists[-1:]))
        return (Why.DIGEST, 0) if is_weekly else None

    def course(self, finding: str) -> list[Left]:
        """Return what left about a finding since it was told as new, as having come back, or against an answer."""
        left = self.left[finding]
        anew = [each.why in ANEW or (each.why == Why.ESCALATED and not each.step) for each in left]
        return left[max(number for number, begins in enumerate(anew) if begins) :]

    def told_of(self, finding: str, why: str) -> str:
        """Return who was told of a finding before it is told so, as the column of the attachment says it."""
        days: dict[str, list[str]] = {}
        for each in [] if why in ANEW else self.course(finding):
            days.setdefault(TO[each.step], []).append(each.at.date().isoformat())
        spans = [(min(told), max(told), to) for to, told in days.items()]
        return "; ".join(f"{first}{f' – {last}' if last > first else ''} {to}" for first, last, to in sorted(spans))

    def _step(self, finding: str, at: dt.datetime) -> int:
        course = self.course(finding)
        if any(when >= course[0].at for when in self.reactions.get(finding, [])):
            return 0
        done, when = max((each.step, each.at) for each in course)
        for number in range(done + 1, len(self.after) + 1):
            has_waited = at >= course[0].at + self.after[number - 1] * DAY
            between = self.after[number - 1] - self.after[done - 1] if done else 0
            if has_waited and (at.date() - when.date()).days >= between * bool(done):
                return number
        return 0


@pytest.mark.parametrize("seed", seeds(24))
def test_in_any_order_of_tellings_lists_weekends_stops_and_answers_the_next_one_waits_the_days_between(
    seed: int,
) -> None:
    """First telling, weekly list, step, weekend, stop, answer and return, in whatever order they come."""
    lot, clerk = random.Random(seed), Clerk()
    hours = Hours(frozenset(range(5)), dt.time(8), dt.time(17)) if lot.random() < 0.5 else Hours()
    terms = Terms(1, interval=dt.timedelta(0), steps=STEPS, digest=lot.random() < 0.8, hours=hours)
    returns = dict.fromkeys("abc", 0)
    told: dict[str, Before] = {}
    waiting: list[tuple[dt.datetime, PlannedNotice]] = []
    at = AT
    for _turn in range(90):
        at += dt.timedelta(hours=lot.choice((1, 7, 13, 24, 30)))
        for notice in [each for leaves, each in waiting if leaves <= at]:
            answered = {each: Answered("moh", when, is_quiet=False) for each, when in clerk.contradicted.items()}
            told = {**told, **told_after(told, _looked_at_anew(notice, told, answered), at)}
            for line in notice.lines:
                clerk.note(line, notice.step, at)
        waiting = [each for each in waiting if each[0] > at]
        _happens(lot, clerk, told, returns, at)
        prepared = {line.finding for _leaves, notice in waiting for line in notice.lines}
        open_now = [Open(each, returns=number) for each, number in returns.items()]
        known = dataclasses.replace(
            KNOWN, policies=(terms,), told=told, prepared=frozenset(prepared),
            digests={("moh", 1): clerk.lists[-1]} if clerk.lists else {},
            answered={each: Answered("moh", when, is_quiet=False) for each, when in clerk.contradicted.items()},
        )  # fmt: skip
        found = plan(columns(open_now), known, at)
        said = {line.finding: (line.why, notice.step) for notice in found.notices for line in notice.lines}
        wanted = {each: clerk.expects(each, number, at) for each, number in returns.items() if each not in prepared}
        if not terms.digest:
            wanted = {each: told_so for each, told_so in wanted.items() if told_so and told_so[0] != Why.DIGEST}
        assert said == {each: told_so for each, told_so in wanted.items() if told_so}, at
        if lot.random() < 0.7:  # somebody prepares and sends; mail may be stopped for days
            stopped = lot.choice((0, 0, 0, 2, 5)) * DAY
            waiting += [(each.not_before + stopped, each) for each in found.notices]
    assert clerk.left


def _looked_at_anew(notice: PlannedNotice, told: dict[str, Before], answered: dict[str, Answered]) -> PlannedNotice:
    """Return a notice as it leaves after it has waited."""
    now = [(each, why_now(each.why, told.get(each.finding), answered.get(each.finding))) for each in notice.lines]
    return dataclasses.replace(notice, lines=tuple(line._replace(why=Why(why)) for line, why in now))


def _happens(
    lot: random.Random, clerk: Clerk, told: dict[str, Before], returns: dict[str, int], at: dt.datetime
) -> None:
    """Let a finding come back, or somebody react, now and then."""
    finding, chance = lot.choice("abc"), lot.random()
    if chance < 0.04:
        returns[finding] += 1
    elif chance < 0.12 and finding in told:
        told[finding] = told[finding]._replace(has_reacted=True)
        clerk.reactions.setdefault(finding, []).append(at)
        if chance < 0.08:  # by saying that it is fixed, while the reports go on showing it
            clerk.contradicted[finding] = at


@pytest.mark.django_db
def test_each_row_of_each_notice_says_who_was_told_of_it_before_and_when(told: Store) -> None:
    lot, clerk = random.Random(1), Clerk(after=(3, 6))
    Policy.objects.update(
        interval_hours=1, second_after_days=3, regulator_after_days=6, digest=True,
        regulator=Constituent.objects.get(public_id="bank"),
    )  # fmt: skip
    contact("moh", "it@moh.example", role="technical")
    Contact.objects.update(language="en")
    for finding in lot.sample(sorted(_open_findings()), 6):
        suppression(finding=finding, until=AT.date() + lot.randint(0, 5) * DAY)
    at, parts = AT, 0
    for _turn in range(14):
        for notice in _prepared(at):
            rows = {row["id"]: row for row in csv.DictReader(io.StringIO(_attached(notice, at)))}
            lines = list(notice.lines.all())
            for line in lines:
                assert clerk.expects(line.finding, line.returns, at) == (line.why, notice.step)
            assert {row: said["told"] for row, said in rows.items()} == {
                line.finding: clerk.told_of(line.finding, line.why) for line in lines
            }
            parts += _parts_that_are_true(notice, clerk, at)
            Notice.objects.filter(pk=notice.pk).update(state=NoticeState.QUEUED)
            record_outcome(notice, what=NoticeState.SENT, **{**BY_AT, "at": at})
            for line in lines:
                clerk.note(Line(line.finding, Why(line.why), line.returns, 3, ""), notice.step, at)
            if lot.random() < 0.25:
                for line in lines:
                    clerk.reactions.setdefault(line.finding, []).append(at)
                record_outcome(notice, what=NoticeState.READ, **{**BY_AT, "at": at})
        at += lot.choice((1, 1, 2)) * DAY
    assert parts and any(each.step == 2 for left in clerk.left.values() for each in left)


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
    rows = [clerk.told_of(line.finding, line.why) for line in notice.lines.all()]
    letter = queries.letter_of(notice, at, is_revised=True)
    assert {each.who: each.rows for each in letter.told_before} == {
        to: number for to in TO if (number := sum(to in row for row in rows))
    }
    said = queries.text(letter)
    for each in letter.told_others:
        part = f" ({each.rows} of {len(rows)})" if each.rows < len(rows) else ""
        assert f"\n  {each.days}  {each.who}{part}\n" in said
    return sum(each.rows < len(rows) for each in letter.told_others)
