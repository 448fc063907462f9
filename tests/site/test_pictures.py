"""`make pictures` shows every page that there is."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, resolve

from tests.architecture.reading import ROOT
from tools.pictures.scenes import SCENES
from tools.pictures.taking import ENTRANCE

NO_PAGE = {
    "health": "answers a probe in plain text",
    "language": "takes a form and goes back",
    "feeds:work": "takes a form",
    "feeds:note": "takes a form",
    "feeds:give": "takes a form",
    "feeds:answer": "takes a form",
    "feeds:judge": "takes a form",
    "my:answer": "takes a form",
    "my:export": "answers with a file",
    "feeds:decide": "takes a form",
    "feeds:order": "takes a form",
    "feeds:progress": "answers with a part of the page of a run",
    "feeds:withdraw": "takes a form",
    "received:raw": "answers with a file",
    "received:work": "takes a form",
    "notices:prepare": "takes a form",
    "notices:end-policy": "takes a form",
    "notices:end-suppression": "takes a form",
    "notices:read": "takes a form",
    "notices:send": "takes a form",
    "notices:send-all": "takes a form",
    "notices:discard": "takes a form",
    "notices:end-hold-out": "takes a form",
    "notices:exempt-from-hold-out": "takes a form",
    "effect:curve": "answers with a file",
    "notices:attachment": "answers with a file",
    "keys": "takes a form and goes back",
    "audit-export": "takes a form and sends a file",
    "api:api-root": "is of the API, and answers no page",
    "api:openapi-json": "answers a program",
    "api:findings": "answers a program",
    "api:finding": "answers a program",
    "api:answer": "answers a program",
    "api:notices": "answers a program",
    "my:try-webhook": "takes a form",
    "my:webhook-secret": "asks as my:end-webhook does",
    "outbox-switch": "takes a form",
    "outbox-decide": "takes a form",
    "feeds:replay": "takes a form",
    "feeds:claim-for": "goes on to the form for a claim",
    "directory:attribution": "answers with a part of a page",
    "directory:confirm-claim": "takes a form",
    "directory:approve-changes": "takes a form",
    "my:is-right": "takes a form",
    "my:take-back": "takes a form",
    "my:end-member": "takes a form",
    "people_enrolment_link": "takes the secret out of the address and goes on to enrolment",
    "directory:end-member": "takes a form",
    "own:rename-passkey": "nobody has a passkey in the demonstration; its form is that of own:add-passkey",
    "own:remove-passkey": "asks as own:revoke-key does",
    "people_mailed_link": "opens nothing that was not mailed; its pages are those of a link and of a demonstration's",
    "people_reset": "opens nothing that was not mailed; its form is that of enrolment",
    "people_elsewhere": "goes to another service, where one is set up",
    "people_back_from_elsewhere": "comes back from another service",
    "own:authenticator": "asks nobody who came by the demonstration's link; it is as the first set-up",
    "own:remove-authenticator": "asks as own:revoke-key does",
    "people_passkey": "takes an answer of a passkey, and goes on",
    "own:end-session": "takes a form",
    "own:end-sessions": "takes a form",
    "people:end-sessions": "asks as people:close does",
    "people:open": "asks as people:close does",
    "people:revoke-key": "asks as own:revoke-key does",
    "confirm": "asks nobody who came by the demonstration's link; its form is that of the second factor",
    # The same page under the name that its room gives it.
    "directory:list": "is /directory/",
    "directory:conflicts": "is /directory/conflicts/",
    "directory:changes": "is /directory/changes/",
    "my:entry": "goes on to the one entry, or lists several by name",
}
"""Addresses that answer no page of their own, and why."""
PAGES: list[dict[str, Any]] = tomllib.loads((ROOT / "tools/pictures/pages.toml").read_text(encoding="utf-8"))["page"]
KEYS = {"name", "path", "follow", "steps", "times", "status", "as", "longer", "shows", "scene"}
VERBS = {"fill", "choose", "attach", "open", "forge", "click", "send"}


def addresses(resolver: URLResolver, space: str = "") -> Iterator[str]:
    """Yield the name of every address, with its space."""
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            yield from addresses(each, f"{each.namespace}:" if each.namespace else space)
        elif isinstance(each, URLPattern):
            yield f"{space}{each.name}"


def shown() -> set[str]:
    """Return the names of the addresses that some picture shows."""
    names = {name for page in PAGES for name in page.get("shows", ())}
    for page in PAGES:
        path = page.get("path", "").partition("?")[0]
        if path and page.get("status") not in (404, 503):
            names.add(resolve(path).view_name)
    return names


def test_every_page_has_its_picture() -> None:
    assert sorted(set(addresses(get_resolver())) - shown() - set(NO_PAGE)) == []


def test_no_picture_is_promised_of_what_is_not_there() -> None:
    known = set(addresses(get_resolver()))
    assert sorted(shown() - known) == [] and sorted(set(NO_PAGE) - known) == []


def test_what_has_a_picture_is_not_excused() -> None:
    assert sorted(shown() & set(NO_PAGE)) == []


def test_every_picture_has_a_name_of_its_own() -> None:
    names = [page["name"] for page in PAGES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page["name"])
def test_a_page_is_described_in_words_that_the_tool_knows(page: dict[str, Any]) -> None:
    assert set(page) <= KEYS and page.get("scene", "demo") in SCENES
    assert "path" in page or "shows" in page
    assert {step[0] for step in page.get("steps", ())} <= VERBS


@pytest.mark.parametrize("status", [400, 403, 404, 410, 413, 414, 422, 429, 503])
def test_every_refusal_that_a_page_can_bring_about_has_its_picture(status: int) -> None:
    assert status in {page.get("status") for page in PAGES}


def test_every_scene_has_pages_and_is_set_up_before_what_wears_it() -> None:
    assert {page.get("scene", "demo") for page in PAGES} == set(SCENES)
    assert SCENES.index("demo") < SCENES.index("worn")


def test_pages_taken_while_enrolling_are_of_an_instance_where_somebody_enrols() -> None:
    pathless = {page["name"]: page.get("scene", "demo") for page in PAGES if "path" not in page}
    assert pathless.pop(ENTRANCE) == "demo"
    assert set(pathless.values()) == {"fresh"}
