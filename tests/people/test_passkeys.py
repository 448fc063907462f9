"""Passkeys without a browser: what is refused, whose they are, and under which name. With one: `tests/browser`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.test import Client, RequestFactory

from tests.cast import Cast
from tests.people.test_accounts import page_text, signed_in_as
from tocsin.kernel import clock
from tocsin.kernel.refusals import Conflict
from tocsin.people import actions, passkeys, queries
from tocsin.people.models import Person

Enrolled = Callable[[Person], Person]
ANSWER = {"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {}, "clientExtensionResults": {}}


def kept(person: Person, name: str = "Telephone") -> Authenticator:
    """Keep a passkey of a person as if a device had made it."""
    event = actions.add_passkey(person, name=name, credential=ANSWER, by=person, at=clock.now())
    return Authenticator.objects.get(pk=event.passkey)


@pytest.mark.parametrize(
    "credential",
    [
        "",
        "x",
        "[]",
        "null",
        "{}",
        json.dumps(ANSWER),
        json.dumps({"response": {"userHandle": "MQ"}}),
        '{"response": 1}',
    ],
)
def test_what_is_no_answer_signs_nobody_in(cast: Cast, credential: str) -> None:
    client = Client(headers={"host": "localhost"})
    token = client.get("/sign-in/").context["passkey"].token
    answer = client.post("/sign-in/passkey/", {"credential": credential, "token": token})
    assert answer.status_code == 422 and "You are not signed in" in answer.content.decode()
    assert "session" not in client.cookies


def test_wrong_passkeys_count_as_guesses(db: None) -> None:
    client, wrong = Client(REMOTE_ADDR="203.0.113.51"), {"credential": json.dumps(ANSWER), "token": "x"}
    statuses = [client.post("/sign-in/passkey/", wrong).status_code for _ in range(22)]
    assert statuses == [422] * 20 + [429] * 2


def test_a_challenge_of_somebody_elses_making_is_refused(db: None, rf: RequestFactory) -> None:
    for token in ("", "x", "e30:1:abc"):
        with pytest.raises(ValidationError, match="took too long"):
            passkeys.finish(token, ANSWER)
        with pytest.raises(ValidationError, match="took too long"):
            passkeys.finish_adding(token, ANSWER)


@pytest.mark.parametrize(
    ("host", "name", "under_tls", "possible"),
    [
        ("localhost:8000", "", False, True),
        ("127.0.0.1:8000", "", False, False),
        ("[::1]:8000", "", False, False),
        ("cirt.example", "cirt.example", True, True),
        ("www.cirt.example", "cirt.example", True, True),
        ("notcirt.example", "cirt.example", True, False),
        ("cirt.example", "cirt.example", False, False),
        ("localhost", "cirt.example", True, False),
    ],
)
def test_passkeys_belong_to_the_name_of_the_settings_over_a_protected_connection(
    rf: RequestFactory, settings: Any, host: str, name: str, under_tls: bool, possible: bool
) -> None:
    settings.ALLOWED_HOSTS, settings.PASSKEY_HOST, settings.UNDER_TLS = ["*"], name, under_tls
    assert passkeys.are_possible(rf.get("/", headers={"host": host})) is possible


def test_where_no_browser_would_use_one_none_is_offered(cast: Cast, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    elsewhere = {"host": "127.0.0.1"}
    assert "data-passkey" not in Client(headers=elsewhere).get("/sign-in/").content.decode()
    page = page_text(signed_in_as(cast.analyst).get("/account/passkeys/add/", headers=elsewhere))
    assert "Passkeys belong to the name" in page


def test_a_passkey_needs_a_name_and_an_answer(cast: Cast) -> None:
    client = signed_in_as(cast.analyst)
    for typed in ({"name": ""}, {"name": "\u2060"}, {"name": "x" * 101}, {"name": "Telephone", "credential": "{}"}):
        assert client.post("/account/passkeys/add/", typed).status_code == 422
    assert not Authenticator.objects.exists()


def test_a_passkey_is_renamed_and_removed_by_its_person_alone(cast: Cast, enrolled: Enrolled) -> None:
    enrolled(cast.analyst)
    key, client, stranger = kept(cast.analyst), signed_in_as(cast.analyst), signed_in_as(cast.stranger)
    for what in ("", "remove/"):
        assert stranger.post(f"/account/passkeys/{key.pk}/{what}", {"name": "Mine"}).status_code == 404
    client.post(f"/account/passkeys/{key.pk}/", {"name": "Old telephone"})
    assert Authenticator.objects.get(pk=key.pk).data["name"] == "Old telephone"
    assert "Old telephone" in page_text(client.get(f"/account/passkeys/{key.pk}/remove/"))
    totp = Authenticator.objects.get(type=Authenticator.Type.TOTP)
    assert client.post(f"/account/passkeys/{totp.pk}/remove/").status_code == 404, "no passkey"
    client.post(f"/account/passkeys/{key.pk}/remove/")
    assert not Authenticator.objects.filter(pk=key.pk).exists()
    assert Authenticator.objects.filter(type=Authenticator.Type.RECOVERY_CODES).exists(), "these go on working"


def test_the_last_second_factor_stays(cast: Cast) -> None:
    only = kept(cast.analyst)
    assert queries.has_second_factor(cast.analyst)
    with pytest.raises(Conflict, match="your only second factor"):
        actions.remove_passkey(only, by=cast.analyst, at=clock.now())
    other = kept(cast.analyst, "Key ring")
    actions.remove_passkey(only, by=cast.analyst, at=clock.now())
    assert queries.second_factors(cast.analyst) == [other]


def test_of_passkeys_one_has_not_without_end(cast: Cast) -> None:
    for number in range(passkeys.MOST):
        kept(cast.analyst, f"Key {number}")
    with pytest.raises(Conflict, match="10 passkeys"):
        kept(cast.analyst)
