"""Recovery codes: shown where they were made until somebody says that they are kept, and never again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from tests.cast import PASSWORD, Cast
from tests.people.conftest import SECRET, code_of
from tocsin.audit.models import AuditRow
from tocsin.kernel import clock
from tocsin.kernel.refusals import Conflict
from tocsin.people import actions
from tocsin.people.models import Person

ADDRESS = "/sign-in/recovery-codes/"
SignIn = Callable[[Person], Client]


def shown(client: Client) -> int:
    return client.get(ADDRESS).content.decode().count("<li><code>")


def everything_written() -> list[object]:
    return [list(Authenticator.objects.order_by("pk").values()), AuditRow.objects.count()]


@pytest.fixture
def with_new_codes(cast: Cast, sign_in: SignIn) -> Client:
    client = sign_in(cast.analyst)
    assert client.post(ADDRESS, {"code": code_of(SECRET, 1)}).status_code == 302
    return client


def test_codes_that_are_kept_are_not_shown_again(with_new_codes: Client, cast: Cast) -> None:
    assert shown(with_new_codes) == 10
    answer = with_new_codes.post(ADDRESS, {"kept": "yes"})
    assert answer.headers["Location"] == "/"
    row = AuditRow.objects.latest("sequence")
    assert (row.code, row.actor_key) == ("person.recovery_codes_kept", cast.analyst.audit_key)
    assert shown(with_new_codes) == 0


def test_looking_at_them_writes_nothing(with_new_codes: Client) -> None:
    before = everything_written()
    assert shown(with_new_codes) == 10
    assert shown(with_new_codes) == 10, "a page that was lost on the way can be asked for again"
    assert everything_written() == before


def test_another_session_of_the_same_person_does_not_see_them(with_new_codes: Client, cast: Cast) -> None:
    other = Client()
    other.post("/sign-in/", {"login": cast.analyst.email, "password": PASSWORD})
    assert other.post("/sign-in/code/", {"code": code_of(SECRET, -1)}).status_code == 302
    assert shown(other) == 0
    other.post(ADDRESS, {"kept": "yes"})
    assert shown(with_new_codes) == 10, "nor can it say that they are kept"


def test_saying_so_twice_is_recorded_once(with_new_codes: Client) -> None:
    for _ in range(2):
        assert with_new_codes.post(ADDRESS, {"kept": "yes"}).status_code == 302
    assert AuditRow.objects.filter(code="person.recovery_codes_kept").count() == 1


def test_who_has_none_cannot_keep_them(cast: Cast) -> None:
    with pytest.raises(Conflict, match="no recovery codes"):
        actions.keep_recovery_codes(cast.analyst, by=cast.analyst, at=clock.now())
