"""What members ask for: asked, done, refused, taken back, overtaken; each once, and none by whom it is not for."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from tests.cast import Cast
from tests.directory.asking import TODAY, TOMORROW, YESTERDAY, ask, claim_wish, codes, contact_wish, end_wish, last
from tests.directory.conftest import AT, BY, claim
from tests.directory.test_members import member
from tests.directory.test_openpgp import EXPIRED, FINGERPRINT, KEY
from tocsin.audit.models import AuditRow
from tocsin.directory import actions, queries
from tocsin.directory.choices import ChangeKind, ChangeState, ClaimKind
from tocsin.directory.models import ChangeRequest, Claim, Constituent, Contact
from tocsin.directory.wishes import Wish
from tocsin.kernel.refusals import Conflict, InvalidInput, NotPermitted
from tocsin.people.models import Person

pytestmark = pytest.mark.django_db
LATER = AT + dt.timedelta(hours=1)


@pytest.fixture
def plain(cast: Cast, ministry: Constituent) -> Person:
    """A member of the ministry."""
    member(ministry, cast.contact)
    return cast.contact


@pytest.fixture
def keeper(cast: Cast, ministry: Constituent) -> Person:
    """A member who administers the ministry's entry."""
    member(ministry, cast.contact, is_administrator=True)
    return cast.contact


def a_contact(constituent: Constituent, **facts: Any) -> Contact:
    given = {"email": "soc@moh.example", "name": "Soc", **facts}
    return Contact.objects.get(pk=actions.add_contact(constituent, **given, by=BY, at=AT).contact)


def test_a_network_is_asked_for_and_becomes_a_claim_when_the_team_approves(
    cast: Cast, ministry: Constituent, plain: Person
) -> None:
    request = ask(claim_wish(ministry, "192.0.2.0/255.255.255.0"), plain)
    assert (request.state, request.facts["value"]) == (ChangeState.WAITS, "192.0.2.0/24")
    assert not Claim.objects.exists(), "nobody has sight of anything by asking"
    since = last()

    event = actions.approve_change(request, is_confirmed=True, answer="Welcome.", by=cast.analyst, at=LATER)

    row = Claim.objects.get()
    assert (row.constituent, row.value, row.confirmed_at) == (ministry, "192.0.2.0/24", LATER)
    assert row.source == f"Asked for by Carla Contact, request {request.pk}"
    assert codes(since) == ["claim.added", "change.approved"]
    by = AuditRow.objects.get(code="claim.added").actor_key, AuditRow.objects.get(code="change.approved").actor_key
    assert set(by) == {cast.analyst.audit_key}
    assert (event.request, event.answer, event.about) == (request.pk, "Welcome.", "192.0.2.0/24")
    request.refresh_from_db()
    assert (request.state, request.decided_by) == (ChangeState.APPROVED, cast.analyst.audit_label)


@pytest.mark.parametrize(
    ("kind", "value", "stored"),
    [(ClaimKind.ASN, "as64500", "64500"), (ClaimKind.SUFFIX, "MOH.Example.", "moh.example")],
)
def test_domains_and_autonomous_systems_are_asked_for_too(
    cast: Cast, ministry: Constituent, plain: Person, kind: ClaimKind, value: str, stored: str
) -> None:
    actions.approve_change(ask(claim_wish(ministry, value, kind), plain), by=cast.analyst, at=LATER)
    assert (Claim.objects.get().value, Claim.objects.get().confirmed_at) == (stored, None)


def test_the_end_of_a_claim_is_asked_for_with_its_reason(cast: Cast, ministry: Constituent, plain: Person) -> None:
    network = claim(ministry, "192.0.2.0/24")
    request = ask(end_wish(network, TODAY), plain)
    assert (request.before, request.claim) == ({"ends_on": None}, network)
    actions.approve_change(request, by=cast.analyst, at=LATER)
    network.refresh_from_db()
    assert network.valid_to == TODAY
    assert AuditRow.objects.get(code="claim.ended").data["reason"] == "Sold."


def test_a_contact_is_asked_for_changed_and_no_longer_told(cast: Cast, ministry: Constituent, plain: Person) -> None:
    new = Wish(ministry, ChangeKind.NEW_CONTACT, {"role": "security", "name": "Soc", "email": "soc@moh.example"})
    actions.approve_change(ask(new, plain), by=cast.analyst, at=LATER)
    contact = Contact.objects.get()
    actions.approve_change(ask(contact_wish(contact, phone="+1 5", openpgp_key=KEY), plain), by=cast.analyst, at=LATER)
    contact.refresh_from_db()
    assert (contact.phone, contact.openpgp_fingerprint, contact.is_active) == ("+1 5", FINGERPRINT, True)
    actions.approve_change(ask(contact_wish(contact, is_active=False), plain), by=cast.analyst, at=LATER)
    contact.refresh_from_db()
    assert not contact.is_active


def test_a_deputy_is_asked_for(cast: Cast, ministry: Constituent, plain: Person) -> None:
    first, second = a_contact(ministry), a_contact(ministry, email="b@moh.example", name="B")
    request = ask(contact_wish(second, deputy_of=first), plain)
    assert request.facts == {"deputy_of": first.pk}
    actions.approve_change(request, by=cast.analyst, at=LATER)
    second.refresh_from_db()
    assert second.deputy_of == first


def test_facts_of_the_organisation_are_asked_for(cast: Cast, ministry: Constituent, plain: Person) -> None:
    facts = {
        "name": "Health Ministry",
        "names": {"fr": "Ministère"},
        "languages": ["fr"],
        "region": "",
        "sector": "health",
    }
    request = ask(Wish(ministry, ChangeKind.FACTS, facts), plain)
    assert sorted(request.facts) == ["languages", "name", "names"], "what is as it was is not asked for"
    assert request.before == {"name": "Ministry of Health", "names": {}, "languages": []}
    actions.approve_change(request, by=cast.analyst, at=LATER)
    ministry.refresh_from_db()
    assert (ministry.name, ministry.languages) == ("Health Ministry", ["fr"])


def test_what_is_refused_is_not_done_and_needs_a_reason(cast: Cast, ministry: Constituent, plain: Person) -> None:
    request = ask(claim_wish(ministry, "192.0.2.0/24"), plain)
    with pytest.raises(InvalidInput, match="the member reads it"):
        actions.refuse_change(request, answer=" ", by=cast.analyst, at=LATER)
    with pytest.raises(InvalidInput, match="control character"):
        actions.refuse_change(request, answer="\x1b[2J", by=cast.analyst, at=LATER)
    actions.refuse_change(request, answer="The registry names somebody else.", by=cast.analyst, at=LATER)
    request.refresh_from_db()
    assert (request.state, request.answer) == (ChangeState.REFUSED, "The registry names somebody else.")
    assert not Claim.objects.exists() and not queries.changes_waiting().exists()


# ---- once


@pytest.mark.parametrize("second", ["approve", "refuse", "take back", "outdate"])
def test_what_is_decided_is_decided_once(cast: Cast, ministry: Constituent, plain: Person, second: str) -> None:
    request = ask(claim_wish(ministry, "192.0.2.0/24"), plain)
    stale = ChangeRequest.objects.get(pk=request.pk)  # the page of another, who was slower
    actions.approve_change(request, by=cast.analyst, at=LATER)
    since = last()
    again = {
        "approve": lambda: actions.approve_change(stale, by=cast.manager, at=LATER),
        "refuse": lambda: actions.refuse_change(stale, answer="No.", by=cast.manager, at=LATER),
        "take back": lambda: actions.take_back_change(stale, by=plain, at=LATER),
        "outdate": lambda: actions.outdate_change(stale, by=BY, at=LATER),
    }
    with pytest.raises(Conflict, match="decided already"):
        again[second]()
    assert Claim.objects.count() == 1 and codes(since) == []


def test_the_same_is_not_asked_twice_while_it_waits(cast: Cast, ministry: Constituent, plain: Person) -> None:
    request = ask(claim_wish(ministry, "192.0.2.0/24"), plain)
    with pytest.raises(Conflict, match="asked for already"):
        ask(claim_wish(ministry, "192.0.2.0/24"), plain)
    actions.take_back_change(request, by=plain, at=LATER)
    assert ask(claim_wish(ministry, "192.0.2.0/24"), plain).waits


def test_one_person_asks_for_one_change_of_a_thing_at_a_time(cast: Cast, ministry: Constituent, plain: Person) -> None:
    contact, day = a_contact(ministry), dt.date(2025, 1, 1)
    for first, again in (
        (
            Wish(ministry, ChangeKind.FACTS, {"name": "A"}),
            Wish(ministry, ChangeKind.FACTS, {"name": "B", "region": "N"}),
        ),
        (claim_wish(ministry, "192.0.2.0/24"), claim_wish(ministry, "192.0.2.0/24", valid_from=day)),
        (contact_wish(contact, phone="+1 5"), contact_wish(contact, phone="+1 6")),
        (_new("b@moh.example"), _new("B@MOH.example", name="Bea")),
    ):
        ask(first, plain)
        with pytest.raises(Conflict, match="Take that back first"):
            ask(again, plain)
    member(ministry, cast.stranger)
    assert ask(Wish(ministry, ChangeKind.FACTS, {"name": "B"}), cast.stranger).waits, "the team decides between two"
    assert ask(contact_wish(contact, name="Soc 2"), plain).waits, "another fact of it"


def _new(email: str, **facts: Any) -> Wish:
    return Wish(Constituent.objects.get(), ChangeKind.NEW_CONTACT, {"role": "legal", "email": email, **facts})


def test_one_person_leaves_room_for_the_others(cast: Cast, ministry: Constituent, plain: Person) -> None:
    for number in range(10):
        ask(claim_wish(ministry, f"192.0.{number}.0/24"), plain)
    with pytest.raises(Conflict, match="10 requests of yours wait"):
        ask(claim_wish(ministry, "198.51.100.0/24"), plain)
    member(ministry, cast.stranger)
    assert ask(claim_wish(ministry, "198.51.100.0/24"), cast.stranger).waits


def test_nobody_floods_the_list_of_work(ministry: Constituent, plain: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tocsin.directory.actions.asking.MOST_WAITING", 2)
    for number in range(2):
        ask(claim_wish(ministry, f"192.0.{number}.0/24"), plain)
    with pytest.raises(Conflict, match="2 requests wait"):
        ask(claim_wish(ministry, "192.0.2.0/24"), plain)


# ---- whose word is enough


def test_the_actions_ask_themselves_whose_word_is_enough(
    cast: Cast, ministry: Constituent, bank: Constituent, keeper: Person
) -> None:
    """Whatever a page lets somebody send: the actions of the directory take it from those whose word it is."""
    by: dict[str, Any] = {"by": keeper, "at": LATER}
    ours, theirs = claim(ministry, "192.0.2.0/24"), claim(bank, "192.0.2.0/24")
    other, since = a_contact(bank, email="soc@bank.example"), last()
    for refused in (
        lambda: actions.add_claim(ministry, kind=ClaimKind.ASN, value="64500", **by),
        lambda: actions.confirm_claim(ours, **by),
        lambda: actions.end_claim(ours, ends_on=YESTERDAY, **by),
        lambda: actions.end_claim(theirs, ends_on=TOMORROW, **by),
        lambda: actions.settle_conflict(confirmed=ours, ended=theirs, ends_on=TODAY, reason="Ours.", **by),
        lambda: actions.change_constituent(ministry, name="Island Bank", **by),
        lambda: actions.change_constituent(bank, languages=["fr"], **by),
        lambda: actions.add_contact(bank, email="x@moh.example", **by),
        lambda: actions.change_contact(other, email="x@moh.example", **by),
        lambda: actions.note_undelivered(other, answer="550", **by),
    ):
        with pytest.raises(NotPermitted):
            refused()
    assert codes(since) == []
    actions.end_claim(ours, ends_on=TODAY, **by)
    actions.change_constituent(ministry, languages=["fr"], **by)
    actions.add_contact(ministry, email="x@moh.example", **by)
    assert codes(since) == ["claim.ended", "constituent.changed", "contact.added"]


def test_who_administers_the_entry_changes_contacts_and_languages_at_once(
    ministry: Constituent, keeper: Person
) -> None:
    contact, since = a_contact(ministry), last()
    request = ask(contact_wish(contact, email="new@moh.example"), keeper)
    assert (request.state, request.is_at_once, request.decided_by) == (
        ChangeState.APPROVED, True, keeper.audit_label,
    )  # fmt: skip
    contact.refresh_from_db()
    assert contact.email == "new@moh.example"
    assert codes(since) == ["contact.changed", "change.asked"]
    assert AuditRow.objects.get(code="contact.changed").actor_key == keeper.audit_key
    assert "contact.changed" in [row.code for row in queries.history_of(ministry)], "the team sees it in the history"

    ask(Wish(ministry, ChangeKind.NEW_CONTACT, {"email": "b@moh.example"}), keeper)
    ask(Wish(ministry, ChangeKind.FACTS, {"languages": ["fr"]}), keeper)
    ministry.refresh_from_db()
    assert ministry.contacts.count() == 2 and ministry.languages == ["fr"]


def test_who_administers_the_entry_ends_claims_from_today_on(ministry: Constituent, keeper: Person) -> None:
    """A day that has passed would rewrite who was responsible then."""
    one, other = claim(ministry, "192.0.2.0/24"), claim(ministry, "198.51.100.0/24")
    assert ask(end_wish(one, TODAY), keeper).is_at_once
    assert ask(end_wish(other, YESTERDAY), keeper).waits
    one.refresh_from_db()
    other.refresh_from_db()
    assert (one.valid_to, other.valid_to) == (TODAY, None)


def test_new_claims_and_names_wait_for_the_team_whoever_asks(ministry: Constituent, keeper: Person) -> None:
    claim(ministry, "192.0.2.0/24", is_confirmed=True)
    assert ask(claim_wish(ministry, "198.51.100.0/24"), keeper).waits
    assert ask(claim_wish(ministry, "192.0.2.0/25"), keeper).waits, "the wider claim may end before this one"
    assert ask(Wish(ministry, ChangeKind.FACTS, {"name": "Island Bank"}), keeper).waits
    assert ask(Wish(ministry, ChangeKind.FACTS, {"sector": "finance", "languages": ["fr"]}), keeper).waits
    assert Claim.objects.count() == 1


def test_no_member_approves_or_refuses(cast: Cast, ministry: Constituent, keeper: Person) -> None:
    request = ask(claim_wish(ministry, "192.0.2.0/24"), keeper)
    for person in (keeper, cast.stranger, cast.peer, cast.auditor, cast.observer):
        with pytest.raises(NotPermitted):
            actions.approve_change(request, is_confirmed=True, by=person, at=LATER)
        with pytest.raises(NotPermitted):
            actions.refuse_change(request, answer="No.", by=person, at=LATER)
    assert queries.changes_waiting().get() == request and not Claim.objects.exists()


def test_a_stranger_asks_nothing_and_takes_nothing_back(
    cast: Cast, ministry: Constituent, bank: Constituent, plain: Person
) -> None:
    member(bank, cast.stranger, is_administrator=True)
    theirs, contact = claim(ministry, "192.0.2.0/24"), a_contact(ministry)
    request = ask(end_wish(theirs, TODAY), plain)
    ours = [claim_wish(ministry, "198.51.100.0/24"), end_wish(theirs, TODAY), contact_wish(contact, name="X")]
    mixed = [
        Wish(bank, ChangeKind.END_OF_CLAIM, {"ends_on": TODAY}, claim=theirs),
        Wish(bank, ChangeKind.CONTACT, {"name": "X"}, contact=contact),
    ]
    since = last()
    for each in (*ours, *mixed):
        with pytest.raises(NotPermitted):
            ask(each, cast.stranger)
    with pytest.raises(NotPermitted):
        actions.take_back_change(request, by=cast.stranger, at=LATER)
    with pytest.raises(NotPermitted):
        actions.say_entry_is_right(ministry, by=cast.stranger, at=LATER)
    assert codes(since) == []


def test_who_is_no_member_any_more_asks_nothing(cast: Cast, ministry: Constituent) -> None:
    row = member(ministry, cast.contact, is_administrator=True)
    actions.end_membership(row, by=BY, at=LATER)
    with pytest.raises(NotPermitted):
        ask(claim_wish(ministry, "192.0.2.0/24"), cast.contact)
    with pytest.raises(NotPermitted):
        actions.say_entry_is_right(ministry, by=cast.contact, at=LATER)


def test_members_take_back_their_own_and_who_administers_anybodys(
    cast: Cast, ministry: Constituent, keeper: Person
) -> None:
    member(ministry, cast.stranger)  # a colleague here
    mine, theirs = (
        ask(claim_wish(ministry, "192.0.2.0/24"), keeper),
        ask(claim_wish(ministry, "198.51.100.0/24"), cast.stranger),
    )
    with pytest.raises(NotPermitted):
        actions.take_back_change(mine, by=cast.stranger, at=LATER)
    actions.take_back_change(theirs, by=keeper, at=LATER)
    theirs.refresh_from_db()
    assert theirs.state == ChangeState.TAKEN_BACK and mine.waits


# ---- what has changed meanwhile


def test_what_others_changed_meanwhile_is_overtaken(
    cast: Cast, ministry: Constituent, plain: Person, django_capture_on_commit_callbacks: Any
) -> None:
    network, contact = claim(ministry, "192.0.2.0/24"), a_contact(ministry)
    requests = {
        "contact": ask(contact_wish(contact, phone="+1 5"), plain),
        "other field": ask(contact_wish(contact, name="Team"), plain),
        "end": ask(end_wish(network, TOMORROW), plain),
        "claim": ask(claim_wish(ministry, "198.51.100.0/24"), plain),
        "new": ask(Wish(ministry, ChangeKind.NEW_CONTACT, {"role": "legal", "email": "l@moh.example"}), plain),
        "facts": ask(Wish(ministry, ChangeKind.FACTS, {"region": "North"}), plain),
    }
    with django_capture_on_commit_callbacks(execute=True):
        actions.change_contact(contact, phone="+1 6", by=BY, at=LATER)
        actions.end_claim(network, ends_on=TODAY, by=BY, at=LATER)
        claim(ministry, "198.51.100.0/24")
        actions.add_contact(ministry, role="legal", email="l@moh.example", by=BY, at=LATER)
        actions.change_constituent(ministry, region="South", by=BY, at=LATER)
    states = {name: ChangeRequest.objects.get(pk=each.pk).state for name, each in requests.items()}
    assert states.pop("other field") == ChangeState.WAITS, "what it asks for is as it was"
    assert set(states.values()) == {ChangeState.OUTDATED}
    assert AuditRow.objects.filter(code="change.outdated", actor_key="system:directory").count() == 5


def test_what_is_overtaken_is_not_done_though_nobody_has_noted_it(
    cast: Cast, ministry: Constituent, plain: Person
) -> None:
    """The process that should have noted it died."""
    contact = a_contact(ministry)
    request = ask(contact_wish(contact, email="old-wish@moh.example"), plain)
    Contact.objects.update(email="newer@moh.example")
    with pytest.raises(Conflict, match="changed meanwhile"):
        actions.approve_change(request, by=cast.analyst, at=LATER)
    contact.refresh_from_db()
    assert contact.email == "newer@moh.example" and ChangeRequest.objects.get().waits


def test_what_stands_as_it_was_is_not_set_aside(ministry: Constituent, plain: Person) -> None:
    request = ask(claim_wish(ministry, "192.0.2.0/24"), plain)
    with pytest.raises(Conflict, match="as it was"):
        actions.outdate_change(request, by=BY, at=LATER)


def test_rules_hold_again_when_it_is_decided(cast: Cast, ministry: Constituent, plain: Person) -> None:
    request = ask(claim_wish(ministry, "192.0.2.0/24"), plain)
    actions.change_constituent(ministry, status="former", by=BY, at=LATER)
    with pytest.raises(InvalidInput, match="needs a last day"):
        actions.approve_change(request, by=cast.analyst, at=LATER)
    assert not Claim.objects.exists() and ChangeRequest.objects.get().waits


# ---- what is wrong is said when it is asked


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (ClaimKind.NETWORK, "192.0.2.1/24", r"Write it as 192\.0\.2\.0/24"),
        (ClaimKind.NETWORK, "0.0.0.0/0", "wider than any organisation"),
        (ClaimKind.SUFFIX, "example", "whole top-level domain"),
        (ClaimKind.SUFFIX, "a b", "not a domain name"),
        (ClaimKind.ASN, "AS0", "not an autonomous system"),
    ],
)
def test_a_claim_that_nobody_may_enter_is_not_asked_for(
    ministry: Constituent, plain: Person, kind: ClaimKind, value: str, said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        ask(claim_wish(ministry, value, kind), plain)
    assert not ChangeRequest.objects.exists()


def test_what_the_organisation_has_is_not_asked_for_and_what_others_have_is_not_told(
    ministry: Constituent, bank: Constituent, plain: Person
) -> None:
    claim(ministry, "192.0.2.0/24")
    claim(bank, "198.51.100.0/24")
    with pytest.raises(Conflict, match="already at that time"):
        ask(claim_wish(ministry, "192.0.2.0/24"), plain)
    assert ask(claim_wish(ministry, "198.51.100.0/24"), plain).waits, "who holds it is for the team to know"


@pytest.mark.parametrize(
    ("facts", "where", "said"),
    [
        ({"email": "a@moh.example\nBcc: x@evil.example"}, "email", "not an e-mail address"),
        ({"email": "a@moh.example, b@moh.example"}, "email", "not an e-mail address"),
        ({"name": "Soc\r\nBcc: x@evil.example", "email": "a@moh.example"}, "name", "control character"),
        ({"name": "soc@moh.example", "email": "a@moh.example"}, "name", "beside an address"),
        ({"name": "x" * 101, "email": "a@moh.example"}, "name", "100 are the most"),
        ({"email": "a\u200b@moh.example"}, "email", "not an e-mail address"),
        ({"email": ""}, "email", "needs an e-mail address or"),
        ({"email": "soc@moh.example"}, "email", "in this role already"),
        ({"email": "SOC@Moh.Example"}, "email", "in this role already"),
        ({"email": "soc@mоh.example"}, "email", "several alphabets"),
        ({"email": "soc@осе.example"}, "email", "looks like oce.example"),
        ({"email": "a@moh.example", "openpgp_key": EXPIRED}, "openpgp_key", "expired on 31 Dec 2020"),
        ({"email": "a@moh.example", "openpgp_key": "no key"}, "openpgp_key", "not an armoured"),
        ({"email": "a@moh.example", "language": "French"}, "language", "not a language code"),
        ({"email": "a@moh.example", "role": "king"}, "role", "is no role"),
    ],
)
def test_hostile_and_wrong_contacts_are_refused_when_they_are_asked_for(
    ministry: Constituent, plain: Person, facts: dict[str, Any], where: str, said: str
) -> None:
    a_contact(ministry)
    claim(ministry, "oce.example", ClaimKind.SUFFIX)
    with pytest.raises((InvalidInput, Conflict), match=said) as refused:
        ask(Wish(ministry, ChangeKind.NEW_CONTACT, facts), plain)
    assert refused.value.where == where and not ChangeRequest.objects.exists()


def test_a_deputy_of_another_organisations_contact_is_refused(
    ministry: Constituent, bank: Constituent, plain: Person
) -> None:
    ours, theirs = a_contact(ministry), a_contact(bank)
    with pytest.raises(InvalidInput, match="of the same constituent"):
        ask(contact_wish(ours, deputy_of=theirs), plain)


def test_all_that_is_wrong_is_said_at_once(ministry: Constituent, plain: Person) -> None:
    facts = {"email": "nobody", "language": "French", "openpgp_key": "no key"}
    with pytest.raises(InvalidInput) as refused:
        ask(Wish(ministry, ChangeKind.NEW_CONTACT, facts, reason="\x00"), plain)
    assert [refused.value.where, *(each.where for each in refused.value.further)] == [
        "email", "language", "openpgp_key", "reason",
    ]  # fmt: skip


def test_what_is_so_already_is_not_asked_for(ministry: Constituent, plain: Person) -> None:
    contact, network = a_contact(ministry), claim(ministry, "192.0.2.0/24", valid_to=TODAY)
    for each in (contact_wish(contact, name="Soc"), end_wish(network, TODAY)):
        with pytest.raises(Conflict, match="nothing would change"):
            ask(each, plain)
    with pytest.raises(Conflict, match="has ended on"):
        ask(end_wish(network, TOMORROW), plain)


@pytest.mark.parametrize("name", ["status", "parent", "note", "public_id", "verified_on"])
def test_what_is_the_teams_cannot_be_asked_for(ministry: Constituent, plain: Person, name: str) -> None:
    with pytest.raises(TypeError, match="nobody may ask for"):
        ask(Wish(ministry, ChangeKind.FACTS, {name: "former"}), plain)


def test_a_reason_has_an_end(ministry: Constituent, plain: Person) -> None:
    with pytest.raises(InvalidInput, match="1000 are the most"):
        ask(Wish(ministry, ChangeKind.FACTS, {"region": "North"}, reason="x" * 1_001), plain)


# ---- this is still right


def test_who_administers_says_that_the_entry_is_right_and_contacts_are_verified(
    ministry: Constituent, keeper: Person
) -> None:
    reached, lost, gone = (
        a_contact(ministry),
        a_contact(ministry, email="b@moh.example"),
        a_contact(ministry, email="c@moh.example"),
    )
    actions.note_undelivered(lost, answer="550", by=BY, at=AT)
    actions.change_contact(gone, is_active=False, by=BY, at=AT)
    network = claim(ministry, "192.0.2.0/24")
    event = actions.say_entry_is_right(ministry, by=keeper, at=LATER)
    assert event.contacts == (reached.pk,), "not one to whom mail comes back, nor one that is not told"
    assert Contact.objects.get(verified_on=TODAY) == reached
    ministry.refresh_from_db()
    network.refresh_from_db()
    assert (ministry.said_right_at, ministry.said_right_by) == (LATER, keeper.audit_label)
    assert network.confirmed_at is None, "of two equal claims the one confirmed last decides"


def test_what_a_plain_member_says_is_noted_and_verifies_nobody(ministry: Constituent, plain: Person) -> None:
    a_contact(ministry)
    assert actions.say_entry_is_right(ministry, by=plain, at=LATER).contacts == ()
    ministry.refresh_from_db()
    assert ministry.said_right_at == LATER and not Contact.objects.exclude(verified_on=None).exists()


# ---- members


def test_who_administers_adds_again_who_was_there_and_nobody_else(
    cast: Cast, ministry: Constituent, bank: Constituent, keeper: Person
) -> None:
    facts: dict[str, Any] = {"name": "Noa", "is_administrator": False, "token": "t"}
    actions.add_member(ministry, email="noa@moh.example", **facts, by=cast.analyst, at=LATER)
    noa = Person.objects.get(email="noa@moh.example")
    assert list(queries.constituents_of(noa)) == [ministry]
    member(bank, cast.stranger)
    said = []
    for email in (cast.stranger.email, cast.analyst.email, "new@moh.example"):
        with pytest.raises(Conflict) as refused:
            actions.add_member(ministry, email=email, **facts, by=keeper, at=LATER)
        said.append(str(refused.value))
    assert said == ["The person with this address cannot be added here. Ask the team to do it."] * 3, (
        "who it is stays ours"
    )
    assert not Person.objects.filter(email="new@moh.example").exists()
    actions.end_membership(queries.members_of(ministry).get(person=noa), by=keeper, at=LATER)
    actions.add_member(ministry, email="noa@moh.example", **facts, by=keeper, at=LATER)
    assert list(queries.constituents_of(noa)) == [ministry]


def test_a_plain_member_adds_nobody_and_nobody_ends_their_own_membership(
    cast: Cast, ministry: Constituent, bank: Constituent, plain: Person
) -> None:
    facts: dict[str, Any] = {"email": "x@moh.example", "name": "", "is_administrator": True, "token": "t"}
    with pytest.raises(NotPermitted):
        actions.add_member(ministry, **facts, by=plain, at=LATER)
    assert not Person.objects.filter(email="x@moh.example").exists()
    row = queries.members_of(ministry).get()
    actions.change_membership(row, is_administrator=True, by=BY, at=LATER)
    with pytest.raises(Conflict, match="Nobody ends their own"):
        actions.end_membership(row, by=plain, at=LATER)


def test_the_database_keeps_requests_in_order(ministry: Constituent, plain: Person) -> None:
    ask(claim_wish(ministry, "192.0.2.0/24"), plain)
    for wrong in ({"state": "approved"}, {"decided_at": AT}, {"kind": "contact"}, {"state": "lost", "decided_at": AT}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ChangeRequest.objects.update(**wrong)
