"""No secret part of a link stands in a log, whatever goes wrong while somebody follows it."""

from __future__ import annotations

import logging
import socket
from pathlib import Path

import pytest

from tests import forking
from tests.commands import environment
from tests.site.cli.test_serve import health, serving
from tocsin.site.log_lines import Discreet, discreet

TOKEN = "B88-kSjrCoont158xAZhMZ_8J_hh0MCQL9vbRCuu4eI"
"""As long as those of `links.new_token`; always the same, so that several processes name their tests alike."""
FOLLOWED = """
import logging, sys
from tocsin.site.starting import set_up_django
set_up_django()
from django.test import Client
from tocsin.people import links, views

def broken(*_arguments, **_named):
    raise RuntimeError(f"nothing is right with {address}")

token, is_broken = sys.argv[1], sys.argv[2] == "broken"
from django.conf import settings
settings.TOCSIN_IS_DEMO = is_broken
if is_broken:
    links.open_link = broken
logging.getLogger("tocsin.anything").warning("in no room's own words: /sign-in/demo/%s/", token)
for kind in ("enrol", "demo"):
    address = f"/sign-in/{kind}/{token}/"
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    for asked in (address, address[:-1], address + "more", f"/search/?next={address}"):
        for host in ("localhost", "elsewhere.example", "a b"):
            print(client.get(asked, HTTP_HOST=host).status_code, client.post(asked, HTTP_HOST=host).status_code)
"""


@pytest.mark.parametrize("how", ["broken", "refused"])
def test_a_link_that_fails_leaves_no_secret_in_the_log(ready: Path, how: str) -> None:
    done = forking.run(["-c", FOLLOWED, TOKEN, how], environment(ready))
    assert done.returncode == 0, done.stderr
    assert "/sign-in/demo/…/" in done.stderr, "what happened is logged all the same"
    assert ("Internal Server Error: /sign-in/enrol/…/" in done.stderr) == (how == "broken")
    assert ("500" in done.stdout) == (how == "broken")
    assert TOKEN not in done.stderr


def test_the_web_server_leaves_it_out_too(ready: Path) -> None:
    with serving(ready, "--only", "web") as (process, address):
        health(address)
        with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))) as line:
            line.sendall(f"GET /sign-in/demo/{TOKEN}/\r\n\r\n".encode())
            assert line.recv(100)
        process.terminate()
        said = process.stderr.read() if process.stderr else ""
    assert "Invalid request from ip=127.0.0.1" in said
    assert "/sign-in/demo/…" in said
    assert TOKEN not in said


@pytest.mark.parametrize(
    ("line", "left"),
    [
        (f"Gone: /sign-in/enrol/{TOKEN}/", "Gone: /sign-in/enrol/…/"),
        (f"'GET /sign-in/demo/{TOKEN}'", "'GET /sign-in/demo/…'"),
        (f"/sign-in/?next=%2Fsign-in%2Fenrol%2F{TOKEN}%2F", "/sign-in/?next=%2Fsign-in%2Fenrol%2F…%2F"),
        ("/sign-in/enrol/ and /sign-in/code/", "/sign-in/enrol/ and /sign-in/code/"),
    ],
)
def test_what_is_left_of_a_line(line: str, left: str) -> None:
    assert discreet(line) == left


def test_every_address_with_a_secret_in_it_is_known() -> None:
    from tocsin.people.urls import urlpatterns

    with_token = [str(each.pattern) for each in urlpatterns if "<" in str(each.pattern)]
    named = ("link", "forgotten", "enrol", "demo")
    assert with_token == [f"{each}/<str:token>/" for each in named]
    for route in with_token:
        assert TOKEN not in discreet("/sign-in/" + route.replace("<str:token>", TOKEN))


def test_other_formatters_keep_their_form() -> None:
    record = logging.LogRecord("a", logging.ERROR, "a.py", 1, "at %s", (f"/sign-in/demo/{TOKEN}/",), None)
    assert Discreet(logging.Formatter("[%(levelname)s] %(message)s")).format(record) == "[ERROR] at /sign-in/demo/…/"


def test_a_key_of_the_api_reaches_no_log() -> None:
    from tocsin.people import keys

    secret = keys.new_secret()
    hidden = secret.split("_", 2)[2]
    said = discreet(f"400 Authorization: Bearer {secret}, and again '{secret}'")
    assert hidden not in said and said.count(keys.prefix_of(secret)) == 2
