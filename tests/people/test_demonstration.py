"""The demonstration's link works on a demonstration, on its own machine, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client, RequestFactory

from tests.cast import Cast
from tests.people.conftest import SECRET
from tocsin.audit.actors import COMMAND_LINE
from tocsin.kernel import clock
from tocsin.people import actions, links
from tocsin.people.demonstration import allows
from tocsin.people.models import Person


@pytest.fixture
def address(cast: Cast, settings: Any) -> str:
    settings.TOCSIN_IS_DEMO, settings.TOCSIN_BIND = True, "127.0.0.1"
    token = links.new_token()
    actions.make_demo_sign_in_link(cast.analyst, token=token, by=COMMAND_LINE, at=clock.now())
    return f"/sign-in/demo/{token}/"


def test_the_link_signs_in_by_one_button_without_second_factor(address: str) -> None:
    browser = Client(enforce_csrf_checks=True, HTTP_HOST="localhost:8000")
    page = browser.get(address).content.decode()
    button = re.search(
        r'<form class="form" method="post"><input .*? value="(\w+)"><button [^>]*>Enter</button></form>', page
    )
    assert button, "it works without a script"
    assert browser.post(address, {"csrfmiddlewaretoken": button[1]}).headers["Location"] == "/"
    assert browser.get("/sign-in/recovery-codes/").status_code == 200
    assert browser.get(address).headers["Location"] == "/", "following it again in the same browser leads in again"


def test_a_members_link_leads_to_the_pages_of_members(address: str, cast: Cast) -> None:
    token, browser = links.new_token(), Client(HTTP_HOST="localhost")
    actions.make_demo_sign_in_link(cast.contact, token=token, by=COMMAND_LINE, at=clock.now())
    for leads in (browser.post, browser.get):
        assert leads(f"/sign-in/demo/{token}/").headers["Location"] == "/my/"


@pytest.mark.parametrize(
    "headers",
    [{}, {"HTTP_SEC_PURPOSE": "prefetch;prerender"}, {"HTTP_PURPOSE": "prefetch"}, {"HTTP_X_MOZ": "prefetch"}],
)
@pytest.mark.parametrize("method", ["get", "head"])
def test_who_only_looks_at_the_link_does_not_use_it_up(
    client: Client, address: str, method: str, headers: dict[str, Any]
) -> None:
    for _ in range(2):
        looked = getattr(Client(HTTP_HOST="localhost"), method)(address, **headers)
        assert looked.status_code == 200
        assert "session" not in looked.cookies, "nobody is signed in"
    assert client.post(address, HTTP_HOST="localhost").headers["Location"] == "/"


def test_another_sites_form_does_not_sign_in(address: str) -> None:
    browser = Client(enforce_csrf_checks=True, HTTP_HOST="localhost")
    assert browser.post(address, HTTP_ORIGIN="http://evil.example").status_code == 403


def test_the_link_works_once(client: Client, address: str) -> None:
    client.post(address, HTTP_HOST="localhost")
    for again in (Client().get(address, HTTP_HOST="localhost"), Client().post(address, HTTP_HOST="localhost")):
        assert again.status_code == 410
        assert b"start it again with <code>make run</code> or <code>tocsin demo</code>" in again.content
        assert b"national administrator" not in again.content, "a demonstration has none to ask"


REFUSED: list[dict[str, Any]] = [
    {"REMOTE_ADDR": "192.0.2.1"},
    {"REMOTE_ADDR": ""},
    {"REMOTE_ADDR": "::ffff:192.0.2.1"},
    {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
    {"HTTP_X_FORWARDED_PROTO": "https"},
    {"HTTP_X_FORWARDED_HOST": "localhost"},
    {"HTTP_FORWARDED": "for=127.0.0.1"},
    {"HTTP_X_REAL_IP": "127.0.0.1"},
    {"HTTP_VIA": "1.1 proxy"},
    {"HTTP_HOST": "demo.evil.example"},
]


@pytest.mark.parametrize("differs", REFUSED, ids=str)
def test_the_link_is_refused_from_elsewhere_and_stays_unused(
    client: Client, address: str, differs: dict[str, Any], settings: Any
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    request = {"HTTP_HOST": "localhost", **differs}
    assert client.get(address, **request).status_code == client.post(address, **request).status_code == 403
    assert client.post(address, HTTP_HOST="localhost").headers["Location"] == "/"


@pytest.mark.parametrize("differs", REFUSED, ids=str)
def test_a_session_from_the_link_ends_at_the_machine_border(
    client: Client, address: str, differs: dict[str, Any], settings: Any
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    client.post(address, HTTP_HOST="localhost")
    answer = client.get("/sign-in/recovery-codes/", **{"HTTP_HOST": "localhost", **differs})
    assert answer.headers["Location"].startswith("/sign-in/authenticator/")


@pytest.mark.parametrize(
    ("is_demo", "bind"), [(False, "127.0.0.1"), (True, "0.0.0.0"), (True, "::"), (True, "192.0.2.7"), (True, "")]
)
def test_the_link_is_refused_where_there_is_no_demonstration_or_the_server_is_open(
    client: Client, address: str, is_demo: bool, bind: str, settings: Any
) -> None:
    settings.TOCSIN_IS_DEMO, settings.TOCSIN_BIND = is_demo, bind
    assert client.get(address, HTTP_HOST="localhost").status_code == 403
    assert client.post(address, HTTP_HOST="localhost").status_code == 403


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000"])
def test_loopback_is_this_machine_under_each_of_its_names(host: str) -> None:
    request = RequestFactory().get("/", HTTP_HOST=host, REMOTE_ADDR="::1")
    assert allows(request, is_demo=True, bind="::1")


@pytest.fixture
def visitor(client: Client, address: str) -> Client:
    """A browser that came by the link."""
    client.defaults["HTTP_HOST"] = "localhost"
    assert client.post(address).status_code == 302
    return client


@pytest.mark.parametrize("page", ["recovery-codes", "authenticator"])
def test_who_came_by_the_link_is_asked_for_no_code_that_nobody_has(visitor: Client, page: str) -> None:
    for answer in (visitor.get(f"/sign-in/{page}/"), visitor.post(f"/sign-in/{page}/", {"code": "123456"})):
        said = answer.content.decode()

        assert answer.status_code == 200 and "The demonstration asks for no code" in said
        assert 'name="code"' not in said and 'href="/"' in said


def test_who_has_an_authenticator_in_a_demonstration_renews_codes_as_everybody(visitor: Client, cast: Cast) -> None:
    actions.set_up_second_factor(cast.analyst, secret=SECRET, by=cast.analyst, at=clock.now())

    assert 'name="code"' in visitor.get("/sign-in/recovery-codes/").content.decode()
    assert visitor.get("/sign-in/authenticator/").headers["Location"] == "/sign-in/recovery-codes/"


def test_signing_out_of_the_demonstration_says_how_to_come_back(visitor: Client) -> None:
    assert "it prints a new link" in visitor.get("/sign-in/out/").content.decode()

    visitor.post("/sign-in/out/")

    page = visitor.get("/sign-in/").content.decode()
    assert "nobody has a password here" in page and 'name="password"' not in page
    assert "<code>make run</code>" in page


def test_who_has_a_password_signs_in_to_a_demonstration_too(
    client: Client, address: str, cast: Cast, enrolled: Callable[[Person], Person]
) -> None:
    enrolled(cast.manager)

    assert 'name="password"' in client.get("/sign-in/").content.decode()


def test_outside_a_demonstration_the_pages_are_as_ever(
    client: Client, sign_in: Callable[[Person], Client], cast: Cast
) -> None:
    assert 'name="password"' in client.get("/sign-in/").content.decode()
    browser = sign_in(cast.analyst)

    assert 'name="code"' in browser.get("/sign-in/recovery-codes/").content.decode()
    assert "prints a new link" not in browser.get("/sign-in/out/").content.decode()
