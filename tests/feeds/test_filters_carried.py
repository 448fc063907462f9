"""A filter of `tocsin finding list` says the same in the address of the Findings page, and none is missing."""

from __future__ import annotations

import argparse
import re
from urllib.parse import urlencode

import pytest

from tests.cast import Cast
from tests.feeds.conftest import Store
from tests.feeds.pages import main_of, signed_in
from tocsin.feeds import queries
from tocsin.site.cli import finding

pytestmark = pytest.mark.django_db
NO_FILTERS = {"help", "limit", "json"}
EVERY_STATE = [("state", state) for state in finding.STATES]
GIVEN = {
    "state": ["gone", "open"],
    "constituent": ["bank", "-"],
    "type": ["scan_rdp"],
    "class": ["vulnerable-system"],
    "severity": ["1", "2", "3", "4", "5", "6"],
    "asset": ["192.0.2.0/29", "192.0.2.70"],
    "asn": ["64496"],
    "words": ["192.0.2.0/29", "Bank", ":3389"],
}


def command_line() -> argparse.ArgumentParser:
    """The parser of `tocsin finding list` alone."""
    parser = argparse.ArgumentParser()
    finding._add_filters(parser)
    return parser


def listed(*given: tuple[str, str]) -> list[str]:
    """What the command lists, by id."""
    words = [word for name, value in given for word in (f"--{name}", value)]
    asked = finding._filter(command_line().parse_args(words))
    return sorted(queries.finding_id(each) for each in queries.findings().stream(asked))


def test_no_filter_of_the_command_is_left_out_here() -> None:
    names = {word.removeprefix("--") for action in command_line()._actions for word in action.option_strings}

    assert names - NO_FILTERS - {"-h"} == {*GIVEN, "id"}


def test_words_stand_in_the_box_of_the_page(week: Store, cast: Cast) -> None:
    page = signed_in(cast.analyst).get("/findings/?words=Bank")

    assert 'name="q" value="Bank"' in main_of(page)
    assert "words=Bank" not in main_of(page) and "q=Bank" in main_of(page)


def test_of_two_texts_for_one_box_the_page_names_the_one_that_it_left_out(week: Store, cast: Cast) -> None:
    page = signed_in(cast.analyst).get("/findings/?words=Bank&q=192.0.2.1")

    assert page.context["question"].left_out == ["words=Bank"]


def test_the_page_shows_what_the_command_lists(week: Store, cast: Cast) -> None:
    browser = signed_in(cast.analyst)
    (gone, *_others) = listed(("state", "gone"))
    values = [[(name, value)] for name, given in {**GIVEN, "id": [gone]}.items() for value in given]
    together = [[(name, value) for value in given] for name, given in GIVEN.items()]
    for given in [*values, *together, [("asset", "192.0.2.0/24"), ("constituent", "bank"), ("asn", "64496")]]:
        states = [] if given[0][0] == "state" else EVERY_STATE
        page = browser.get(f"/findings/?{urlencode([*given, *states])}")

        shown = re.findall(r'name="finding" value="([^"]+)"', main_of(page))
        assert sorted(shown) == listed(*given), given
        assert shown or given in values, "nothing was compared"
        assert page.context["question"].left_out == []
