"""Pages of accounts: who sees them, what they change, and that nobody is locked out by accident."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.cast import PASSWORD, Cast
from tests.people.conftest import SECRET, code_of
from tocsin.audit.actors import COMMAND_LINE
from tocsin.audit.models import AuditRow
from tocsin.courier.models import OutgoingMessage
from tocsin.kernel import clock
from tocsin.kernel.refusals import Conflict, InvalidInput, NotPermitted
from tocsin.people import account_urls, actions, policy, queries
from tocsin.people.choices import Role
from tocsin.people.models import EnrolmentLink, Person, SignedInSession

Enrolled = Callable[[Person], Person]
SignIn = Callable[[Person], Client]


def page_text(answer: Any) -> str:
    """Return what stands in the page's main part, without marks."""
    main = answer.content.decode().partition("<main")[2].partition("</main>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


def addresses(pk: int = 1) -> Iterator[str]:
    """Yield every address of accounts that is for those who manage them."""
    yield reverse("people")
    for pattern in account_urls._accounts:
        route = str(pattern.pattern).replace("<int:pk>", str(pk)).replace("<int:key>", "1")
        yield f"/people/{route}"


def signed_in_as(person: Person) -> Client:
    """Return a browser in which a person has shown both factors."""
    client = Client()
    client.force_login(person)
    session = client.session
    session["people.second_factor"] = person.pk
    session["people.confirmed_at"] = clock.now().timestamp()
    session.save()
    return client


def test_an_account_is_opened_and_its_link_shown_once(cast: Cast) -> None:
    client = signed_in_as(cast.administrator)
    facts = {"email": "New@Cirt.example", "name": "Noa New", "role": "analyst"}
    answer = client.post("/people/add/", facts)
    (link,) = re.findall(r"https?://testserver(/sign-in/enrol/[^<]+)", answer.content.decode())
    assert "no-store" in answer.headers["Cache-Control"]
    person = Person.objects.get(email="new@cirt.example")
    assert (person.name, person.role) == ("Noa New", "analyst")
    shown_later = client.get(f"/people/{person.pk}/").content.decode()
    assert "/sign-in/enrol/" not in shown_later and "Has an enrolment link, not used yet" in shown_later
    assert Client().get(link, follow=True).status_code == 200
    rows = AuditRow.objects.order_by("sequence").values_list("code", "actor_key")
    assert list(rows) == [
        ("person.created", cast.administrator.audit_key),
        ("person.enrolment_link_made", cast.administrator.audit_key),
    ]
    assert link.split("/")[-2] not in "".join(row.data_json for row in AuditRow.objects.all())


def test_where_mail_leaves_a_contact_is_invited_at_the_address_itself_and_nobody_of_the_team_is_shown_the_link(
    cast: Cast, settings: Any, tmp_path: Path
) -> None:
    more: dict[str, Any] = {"home": tmp_path, "smtp_url": "smtp://127.0.0.1:9", "mail_from": "cirt@cirt.example"}
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, **more)
    client, facts = signed_in_as(cast.manager), {"email": "new@moh.example", "role": "constituent_contact"}
    page = page_text(client.post("/people/add/", facts, follow=True))
    pk = Person.objects.get(email="new@moh.example").pk
    assert "A mail to new@moh.example invites its holder." in page
    assert "It is mailed to new@moh.example" in page_text(client.get(f"/people/{pk}/link/"))
    again = client.post(f"/people/{pk}/link/", follow=True)
    assert "sign-in/enrol" not in again.content.decode() and OutgoingMessage.objects.count() == 2
    assert [row.data["is_mailed"] for row in AuditRow.objects.filter(code="person.enrolment_link_made")] == [True] * 2
    Person.objects.filter(pk=cast.contact.pk).update(password="chosen")
    for person in (cast.contact, cast.analyst):  # one who has signed in before, and one of the team
        shown = client.post(f"/people/{person.pk}/link/").content.decode()
        assert "/sign-in/enrol/" in shown and OutgoingMessage.objects.count() == 2, person


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"email": "nobody", "role": "analyst"}, "is not an e-mail address"),
        ({"email": "anan@CIRT.example", "role": "analyst"}, "There is an account for anan@cirt.example already"),
        ({"email": "a@b.example", "role": "root"}, "Select a valid choice"),
        ({"email": "a@b.example", "role": "analyst", "name": "\u2060"}, "nothing that can be seen"),
        ({"email": "", "role": "analyst"}, "This field is required"),
    ],
)
def test_what_cannot_be_an_account_is_refused_in_place(cast: Cast, typed: dict[str, str], said: str) -> None:
    assert cast.analyst
    answer = signed_in_as(cast.administrator).post("/people/add/", typed)
    assert (answer.status_code, said in page_text(answer)) == (422, True)
    assert Person.objects.count() == 2


def test_the_list_is_found_filtered_and_sorted_by_the_address(cast: Cast) -> None:
    cast.everybody()
    Person.objects.filter(pk=cast.analyst.pk).update(name="Élise Analyst")
    Person.objects.filter(pk=cast.peer.pk).update(is_active=False)
    client = signed_in_as(cast.administrator)

    def names(query: str) -> list[str]:
        page = client.get(f"/people/?{query}").content.decode()
        return re.findall(r'<th scope="row"><a href="[^"]+">([^<]+)', page)

    assert len(names("")) == 8
    assert names("q=ÉLISE") == names("q=anan@") == ["Élise Analyst"]
    assert names("role=analyst&role=auditor") == ["Aldo Auditor", "Élise Analyst"]
    assert names("status=closed") == ["Pia Peer"]
    assert names("role=auditor&status=closed") == []
    assert names("sort=-name")[0] == "Élise Analyst" or names("sort=-name")[0] == "Sami Stranger"
    assert names("sort=password")[0] == names("")[0], "nothing else reaches the database"
    assert "password" in page_text(client.get("/people/?sort=password"))
    assert "No account is like that" in page_text(client.get("/people/?q=zzz"))


def test_a_head_of_team_neither_makes_nor_touches_administrators(cast: Cast) -> None:
    client, pk = signed_in_as(cast.manager), cast.administrator.pk
    assert "National administrator" not in page_text(client.get("/people/add/"))
    assert client.post("/people/add/", {"email": "x@cirt.example", "role": "national_administrator"}).status_code == 422
    page = client.get(f"/people/{pk}/")
    assert page.status_code == 200, "visible, but not allowed"
    assert f"/people/{pk}/close/" not in page.content.decode()
    for what in ("close/", "link/", "sessions/end/", "open/"):
        assert client.post(f"/people/{pk}/{what}").status_code == 403
    changed = client.post(f"/people/{pk}/change/", {"name": "Mine", "role": "analyst", "clearance": ""})
    assert changed.status_code == 403
    with pytest.raises(NotPermitted):
        actions.change_person(
            cast.analyst, name="A", role=Role.NATIONAL_ADMINISTRATOR, clearance="", by=cast.manager, at=clock.now()
        )
    assert Person.objects.get(pk=pk).name == "Nadia Administrator" and not EnrolmentLink.objects.exists()


def test_closing_ends_sessions_and_links_and_opening_again_lets_in(
    cast: Cast, sign_in: SignIn, enrolment_address: Callable[[Person], str]
) -> None:
    theirs, manager = sign_in(cast.analyst), signed_in_as(cast.administrator)
    enrolment_address(cast.analyst)
    assert theirs.get("/help/").status_code == 200
    assert "Its sessions end" in page_text(manager.get(f"/people/{cast.analyst.pk}/close/"))
    assert Person.objects.get(pk=cast.analyst.pk).is_active, "asked first"
    done = manager.post(f"/people/{cast.analyst.pk}/close/", follow=True)
    assert "The account is closed." in page_text(done)
    assert theirs.get("/help/").headers["Location"].startswith("/sign-in/")
    assert not SignedInSession.objects.exists() and not EnrolmentLink.objects.filter(used_at=None).exists()
    assert "closed already" in page_text(manager.post(f"/people/{cast.analyst.pk}/close/", follow=True))
    refused = manager.post(f"/people/{cast.analyst.pk}/link/", follow=True)
    assert "Open it again first" in page_text(refused)
    manager.post(f"/people/{cast.analyst.pk}/open/")
    assert theirs.get("/help/").headers["Location"].startswith("/sign-in/"), "sessions do not come back to life"
    entering = Client().post("/sign-in/", {"login": cast.analyst.email, "password": PASSWORD})
    assert entering.headers["Location"].startswith("/sign-in/code/")
    assert "This account is open." in page_text(manager.post(f"/people/{cast.analyst.pk}/open/", follow=True))


def test_nobody_closes_or_demotes_themselves(cast: Cast, enrolled: Enrolled) -> None:
    enrolled(cast.administrator)
    other = enrolled(Person.objects.create(email="b@cirt.example", name="Bo", role=Role.NATIONAL_ADMINISTRATOR))
    client, pk = signed_in_as(cast.administrator), cast.administrator.pk
    assert "Nobody closes their own account" in page_text(client.post(f"/people/{pk}/close/", follow=True))
    page = client.get(f"/people/{pk}/change/").content.decode()
    assert 'name="role"' not in page and 'name="clearance"' not in page
    client.post(f"/people/{pk}/change/", {"name": "Nadia A.", "role": "observer", "clearance": ""})
    person = Person.objects.get(pk=pk)
    assert (person.name, person.role, person.is_active) == ("Nadia A.", Role.NATIONAL_ADMINISTRATOR, True)
    with pytest.raises(Conflict, match="their own role"):
        actions.change_person(person, name="N", role=Role.ANALYST, clearance="", by=person, at=clock.now())
    with pytest.raises(Conflict, match="their own clearance"):
        actions.change_person(person, name="N", role=person.role, clearance="GREEN", by=person, at=clock.now())
    actions.change_person(other, name="Bo", role=Role.ANALYST, clearance="", by=person, at=clock.now())
    assert Person.objects.get(pk=other.pk).role == Role.ANALYST, "there is another one"


def test_the_last_administrator_who_can_sign_in_stays(cast: Cast, enrolled: Enrolled) -> None:
    enrolled(cast.administrator)
    invited = Person.objects.create(email="b@cirt.example", name="Bo", role=Role.NATIONAL_ADMINISTRATOR)
    assert queries.is_last_administrator(cast.administrator), "who was only invited cannot sign in"
    assert not queries.is_last_administrator(invited)
    for by in (invited, COMMAND_LINE):
        with pytest.raises(Conflict, match="last national administrator"):
            actions.close_account(cast.administrator, by=by, at=clock.now())
        with pytest.raises(Conflict, match="last national administrator"):
            actions.change_person(cast.administrator, name="N", role=Role.OBSERVER, clearance="", by=by, at=clock.now())
    actions.change_person(
        cast.administrator,
        name="Nadia",
        role=Role.NATIONAL_ADMINISTRATOR,
        clearance="AMBER",
        by=invited,
        at=clock.now(),
    )
    enrolled(invited)
    actions.close_account(cast.administrator, by=invited, at=clock.now())


def test_a_change_is_in_the_trail_with_what_was_and_what_became(cast: Cast) -> None:
    client = signed_in_as(cast.administrator)
    facts = {"name": "Anan A.", "role": "auditor", "clearance": "GREEN"}
    assert client.post(f"/people/{cast.analyst.pk}/change/", facts).status_code == 302
    row = AuditRow.objects.get(code="person.changed")
    assert row.data["before"] == {"name": "Anan Analyst", "role": "analyst", "clearance": ""}
    assert row.data["after"] == facts
    page = client.get(f"/people/{cast.analyst.pk}/").content.decode()
    assert "TLP:GREEN" in page and "An auditor reads everything" in page
    with pytest.raises(InvalidInput, match="no label"):
        actions.change_person(
            cast.peer, name="P", role=Role.PEER, clearance="PURPLE", by=cast.administrator, at=clock.now()
        )


def test_ending_all_sessions_ends_also_those_that_no_list_knows_of(cast: Cast, sign_in: SignIn) -> None:
    known, unknown = sign_in(cast.analyst), signed_in_as(cast.analyst)
    assert known.get("/help/").status_code == unknown.get("/help/").status_code == 200
    manager = signed_in_as(cast.administrator)
    assert page_text(manager.get(f"/people/{cast.analyst.pk}/")).count("127.0.0.1") == 1
    manager.post(f"/people/{cast.analyst.pk}/sessions/end/")
    for browser in (known, unknown):
        assert browser.get("/help/").headers["Location"].startswith("/sign-in/")
    assert AuditRow.objects.get(code="person.sessions_ended").data == {"person": cast.analyst.pk, "ended": 1}
    again = signed_in_as(Person.objects.get(pk=cast.analyst.pk))
    assert again.get("/help/").status_code == 200


def test_a_new_link_is_asked_for_shown_once_and_replaces_the_earlier_one(cast: Cast) -> None:
    client, pk = signed_in_as(cast.manager), cast.analyst.pk
    assert "the old ones then no longer work" in page_text(client.get(f"/people/{pk}/link/"))
    assert not EnrolmentLink.objects.exists(), "asked first"
    first, second = (
        re.findall(r"/sign-in/enrol/[^<]+", client.post(f"/people/{pk}/link/").content.decode())[0] for _ in range(2)
    )
    assert Client().get(first).status_code == 410 and Client().get(second).status_code == 302


def test_the_stranger_gets_nothing_from_any_page(cast: Cast) -> None:
    for person in (cast.stranger, cast.contact, cast.peer, cast.observer, cast.auditor, cast.analyst):
        client = signed_in_as(person)
        for address in addresses(cast.administrator.pk):
            assert client.get(address).status_code == client.post(address).status_code == 403, (person, address)
    for address in addresses(cast.administrator.pk):
        assert Client().get(address).headers["Location"].startswith("/sign-in/")
    assert signed_in_as(cast.administrator).get("/people/999999/").status_code == 404
    assert not AuditRow.objects.exists()


def test_the_roles_stand_in_sentences_from_the_policy_for_everybody_signed_in(cast: Cast) -> None:
    page = page_text(signed_in_as(cast.stranger).get("/people/roles/"))
    assert page.count("This is your role.") == 1
    analyst = page.partition("An analyst works on findings")[2].partition("Constituent’s contact")[0]
    may, _, may_not = analyst.partition("May not")
    assert "Import feeds and withdraw runs" in may and "Read the audit trail" in may_not
    assert "TLP:RED" in analyst
    assert "Nothing on the pages of the team" in page.partition("A peer works")[2]
    assert policy.abilities(Role.PEER) == set() and "sees nothing here but their own account" in page
    assert Client().get("/people/roles/").status_code == 302


def test_only_those_who_manage_people_find_them_in_the_side_bar(cast: Cast) -> None:
    assert 'href="/people/"' in signed_in_as(cast.manager).get("/help/").content.decode()
    assert 'href="/people/"' not in signed_in_as(cast.analyst).get("/help/").content.decode()


@pytest.mark.parametrize(("who", "where"), [("peer", "/account/"), ("contact", "/my/"), ("observer", "/")])
def test_everybody_begins_where_they_have_something_to_do(
    cast: Cast, still: None, enrolled: Enrolled, who: str, where: str
) -> None:
    enrolled(getattr(cast, who))
    client = Client()
    client.post("/sign-in/", {"login": getattr(cast, who).email, "password": PASSWORD})
    answer = client.post("/sign-in/code/", {"code": code_of(SECRET)}, follow=True)
    assert answer.request["PATH_INFO"] == where and answer.status_code == 200
