"""The demonstration's link works on a demonstration, on its own machine, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client, RequestFactory

from tests.cast import Cast
from tocsin.audit.actors import COMMAND_LINE
from tocsin.kernel import clock
from tocsin.people import actions, links
from tocsin.people.demonstration import allows


@pytest.fixture
def address(cast: Cast, settings: Any) -> str:
    settings.TOCSIN_IS_DEMO, settings.TOCSIN_BIND = True, "127.0.0.1"
    token = links.new_token()
    actions.make_demo_sign_in_link(cast.analyst, token=token, by=COMMAND_LINE, at=clock.now())
    return f"/sign-in/demo/{token}/"


def test_the_link_signs_in_without_second_factor(client: Client, address: str) -> None:
    client.defaults["HTTP_HOST"] = "localhost:8000"
    assert client.get(address).headers["Location"] == "/"
    assert client.get("/sign-in/recovery-codes/").status_code == 200
    assert client.get(address).headers["Location"] == "/", "following it again in the same browser leads in again"


def test_the_link_works_once(client: Client, address: str) -> None:
    client.get(address, HTTP_HOST="localhost")
    again = Client().get(address, HTTP_HOST="localhost")
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
    assert client.get(address, **request).status_code == 403
    assert client.get(address, HTTP_HOST="localhost").headers["Location"] == "/"


@pytest.mark.parametrize("differs", REFUSED, ids=str)
def test_a_session_from_the_link_ends_at_the_machine_border(
    client: Client, address: str, differs: dict[str, Any], settings: Any
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    client.get(address, HTTP_HOST="localhost")
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


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000"])
def test_loopback_is_this_machine_under_each_of_its_names(host: str) -> None:
    request = RequestFactory().get("/", HTTP_HOST=host, REMOTE_ADDR="::1")
    assert allows(request, is_demo=True, bind="::1")
