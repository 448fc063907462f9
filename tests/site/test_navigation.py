"""The side bar shows what exists, and where one is."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import path, set_urlconf

from tocsin.site import navigation
from tocsin.site.navigation import PLACES, Count, side_bar


def page(_request: HttpRequest) -> HttpResponse:
    return HttpResponse()


ADDRESSES = {
    "": "situation", "findings/": "findings", "feeds/": "feeds", "quarantine/": "quarantine", "directory/": "directory",
}  # fmt: skip


@pytest.fixture(autouse=True)
def rooms(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Five addresses, as if rooms answered there; open to everybody, without numbers."""
    monkeypatch.setattr(navigation, "ALLOWED", {})
    monkeypatch.setattr(navigation, "COUNTS", {})
    monkeypatch.setattr(navigation, "WORK", {})
    urls: Any = ModuleType("urls_of_this_test")
    urls.urlpatterns = [path(route, page, name=name) for route, name in ADDRESSES.items()]
    set_urlconf(urls)
    yield
    set_urlconf(None)


def labels(path_asked: str = "/") -> list[str]:
    return [str(place.label) for place in side_bar(path_asked, None)]


def here(path_asked: str) -> list[str]:
    shown = side_bar(path_asked, None)
    return [str(each.label) for place in shown for each in (place, *place.below) if each.is_here]


def test_only_places_that_some_room_answers_for_are_shown_in_the_order_of_the_work() -> None:
    assert labels() == ["Situation", "Findings", "Directory"]


def test_all_nine_places_of_the_design_are_known_and_after_them_people_and_the_trail() -> None:
    names = [place.name for place in PLACES]

    expected = "situation findings cases advisories continuity cooperation readiness progress directory"
    assert names == [*expected.split(), "people", "audit"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("/", ["Situation"]),
        ("/findings/", ["Findings"]),
        ("/findings/F-2026-0001/", ["Findings"]),
        ("/feeds/runs/7/", ["Feeds and runs"]),
        ("/elsewhere/", []),
    ],
)
def test_the_place_of_a_page_is_the_nearest_above_it(asked: str, expected: list[str]) -> None:
    assert here(asked) == expected


def test_what_lies_below_a_place_shows_only_there() -> None:
    assert all(not place.below for place in side_bar("/", None))

    findings = next(place for place in side_bar("/feeds/", None) if place.label == "Findings")
    assert [str(each.label) for each in findings.below] == ["Feeds and runs", "Quarantine"]


def test_a_place_that_a_person_may_not_use_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(navigation, "ALLOWED", {"directory": lambda person: person == "manager"})

    assert "Directory" not in [str(place.label) for place in side_bar("/", "analyst")]
    assert "Directory" in [str(place.label) for place in side_bar("/", "manager")]


def test_a_number_stands_beside_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(navigation, "COUNTS", {"findings": lambda person, _now: Count(f"223 of {person}")})

    counts = {str(place.label): place.count for place in side_bar("/", "analyst")}

    assert counts["Findings"] == Count("223 of analyst")
    assert counts["Situation"] is None


def test_no_two_places_share_a_key() -> None:
    keys = [each.key for place in PLACES for each in (place, *place.below) if each.key]

    assert len(keys) == len(set(keys))
