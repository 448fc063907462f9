"""Notices that came back, and deputies who were told in somebody's place: who is told next, and what each reads."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.feeds.conftest import AT, Store
from tests.notices.conftest import BY_AT, DAY, contact, prepared, send
from tocsin.audit.actors import COMMAND_LINE
from tocsin.directory import actions as directory
from tocsin.directory.models import Constituent, Contact
from tocsin.kernel.refusals import Conflict
from tocsin.notices import actions, queries
from tocsin.notices.choices import NoticeState, Whom
from tocsin.notices.models import Notice, Policy, Told

SOC, DEPUTY, OTHER = "soc@bank.example", "deputy@bank.example", "noc@bank.example"


@pytest.fixture
def stepped(told: Store) -> Store:
    """A second contact is told after two days, the ministry as regulator after four."""
    Policy.objects.update(
        interval_hours=1, second_after_days=2, regulator_after_days=4,
        regulator=Constituent.objects.get(public_id="moh"),
    )  # fmt: skip
    soc = Contact.objects.get(email=SOC)
    contact("bank", DEPUTY, role="technical", deputy_of=soc)
    contact("bank", OTHER, role="technical", verified_on=dt.date(2026, 11, 1))
    return told


def tell(at: dt.datetime) -> list[Notice]:
    """Prepare and send what is due; return the notices about the bank."""
    try:
        made = prepared(at)
    except Conflict:  # nobody is to be told anything
        return []
    for each in made:
        send(each, at)
    return [each for each in made if each.constituent.public_id == "bank"]


def comes_back(notice: Notice, at: dt.datetime) -> None:
    actions.record_outcome(notice, what=NoticeState.BOUNCED, note="5.1.1", by=COMMAND_LINE, at=at)


def reads(notice: Notice) -> str:
    return queries.text(queries.letter_of(notice))


def change(email: str, **facts: Any) -> None:
    directory.change_contact(Contact.objects.get(email=email), **facts, **BY_AT)


def test_who_was_away_is_told_next_and_the_deputy_is_not_told_twice(stepped: Store) -> None:
    change(SOC, is_active=False)
    (first,) = tell(AT)
    change(SOC, is_active=True)
    (second,) = tell(AT + 2 * DAY)
    assert (first.to, second.to, second.whom) == (DEPUTY, SOC, Whom.SECOND)
    (regulator,) = tell(AT + 4 * DAY)
    said = reads(regulator)
    assert said.count(DEPUTY) == said.count(SOC) == 1 and "(you)" not in reads(second)


def test_where_deputy_and_contact_know_the_next_one_is_the_second_contact(stepped: Store) -> None:
    change(SOC, is_active=False)
    tell(AT)
    (second,) = tell(AT + 2 * DAY)
    assert second.to == OTHER


def test_a_late_bounce_of_the_first_is_made_up_for_and_nobody_hears_twice(stepped: Store) -> None:
    (first,) = tell(AT)
    (second,) = tell(AT + 2 * DAY)
    comes_back(first, AT + 3 * DAY)
    (again,) = tell(AT + 3 * DAY)
    assert (again.to, again.whom, again.new, again.total) == (SOC, Whom.SECURITY, first.new, first.total)
    said = reads(again)
    assert f"{second.to}" in said and "Told of these besides you:" in said and "is new." in said
    assert {row.security_at for row in Told.objects.filter(constituent="bank")} == {AT + 3 * DAY}
    (regulator,) = tell(AT + 6 * DAY)
    assert regulator.whom == Whom.REGULATOR, "the second contact is not told once more"
    assert SOC in reads(regulator) and second.to in reads(regulator)


def test_a_deputy_who_was_second_is_not_told_again_as_the_first(stepped: Store) -> None:
    (first,) = tell(AT)
    Contact.objects.filter(email=OTHER).update(is_active=False)
    (second,) = tell(AT + 2 * DAY)
    comes_back(first, AT + 3 * DAY)
    Contact.objects.filter(email=SOC).update(undelivered_since=AT)
    assert second.to == DEPUTY and tell(AT + 3 * DAY) == []
    (regulator,) = tell(AT + 6 * DAY)
    assert regulator.whom == Whom.REGULATOR and reads(regulator).count(DEPUTY) == 1


def test_a_step_that_came_back_goes_to_whoever_is_second_now(stepped: Store) -> None:
    tell(AT)
    (second,) = tell(AT + 2 * DAY)
    comes_back(second, AT + 2 * DAY)
    Contact.objects.filter(email=second.to).update(undelivered_since=AT)
    (again,) = tell(AT + 3 * DAY)
    assert (again.whom, {second.to, again.to}) == (Whom.SECOND, {DEPUTY, OTHER})
    assert second.to not in reads(again)
    assert tell(AT + 4 * DAY) == []
    (regulator,) = tell(AT + 5 * DAY)
    assert regulator.whom == Whom.REGULATOR, "after the days between the two"


def test_a_step_that_came_back_when_the_next_was_told_is_made_up_for(stepped: Store) -> None:
    tell(AT)
    (second,) = tell(AT + 2 * DAY)
    (_regulator,) = tell(AT + 4 * DAY)
    comes_back(second, AT + 5 * DAY)
    Contact.objects.filter(email=second.to).update(undelivered_since=AT)
    (again,) = tell(AT + 5 * DAY)
    assert (again.whom, {second.to, again.to}) == (Whom.SECOND, {DEPUTY, OTHER})
    assert second.to not in reads(again).replace(again.to, "") and "Regulator: moh" in reads(again)
    assert tell(AT + 6 * DAY) == tell(AT + 20 * DAY) == []


def test_what_was_read_all_the_same_is_told_from_then_on(stepped: Store) -> None:
    (first,) = tell(AT)
    comes_back(first, AT + DAY)
    assert not Told.objects.filter(constituent="bank").exists()
    actions.record_outcome(first, what=NoticeState.READ, by=COMMAND_LINE, at=AT + 2 * DAY)
    rows = Told.objects.filter(constituent="bank")
    assert {(row.first_at, row.reacted_at) for row in rows} == {(AT + 2 * DAY, AT + 2 * DAY)}
    assert tell(AT + 10 * DAY) == []
