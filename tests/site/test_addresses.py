"""Links that commands print lead to where the server listens, or say on what that depends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import HTTPCookieProcessor, build_opener

import pytest

from tests.commands import Command
from tests.site.cli.test_serve import health, serving
from tocsin.site import instance
from tocsin.site.addresses import base_address, belonging, moved
from tocsin.site.config import Config


@contextmanager
def served(home: Path, url: str) -> Iterator[None]:
    with instance.serving_lock(home, alone=False):
        instance.note_address(home, url)
        yield


def test_a_link_leads_to_where_the_settings_say_and_says_so(tmp_path: Path) -> None:
    config = Config(home=tmp_path, port=8010)
    assert base_address(config) == "http://localhost:8010"
    assert belonging(config) == "It works on this machine while the server runs on port 8010 (TOCSIN_PORT)."


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://127.0.0.1:8011/", "http://localhost:8011"),
        ("http://[::1]:8012/", "http://localhost:8012"),
        ("https://0.0.0.0:8443/", "https://localhost:8443"),
    ],
)
def test_a_link_leads_to_the_server_that_runs(tmp_path: Path, url: str, address: str) -> None:
    config = Config(home=tmp_path)
    with served(tmp_path, url):
        assert (base_address(config), belonging(config)) == (address, "")
    assert base_address(config) == "http://localhost:8000", "it runs no more"


def test_a_public_name_wins(tmp_path: Path) -> None:
    config = Config(home=tmp_path, allowed_hosts=("localhost", ".cirt.example"))
    with served(tmp_path, "http://127.0.0.1:8011/"):
        assert base_address(config) == "https://cirt.example"
    assert belonging(config) == "It leads to cirt.example, the first of TOCSIN_ALLOWED_HOSTS."
    assert moved(config, 8011) == ""


def test_a_server_on_another_port_says_where_links_work(tmp_path: Path) -> None:
    said = moved(Config(home=tmp_path), 8011)
    assert said.startswith("links that name http://localhost:8000 work at http://localhost:8011 now.")
    assert "TOCSIN_PORT=8011" in said
    assert moved(Config(home=tmp_path), None) == moved(Config(home=tmp_path), 8000) == ""


def test_the_link_of_init_opens_on_the_port_that_the_server_was_told(ready: Path, tocsin: Command) -> None:
    before = tocsin("init").stdout
    assert "http://localhost:8000/sign-in/enrol/" in before
    assert "It works on this machine while the server runs on port 8000 (TOCSIN_PORT).\n" in before
    with serving(ready) as (process, address):
        health(address)
        link = json.loads(tocsin("init", "--json").stdout)["enrolment"]
        colleague = tocsin("user", "create", "--email", "ana@cirt.example", "--role", "analyst").stdout
        with build_opener(HTTPCookieProcessor()).open(link, timeout=30) as page:
            assert page.url == f"http://localhost:{urlsplit(address).port}/sign-in/enrol/"
        process.terminate()
        assert process.stderr
        log = process.stderr.read()
    port = urlsplit(address).port
    assert f"http://localhost:{port}/" in link
    assert colleague.splitlines()[0] == "ana@cirt.example can enrol once, within seven days, by this link."
    assert colleague.splitlines()[-1].startswith(f"http://localhost:{port}/sign-in/enrol/")
    assert f"tocsin: links that name http://localhost:8000 work at http://localhost:{port} now." in log
