"""The entry as members see it, and what they ask for on its pages."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.cast import Cast
from tests.directory.asking import ask, claim_wish
from tests.directory.conftest import AT, BY, claim
from tests.directory.test_members import member
from tests.directory.test_openpgp import EXPIRED, FINGERPRINT, KEY, SIGNS_ONLY
from tests.feeds.pages import signed_in, text
from tests.notices.conftest import set_mail
from tocsin.audit.models import AuditRow
from tocsin.directory import actions, queries
from tocsin.directory.choices import ChangeKind, ChangeState, ClaimKind
from tocsin.directory.models import ChangeRequest, Claim, Constituent, Contact, Membership
from tocsin.directory.wishes import Wish
from tocsin.kernel import clock
from tocsin.people import links
from tocsin.people.models import Person

pytestmark = pytest.mark.django_db
ENTRY = "/my/entry/moh/"
ASKED = {"name": "Health", "sector": "health", "languages": ""}


def a_contact(constituent: Constituent, email: str = "soc@moh.example", **facts: Any) -> Contact:
    return Contact.objects.get(pk=actions.add_contact(constituent, email=email, **facts, by=BY, at=AT).contact)


def entered(public_id: str, name: str) -> Constituent:
    actions.add_constituent(public_id=public_id, name=name, sector="health", by=BY, at=AT)
    return Constituent.objects.get(public_id=public_id)


@pytest.fixture
def ministry(db: None) -> Constituent:
    """The ministry of health."""
    return entered("moh", "Ministry of Health")


@pytest.fixture
def bank(db: None) -> Constituent:
    """A bank: the stranger of the ministry."""
    return entered("bank", "Island Bank")


@pytest.fixture
def plain(cast: Cast, ministry: Constituent) -> Client:
    """The browser of a member of the ministry."""
    member(ministry, cast.contact)
    return signed_in(cast.contact)


@pytest.fixture
def keeper(cast: Cast, ministry: Constituent) -> Client:
    """The browser of a member who administers the ministry's entry."""
    member(ministry, cast.contact, is_administrator=True)
    return signed_in(cast.contact)


def today() -> dt.date:
    return clock.day_of(clock.now())


def test_a_member_sees_all_that_the_team_knows_of_the_organisation_and_nothing_of_others(
    plain: Client,
    ministry: Constituent,
    bank: Constituent,
) -> None:
    claim(ministry, "192.0.2.0/24", is_confirmed=True, source="Secret informant")
    claim(ministry, "64500", ClaimKind.ASN, valid_from=dt.date(2025, 1, 1))
    claim(ministry, "198.51.100.0/24", valid_to=dt.date(2025, 12, 31))
    claim(bank, "203.0.113.0/24")
    first = a_contact(ministry, name="Soc", openpgp_key=KEY, verified_on=dt.date(2026, 3, 1))
    a_contact(ministry, "b@moh.example", name="Second", role="technical", deputy_of=first, phone="+1 5")
    actions.change_constituent(ministry, note="They pay late.", languages=["fr", "en"], region="North", by=BY, at=AT)
    said = text(plain.get(ENTRY))
    for shown in (
        "192.0.2.0/24", "AS64500", "Soc", "told first", "Second", "deputy of Soc", "told when nobody reacts", "+1 5",
        FINGERPRINT, "right as of", "fr, en", "North", "Carla Contact", "not yet", "Nobody has said so yet",
    ):  # fmt: skip
        assert shown in said, shown
    for hidden in ("198.51.100.0/24", "203.0.113.0/24", "Island Bank", "They pay late", "Secret informant", "Ana Lys"):
        assert hidden not in said, hidden


def test_mail_that_comes_back_and_keys_that_cannot_encrypt_are_said(
    plain: Client,
    ministry: Constituent,
) -> None:
    lost = a_contact(ministry)
    Contact.objects.update(openpgp_key=SIGNS_ONLY)
    actions.note_undelivered(lost, answer="550 no such user", by=BY, at=AT)
    said = text(plain.get(ENTRY))
    assert "Mail to this address comes back since" in said and "cannot encrypt now" in said
    assert "550" not in said and "Nobody is told first" in said


def test_the_way_leads_to_the_one_entry_or_to_a_choice(
    plain: Client,
    cast: Cast,
    ministry: Constituent,
    bank: Constituent,
) -> None:
    assert plain.get("/my/entry/")["Location"] == ENTRY
    member(bank, cast.contact)
    said = text(plain.get("/my/entry/"))
    assert "Island Bank" in said and "Ministry of Health" in said
    assert "You belong to no organisation yet" in text(signed_in(cast.stranger).get("/my/entry/"))


def test_plain_members_and_who_administers_see_different_buttons(
    plain: Client,
    cast: Cast,
    ministry: Constituent,
) -> None:
    contact = a_contact(ministry)
    member(ministry, cast.stranger)
    page, form = plain.get(ENTRY), plain.get(f"{ENTRY}contacts/{contact.pk}/")
    assert "Add a member" not in text(page) and "Belongs to it no more" not in text(page)
    assert "Ask the team" in text(form) and "Save" not in text(form)
    actions.change_membership(
        queries.members_of(ministry).get(person=cast.contact), is_administrator=True, by=BY, at=AT
    )
    page, form = plain.get(ENTRY), plain.get(f"{ENTRY}contacts/{contact.pk}/")
    assert "Add a member" in text(page) and text(page).count("Belongs to it no more") == 1
    assert "Save" in text(form) and "Ask the team" not in text(form)


def test_a_network_is_asked_for_stands_in_the_entry_and_is_taken_back(
    plain: Client,
    cast: Cast,
    ministry: Constituent,
) -> None:
    answer = {"kind": "network", "value": "192.0.2.0/24", "reason": "RIR object MOH-NET"}
    done = plain.post(f"{ENTRY}claims/add/", answer, follow=True)
    assert "The team has it." in text(done) and "Enter the claim of 192.0.2.0/24" in text(done)
    request = ChangeRequest.objects.get()
    assert (request.waits, request.reason, Claim.objects.exists()) == (True, "RIR object MOH-NET", False)
    done = plain.post(f"{ENTRY}requests/{request.pk}/take-back/", follow=True)
    assert "It is taken back." in text(done) and "Taken back" in text(done)
    again = plain.post(f"{ENTRY}requests/{request.pk}/take-back/", follow=True)
    assert "This is decided already." in text(again)


def test_what_came_of_it_and_why_stands_in_the_entry(
    plain: Client,
    cast: Cast,
    ministry: Constituent,
) -> None:
    one, other = (ask(claim_wish(ministry, f"192.0.{n}.0/24"), cast.contact, at=clock.now()) for n in (1, 2))
    actions.approve_change(one, answer="Welcome.", by=cast.analyst, at=clock.now())
    actions.refuse_change(other, answer="The registry names\nsomebody else.", by=cast.analyst, at=clock.now())
    said = text(plain.get(ENTRY))
    assert "Done" in said and "Welcome." in said and "Refused" in said and "somebody else." in said
    assert "Anan" not in said, "who in the team decided is theirs"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"kind": "network", "value": "192.0.2.1/24"}, "Write it as 192.0.2.0/24"),
        ({"kind": "suffix", "value": "example"}, "whole top-level domain"),
        (
            {"kind": "network", "value": "192.0.2.0/24", "valid_from": "2026-02-02", "valid_to": "2026-01-01"},
            "before the first",
        ),
        ({"kind": "planet", "value": "192.0.2.0/24"}, "Select a valid choice"),
        ({"kind": "network", "value": "198.51.100.0/24"}, "already at that time"),
    ],
)
def test_a_wrong_wish_is_answered_in_place_and_nothing_typed_is_lost(
    plain: Client,
    ministry: Constituent,
    answer: dict[str, str],
    said: str,
) -> None:
    claim(ministry, "198.51.100.0/24")
    refused = plain.post(f"{ENTRY}claims/add/", {**answer, "reason": "Look at the registry."})
    assert refused.status_code == 422
    assert (
        said in text(refused)
        and "Look at the registry." in text(refused)
        and answer["value"] in refused.content.decode()
    )
    assert not ChangeRequest.objects.exists()


def test_who_administers_changes_a_contact_at_once_and_the_key_stays(
    keeper: Client,
    ministry: Constituent,
) -> None:
    contact = a_contact(ministry, name="Soc", openpgp_key=KEY)
    page = keeper.get(f"{ENTRY}contacts/{contact.pk}/").content.decode()
    assert "BEGIN PGP" not in page, "a page is small"
    answer = {"role": "technical", "name": "Soc", "email": "new@moh.example", "is_active": "on"}
    done = keeper.post(f"{ENTRY}contacts/{contact.pk}/", answer, follow=True)
    assert "It is done. The team sees it." in text(done)
    contact.refresh_from_db()
    assert (contact.email, contact.role, contact.openpgp_fingerprint) == ("new@moh.example", "technical", FINGERPRINT)
    keeper.post(f"{ENTRY}contacts/{contact.pk}/", {**answer, "without_key": "on"})
    contact.refresh_from_db()
    assert contact.openpgp_fingerprint == ""
    keeper.post(f"{ENTRY}contacts/{contact.pk}/", {**answer, "openpgp_key": KEY, "is_active": ""})
    contact.refresh_from_db()
    assert (contact.openpgp_fingerprint, contact.is_active) == (FINGERPRINT, False)
    again = keeper.post(f"{ENTRY}contacts/{contact.pk}/", {**answer, "is_active": ""})
    assert (again.status_code, "nothing would change" in text(again)) == (422, True)


def test_a_plain_member_asks_for_a_contact_and_a_change(plain: Client, ministry: Constituent) -> None:
    contact = a_contact(ministry)
    plain.post(
        f"{ENTRY}contacts/add/", {"role": "legal", "name": "L", "email": "l@moh.example", "deputy_of": contact.pk}
    )
    answer = {"role": "security", "email": "new@moh.example", "is_active": "on", "reason": "They moved."}
    assert "The team has it." in text(plain.post(f"{ENTRY}contacts/{contact.pk}/", answer, follow=True))
    new, change = ChangeRequest.objects.order_by("pk")
    assert new.facts["deputy_of"] == contact.pk and change.facts == {"email": "new@moh.example"}
    assert Contact.objects.get().email == "soc@moh.example"


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"email": "a@b.example\r\nBcc: x@evil.example"}, "is not an e-mail address"),
        ({"email": "a@b.example", "name": "Soc\nBcc: x"}, "control character"),
        ({"email": "a@b.example", "openpgp_key": "no key"}, "not an armoured OpenPGP public key"),
        ({"email": "a@b.example", "openpgp_key": EXPIRED}, "expired on 31 Dec 2020"),
        ({"email": "a@b.example", "openpgp_key": SIGNS_ONLY}, "it only signs"),
        ({"email": "a@аlpha.example"}, "mixes letters of several alphabets"),
        ({"email": "a@b.example", "language": "zz"}, "not a language code"),
        ({"email": ", ".join(f"a{n}@b.example" for n in range(9))}, "is not an e-mail address"),
        ({}, "needs an e-mail address or a telephone number"),
    ],
)
def test_hostile_contacts_are_refused_in_place(
    keeper: Client,
    ministry: Constituent,
    facts: dict[str, str],
    said: str,
) -> None:
    refused = keeper.post(f"{ENTRY}contacts/add/", {"role": "security", **facts})
    assert (refused.status_code, said in text(refused)) == (422, True)
    assert not Contact.objects.exists()


def test_a_claim_is_ended_at_once_from_today_on_and_earlier_by_the_team(
    keeper: Client,
    ministry: Constituent,
) -> None:
    one, other = claim(ministry, "192.0.2.0/24"), claim(ministry, "198.51.100.0/24")
    past = (today() - dt.timedelta(days=9)).isoformat()
    done = keeper.post(f"{ENTRY}claims/{one.pk}/end/", {"ends_on": today().isoformat(), "reason": "Sold."}, follow=True)
    assert "It is done." in text(done)
    asked = keeper.post(f"{ENTRY}claims/{other.pk}/end/", {"ends_on": past}, follow=True)
    assert "The team has it." in text(asked)
    one.refresh_from_db()
    other.refresh_from_db()
    assert (one.valid_to, other.valid_to) == (today(), None)
    bad = keeper.post(f"{ENTRY}claims/{other.pk}/end/", {"ends_on": "soon"})
    assert (bad.status_code, "Enter a valid date" in text(bad)) == (422, True)


def test_a_mail_is_promised_only_where_one_leaves(plain: Client, settings: Any) -> None:
    facts = {"kind": "network", "value": "192.0.2.0/24"}
    page, done = plain.get(f"{ENTRY}contacts/add/"), plain.post(f"{ENTRY}claims/add/", facts, follow=True)
    assert "look again in a few days" in text(page) and "look again in a few days" in text(done)
    set_mail(settings, smtp_url="smtp://127.0.0.1:9")
    page, done = plain.get(f"{ENTRY}contacts/add/"), plain.post(f"{ENTRY}change/", ASKED, follow=True)
    assert "a mail tells you" in text(page) and "a mail tells you" in text(done)


def test_an_address_beyond_ascii_is_shown_in_both_forms(keeper: Client, cast: Cast, ministry: Constituent) -> None:
    keeper.post(f"{ENTRY}contacts/add/", {"role": "security", "email": "soc@société.example"})
    for page in (keeper.get(ENTRY), signed_in(cast.analyst).get("/directory/constituents/moh/")):
        assert "soc@société.example soc@xn--socit-esab.example" in text(page)
    keeper.post(f"{ENTRY}contacts/add/", {"role": "legal", "email": "law@xn--socit-esab.example"})
    assert "law@xn--socit-esab.example law@société.example" in text(keeper.get(ENTRY)), "as browsers send it"


def test_facts_wait_for_the_team_but_languages_do_not(keeper: Client, ministry: Constituent) -> None:
    facts = {"name": "Ministry of Health", "names": "", "sector": "health", "languages": "fr, en", "region": ""}
    assert "It is done." in text(keeper.post(f"{ENTRY}change/", facts, follow=True))
    ministry.refresh_from_db()
    assert ministry.languages == ["fr", "en"]
    facts |= {"name": "Island Bank", "names": "fr: Banque"}
    assert "The team has it." in text(keeper.post(f"{ENTRY}change/", facts, follow=True))
    assert ChangeRequest.objects.get(state=ChangeState.WAITS).facts == {
        "name": "Island Bank",
        "names": {"fr": "Banque"},
    }
    ministry.refresh_from_db()
    assert ministry.name == "Ministry of Health"
    bad = keeper.post(f"{ENTRY}change/", {**facts, "names": "Banque", "languages": "Français"})
    assert bad.status_code == 422 and "Write each line as fr:" in text(bad) and "not a language code" in text(bad)


def test_fields_that_a_form_does_not_have_do_nothing(keeper: Client, ministry: Constituent, bank: Constituent) -> None:
    facts = {"name": "Ministry of Health", "sector": "health", "languages": "fr"}
    more = {"status": "former", "parent": "bank", "note": "x", "public_id": "evil", "constituent": "bank"}
    keeper.post(f"{ENTRY}change/", {**facts, **more})
    contact = a_contact(ministry)
    keeper.post(
        f"{ENTRY}contacts/{contact.pk}/",
        {
            "role": "legal",
            "email": "soc@moh.example",
            "is_active": "on",
            "verified_on": "2026-01-01",
            "constituent": bank.pk,
        },
    )
    ministry.refresh_from_db()
    contact.refresh_from_db()
    assert (ministry.status, ministry.parent, ministry.note, ministry.public_id) == ("active", None, "", "moh")
    assert (contact.role, contact.verified_on, contact.constituent) == ("legal", None, ministry)


def test_all_of_it_is_said_to_be_right(keeper: Client, ministry: Constituent) -> None:
    contact = a_contact(ministry)
    assert "Thank you." in text(keeper.post(f"{ENTRY}right/", follow=True))
    contact.refresh_from_db()
    assert contact.verified_on == today()
    assert "by Carla Contact" in text(keeper.get(ENTRY))


def test_who_was_a_member_is_added_again_and_ended(keeper: Client, cast: Cast, ministry: Constituent) -> None:
    wanted = {"email": "noa@moh.example", "name": "Noa", "is_administrator": False}
    actions.add_member(ministry, **wanted, token=links.new_token(), by=cast.analyst, at=clock.now())
    row = Membership.objects.get(person__email="noa@moh.example")
    assert not row.is_administrator and "Noa" in text(keeper.get(ENTRY))
    assert "Noa is no longer a member." in text(keeper.post(f"{ENTRY}members/{row.pk}/end/", follow=True))
    assert "ended already" in text(keeper.post(f"{ENTRY}members/{row.pk}/end/", follow=True))
    own = Membership.objects.get(person=cast.contact)
    assert "Nobody ends their own membership" in text(keeper.post(f"{ENTRY}members/{own.pk}/end/", follow=True))
    assert "added again" in text(keeper.post(f"{ENTRY}members/add/", {"email": "noa@moh.example"}, follow=True))


def test_a_member_opens_no_account_and_learns_of_none(keeper: Client, cast: Cast, ministry: Constituent) -> None:
    """An account opened at somebody else's address would see what that address is given sight of later."""
    emails = (cast.analyst.email, "cfo@bank.example", cast.administrator.email)
    people = Person.objects.count()
    said = set()
    for email in emails:
        page = keeper.post(f"{ENTRY}members/add/", {"email": email})
        assert page.status_code == 422 and "Ask the team to do it." in text(page)
        said.add(text(page).replace(email, ""))
    assert len(said) == 1 and Person.objects.count() == people


def things(row: Constituent, person: Person) -> dict[str, int]:
    """Return a claim, a contact, a request and a membership of a constituent."""
    request = ask(Wish(row, ChangeKind.FACTS, {"region": "East"}), person, at=clock.now())
    return {
        "claim": claim(row, "192.0.2.0/24").pk,
        "contact": a_contact(row).pk,
        "request": request.pk,
        "member": Membership.objects.get(constituent=row, person=person).pk,
    }


def addresses(public_id: str, of: dict[str, int]) -> list[str]:
    """Return every address of an entry that has parts."""
    paths = [
        "", "right/", "change/", "claims/add/", f"claims/{of['claim']}/end/", "contacts/add/",
        f"contacts/{of['contact']}/", f"requests/{of['request']}/take-back/", "members/add/",
        f"members/{of['member']}/end/",
    ]  # fmt: skip
    return [f"/my/entry/{public_id}/{path}" for path in paths]


def test_a_stranger_finds_nothing_and_does_nothing(
    plain: Client,
    cast: Cast,
    ministry: Constituent,
    bank: Constituent,
) -> None:
    ours = things(ministry, cast.contact)
    member(bank, cast.stranger, is_administrator=True)
    stranger, before = signed_in(cast.stranger), AuditRow.objects.count()
    for address in addresses("moh", ours):
        for answer in (
            stranger.get(address),
            stranger.post(address, {"ends_on": "2026-01-01", "email": "x@y.example"}),
        ):
            assert answer.status_code in (404, 405), address
    mixed = [each for each in addresses("bank", ours) if re.search(r"/\d+/", each)]
    assert len(mixed) == 4
    for address in mixed:
        assert stranger.post(address, {"ends_on": "2026-01-01", "email": "x@y.example"}).status_code == 404, address
    for gone in ("nobody", "%00"):
        assert stranger.get(f"/my/entry/{gone}/").status_code == 404
    assert AuditRow.objects.count() == before


def test_who_left_finds_nothing(plain: Client, cast: Cast, ministry: Constituent) -> None:
    ours = things(ministry, cast.contact)
    actions.end_membership(Membership.objects.get(), by=BY, at=AT)
    for address in addresses("moh", ours):
        assert plain.post(address).status_code in (404, 405), address


def test_a_plain_member_manages_no_members_and_takes_back_only_what_is_their_own(
    plain: Client,
    cast: Cast,
    ministry: Constituent,
) -> None:
    colleague = member(ministry, cast.stranger)
    theirs = ask(claim_wish(ministry, "192.0.2.0/24"), cast.stranger, at=clock.now())
    assert plain.post(f"{ENTRY}requests/{theirs.pk}/take-back/").status_code == 403
    assert plain.get(f"{ENTRY}members/add/").status_code == 403
    assert plain.post(f"{ENTRY}members/add/", {"email": "x@y.example"}).status_code == 403
    assert plain.post(f"{ENTRY}members/{colleague.pk}/end/").status_code == 403
    assert theirs.waits and not Person.objects.filter(email="x@y.example").exists()


def test_a_page_costs_few_queries_however_long_the_entry_is(
    keeper: Client, ministry: Constituent, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tocsin.directory.actions.asking.MOST_OF_ONE", 50)
    for number in range(12):
        claim(ministry, f"10.{number}.0.0/16")
        contact = a_contact(ministry, f"c{number}@moh.example", openpgp_key=KEY)
        ask(claim_wish(ministry, f"192.0.{number}.0/24"), cast.contact, at=clock.now())
        ask(Wish(ministry, ChangeKind.CONTACT, {"name": "New"}, contact=contact), cast.contact, at=clock.now())
    with CaptureQueriesContext(connection) as asked:
        assert keeper.get(ENTRY).status_code == 200
    assert len(asked) <= 15, "\n".join(query["sql"] for query in asked.captured_queries)


def test_a_large_entry_is_a_small_page(
    plain: Client, ministry: Constituent, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is sent, before it is compressed. In a browser: `tests/browser`."""
    monkeypatch.setattr("tocsin.directory.actions.asking.MOST_OF_ONE", 50)
    for number in range(60):
        claim(ministry, f"10.{number}.0.0/16")
    for number in range(12):
        a_contact(ministry, f"c{number}@moh.example", name=f"Contact {number}", openpgp_key=KEY if number < 3 else "")
    for number in range(12):
        ask(claim_wish(ministry, f"192.0.{number}.0/24"), cast.contact, at=clock.now())
    first, second = plain.get(ENTRY), plain.get(f"{ENTRY}?page=2")
    assert "10.49.0.0/16" in text(first) and "10.50.0.0/16" not in text(first) and "10.59.0.0/16" in text(second)
    assert len(first.content) < 42_000, "50 KB with the style sheet, though nothing were compressed"
