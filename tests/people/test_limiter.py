"""Few guesses for whoever guesses, and the owner let in from a browser that is known."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.hashers import get_hasher
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.test import Client, RequestFactory

from tests.cast import PASSWORD, Cast
from tests.people.conftest import SECRET, code_of
from tocsin.people import devices, limiter
from tocsin.people.adapter import AccountAdapter
from tocsin.people.models import Person

Enrolled = Callable[[Person], Person]
SignIn = Callable[[Person], Client]


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every password for which a hash is computed: to compare it, or to take as long as if it were compared."""
    seen: list[str] = []
    hasher = type(get_hasher())
    compute = hasher.verify, hasher.encode

    def verify(self: Any, password: str, encoded: str) -> bool:
        seen.append(password)
        return bool(compute[0](self, password, encoded))

    def encode(self: Any, password: str, salt: str) -> str:
        seen.append(password)
        return str(compute[1](self, password, salt))

    monkeypatch.setattr(hasher, "verify", verify)
    monkeypatch.setattr(hasher, "encode", encode)
    return seen


def written(email: str) -> Iterator[str]:
    """Yield many ways in which one address can be written, without end."""
    name, _, host = email.partition("@")
    wide = "".join(chr(ord(letter) + 0xFEE0) if letter.isalpha() else letter for letter in name)
    while True:
        yield from (email, f" {name.upper()}@{host.title()} ", f"{wide}@{host}", f"{name}@{host.upper()}")


def attempt(request: HttpRequest, email: str, password: str) -> bool | None:
    """Try a password; None where it was not even looked at."""
    try:
        return AccountAdapter().authenticate(request, email=email, password=password) is not None
    except ValidationError:
        return None


def test_of_a_thousand_guesses_ten_are_checked_however_and_from_wherever_they_come(
    cast: Cast, enrolled: Enrolled, hashed: list[str]
) -> None:
    enrolled(cast.analyst)
    hashed.clear()
    factory = RequestFactory()
    answers = []
    for number, email in zip(range(1000), written(cast.analyst.email), strict=False):
        verb = ("post", "get", "put", "head")[number % 4]
        place = {"REMOTE_ADDR": f"10.{number // 250}.{number % 250}.9", "HTTP_HOST": f"h{number}.example"}
        answers.append(attempt(getattr(factory, verb)("/sign-in/", **place), email, f"guess {number}"))
    assert answers == [False] * 10 + [None] * 990
    assert len(hashed) == 10


def test_the_owner_signs_in_from_a_known_browser_while_strangers_guess(
    cast: Cast, sign_in: SignIn, hashed: list[str]
) -> None:
    owners = sign_in(cast.analyst)
    owners.post("/sign-in/out/")
    thief = Client()
    for number in range(40):
        thief.post("/sign-in/", {"login": cast.analyst.email, "password": f"guess {number}"})
    hashed.clear()
    elsewhere = thief.post("/sign-in/", {"login": cast.analyst.email, "password": PASSWORD})
    assert b"Too many attempts failed" in elsewhere.content and not hashed
    answer = owners.post("/sign-in/", {"login": cast.analyst.email, "password": PASSWORD})
    assert answer.headers["Location"].startswith("/sign-in/code/")
    answer = owners.post("/sign-in/code/", {"code": code_of(SECRET, 1)})
    assert answer.status_code == 302 and owners.get("/help/").status_code == 200


def test_a_known_browser_has_ten_guesses_too_and_only_at_whom_it_knows(
    cast: Cast, sign_in: SignIn, enrolled: Enrolled, hashed: list[str]
) -> None:
    stolen = sign_in(cast.analyst)
    stolen.post("/sign-in/out/")
    hashed.clear()
    for number in range(15):
        stolen.post("/sign-in/", {"login": cast.analyst.email, "password": f"guess {number}"})
    assert len(hashed) == 10
    enrolled(cast.peer)
    request = RequestFactory().post("/sign-in/")
    request.COOKIES = {name: morsel.value for name, morsel in stolen.cookies.items()}
    assert devices.known(request, cast.analyst) and not devices.known(request, cast.peer)


@pytest.mark.parametrize("spoilt", ["", "x", "e30:1:abc"])
def test_a_forged_cookie_makes_no_browser_known(cast: Cast, settings: Any, spoilt: str) -> None:
    request = RequestFactory().post("/sign-in/")
    request.COOKIES[settings.DEVICE_COOKIE_NAME] = spoilt
    assert not devices.known(request, cast.analyst) and not devices.is_known(request)


def test_the_cookie_is_out_of_reach_of_scripts_and_holds_several_people(
    cast: Cast, sign_in: SignIn, settings: Any
) -> None:
    client, name = sign_in(cast.analyst), settings.DEVICE_COOKIE_NAME
    assert client.cookies[name]["httponly"] and client.cookies[name]["samesite"] == "Lax"
    request = RequestFactory().post("/sign-in/")
    request.COOKIES[name] = client.cookies[name].value
    devices.remember(request, cast.peer)
    response = Client().get("/health")
    devices.give(request, response)
    request.COOKIES[name] = response.cookies[name].value
    assert devices.known(request, cast.analyst) == devices.known(request, cast.peer) != ""


def test_a_right_password_gives_no_further_guesses_at_the_code(cast: Cast, enrolled: Enrolled) -> None:
    enrolled(cast.analyst)
    right = {code_of(SECRET, step) for step in range(-2, 9)}
    wrong = [code for code in (f"{number:06}" for number in range(20)) if code not in right][:14]
    looked_at = 0
    for number, code in enumerate(wrong):
        client = Client(REMOTE_ADDR=f"192.0.{number}.1")
        client.post("/sign-in/", {"login": cast.analyst.email, "password": PASSWORD})
        looked_at += b"This code is not right" in client.post("/sign-in/code/", {"code": code}).content
    assert looked_at == 10, "although the password was right each time"


def test_who_tries_many_accounts_is_bounded_by_address_and_by_network(db: None) -> None:
    def tries(pattern: str, times: int = 100) -> int:
        requests = (RequestFactory().post("/", REMOTE_ADDR=pattern.format(number)) for number in range(times))
        return sum(limiter.begin(request, f"{pattern}{n}") is not None for n, request in enumerate(requests))

    assert tries("203.0.113.7") == 20
    assert tries("198.51.100.{}") == 60
    assert tries("2001:db8:0:100::{:x}") == 60
    assert tries("2001:db8:0:200::{:x}", 10) == 10, "another /56"
    shut, other = (RequestFactory().post("/", REMOTE_ADDR=each) for each in ("198.51.100.250", "192.0.2.1"))
    assert limiter.is_shut(shut) and not limiter.is_shut(other)


def test_ten_guesses_are_checked_in_any_quarter_of_an_hour(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    began, checked = time.time(), []
    for minute in range(40):
        monkeypatch.setattr(time, "time", lambda now=began + 60 * minute: now)
        request = RequestFactory().post("/", REMOTE_ADDR=f"203.0.{minute}.1")
        checked += [minute] if limiter.begin(request, "ana@cirt.example") else []
    assert checked == [*range(10), *range(15, 25), *range(30, 40)]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2ff::1", "2001:db8:1:200::/56"),
        ("not an address", "not an address"),
    ],
)
def test_addresses_are_counted_by_the_network(address: str, network: str) -> None:
    assert limiter.network_of(address) == network


def test_unknown_links_count_as_guesses(db: None) -> None:
    client = Client(REMOTE_ADDR="203.0.113.50")
    statuses = [client.get(f"/sign-in/enrol/{number:043}/").status_code for number in range(22)]
    assert statuses == [410] * 20 + [429] * 2


@pytest.mark.parametrize("who", ["known", "closed", "unknown", "invited"])
def test_a_hash_is_computed_for_every_guess_whoever_is_tried(
    cast: Cast, enrolled: Enrolled, hashed: list[str], who: str
) -> None:
    enrolled(cast.analyst)
    enrolled(cast.peer)
    Person.objects.filter(pk=cast.peer.pk).update(is_active=False)
    address = {
        "known": cast.analyst.email, "closed": cast.peer.email,
        "unknown": "nobody@cirt.example", "invited": cast.auditor.email,
    }[who]  # fmt: skip
    hashed.clear()
    Client().post("/sign-in/", {"login": address, "password": "wrong password here"})
    assert len(hashed) == 1, "as long for whom nobody knows as for whom somebody does"


def test_who_cannot_sign_in_is_told_whom_to_ask_and_nothing_else(cast: Cast, client: Client) -> None:
    page = client.get("/sign-in/no-access/").content.decode()
    assert "national administrator" in page and '<input type="email"' not in page
    assert cast.administrator.name not in page and "session" not in client.cookies
    assert 'href="/sign-in/no-access/"' in client.get("/sign-in/").content.decode()
