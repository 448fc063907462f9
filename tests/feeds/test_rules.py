"""How an answer stands, by the finding and the clock alone."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tocsin.feeds.choices import AnswerKind, Stands, Verdict
from tocsin.feeds.rules import QUIET, Said, Seen, came_back_since, holding, stands

DAY = dt.timedelta(days=1)
SAID_AT = dt.datetime(2026, 11, 19, 9, tzinfo=dt.UTC)
TODAY = SAID_AT.date()


def said(kind: str = AnswerKind.FIXED, **facts: Any) -> Said:
    """Return an answer of the ministry on the morning of the 19th."""
    return Said(**{"kind": kind, "constituent": "moh", "at": SAID_AT, **facts})


def seen(days: float = -1, **facts: Any) -> Seen:
    """Return a finding of the ministry, open since long, that was last seen so many days after the answer."""
    last = SAID_AT + dt.timedelta(days=days)
    stated = {"constituent": "moh", "is_gone": False, "last_seen": last, "last_cycle": last.date(), "counts": True}
    return Seen(**{**stated, "opened_on": TODAY - 9 * DAY, **facts})


def test_fixed_waits_until_the_reports_have_gone_without_it() -> None:
    assert stands(said(), seen(), TODAY) is Stands.WAITS
    assert stands(said(), seen(is_gone=True), TODAY) is Stands.CONFIRMED


@pytest.mark.parametrize(
    ("last_seen", "expected"),
    [
        ("2026-11-18T23:00:00+00:00", Stands.WAITS),
        ("2026-11-19T08:59:59+00:00", Stands.WAITS),
        ("2026-11-19T23:59:59+00:00", Stands.WAITS),
        ("2026-11-20T00:00:00+00:00", Stands.CONTRADICTED),
        ("2026-11-20T01:30:00+02:00", Stands.WAITS),
        ("2026-11-19T22:30:00-02:00", Stands.CONTRADICTED),
    ],
)
def test_fixed_is_contradicted_by_what_was_seen_on_a_later_day_and_by_nothing_before(
    last_seen: str, expected: Stands
) -> None:
    at = dt.datetime.fromisoformat(last_seen)
    assert stands(said(), seen(last_seen=at, last_cycle=TODAY), TODAY + 5 * DAY) is expected


def test_a_report_of_tomorrow_that_shows_today_contradicts_nothing() -> None:
    assert stands(said(), seen(0, last_cycle=TODAY + DAY), TODAY + 5 * DAY) is Stands.WAITS


def test_a_list_without_times_of_its_own_contradicts_from_the_second_day_on_if_it_counts() -> None:
    listed = SAID_AT - 90 * DAY
    assert stands(said(), seen(last_seen=listed, last_cycle=TODAY + DAY), TODAY) is Stands.WAITS
    assert stands(said(), seen(last_seen=listed, last_cycle=TODAY + 2 * DAY), TODAY) is Stands.CONTRADICTED
    held = seen(last_seen=listed, last_cycle=TODAY + 2 * DAY, counts=False)
    assert stands(said(), held, TODAY) is Stands.WAITS, "yesterday's file again under today's name"


def test_what_came_back_after_it_was_confirmed_is_seen_again() -> None:
    back = seen(30, opened_on=TODAY + 30 * DAY)
    assert stands(said(), back, TODAY + 31 * DAY) is Stands.CONTRADICTED
    assert came_back_since(said(), back) and not came_back_since(said(), seen(3))


def test_an_accepted_risk_holds_to_the_end_of_its_day() -> None:
    accepted = said(AnswerKind.ACCEPTED, until=TODAY + 10 * DAY)
    assert stands(accepted, seen(5), TODAY + 10 * DAY) is Stands.HOLDS
    assert stands(accepted, seen(5), TODAY + 11 * DAY) is Stands.ENDED


def test_an_accepted_risk_ends_when_the_finding_comes_back() -> None:
    accepted = said(AnswerKind.ACCEPTED, until=TODAY + 100 * DAY)
    assert stands(accepted, seen(is_gone=True), TODAY + DAY) is Stands.HOLDS
    assert stands(accepted, seen(20, opened_on=TODAY + 20 * DAY), TODAY + 20 * DAY) is Stands.ENDED


@pytest.mark.parametrize("kind", [AnswerKind.NOT_OURS, AnswerKind.FALSE_POSITIVE])
def test_what_the_team_has_to_agree_to_waits_for_its_word(kind: AnswerKind) -> None:
    assert stands(said(kind), seen(9), TODAY) is Stands.TO_JUDGE
    assert stands(said(kind, verdict=Verdict.REFUSED), seen(9), TODAY) is Stands.REFUSED
    agreed = said(kind, verdict=Verdict.UPHELD, quiet_until=TODAY + 2 * DAY)
    assert stands(agreed, seen(9), TODAY + 2 * DAY) is Stands.HOLDS
    assert stands(agreed, seen(9), TODAY + 3 * DAY) is Stands.ENDED


@pytest.mark.parametrize("kind", [kind for kind in AnswerKind if kind != AnswerKind.TAKEN_BACK])
def test_of_what_is_somebody_elses_by_now_or_is_not_there_nothing_was_said(kind: AnswerKind) -> None:
    answer = said(kind, until=TODAY + DAY)
    assert stands(answer, seen(constituent="bank"), TODAY) is Stands.ENDED
    assert stands(answer, None, TODAY) is Stands.ENDED


def test_nobody_is_told_while_an_answer_stands_or_waits() -> None:
    assert {Stands.WAITS, Stands.HOLDS, Stands.TO_JUDGE} == QUIET


def test_the_last_answer_that_is_not_over_has_the_word() -> None:
    accepted = said(AnswerKind.ACCEPTED, until=TODAY + 9 * DAY)
    refused = said(AnswerKind.FALSE_POSITIVE, verdict=Verdict.REFUSED)
    assert holding([], seen(), TODAY) is None
    assert holding([accepted, refused], seen(), TODAY) == (0, Stands.HOLDS)
    assert holding([accepted, refused], seen(), TODAY + 10 * DAY) == (1, Stands.REFUSED)
    assert holding([accepted, said()], seen(2), TODAY) == (1, Stands.CONTRADICTED)
    assert holding([accepted, said(AnswerKind.TAKEN_BACK)], seen(), TODAY) == (1, Stands.TAKEN_BACK)
