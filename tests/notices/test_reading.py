"""What planning is given: people who can be told, policies as terms, findings in columns that agree with the list."""

from __future__ import annotations

import datetime as dt
import ipaddress
from typing import Any

import pytest

from tests.feeds.conftest import AT, Store
from tests.notices.conftest import BY_AT, DAY, contact, policy, prepared, send, suppression
from tocsin.directory import actions as directory
from tocsin.directory.models import Constituent, Contact
from tocsin.engine.lost import LostFile
from tocsin.feeds import queries as feeds
from tocsin.kernel.networks import MAPPED
from tocsin.kernel.tlp import TLP
from tocsin.notices import actions, reading
from tocsin.notices.choices import NoticeState, Whom

pytestmark = pytest.mark.django_db


def first(public_id: str) -> str | None:
    """Return the address of who is told first."""
    found = reading.recipients()[public_id].security
    return found.to if found else None


def second(public_id: str) -> str | None:
    """Return the address of who is told second."""
    found = reading.recipients()[public_id].second(())
    return found.to if found else None


def test_the_security_contact_verified_last_is_told(store: Store) -> None:
    contact("moh", "never@moh.example")
    contact("moh", "long-ago@moh.example", verified_on=dt.date(2025, 1, 1))
    contact("moh", "lately@moh.example", verified_on=dt.date(2026, 11, 1))
    assert (first("moh"), second("moh")) == ("lately@moh.example", "long-ago@moh.example")


def test_nobody_but_a_security_contact_is_told_first(store: Store) -> None:
    contact("moh", "press@moh.example", role="press")
    contact("moh", "it@moh.example", role="technical")
    assert first("moh") is None and second("moh") is None


@pytest.mark.parametrize(("role", "is_second"), [("technical", True), ("management", True), ("press", False)])
def test_the_second_contact_is_somebody_who_can_act(store: Store, role: str, is_second: bool) -> None:
    contact("moh", "soc@moh.example")
    contact("moh", "other@moh.example", role=role)
    assert second("moh") == ("other@moh.example" if is_second else None)


def test_the_same_mailbox_is_no_second_contact(store: Store) -> None:
    contact("moh", "soc@moh.example")
    contact("moh", "SOC@moh.example", role="technical")
    assert second("moh") is None


def test_who_has_a_telephone_only_cannot_be_written_to(store: Store) -> None:
    contact("moh", "", phone="+999 55 1000")
    assert first("moh") is None


def test_the_deputy_of_somebody_who_is_there_is_told_second(store: Store) -> None:
    soc = contact("moh", "soc@moh.example")
    contact("moh", "deputy@moh.example", deputy_of=soc)
    assert (first("moh"), second("moh")) == ("soc@moh.example", "deputy@moh.example")
    directory.change_contact(soc, is_active=False, **BY_AT)
    assert (first("moh"), second("moh")) == ("deputy@moh.example", None)


@pytest.mark.parametrize("role", ["security", "technical"])
@pytest.mark.parametrize("address", ["soc@moh.example", ""])
def test_the_deputy_of_somebody_mail_does_not_reach_is_told_first(store: Store, address: str, role: str) -> None:
    """Mail to them came back for good, or they have a telephone only."""
    soc = contact("moh", address, phone="+999 55 1000")
    contact("moh", "deputy@moh.example", role=role, deputy_of=soc)
    if address:
        directory.note_undelivered(soc, answer="550 5.1.1 no such user", **BY_AT)
    assert (first("moh"), second("moh")) == ("deputy@moh.example", None)
    assert reading.addressees_of(soc.constituent) == [Contact.objects.get(email="deputy@moh.example").pk]


def test_contacts_who_stand_in_for_each_other_are_told(store: Store) -> None:
    soc = contact("moh", "soc@moh.example")
    deputy = contact("moh", "deputy@moh.example", deputy_of=soc)
    Contact.objects.filter(pk=soc.pk).update(deputy_of=deputy)
    assert (first("moh"), second("moh")) == ("soc@moh.example", "deputy@moh.example")


def test_a_recipient_knows_its_sector_parent_languages_and_whether_it_is_served(store: Store) -> None:
    row = Constituent.objects.get(public_id="bank")
    parent = Constituent.objects.get(public_id="moh")
    directory.change_constituent(row, parent=parent, languages=["fr", "en"], status="suspended", **BY_AT)
    found = reading.recipients()["bank"]
    assert (found.sector, found.parent, found.languages, found.is_served) == ("health", "moh", ("fr", "en"), False)
    assert reading.recipients()["moh"].is_served


def test_a_policy_becomes_terms(store: Store) -> None:
    bank = Constituent.objects.get(public_id="bank")
    row = policy(
        constituent=bank, category="spam", threshold=2, interval_hours=6, work_days=[0, 1], works_from=dt.time(8),
        works_until=dt.time(16), time_zone="Pacific/Efate", language="fr", tlp="GREEN", digest=True,
        regulator=Constituent.objects.get(public_id="moh"), regulator_after_days=2, second_after_days=9,
    )  # fmt: skip
    terms = reading.terms_of(row)
    assert (terms.constituent, terms.category, terms.threshold, terms.tlp) == ("bank", "spam", 2, TLP.GREEN)
    assert terms.interval == dt.timedelta(hours=6) and terms.hours.days == {0, 1}
    assert terms.hours.zone == "Pacific/Efate" and terms.digest and terms.language == "fr"
    assert [(step.whom, step.after.days, step.regulator) for step in terms.steps] == [
        (Whom.REGULATOR, 2, "moh"),
        (Whom.SECOND, 9, ""),
    ]


def test_without_a_zone_of_its_own_a_policy_goes_by_the_instance(store: Store, settings: Any) -> None:
    assert reading.terms_of(policy()).hours.zone == settings.TOCSIN.time_zone


@pytest.mark.parametrize(
    ("network", "inside", "outside"),
    [("192.0.2.0/25", "192.0.2.127", "192.0.2.128"), ("2001:db8::/48", "2001:db8::1", "::1")],
)
def test_a_network_is_kept_quiet_by_its_addresses(db: None, network: str, inside: str, outside: str) -> None:
    rule = reading.suppressed(suppression(network=network))
    numbers = [int(ipaddress.ip_address(text)) + (MAPPED if "." in text else 0) for text in (inside, outside)]
    assert [rule.covers("moh", "", "f", number) for number in numbers] == [True, False]


def test_only_what_holds_today_is_read(db: None) -> None:
    today, ended, later = (suppression(category=name) for name in ("spam", "dos", "ddos"))
    actions.end_suppression(ended, **BY_AT)
    assert reading.standing_suppressions(AT.date()) == [today, later]
    assert reading.standing_suppressions(AT.date() + DAY) == []


def test_the_columns_hold_what_the_list_of_findings_holds(told: Store) -> None:
    listed = {
        feeds.finding_id(each): (each.type, each.category, each.severity, each.constituent, each.returns)
        for each in feeds.findings().stream(feeds.Filter(states=feeds.STATES_OPEN))
        if each.constituent
    }
    read = {
        row[0]: (row[1], row[2], row[3], row[4], row[5])
        for batch in reading.open_findings()
        for row in zip(*batch, strict=True)
    }
    assert read == listed and len(read) == 15


def test_findings_of_one_constituent_can_be_read_alone(told: Store) -> None:
    assert {holder for batch in reading.open_findings(["bank"]) for holder in batch.constituent} == {"bank"}


def test_a_column_that_findings_do_not_have_is_not_asked_for(told: Store) -> None:
    with pytest.raises(KeyError):
        feeds.findings().held(["k1; DROP TABLE x"], feeds.Filter()).__next__()


def test_a_file_that_is_lost_is_said_before_anything_is_planned(told: Store) -> None:
    for path in told.root.rglob("state/**/*.parquet"):
        path.unlink()
    with pytest.raises(LostFile):
        list(reading.open_findings())


def test_what_left_is_remembered_with_its_time(told: Store) -> None:
    bank, ministry = prepared()
    send(bank, AT + DAY)
    actions.discard_notice(ministry, reason="They know.", **BY_AT)
    known = reading.known(AT + DAY)
    key = next(iter(known.last))
    assert key[0] == "bank" and known.last[key] == AT + DAY and known.digests == {} and not known.waiting
    (before,) = known.told.values()
    assert (before.constituent, before.first_at, before.step, before.has_reacted) == ("bank", AT + DAY, 0, False)
    actions.record_outcome(bank, what=NoticeState.READ, **BY_AT)
    assert next(iter(reading.known(AT).told.values())).has_reacted


def test_the_label_of_a_feed_is_that_of_now(told: Store) -> None:
    from tocsin.feeds.models import Feed

    Feed.objects.update(tlp="RED")
    assert set(reading.known(AT).labels.values()) == {TLP.RED}


def test_a_contact_of_another_constituent_is_not_mixed_in(told: Store) -> None:
    assert (first("moh"), first("bank")) == ("soc@moh.example", "soc@bank.example")
    assert Contact.objects.count() == 2
