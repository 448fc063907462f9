"""Sessions: only who has something to keep gets one, and none stays for ever."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.cast import Cast
from tocsin.audit.actors import COMMAND_LINE
from tocsin.jobs import registry
from tocsin.kernel import clock
from tocsin.people import actions, links, sessions
from tocsin.people.access import Door, door_of
from tocsin.people.jobs import CLEAR_SESSIONS, clear_sessions
from tocsin.people.models import Person, SignedInSession

pytestmark = pytest.mark.django_db


def _routes(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    for each in resolver.url_patterns:
        route = before + str(each.pattern)
        if isinstance(each, URLPattern):
            yield route, each.callback
        else:
            yield from _routes(each, route)


def _public_addresses() -> list[str]:
    public = [route for route, view in _routes(get_resolver()) if door_of(view) is Door.PUBLIC]
    return [f"/{route}".replace("<str:token>", "x" * 43) for route in public]


def test_nobody_gets_a_session_for_looking_or_for_guessing(client: Client) -> None:
    addresses = _public_addresses()
    assert "/sign-in/enrol/" + "x" * 43 + "/" in addresses
    assert len(addresses) > 8
    for address in addresses:
        client.get(address)
        client.post(address, {"login": "nobody@cirt.example", "password": "a wrong password", "code": "123456"})
        assert "session" not in client.cookies, address
    assert Session.objects.count() == 0


@pytest.mark.parametrize("age", [dt.timedelta(days=8), dt.timedelta(0)], ids=["too old", "used"])
def test_a_link_that_opens_nothing_makes_no_session(client: Client, cast: Cast, age: dt.timedelta) -> None:
    token = links.new_token()
    actions.make_enrolment_link(cast.analyst, token=token, by=COMMAND_LINE, at=clock.now() - age)
    if not age:
        actions.enrol(token=token, password="a very new passphrase", by=cast.analyst, at=clock.now())
    assert client.get(f"/sign-in/enrol/{token}/").status_code == 410
    assert Session.objects.count() == 0


def test_a_link_that_opens_something_is_kept_in_a_session(
    client: Client, cast: Cast, enrolment_address: Callable[[Person], str]
) -> None:
    assert client.get(enrolment_address(cast.analyst)).status_code == 302
    assert Session.objects.count() == 1
    assert client.get("/sign-in/enrol/").status_code == 200


def test_a_worker_clears_expired_sessions_once_a_day() -> None:
    registry.load()
    schedule = next(each for each in registry.schedules() if each.kind == CLEAR_SESSIONS)
    assert schedule.interval == dt.timedelta(days=1)
    for name, hours in (("old", -1), ("new", 1)):
        store = SessionStore()
        store["name"] = name
        store.create()
        Session.objects.filter(pk=store.session_key).update(expire_date=clock.now() + dt.timedelta(hours=hours))
    kind = registry.kind_named(CLEAR_SESSIONS)
    assert kind is not None
    kind.function({}, None)  # type: ignore[arg-type]
    assert [session.get_decoded()["name"] for session in Session.objects.all()] == ["new"]


def test_with_a_session_goes_what_is_kept_of_it(cast: Cast, sign_in: Callable[[Person], Client]) -> None:
    sign_in(cast.analyst)
    Session.objects.update(expire_date=clock.now() - dt.timedelta(hours=1))
    assert sessions.of_person(cast.analyst, clock.now()) == [], "what has expired is not shown"
    assert SignedInSession.objects.count() == 1
    clear_sessions({}, None)  # type: ignore[arg-type]
    assert SignedInSession.objects.count() == 0
