"""Signing in as people do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.cast import PASSWORD
from tocsin.audit.actors import COMMAND_LINE
from tocsin.kernel import clock
from tocsin.people import actions, links
from tocsin.people.models import Person


def code_of(secret: str, step: int = 0) -> str:
    """What an authenticator shows for `secret`, `step` times 30 seconds from now."""
    from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

    return str(format_hotp_value(hotp_value(secret.replace(" ", ""), int(time.time()) // 30 + step)))


SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def enrolled() -> Callable[[Person], Person]:
    """Give a person the password and the authenticator of the tests."""

    def enrol(person: Person) -> Person:
        person.set_password(PASSWORD)
        person.save()
        actions.set_up_second_factor(person, secret=SECRET, by=person, at=clock.now())
        return person

    return enrol


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands: no test may come over the border between two codes."""
    at = time.time()
    monkeypatch.setattr(time, "time", lambda: at)


@pytest.fixture
def sign_in(enrolled: Callable[[Person], Person], still: None) -> Callable[[Person], Client]:
    """Sign a person in with password and code; return the browser."""

    def enter(person: Person) -> Client:
        client = Client()
        enrolled(person)
        client.post("/sign-in/", {"login": person.email, "password": PASSWORD})
        answer: Any = client.post("/sign-in/code/", {"code": code_of(SECRET)})
        assert answer.status_code == 302, answer.content
        return client

    return enter


@pytest.fixture
def enrolment_address() -> Callable[[Person], str]:
    """Make a one-time link; return its address."""

    def make(person: Person) -> str:
        token = links.new_token()
        actions.make_enrolment_link(person, token=token, by=COMMAND_LINE, at=clock.now())
        return f"/sign-in/enrol/{token}/"

    return make
