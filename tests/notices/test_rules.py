"""Which policy holds, when somebody works there, what is suppressed, who is told next."""

from __future__ import annotations

import datetime as dt

import pytest

from tocsin.notices.choices import NoticeState, Whom
from tocsin.notices.courses import Before
from tocsin.notices.rules import (
    Hours,
    Step,
    Suppressed,
    Terms,
    due_step,
    is_digest_due,
    language_of,
    may_follow,
    not_before,
    policy_for,
)

AT = dt.datetime(2026, 11, 19, 9, 0, tzinfo=dt.UTC)
"""A Thursday."""
DAY = dt.timedelta(days=1)


def terms(key: int, **scope: str) -> Terms:
    return Terms(key, **scope)  # type: ignore[arg-type]


RDP = "vulnerable-system"
LADDER = [
    terms(1),
    terms(2, category=RDP),
    terms(3, sector="health"),
    terms(4, sector="health", category=RDP),
    terms(5, constituent="moh"),
    terms(6, constituent="moh", category=RDP),
]
"""Each holds before all that stand before it."""


@pytest.mark.parametrize("known", range(1, 7))
def test_the_most_specific_policy_holds(known: int) -> None:
    held = policy_for(reversed(LADDER[:known]), "moh", "health", RDP)
    assert held is not None and held.key == known


def test_a_policy_is_not_for_others() -> None:
    assert policy_for(LADDER[2:], "bank", "finance", RDP) is None
    assert policy_for(LADDER[5:], "moh", "health", "infected-system") is None


def test_without_any_policy_nobody_is_told() -> None:
    assert policy_for([], "moh", "health", RDP) is None


OFFICE = Hours(frozenset(range(5)), dt.time(8), dt.time(17), "Africa/Nairobi")


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-19T09:00", "2026-11-19T09:00"),  # Thursday noon in Nairobi
        ("2026-11-19T03:00", "2026-11-19T05:00"),  # before eight there
        ("2026-11-19T14:00", "2026-11-20T05:00"),  # five in the afternoon: closed
        ("2026-11-20T15:00", "2026-11-23T05:00"),  # Friday evening: Monday
        ("2026-11-21T09:00", "2026-11-23T05:00"),  # Saturday
    ],
)
def test_a_notice_waits_for_the_working_hours_of_its_reader(at: str, expected: str) -> None:
    instant = dt.datetime.fromisoformat(at).replace(tzinfo=dt.UTC)
    assert not_before(OFFICE, instant) == dt.datetime.fromisoformat(expected).replace(tzinfo=dt.UTC)


def test_without_working_hours_it_may_leave_at_once() -> None:
    assert not_before(Hours(), AT) == AT


def test_clocks_that_are_put_forward_do_not_shift_the_working_hours() -> None:
    hours = Hours(frozenset(range(7)), dt.time(8), dt.time(17), "Europe/Paris")
    night = dt.datetime(2026, 3, 29, 0, 30, tzinfo=dt.UTC)  # the night of the change
    assert not_before(hours, night) == dt.datetime(2026, 3, 29, 6, 0, tzinfo=dt.UTC)


def test_every_part_of_a_suppression_must_fit() -> None:
    rule = Suppressed(AT.date(), constituent="moh", category=RDP, first=10, last=20)
    assert rule.covers("moh", RDP, "f", 15)
    assert not rule.covers("bank", RDP, "f", 15)
    assert not rule.covers("moh", "other", "f", 15)
    assert not rule.covers("moh", RDP, "f", 21)
    assert not rule.covers("moh", RDP, "f", None)


STEPS = (Step(3 * DAY, Whom.SECOND), Step(7 * DAY, Whom.PARENT))


@pytest.mark.parametrize(
    ("days", "done", "due"), [(2, 0, 0), (3, 0, 1), (3, 1, 0), (7, 0, 1), (7, 1, 2), (30, 2, 0), (30, 0, 1)]
)
def test_steps_are_taken_once_and_in_their_order(days: int, done: int, due: int) -> None:
    before = Before("moh", AT - days * DAY, AT - days * DAY, done, 0)
    assert due_step(STEPS, before, AT) == due


@pytest.mark.parametrize(("since", "passed", "due"), [(0, 0, 0), (3, 0, 0), (4, 0, 2), (10, 2, 0), (11, 2, 3)])
def test_a_step_waits_the_days_between_it_and_the_one_that_was_really_told(since: int, passed: int, due: int) -> None:
    """The second contact was told late: days 3, 7 and 14 lie 4, and 11 where the parent is passed over, apart."""
    steps = (*STEPS, Step(14 * DAY, Whom.REGULATOR))
    first, late = AT - 40 * DAY, AT - since * DAY + dt.timedelta(minutes=1)
    before = Before("moh", first, late, 1, 0, security_at=first, stepped_at=late)
    assert due_step(steps, before, AT, passed=passed) == due
    listed = before._replace(security_at=AT, last_at=AT)
    assert due_step(steps, listed, AT, passed=passed) == due, "a weekly list to the first contact counts for nothing"


def test_who_has_reacted_is_left_in_peace() -> None:
    assert due_step(STEPS, Before("moh", AT - 30 * DAY, AT, 0, 0, reacted_at=AT), AT) == 0


@pytest.mark.parametrize(("told", "listed", "due"), [(7, None, True), (6, None, False), (20, 7, True), (20, 3, False)])
def test_a_weekly_list_comes_weekly(told: int, listed: int | None, due: bool) -> None:
    last = AT - listed * DAY if listed else None
    assert is_digest_due(AT - told * DAY, last, AT) is due


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [(["", "fr"], "fr"), (["qol", "fr_CA"], "fr"), (["qol"], "en"), ([], "en"), (["FR-ca"], "fr")],
)
def test_the_first_language_that_we_speak_is_taken(wanted: list[str], expected: str) -> None:
    assert language_of(wanted, ("en", "fr"), "en") == expected


def test_what_nobody_has_read_is_not_sent() -> None:
    assert not may_follow(NoticeState.QUEUED, NoticeState.PLANNED)
    assert may_follow(NoticeState.QUEUED, NoticeState.PREVIEWED)


@pytest.mark.parametrize("state", NoticeState)
def test_nothing_leads_back_into_the_house(state: NoticeState) -> None:
    left = {NoticeState.SENT, NoticeState.DELIVERED, NoticeState.BOUNCED, NoticeState.READ, NoticeState.ACTED}
    early = {NoticeState.PLANNED, NoticeState.PREVIEWED, NoticeState.QUEUED, NoticeState.DISCARDED}
    assert state not in left or not any(may_follow(each, state) for each in early)
    assert not may_follow(state, state)
