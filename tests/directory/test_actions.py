"""Writing constituents, claims and contacts by hand."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from tests.directory.conftest import AT, BY, claim
from tests.directory.test_openpgp import EXPIRED, FINGERPRINT, KEY, SIGNS_ONLY
from tocsin.directory import actions, queries
from tocsin.directory.choices import ClaimKind, Outcome, Status
from tocsin.directory.models import Claim, Constituent, Contact, Settlement
from tocsin.kernel.refusals import Conflict, InvalidInput

pytestmark = pytest.mark.django_db

LATER = AT + dt.timedelta(days=1)
TODAY = AT.date()


def test_a_constituent_is_added_with_the_id_it_keeps() -> None:
    event = actions.add_constituent(name="Harbour", sector="transport", region="North", by=BY, at=AT)
    row = Constituent.objects.get(public_id=event.constituent)
    assert (event.constituent, row.name, row.region, row.status) == ("org-0001", "Harbour", "North", "active")
    assert actions.add_constituent(name="Airport", sector="transport", by=BY, at=AT).constituent == "org-0002"


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"public_id": "a/b"}, "cannot be an id"),
        ({"name": "  "}, "needs a name"),
        ({"sector": "magic"}, "is no sector"),
        ({"status": "asleep"}, "is no status"),
        ({"languages": ["French"]}, "not a language code"),
    ],
)
def test_wrong_facts_are_refused(facts: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        actions.add_constituent(**{"name": "A", "sector": "health", **facts}, by=BY, at=AT)
    assert not Constituent.objects.exists()


def test_an_id_is_given_once(ministry: Constituent) -> None:
    with pytest.raises(Conflict, match="moh already"):
        actions.add_constituent(public_id="moh", name="Other", sector="health", by=BY, at=AT)


def test_a_change_says_what_was_and_what_became(ministry: Constituent, bank: Constituent) -> None:
    event = actions.change_constituent(
        ministry, name="Ministry of Health", region="North", parent=bank, by=BY, at=LATER
    )
    assert event.before == {"region": "", "parent": None}
    assert event.after == {"region": "North", "parent": "bank"}
    ministry.refresh_from_db()
    assert (ministry.parent, ministry.changed_at) == (bank, LATER)


def test_nobody_is_their_own_ancestor(ministry: Constituent, bank: Constituent) -> None:
    actions.change_constituent(ministry, parent=bank, by=BY, at=AT)
    with pytest.raises(Conflict, match="its own parent"):
        actions.change_constituent(bank, parent=ministry, by=BY, at=AT)


def test_former_means_without_open_claims(ministry: Constituent) -> None:
    network = claim(ministry, "192.0.2.0/24")
    with pytest.raises(Conflict, match="still has 1 claims"):
        actions.change_constituent(ministry, status=Status.FORMER, by=BY, at=AT)
    actions.end_claim(network, ends_on=TODAY, by=BY, at=AT)
    actions.change_constituent(ministry, status=Status.FORMER, by=BY, at=AT)
    with pytest.raises(InvalidInput, match="needs a last day"):
        claim(ministry, "198.51.100.0/24")


def test_a_claim_is_canonical_and_confirmed_by_whoever_checked_it(ministry: Constituent) -> None:
    row = claim(ministry, "192.0.2.0/255.255.255.0", is_confirmed=True, source="Letter 7")
    assert (row.value, row.confirmed_by, row.confirmed_at, row.source) == ("192.0.2.0/24", "Ana Lys", AT, "Letter 7")
    assert bytes(row.first_address or b"") == b"\x04\xc0\x00\x02\x00"
    assert claim(ministry, "as64496", ClaimKind.ASN).label == "AS64496"


def test_a_wrong_claim_says_what_was_meant(ministry: Constituent) -> None:
    with pytest.raises(InvalidInput, match=r"Write it as 192\.0\.2\.0/24"):
        claim(ministry, "192.0.2.1/24")


def test_dates_run_forwards(ministry: Constituent) -> None:
    with pytest.raises(InvalidInput, match="before the first"):
        claim(ministry, "192.0.2.0/24", valid_from=dt.date(2026, 2, 1), valid_to=dt.date(2026, 1, 1))


def test_the_same_claim_is_not_made_twice_at_one_time(ministry: Constituent) -> None:
    claim(ministry, "192.0.2.0/24", valid_to=dt.date(2025, 12, 31))
    claim(ministry, "192.0.2.0/24", valid_from=dt.date(2026, 1, 1))
    with pytest.raises(Conflict, match="already at that time"):
        claim(ministry, "192.0.2.0/24", valid_from=dt.date(2026, 6, 1))


def test_a_claim_is_confirmed_anew(ministry: Constituent) -> None:
    row = claim(ministry, "192.0.2.0/24")
    actions.confirm_claim(row, by=BY, at=LATER)
    assert Claim.objects.get().confirmed_at == LATER


def test_an_end_can_come_earlier_but_not_later(ministry: Constituent) -> None:
    row = claim(ministry, "192.0.2.0/24", valid_from=dt.date(2026, 1, 1))
    actions.end_claim(row, ends_on=dt.date(2026, 2, 1), by=BY, at=AT)
    event = actions.end_claim(row, ends_on=dt.date(2026, 1, 15), reason="Sold", by=BY, at=AT)
    assert (event.ends_on, event.reason, event.constituents) == (dt.date(2026, 1, 15), "Sold", ("moh",))
    with pytest.raises(Conflict, match="new claim"):
        actions.end_claim(row, ends_on=dt.date(2026, 3, 1), by=BY, at=AT)
    with pytest.raises(InvalidInput, match="cannot be before"):
        actions.end_claim(row, ends_on=dt.date(2025, 12, 31), by=BY, at=AT)


def test_settling_a_conflict_confirms_one_and_ends_the_other(ministry: Constituent, bank: Constituent) -> None:
    ours, theirs = claim(ministry, "192.0.2.0/24"), claim(bank, "192.0.2.0/24")
    event = actions.settle_conflict(
        confirmed=theirs, ended=ours, ends_on=TODAY, reason="Sold in February.", by=BY, at=LATER
    )
    assert (event.constituents, event.outcome) == (("bank", "moh"), Outcome.ONE_ENDED)
    ours.refresh_from_db()
    theirs.refresh_from_db()
    assert (ours.valid_to, theirs.valid_to, theirs.confirmed_at) == (TODAY, None, LATER)
    assert queries.conflicts() == []


def test_a_conflict_is_not_settled_by_a_day_that_is_ahead(ministry: Constituent, bank: Constituent) -> None:
    """Until then both would hold, and nobody would be told of it any more."""
    ours, theirs = claim(ministry, "192.0.2.0/24"), claim(bank, "192.0.2.0/24")
    tomorrow = TODAY + dt.timedelta(days=1)
    with pytest.raises(InvalidInput, match="3 Mar 2026 is ahead, and until then both would claim") as refused:
        actions.settle_conflict(confirmed=theirs, ended=ours, ends_on=tomorrow, reason="Sold.", by=BY, at=AT)
    assert refused.value.where == "ends_on"
    ours.refresh_from_db()
    assert ours.valid_to is None and len(queries.conflicts()) == 1


def test_both_claims_can_be_kept_for_a_reason(ministry: Constituent, bank: Constituent) -> None:
    ours, theirs = claim(ministry, "192.0.2.0/24"), claim(bank, "192.0.2.0/24")
    actions.settle_keeping_both(theirs, ours, reason="A shared data centre.", by=BY, at=AT)
    assert queries.conflicts() == []
    assert Settlement.objects.get().reason == "A shared data centre."


def test_new_dates_open_a_settled_conflict_again(ministry: Constituent, bank: Constituent) -> None:
    ours, theirs = claim(ministry, "192.0.2.0/24"), claim(bank, "192.0.2.0/24")
    actions.settle_keeping_both(ours, theirs, reason="Shared.", by=BY, at=AT)
    actions.end_claim(theirs, ends_on=TODAY, by=BY, at=AT)
    assert [found.key for found in queries.conflicts()] == [f"{ours.pk}-{theirs.pk}"]


def test_a_settlement_needs_a_conflict_and_a_reason(ministry: Constituent, bank: Constituent) -> None:
    ours, theirs = claim(ministry, "192.0.2.0/24"), claim(bank, "192.0.2.0/25")
    with pytest.raises(InvalidInput, match="not in conflict"):
        actions.settle_keeping_both(ours, theirs, reason="Shared.", by=BY, at=AT)
    with pytest.raises(InvalidInput, match="Say why"):
        actions.settle_conflict(confirmed=ours, ended=theirs, ends_on=TODAY, reason=" ", by=BY, at=AT)


def test_a_contact_is_added_with_the_fingerprint_of_its_key(ministry: Constituent) -> None:
    event = actions.add_contact(ministry, role="security", email="soc@moh.example", openpgp_key=KEY, by=BY, at=AT)
    row = Contact.objects.get(pk=event.contact)
    assert (row.openpgp_fingerprint, str(row)) == (FINGERPRINT, "soc@moh.example")


def test_one_mailbox_is_one_contact_in_a_role_and_doubles_of_an_earlier_day_stay(ministry: Constituent) -> None:
    first = Contact.objects.get(pk=actions.add_contact(ministry, email="soc@moh.example", by=BY, at=AT).contact)
    for again in ("SOC@moh.example", "Soc@Moh.Example"):
        with pytest.raises(Conflict, match="in this role already"):
            actions.add_contact(ministry, email=again, by=BY, at=AT)
    actions.add_contact(ministry, role="legal", email="SOC@moh.example", by=BY, at=AT)
    double = Contact.objects.create(constituent=ministry, email="SOC@moh.example")
    actions.change_contact(double, phone="+999 1234", by=BY, at=AT)
    actions.change_contact(first, email="Soc@moh.example", by=BY, at=AT)
    with pytest.raises(Conflict, match="in this role already"):
        actions.change_contact(first, email="SOC@moh.example", by=BY, at=AT)
    other = Contact.objects.get(pk=actions.add_contact(ministry, email="noc@moh.example", by=BY, at=AT).contact)
    with pytest.raises(Conflict, match="in this role already"):
        actions.change_contact(other, email="soc@MOH.example", by=BY, at=AT)


def test_a_key_that_serves_nobody_is_refused_and_one_that_expired_hinders_no_other_change(
    ministry: Constituent,
) -> None:
    for key, said in ((EXPIRED, "expired on 31 Dec 2020"), (SIGNS_ONLY, "only signs")):
        with pytest.raises(InvalidInput, match=said):
            actions.add_contact(ministry, email="soc@moh.example", openpgp_key=key, by=BY, at=AT)
    row = Contact.objects.create(constituent=ministry, email="soc@moh.example", openpgp_key=EXPIRED)
    actions.change_contact(row, phone="+999 1234", openpgp_key=EXPIRED, by=BY, at=AT)
    with pytest.raises(InvalidInput, match="only signs"):
        actions.change_contact(row, openpgp_key=SIGNS_ONLY, by=BY, at=AT)
    actions.change_contact(row, openpgp_key=KEY, by=BY, at=AT)
    assert Contact.objects.get().openpgp_fingerprint == FINGERPRINT


def test_a_new_address_is_unverified_until_somebody_says_so(ministry: Constituent) -> None:
    actions.add_contact(ministry, email="soc@moh.example", verified_on=TODAY, by=BY, at=AT)
    row = Contact.objects.get()
    event = actions.change_contact(row, email="cert@moh.example", name="CERT", by=BY, at=AT)
    assert (event.before, event.after) == (
        {"email": "soc@moh.example", "name": ""}, {"email": "cert@moh.example", "name": "CERT"},
    )  # fmt: skip
    assert Contact.objects.get().verified_on is None
    actions.change_contact(row, phone="+999 1234", verified_on=TODAY, by=BY, at=AT)
    assert Contact.objects.get().verified_on == TODAY


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"email": "a@a.example", "verified_on": TODAY + dt.timedelta(days=1)}, "3 Mar 2026 has not come yet"),
        ({}, "needs an e-mail address or"),
        ({"email": "soc@"}, "not an e-mail address"),
        ({"email": "a@a.example", "role": "boss"}, "is no role"),
        ({"email": "a@a.example", "language": "French"}, "not a language code"),
        ({"email": "a@a.example", "openpgp_key": "x"}, "OpenPGP"),
    ],
)
def test_wrong_contacts_are_refused(ministry: Constituent, facts: dict[str, str], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        actions.add_contact(ministry, **facts, by=BY, at=AT)
    assert not Contact.objects.exists()


def test_a_deputy_stands_in_for_somebody_of_the_same_constituent(ministry: Constituent, bank: Constituent) -> None:
    actions.add_contact(bank, email="soc@bank.example", by=BY, at=AT)
    with pytest.raises(InvalidInput, match="same constituent"):
        actions.add_contact(ministry, email="soc@moh.example", deputy_of=Contact.objects.get(), by=BY, at=AT)


def test_an_address_stands_once_in_a_role(ministry: Constituent) -> None:
    actions.add_contact(ministry, email="soc@moh.example", by=BY, at=AT)
    with pytest.raises(Conflict, match="in this role already"):
        actions.add_contact(ministry, email="soc@moh.example", by=BY, at=AT)
    actions.add_contact(ministry, email="soc@moh.example", role="press", by=BY, at=AT)


@pytest.mark.parametrize(
    "facts",
    [
        {"kind": "network", "value": "192.0.2.0/24"},
        {"kind": "asn", "value": "1", "first_address": b"\x04", "last_address": b"\x04"},
        {"kind": "planet", "value": "1"},
        {"kind": "asn", "value": "1", "valid_from": dt.date(2026, 2, 1), "valid_to": dt.date(2026, 1, 1)},
    ],
)
def test_the_database_itself_refuses_claims_that_make_no_sense(ministry: Constituent, facts: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Claim.objects.create(constituent=ministry, **facts, added_at=AT, changed_at=AT)


def test_the_database_itself_refuses_a_second_open_claim(ministry: Constituent) -> None:
    claim(ministry, "64496", ClaimKind.ASN)
    with pytest.raises(IntegrityError), transaction.atomic():
        Claim.objects.create(constituent=ministry, kind="asn", value="64496", added_at=AT, changed_at=AT)


def test_a_conflict_is_settled_once(ministry: Constituent, bank: Constituent) -> None:
    ours, theirs = claim(ministry, "198.18.5.0/24"), claim(bank, "198.18.5.0/24")
    ours_before, theirs_before = Claim.objects.get(pk=ours.pk), Claim.objects.get(pk=theirs.pk)
    actions.settle_conflict(confirmed=ours, ended=theirs, ends_on=TODAY, reason="Letter 7.", by=BY, at=AT)
    with pytest.raises(Conflict, match="settled already"):
        actions.settle_conflict(
            confirmed=theirs_before, ended=ours_before, ends_on=TODAY, reason="Letter 8.", by=BY, at=LATER
        )
    with pytest.raises(Conflict, match="settled already"):
        actions.settle_keeping_both(ours_before, theirs_before, reason="Shared.", by=BY, at=LATER)
    assert Claim.objects.get(pk=ours.pk).valid_to is None
    assert Settlement.objects.get().reason == "Letter 7."


def test_claims_that_share_no_day_any_more_are_not_settled(ministry: Constituent, bank: Constituent) -> None:
    ours, theirs = claim(ministry, "198.18.5.0/24"), claim(bank, "198.18.5.0/24", valid_from=dt.date(2026, 1, 1))
    before = Claim.objects.get(pk=ours.pk)
    actions.end_claim(ours, ends_on=dt.date(2025, 12, 31), by=BY, at=AT)
    with pytest.raises(Conflict, match="share no day"):
        actions.settle_conflict(confirmed=before, ended=theirs, ends_on=TODAY, reason="Letter 7.", by=BY, at=AT)
    assert Claim.objects.get(pk=theirs.pk).valid_to is None and not Settlement.objects.exists()


def test_an_end_is_judged_by_the_claim_as_it_is(ministry: Constituent) -> None:
    row = claim(ministry, "198.18.5.0/24")
    before = Claim.objects.get(pk=row.pk)
    actions.end_claim(row, ends_on=dt.date(2026, 1, 1), by=BY, at=AT)
    with pytest.raises(Conflict, match="has ended on"):
        actions.end_claim(before, ends_on=dt.date(2027, 1, 1), by=BY, at=AT)
    assert Claim.objects.get().valid_to == dt.date(2026, 1, 1)


def test_a_change_does_not_bring_back_what_was_before(ministry: Constituent) -> None:
    row = claim(ministry, "198.18.5.0/24")
    before = Claim.objects.get(pk=row.pk)
    actions.end_claim(row, ends_on=TODAY, by=BY, at=AT)
    actions.confirm_claim(before, by=BY, at=LATER)
    assert (before.valid_to, Claim.objects.get().valid_to) == (TODAY, TODAY)

    stale = Constituent.objects.get(pk=ministry.pk)
    actions.change_constituent(ministry, names={"fr": "Ministère"}, by=BY, at=AT)
    event = actions.change_constituent(stale, name="Ministry of Sea", by=BY, at=LATER)
    assert "ministere" in Constituent.objects.get().search_words and event.before == {"name": "Ministry of Health"}


def test_a_contact_is_changed_from_what_it_is(ministry: Constituent) -> None:
    actions.add_contact(ministry, role="security", email="a@moh.example", by=BY, at=AT)
    one, other = Contact.objects.get(), Contact.objects.get()
    actions.change_contact(one, phone="+1 555 0100", by=BY, at=AT)
    event = actions.change_contact(other, name="Ana", by=BY, at=LATER)
    assert (Contact.objects.get().phone, event.after) == ("+1 555 0100", {"name": "Ana"})


def test_two_do_not_make_each_other_their_parent(ministry: Constituent, bank: Constituent) -> None:
    before = Constituent.objects.get(pk=bank.pk)
    actions.change_constituent(bank, parent=ministry, by=BY, at=AT)
    with pytest.raises(Conflict, match="its own parent"):
        actions.change_constituent(ministry, parent=before, by=BY, at=LATER)
