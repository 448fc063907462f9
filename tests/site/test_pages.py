"""Pages that belong to no room. None of them asks the database anything: these tests have none."""

from __future__ import annotations

import dataclasses
import gzip
import re
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpRequest
from django.template.loader import get_template, render_to_string
from django.test import Client, RequestFactory

from tests import forking
from tests.commands import environment
from tocsin.feeds.choices import FindingState
from tocsin.site import search as search_room
from tocsin.site.search import AT_MOST, Group, Hit, find


def test_why_a_page_failed_is_told_on_standard_error(tmp_path: Path) -> None:
    """In a process of its own: here pytest takes what is logged."""
    code = "import django; django.setup(); import logging; logging.getLogger('django.request').error('why')"
    variables = {**environment(tmp_path), "DJANGO_SETTINGS_MODULE": "tocsin.site.settings"}
    done = forking.run(["-c", code], variables)

    assert done.stderr.strip() == "why"


@pytest.fixture
def client(settings: Any) -> Client:
    """A browser at an instance that shows its parts. Who may pass has tests of its own, with a database."""
    settings.SHOW_PARTS = True
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if not name.endswith(".Gate")]
    return Client()


def text(client: Client, address: str, language: str = "en") -> str:
    response = client.get(address, headers={"accept-language": language})
    assert response.status_code == 200, response.status_code
    return response.content.decode()


@pytest.mark.parametrize("address", ["/help/", "/search/", "/search/?q=192.0.2.1", "/parts/"])
def test_the_page_stands_in_its_frame(client: Client, address: str) -> None:
    page = text(client, address)

    assert page.count("<h1>") == 1
    assert '<main id="content"' in page and 'aria-label="Where you are"' in page
    assert 'role="search"' in page and "Help and keys" in page
    assert "allowEval&quot;:false" in page or '"allowEval":false' in page


def test_the_parts_are_shown_only_on_a_demonstration(client: Client, settings: Any) -> None:
    settings.SHOW_PARTS = False

    assert client.get("/parts/").status_code == 404


def test_the_page_with_every_part_is_light(client: Client) -> None:
    assert len(gzip.compress(text(client, "/parts/").encode())) < 10_000


def test_the_page_speaks_the_language_of_the_browser(client: Client) -> None:
    page = text(client, "/help/", "fr-FR,fr;q=0.9")

    assert '<html lang="fr" dir="ltr">' in page
    assert "Aide et raccourcis" in page


@pytest.mark.parametrize(
    ("chosen", "asked", "spoken"),
    [
        ("", "", "fr"),
        ("", "*", "fr"),
        ("", "pt-BR,de;q=0.5", "fr"),
        ("", "pt-BR,en;q=0.5", "en"),
        ("", "en-GB,fr;q=0.9", "en"),
        ("fr", "en", "fr"),
        ("en", "fr", "en"),
        ("xx", "en", "en"),
    ],
)
def test_the_setting_decides_where_neither_a_choice_nor_the_browser_does(
    client: Client, settings: Any, chosen: str, asked: str, spoken: str
) -> None:
    """docs/reference/settings.md, "Who decides the language"; what the account says comes before: tests/people."""
    settings.LANGUAGE_CODE = "fr"
    if chosen:
        client.cookies[settings.LANGUAGE_COOKIE_NAME] = chosen

    assert f'<html lang="{spoken}"' in text(client, "/help/", asked)


def test_the_setting_is_the_language_of_last_resort(tmp_path: Path) -> None:
    code = "from django.conf import settings; print(settings.LANGUAGE_CODE)"
    variables = {**environment(tmp_path), "DJANGO_SETTINGS_MODULE": "tocsin.site.settings", "TOCSIN_LANGUAGE": "fr"}
    done = forking.run(["-c", code], variables)

    assert done.stdout.strip() == "fr"


def test_a_language_is_chosen_by_a_form_and_remembered(client: Client, settings: Any) -> None:
    response = client.post("/language/", {"language": "fr", "next": "/help/?x=1"})

    assert (response.status_code, response["Location"]) == (302, "/help/?x=1")
    cookie = response.cookies[settings.LANGUAGE_COOKIE_NAME]
    assert (cookie.value, cookie["samesite"], cookie["httponly"]) == ("fr", "Lax", True)
    assert "Aide et raccourcis" in text(client, "/help/")


@pytest.mark.parametrize("onward", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_choosing_a_language_leads_nowhere_else(client: Client, onward: str) -> None:
    assert client.post("/language/", {"language": "fr", "next": onward})["Location"] == "/"


def test_keys_of_one_letter_can_be_switched_off_and_on_again(client: Client, settings: Any) -> None:
    """WCAG 2.1.4: whoever speaks to the computer presses them unawares. A form does it, without a script."""
    assert "Switch the keys off" in text(client, "/help/") and "data-keys" not in text(client, "/help/")

    response = client.post("/keys/", {"keys": "off"})

    assert (response.status_code, response["Location"]) == (302, "/help/")
    cookie = response.cookies[settings.KEYS_COOKIE_NAME]
    assert (cookie.value, cookie["samesite"], cookie["httponly"]) == ("off", "Lax", True)
    page = text(client, "/help/")
    assert 'data-keys="off"' in page and "Switch the keys on" in page and "organisation   /" not in page
    client.post("/keys/", {"keys": "on"})
    assert "data-keys" not in text(client, "/help/") and "organisation   /" in text(client, "/help/")
    assert not client.post("/keys/", {"keys": "x"}).cookies


def test_an_unknown_language_changes_nothing(client: Client) -> None:
    response = client.post("/language/", {"language": "xx", "next": "/help/"})

    assert response.status_code == 302 and not response.cookies


def test_a_language_is_not_chosen_by_a_link(client: Client) -> None:
    assert client.get("/language/?language=fr").status_code == 405


def test_a_language_is_not_chosen_from_elsewhere(client: Client) -> None:
    response = Client(enforce_csrf_checks=True).post("/language/", {"language": "fr"})

    assert response.status_code == 403
    assert "The form has expired" in response.content.decode()


def test_search_keeps_what_was_typed_and_says_that_nothing_is_known(client: Client) -> None:
    page = text(client, "/search/?q=%3Cscript%3E")

    assert "Nothing is known by this" in page
    assert 'value="&lt;script&gt;"' in page and "<script>" not in page.split("<main")[1]


@pytest.mark.parametrize("query", ["q=%00", "q=" + "a" * 201])
def test_search_says_what_is_no_text(client: Client, query: str) -> None:
    page = text(client, f"/search/?{query}")

    assert "One part of the address was not understood and is left out" in page
    assert "Type an id, an address" in page


HITS = [
    Hit("Power Authority", "/directory/power/", "organisation", "C-0001"),
    Hit("Open service", "/findings/1/", "finding"),
]


def test_search_lists_what_the_rooms_know(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_room, "FINDERS", (lambda _person, _text: Group(tuple(HITS), 2),))

    page = text(client, "/search/?q=power")

    assert "2 things are known by this" in page and "List them all" not in page
    assert '<a href="/directory/power/">Power Authority</a>' in page and "C-0001" in page


def test_search_says_how_many_there_are_and_where_all_of_them_stand(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    few, many = Group(tuple(HITS[:1]), 1), Group(tuple(HITS * 10), 1153, "Findings", "/findings/?q=192.0.2.0/24")
    monkeypatch.setattr(search_room, "FINDERS", (lambda _person, _text: few, lambda _person, _text: many))

    page = text(client, "/search/?q=192.0.2.0/24")

    assert "1,154 things are known by this" in page
    assert '<a href="/findings/?q=192.0.2.0/24">Findings: the first 20 of 1,153 stand here. List them all</a>' in page
    assert page.count("List them all") == 1


def test_a_single_hit_is_gone_to_at_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_room, "FINDERS", (lambda _person, _text: Group(tuple(HITS[:1]), 1),))

    assert client.get("/search/?q=C-0001")["Location"] == "/directory/power/"


def test_no_room_floods_the_others_and_no_text_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = (Group(tuple(HITS * 50), 100), Group(tuple(HITS), 2), Group())
    monkeypatch.setattr(search_room, "FINDERS", tuple(lambda _person, _text, it=it: it for it in groups))

    assert [(len(each.hits), each.total) for each in find(None, "x")] == [(AT_MOST, 100), (2, 2)]
    assert find(None, "   ") == []


@pytest.mark.parametrize("code", ["400", "403", "403_csrf", "404", "414", "500"])
def test_every_error_says_what_and_how_to_go_on(code: str) -> None:
    request: HttpRequest = RequestFactory().get("/")

    page = render_to_string(f"{code}.html", request=request)

    assert page.count("<h1>") == 1 and page.count("<p>") >= 3
    assert 'href="/"' in page


def test_the_page_for_a_broken_server_needs_nothing_of_the_request() -> None:
    page = get_template("500.html").render()

    assert "Something broke on our side" in page and "tocsin." in page


def test_an_exercise_says_so_on_every_page(client: Client, settings: Any) -> None:
    settings.CONFIG = dataclasses.replace(settings.CONFIG, exercise=True)

    assert "EXERCISE" in text(client, "/help/") and "Exercise: on" in text(client, "/help/")
    assert "EXERCISE" in client.get("/nothing/").content.decode()


def test_without_an_exercise_there_is_no_band(client: Client) -> None:
    assert "EXERCISE" not in text(client, "/help/")


def test_the_name_of_the_team_cannot_break_out(client: Client, settings: Any) -> None:
    settings.CONFIG = dataclasses.replace(settings.CONFIG, team_name="<b>CIRT</b>")

    assert "&lt;b&gt;CIRT" in text(client, "/help/")


def test_help_lists_the_states_that_findings_have(client: Client) -> None:
    page = text(client, "/help/")
    marks = page[page.index("<dt>State</dt>") :].partition("</dd>")[0]
    assert re.findall(r"</svg>([^<]+)</span>", marks) == [str(label) for label in FindingState.labels]
