"""Who belongs to a constituent, and what they see of it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction
from django.test import Client

from tests.cast import Cast
from tests.directory.conftest import AT, BY
from tocsin.audit import wording
from tocsin.audit.models import AuditRow
from tocsin.courier.models import OutgoingMessage
from tocsin.directory import actions, queries
from tocsin.directory.models import Constituent, Membership
from tocsin.feeds.queries import only_constituents
from tocsin.kernel import clock
from tocsin.kernel.refusals import Conflict, InvalidInput, NotPermitted
from tocsin.kernel.tlp import TLP
from tocsin.people.choices import Role
from tocsin.people.models import EnrolmentLink, Person

MEMBERS = "/directory/constituents/moh/members/"
NEW: dict[str, Any] = {"email": "x@y.example", "name": "", "is_administrator": True, "token": "t"}


def browser_of(person: Person) -> Client:
    """Return a browser in which a person has shown both factors."""
    client = Client()
    client.force_login(person)
    session = client.session
    session["people.second_factor"] = person.pk
    session.save()
    return client


def member(constituent: Constituent, person: Person, *, is_administrator: bool = False, days: int = 0) -> Membership:
    """Make a person a member."""
    facts: dict[str, Any] = {"email": person.email, "name": "", "is_administrator": is_administrator}
    actions.add_member(constituent, **facts, token="t", by=BY, at=AT + dt.timedelta(days=days))
    return Membership.objects.get(constituent=constituent, person=person, ended_at=None)


def test_a_member_sees_the_own_constituents_and_nothing_of_others(
    cast: Cast, ministry: Constituent, bank: Constituent
) -> None:
    member(ministry, cast.contact)
    member(bank, cast.stranger)
    assert list(queries.constituents_of(cast.contact)) == [ministry]
    assert only_constituents(cast.contact) == ("moh",) and only_constituents(cast.stranger) == ("bank",)
    assert queries.can_view(cast.contact, ministry) and not queries.can_view(cast.contact, bank)
    assert not queries.can_edit(cast.contact, ministry)
    assert [row.person for row in queries.members_of(ministry)] == [cast.contact]
    assert [row.constituent for row in queries.memberships_of(cast.stranger)] == [bank]
    member(bank, cast.contact)
    assert only_constituents(cast.contact) == ("bank", "moh")


def test_what_bears_a_label_needs_the_clearance_too(cast: Cast, ministry: Constituent) -> None:
    member(ministry, cast.contact)
    assert queries.can_view(cast.contact, ministry, TLP.AMBER_STRICT)
    assert not queries.can_view(cast.contact, ministry, TLP.RED)
    assert queries.can_view(cast.analyst, ministry, TLP.RED) and queries.can_edit(cast.analyst, ministry)
    assert queries.can_view(cast.auditor, ministry) and not queries.can_edit(cast.auditor, ministry)


def test_the_team_sees_all_others_nothing_and_membership_makes_no_other_role_see_more(
    cast: Cast, ministry: Constituent
) -> None:
    assert only_constituents(cast.analyst) is None
    for person in (cast.contact, cast.peer, cast.observer):
        assert only_constituents(person) == ()
        assert not queries.can_view(person, ministry)
    Membership.objects.create(person=cast.peer, constituent=ministry, since=AT, is_administrator=True)
    assert only_constituents(cast.peer) == () and not queries.can_edit(cast.peer, ministry)
    for nobody in (None, AnonymousUser()):
        assert only_constituents(nobody) == ()
        assert not queries.can_view(nobody, ministry) and not queries.can_edit(nobody, ministry)


def test_an_administrator_of_the_entry_edits_it_and_no_other(
    cast: Cast, ministry: Constituent, bank: Constituent
) -> None:
    row = member(ministry, cast.contact, is_administrator=True)
    assert queries.can_edit(cast.contact, ministry) and not queries.can_edit(cast.contact, bank)
    actions.change_membership(row, is_administrator=False, by=BY, at=AT)
    assert queries.can_view(cast.contact, ministry) and not queries.can_edit(cast.contact, ministry)


def test_an_ended_membership_shows_nothing_and_may_begin_anew(cast: Cast, ministry: Constituent) -> None:
    row = member(ministry, cast.contact)
    actions.end_membership(row, by=BY, at=AT + dt.timedelta(days=1))
    assert only_constituents(cast.contact) == () and not queries.can_view(cast.contact, ministry)
    with pytest.raises(Conflict, match="ended already"):
        actions.end_membership(row, by=BY, at=AT)
    with pytest.raises(Conflict, match="ended already"):
        actions.change_membership(row, is_administrator=True, by=BY, at=AT)
    member(ministry, cast.contact, days=2)
    assert only_constituents(cast.contact) == ("moh",)
    assert Membership.objects.count() == 2, "what was is history"


def test_a_closed_account_sees_nothing_of_its_own(cast: Cast, ministry: Constituent) -> None:
    member(ministry, cast.contact)
    cast.contact.is_active = False
    assert only_constituents(cast.contact) == () and not queries.can_view(cast.contact, ministry)


def test_a_member_added_by_address_gets_an_account_and_a_link_once(cast: Cast, ministry: Constituent) -> None:
    client = browser_of(cast.analyst)
    answer = client.post(f"{MEMBERS}add/", {"email": "New@Moh.example", "name": "Noa New", "is_administrator": "on"})
    (link,) = re.findall(r"http://testserver(/sign-in/enrol/[^<]+)", answer.content.decode())
    person = Person.objects.get(email="new@moh.example")
    assert (person.role, person.name) == (Role.CONSTITUENT_CONTACT, "Noa New")
    assert queries.can_edit(person, ministry)
    assert Client().get(link).status_code == 302
    assert [row.code for row in AuditRow.objects.order_by("sequence")][1:] == [
        "person.created", "person.enrolment_link_made", "membership.added",
    ]  # fmt: skip
    page = client.get("/directory/constituents/moh/relations/").content.decode()
    assert "Noa New" in page and "administers it" in page and link not in page
    history = client.get("/directory/constituents/moh/").content.decode()
    assert "<bdi>Noa New</bdi> became a member and administers the entry" in history


def test_where_mail_leaves_a_new_member_is_invited_at_the_address_itself(
    cast: Cast, ministry: Constituent, settings: Any, tmp_path: Path
) -> None:
    more: dict[str, Any] = {"home": tmp_path, "smtp_url": "smtp://127.0.0.1:9", "mail_from": "cirt@cirt.example"}
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, **more)
    actions.change_constituent(ministry, languages=["ar", "fr"], by=BY, at=AT)
    client = browser_of(cast.analyst)
    answer = client.post(f"{MEMBERS}add/", {"email": "new@moh.example", "name": "Noa New"}, follow=True)
    assert "invited by a mail to new@moh.example" in answer.content.decode()
    assert "sign-in/enrol" not in answer.content.decode(), "nobody of the team holds the link"
    mail = OutgoingMessage.objects.get()
    letter = message_from_bytes(bytes(mail.content), policy=default)
    assert (mail.recipient, letter["Content-Language"]) == ("new@moh.example", "fr")
    (link,) = re.findall(r"http://testserver(/sign-in/enrol/\S+)", str(letter.get_content()))  # type: ignore[attr-defined]
    assert Client().get(link).status_code == 302
    row = AuditRow.objects.get(code="person.enrolment_link_made")
    assert row.data["is_mailed"] and "mailed to its holder" in wording.sentence(row.code, row.data)
    assert link.rsplit("/", 2)[1] not in row.data_json


def test_an_address_that_would_be_taken_for_another_opens_no_account(cast: Cast, ministry: Constituent) -> None:
    answer = browser_of(cast.analyst).post(f"{MEMBERS}add/", {"email": "noa@mоh.example"})
    assert answer.status_code == 422 and "several alphabets" in answer.content.decode()
    assert not Person.objects.filter(role=Role.CONSTITUENT_CONTACT).exists()


def test_a_member_whose_account_was_there_gets_no_link(cast: Cast, ministry: Constituent) -> None:
    answer = browser_of(cast.analyst).post(f"{MEMBERS}add/", {"email": cast.contact.email.upper()}, follow=True)
    assert "The account was there already." in answer.content.decode()
    assert not EnrolmentLink.objects.exists()
    assert only_constituents(cast.contact) == ("moh",)


def test_who_adds_a_member_of_others_reads_of_whom(cast: Cast, ministry: Constituent) -> None:
    names = ("bank", "port")
    for name in names:
        event = actions.add_constituent(public_id=name, name=f"The {name}", sector="finance", by=BY, at=AT)
        member(Constituent.objects.get(public_id=event.constituent), cast.contact)
    actions.end_membership(Membership.objects.get(constituent__public_id="port"), by=BY, at=AT)
    answer = browser_of(cast.analyst).post(f"{MEMBERS}add/", {"email": cast.contact.email}, follow=True)
    assert "sees what belongs to these, too: The bank." in answer.content.decode(), "and not of whom it was once"


@pytest.mark.parametrize(
    ("email", "said"),
    [
        ("carla@cirt.example", "Carla Contact is a member already."),
        ("anan@cirt.example", "has another role"),
        ("sami@cirt.example", "with this address is closed"),
        ("nobody", "is not an e-mail address"),
        ("a@b.example\nBcc: x@y.example", "is not an e-mail address"),
    ],
)
def test_who_cannot_be_a_member_is_refused_in_place(cast: Cast, ministry: Constituent, email: str, said: str) -> None:
    member(ministry, cast.contact)
    Person.objects.filter(pk=cast.stranger.pk).update(is_active=False)
    answer = browser_of(cast.analyst).post(f"{MEMBERS}add/", {"email": email})
    assert (answer.status_code, said in answer.content.decode()) == (422, True)
    assert Membership.objects.count() == 1 and Person.objects.count() == 3


def test_memberships_are_changed_and_ended_on_pages(cast: Cast, ministry: Constituent) -> None:
    row, client = member(ministry, cast.contact), browser_of(cast.analyst)
    assert client.post(f"{MEMBERS}{row.pk}/", {"is_administrator": "on"}).status_code == 302
    assert Membership.objects.get().is_administrator
    assert client.post(f"{MEMBERS}{row.pk}/", {}).status_code == 302, "an unticked box sends nothing"
    assert not Membership.objects.get().is_administrator
    done = client.post(f"{MEMBERS}{row.pk}/end/", follow=True).content.decode()
    assert "Carla Contact is no longer a member." in done
    assert "This membership has ended already." in client.post(f"{MEMBERS}{row.pk}/end/", follow=True).content.decode()
    codes = AuditRow.objects.filter(code__startswith="membership").order_by("sequence").values_list("code", flat=True)
    assert list(codes) == ["membership.added", "membership.changed", "membership.changed", "membership.ended"]


def test_parent_and_child_must_match(cast: Cast, ministry: Constituent, bank: Constituent) -> None:
    row, client = member(ministry, cast.contact), browser_of(cast.analyst)
    for what in ("", "end/"):
        assert client.post(f"/directory/constituents/bank/members/{row.pk}/{what}").status_code == 404
        assert client.post(f"/directory/constituents/nobody/members/{row.pk}/{what}").status_code == 404
    assert Membership.objects.get().ended_at is None


def test_a_stranger_adds_and_ends_nobody(cast: Cast, ministry: Constituent) -> None:
    row = member(ministry, cast.contact, is_administrator=True)
    for person in (cast.stranger, cast.contact, cast.peer, cast.auditor, cast.observer):
        client = browser_of(person)
        for what in ("add/", f"{row.pk}/", f"{row.pk}/end/"):
            assert client.post(f"{MEMBERS}{what}", {"email": "x@y.example"}).status_code == 403
    for stranger in (cast.stranger, cast.peer, cast.auditor):
        with pytest.raises(NotPermitted):
            actions.end_membership(row, by=stranger, at=clock.now())
        with pytest.raises(NotPermitted):
            actions.add_member(ministry, **NEW, by=stranger, at=clock.now())
    assert Membership.objects.count() == 1 and not Person.objects.filter(email="x@y.example").exists()


def test_what_fails_leaves_no_account_behind(ministry: Constituent) -> None:
    with pytest.raises(InvalidInput):
        actions.add_member(ministry, **{**NEW, "name": "\u2060"}, by=BY, at=AT)
    assert not Person.objects.exists() and not Membership.objects.exists()


def test_the_database_keeps_one_open_membership_each_in_order(cast: Cast, ministry: Constituent) -> None:
    member(ministry, cast.contact)
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.create(person=cast.contact, constituent=ministry, since=AT)
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.update(ended_at=AT - dt.timedelta(days=1))


def test_a_contact_finds_the_own_organisations_on_the_account_page_alone(
    cast: Cast, ministry: Constituent, bank: Constituent
) -> None:
    member(ministry, cast.contact, is_administrator=True)
    client = browser_of(cast.contact)
    page = client.get("/account/").content.decode()
    assert "Ministry of Health" in page and "you administer its entry" in page and "Island Bank" not in page
    for closed in ("/directory/", "/directory/constituents/moh/", "/findings/"):
        assert client.get(closed).status_code == 403, "pages of the team"
    assert "moh" not in client.get("/search/?q=Ministry").content.decode().partition("<h1")[2]
