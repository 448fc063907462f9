"""Every address is closed unless it says otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver

from tests.cast import Cast
from tests.directory.test_members import browser_of
from tocsin.kernel.refusals import NotPermitted
from tocsin.people.access import Door, Gate, door_of, may_open, needs, public, remember_second_factor, signed_in
from tocsin.people.choices import Role
from tocsin.people.models import Person
from tocsin.people.policy import Ability, may, require

OPEN_TO_THE_WORLD = {
    "account_login", "mfa_authenticate", "account_inactive", "people_passkey",
    "people_no_access", "people_enrol", "people_enrolment_link", "people_demo_link",
    "people_ask_link", "people_mailed_link", "people_ask_reset", "people_reset", "people_elsewhere",
    "people_back_from_elsewhere",
}  # fmt: skip
"""What people's room opens. Other rooms' public pages are in their own tests."""


def patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from patterns(entry)
        else:
            yield entry


def pattern_callbacks() -> list[URLPattern]:
    return list(patterns(get_resolver()))


def plain_view(request: HttpRequest) -> HttpResponse:
    return HttpResponse("in")


def ask(view: Callable[..., Any], person: Any, session: Any = None, **headers: str) -> Any:
    from django.contrib.auth.models import AnonymousUser
    from django.contrib.sessions.backends.db import SessionStore

    request = RequestFactory().get("/somewhere/?a=1", headers=headers)
    request.session = session if session is not None else SessionStore()
    request.user = person or AnonymousUser()
    if person and session is None:
        remember_second_factor(request, person)
    return Gate(plain_view).process_view(request, view, (), {})


def test_every_address_but_the_public_ones_sends_to_sign_in(db: None) -> None:
    closed = [pattern for pattern in pattern_callbacks() if door_of(pattern.callback) is not Door.PUBLIC]
    assert len(closed) >= 4
    for pattern in closed:
        answer = ask(pattern.callback, None)
        assert answer.headers["Location"] == "/sign-in/?next=%2Fsomewhere%2F%3Fa%3D1", pattern


def test_nothing_of_signing_in_is_public_by_accident(db: None) -> None:
    import tocsin.people.urls

    found = {pattern.name for pattern in tocsin.people.urls.urlpatterns if door_of(pattern.callback) is Door.PUBLIC}
    assert found == OPEN_TO_THE_WORLD


def test_every_address_but_those_of_enrolling_sends_a_person_without_second_factor_to_set_it_up(cast: Cast) -> None:
    from django.contrib.sessions.backends.db import SessionStore

    passed = set()
    for pattern in pattern_callbacks():
        door = door_of(pattern.callback)
        if door is Door.PUBLIC:
            continue
        answer = ask(pattern.callback, cast.analyst, SessionStore())
        if answer is None:
            passed.add(pattern.name)
        else:
            assert answer.headers["Location"].startswith("/sign-in/authenticator/"), pattern
    assert passed == {"account_logout", "people_set_up_second_factor"}


def test_who_asks_for_the_first_page_is_led_to_where_they_begin(cast: Cast) -> None:
    member, peer = browser_of(cast.contact), browser_of(cast.peer)
    for verb in (member.get, member.head):
        assert (verb("/").status_code, verb("/")["Location"]) == (302, "/my/")
    assert member.get("/my/").status_code == 200
    assert member.post("/").status_code == 405 and member.get("/findings/").status_code == 403
    assert peer.get("/").status_code == 403, "who begins nowhere is refused"


def test_a_page_that_says_nothing_is_for_staff(cast: Cast) -> None:
    def undeclared(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    for person in cast.everybody():
        if person.role in (Role.NATIONAL_ADMINISTRATOR, Role.HEAD_OF_TEAM, Role.ANALYST):
            assert ask(undeclared, person) is None
        else:
            with pytest.raises(PermissionDenied):
                ask(undeclared, person)


def test_a_page_that_needs_an_ability_is_for_those_who_have_it(cast: Cast) -> None:
    @needs(Ability.READ_AUDIT)
    def audit_page(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    assert ask(audit_page, cast.auditor) is None
    with pytest.raises(PermissionDenied):
        ask(audit_page, cast.analyst)


def test_a_page_for_all_is_for_the_stranger_too(cast: Cast) -> None:
    @signed_in
    def page(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    assert ask(page, cast.stranger) is None


def test_a_public_page_asks_nobody(db: None) -> None:
    @public
    def page(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    assert ask(page, None) is None


def test_another_persons_second_factor_is_not_mine(cast: Cast) -> None:
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore()
    session["people.second_factor"] = cast.peer.pk
    assert ask(plain_view, cast.analyst, session) is not None


def test_a_part_of_a_page_asked_for_by_htmx_sends_the_whole_page_to_sign_in(db: None) -> None:
    answer = ask(plain_view, None, **{"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/sign-in/")


def test_writing_signed_out_leads_to_sign_in(db: None, client: Client) -> None:
    assert client.post("/sign-in/recovery-codes/", {"code": "1"}).headers["Location"] == "/sign-in/"


@pytest.mark.parametrize("ability", Ability)
def test_nobody_closed_accounts_and_unknown_roles_may_nothing(ability: Ability) -> None:
    from django.contrib.auth.models import AnonymousUser

    assert not may(None, ability)
    assert not may(AnonymousUser(), ability)
    assert not may(Person(role=Role.NATIONAL_ADMINISTRATOR, is_active=False), ability)
    assert not may(Person(role="root"), ability)


OF_CONTACTS = {Ability.VIEW_OWN, Ability.EDIT_OWN, Ability.ANSWER_OWN}
EXPECTED = {
    Role.NATIONAL_ADMINISTRATOR: set(Ability),
    Role.HEAD_OF_TEAM: set(Ability) - OF_CONTACTS,
    Role.ANALYST: set(Ability)
    - {Ability.MANAGE_PEOPLE, Ability.READ_AUDIT, Ability.STOP_MAIL, Ability.SET_NOTICE_POLICIES, Ability.HOLD_OUT}
    - OF_CONTACTS,
    Role.AUDITOR: {
        Ability.VIEW_SITUATION, Ability.VIEW_FINDINGS, Ability.VIEW_DIRECTORY, Ability.VIEW_FEEDS, Ability.READ_AUDIT,
        Ability.VIEW_MAIL, Ability.VIEW_NOTICES, Ability.VIEW_EFFECT,
    },
    Role.OBSERVER: {Ability.VIEW_SITUATION},
    Role.CONSTITUENT_CONTACT: OF_CONTACTS,
    Role.PEER: set(),
}  # fmt: skip


@pytest.mark.parametrize("role", Role)
def test_each_role_may_what_is_written_and_no_more(role: Role) -> None:
    assert {ability for ability in Ability if may(Person(role=role), ability)} == EXPECTED[role]


def test_a_refusal_says_what_is_refused_and_what_to_do() -> None:
    with pytest.raises(NotPermitted, match=r"may not read the audit trail\. Ask a national administrator"):
        require(Person(role=Role.ANALYST), Ability.READ_AUDIT)


def test_of_the_sign_in_librarys_own_pages_none_can_be_reached() -> None:
    """Its templates are not in our words; whatever is made from its views has a template of this room."""
    views = {entry.name: entry.callback.view_class for entry in pattern_callbacks() if _is_from_allauth(entry.callback)}
    assert set(views) == {"account_login", "mfa_authenticate"}
    assert {view.__module__ for view in views.values()} == {"tocsin.people.views.signing_in"}
    assert all(view.template_name.startswith("people/") for view in views.values())


def _is_from_allauth(callback: Any) -> bool:
    ancestors = getattr(callback, "view_class", type(None)).__mro__
    return callback.__module__.startswith("allauth") or any(each.__module__.startswith("allauth") for each in ancestors)


def test_where_a_person_may_go_is_said_as_the_gate_would(cast: Cast) -> None:
    places = ("/findings/?state=new#top", "/directory/", "/directory/add/", "/help/", "/sign-in/", "/nowhere/")

    def open_to(person: Any) -> list[bool]:
        return [may_open(person, place) for place in places]

    assert open_to(cast.analyst) == [True] * 6
    assert open_to(cast.auditor) == [True, True, False, True, True, True]
    assert open_to(cast.observer) == open_to(cast.contact) == [False, False, False, True, True, True]
    assert open_to(AnonymousUser()) == [False, False, False, False, True, True]
