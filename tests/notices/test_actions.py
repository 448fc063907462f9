"""Policies, suppressions and notices as they are written, and what is planned upon them, on imported findings."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from tests.cast import Cast
from tests.feeds.conftest import AT, Store
from tests.feeds.reports import write
from tests.notices.conftest import BY_AT, DAY, contact, policy, prepared, send, suppression
from tocsin.audit.actors import COMMAND_LINE
from tocsin.audit.models import AuditRow
from tocsin.directory import actions as directory
from tocsin.directory.models import Constituent, Contact
from tocsin.feeds import queries as feeds
from tocsin.kernel.refusals import Conflict, InvalidInput
from tocsin.notices import actions, queries
from tocsin.notices.actions.preparing import AsksFirst
from tocsin.notices.choices import NoticeState, Waits, Why
from tocsin.notices.models import LedgerEntry, Notice, NoticeFinding, Policy, Suppression, Told

pytestmark = pytest.mark.django_db


def codes() -> list[str]:
    return list(AuditRow.objects.order_by("sequence").values_list("code", flat=True))


def planned(at: dt.datetime = AT) -> dict[str, int]:
    """Return how many findings each constituent would be told of."""
    return {each.constituent: len(each.lines) for each in queries.plan_now(at).notices}


def test_each_constituent_gets_one_notice_of_all_that_is_new_to_it(told: Store) -> None:
    bank, ministry = prepared()
    assert (ministry.constituent.public_id, ministry.to, ministry.language) == ("moh", "soc@moh.example", "fr")
    assert (bank.total, ministry.total) == (1, 14)
    assert ministry.state == NoticeState.PLANNED and ministry.tlp == "AMBER"
    assert NoticeFinding.objects.count() == 15 and codes()[-1] == "notices.prepared"


def test_what_is_prepared_is_not_prepared_again(told: Store) -> None:
    prepared()
    assert planned() == {}
    with pytest.raises(Conflict, match="Nobody is to be told"):
        prepared()


def test_two_who_prepare_at_once_do_not_tell_twice(told: Store) -> None:
    plan = queries.plan_now(AT)
    actions.prepare_notices(plan, most=50, **BY_AT)
    with pytest.raises(Conflict, match="Somebody has prepared"):
        actions.prepare_notices(plan, most=50, **BY_AT)
    assert Notice.objects.count() == 2


def test_what_was_sent_is_told_again_only_when_it_came_back(told: Store, tmp_path: Path) -> None:
    for notice in prepared():
        send(notice)
    assert Told.objects.count() == 15
    later = AT + 2 * DAY
    assert planned(later) == {}
    told.run(write(tmp_path, 4, [1]), write(tmp_path, 5, [1, 2]), accept_drop=True)
    plan = queries.plan_now(later)
    assert [(each.constituent, [line.why for line in each.lines]) for each in plan.notices] == [("moh", [Why.RETURNED])]
    (again,) = prepared(later)
    assert queries.letter_of(again, later).told_gone == (1, AT.date())
    assert queries.letter_of(again, later).told_before == ()


def test_a_notice_that_is_discarded_frees_its_findings(told: Store) -> None:
    bank, _ministry = prepared()
    actions.discard_notice(bank, reason="They know.", **BY_AT)
    assert planned() == {"bank": 1}
    assert bank.ledger.last().note == "They know." and codes()[-1] == "notice.discarded"


def test_a_notice_is_not_discarded_without_a_reason(told: Store) -> None:
    with pytest.raises(InvalidInput, match="Say why"):
        actions.discard_notice(prepared()[0], reason=" ", **BY_AT)


def test_what_nobody_has_read_cannot_leave(told: Store) -> None:
    bank, _ministry = prepared()
    with pytest.raises(Conflict, match="another state"):
        actions.queue_notice(bank, **BY_AT)
    assert bank.ledger.count() == 1


def test_the_ledger_says_each_step(told: Store) -> None:
    bank, _ministry = prepared()
    send(bank)
    actions.record_outcome(bank, what=NoticeState.DELIVERED, note="250 2.0.0 Ok", **BY_AT)
    actions.record_outcome(bank, what=NoticeState.ACTED, **BY_AT)
    steps = list(LedgerEntry.objects.filter(notice=bank).values_list("what", "note"))
    assert steps == [
        ("planned", ""), ("previewed", ""), ("queued", ""), ("in-clear", ""), ("sent", ""),
        ("delivered", "250 2.0.0 Ok"), ("acted", ""),
    ]  # fmt: skip
    assert Told.objects.get().reacted_at == AT


def test_a_plan_that_would_write_to_many_asks_first(told: Store) -> None:
    plan = queries.plan_now(AT)
    with pytest.raises(AsksFirst, match="2 people; above 1"):
        actions.prepare_notices(plan, most=1, **BY_AT)
    assert not Notice.objects.exists()
    assert len(actions.prepare_notices(plan, most=1, confirmed=True, **BY_AT).references) == 2


def test_the_second_contact_is_told_when_nobody_reacts(told: Store) -> None:
    contact("bank", "it@bank.example", role="technical")
    actions.change_policy(Policy.objects.get(), second_after_days=3, **BY_AT)
    bank, _ministry = prepared()
    send(bank)
    (escalated,) = prepared(AT + 3 * DAY)
    assert (escalated.to, escalated.step, escalated.escalated) == ("it@bank.example", 1, 1)
    send(escalated, AT + 3 * DAY)
    assert Told.objects.get().step == 1 and planned(AT + 4 * DAY) == {}


def test_who_has_acted_is_not_gone_round(told: Store) -> None:
    contact("bank", "it@bank.example", role="technical")
    actions.change_policy(Policy.objects.get(), second_after_days=3, **BY_AT)
    bank, _ministry = prepared()
    send(bank)
    actions.record_outcome(bank, what=NoticeState.ACTED, **BY_AT)
    assert planned(AT + 30 * DAY) == {}


def test_a_deputy_stands_in_for_an_absent_contact(told: Store) -> None:
    first = Contact.objects.get(email="soc@bank.example")
    contact("bank", "deputy@bank.example", deputy_of=first)
    assert {each.to.to for each in queries.plan_now(AT).notices} == {"soc@moh.example", "soc@bank.example"}
    directory.change_contact(first, is_active=False, **BY_AT)
    assert {each.to.to for each in queries.plan_now(AT).notices} == {"soc@moh.example", "deputy@bank.example"}


def test_without_anybody_the_constituent_is_named_and_its_findings_wait(told: Store) -> None:
    directory.change_contact(Contact.objects.get(email="soc@bank.example"), is_active=False, **BY_AT)
    plan = queries.named_plan(queries.plan_now(AT))
    assert [(each.constituent.public_id, each.findings) for each in plan.unreached] == [("bank", 1)]
    assert dict(plan.waiting)[Waits.NOBODY] == 1


def test_a_suspended_constituent_is_not_told(told: Store) -> None:
    directory.change_constituent(Constituent.objects.get(public_id="bank"), status="suspended", **BY_AT)
    assert planned() == {"moh": 14}


@pytest.mark.parametrize(
    ("part", "left"),
    [
        ({"network": "192.0.2.64/26"}, {"moh": 14}),
        ({"network": "192.0.2.16/28"}, {"bank": 1, "moh": 4}),
        ({"category": "vulnerable-system"}, {}),
        ({"category": "infected-system"}, {"bank": 1, "moh": 14}),
    ],
)
def test_what_is_kept_quiet_is_not_told_until_its_day(told: Store, part: dict[str, Any], left: dict[str, int]) -> None:
    row = suppression(**part)
    assert planned() == left
    assert planned(AT + 2 * DAY) == {"bank": 1, "moh": 14}
    actions.end_suppression(row, **BY_AT)
    assert planned() == {"bank": 1, "moh": 14}


def test_one_finding_of_one_constituent_can_be_kept_quiet(told: Store) -> None:
    (finding,) = (feeds.finding_id(each) for each in feeds.findings().stream(feeds.Filter(constituents=("bank",))))
    suppression(finding=finding.upper(), constituent=Constituent.objects.get(public_id="bank"))
    assert planned() == {"moh": 14}


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({}, "Say what is not to be told"),
        ({"network": "192.0.2"}, "no network"),
        ({"finding": "abc"}, "not the id of a finding"),
        ({"category": "rainy"}, "no such class"),
        ({"network": "192.0.2.0/24", "reason": " "}, "Say why"),
        ({"network": "192.0.2.0/24", "reason": "a\x1bb"}, "control character"),
        ({"network": "192.0.2.0/24", "until": None}, "until which day"),
        ({"network": "192.0.2.0/24", "until": dt.date(2026, 11, 18)}, "is past"),
        ({"network": "192.0.2.0/24", "until": dt.date(2028, 1, 1)}, "A year is the longest"),
    ],
)
def test_a_suppression_without_scope_day_or_reason_is_refused(db: None, facts: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        suppression(**facts)
    assert not Suppression.objects.exists()


def test_a_suppression_is_ended_once(db: None) -> None:
    row = suppression(category="spam")
    actions.end_suppression(row, **BY_AT)
    with pytest.raises(Conflict, match="ended already"):
        actions.end_suppression(row, **BY_AT)
    assert codes() == ["suppression.added", "suppression.ended"]


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"category": "rainy"}, "category"),
        ({"threshold": 7}, "threshold"),
        ({"interval_hours": 0}, "interval_hours"),
        ({"works_from": dt.time(8)}, "works_until"),
        ({"works_from": dt.time(17), "works_until": dt.time(8)}, "works_until"),
        ({"work_days": [7]}, "work_days"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "../etc/passwd"}, "time_zone"),
        ({"second_after_days": 0}, "second_after_days"),
        ({"regulator_after_days": 3}, "regulator"),
    ],
)
def test_a_policy_that_cannot_be_is_refused_beside_its_field(db: None, facts: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        policy(**facts)
    assert refused.value.where == field and not Policy.objects.exists()


def test_for_the_same_findings_there_is_one_policy(db: None) -> None:
    first = policy(sector="health")
    policy(sector="health", category="spam")
    with pytest.raises(InvalidInput, match="already"):
        policy(sector="health")
    actions.end_policy(first, **BY_AT)
    policy(sector="health")
    with pytest.raises(IntegrityError), transaction.atomic():
        Policy.objects.create(sector="health", changed_at=AT)


def test_a_changed_policy_says_what_was(db: None) -> None:
    row = policy(threshold=3)
    event = actions.change_policy(row, threshold=2, works_from=dt.time(8), works_until=dt.time(9), **BY_AT)
    assert event.before == {"threshold": 3, "works_from": None, "works_until": None}
    assert event.after == {"threshold": 2, "works_from": "08:00:00", "works_until": "09:00:00"}


def test_a_policy_has_no_other_fields(db: None) -> None:
    with pytest.raises(TypeError, match="no field 'is_active'"):
        actions.change_policy(policy(), is_active=False, **BY_AT)


def test_the_most_specific_policy_of_the_database_holds(told: Store) -> None:
    policy(constituent=Constituent.objects.get(public_id="bank"), threshold=1)
    assert planned() == {"moh": 14}


def test_a_plan_is_kept_until_something_changes(told: Store, cast: Cast) -> None:
    head, analyst = cast.manager, cast.analyst
    first = queries.current_plan(AT, head)
    assert queries.current_plan(AT + dt.timedelta(seconds=30), head) is first
    assert queries.current_plan(AT, analyst) is first, "who may see the same sees the same"
    analyst.clearance = "GREEN"
    assert first.notices and queries.current_plan(AT, analyst).notices == ()
    first = queries.current_plan(AT, head)
    assert queries.current_plan(AT + dt.timedelta(seconds=90), head) is not first
    suppression(category="vulnerable-system")
    assert queries.current_plan(AT, head).notices == ()


def test_an_exercise_marks_its_notices(told: Store, settings: Any) -> None:
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, exercise=True)
    assert all(each.is_exercise for each in prepared())


def test_a_notice_is_ours_once_it_has_left(told: Store) -> None:
    bank, _ministry = prepared()
    assert queries.is_ours(bank.reference) is None
    send(bank)
    assert queries.is_ours(f" {bank.reference.upper()} ") == bank
    assert queries.is_ours("2222222222") is None
    assert COMMAND_LINE.audit_label in set(bank.ledger.values_list("actor_label", flat=True))


def test_policies_are_listed_from_the_general_to_the_particular(told: Store) -> None:
    one = policy(constituent=Constituent.objects.get(public_id="bank"))
    sector, everybody = policy(sector="health"), Policy.objects.order_by("pk")[0]
    assert list(queries.policies()) == [everybody, sector, one]
