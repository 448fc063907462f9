"""The pages say what can be said, and say it plainly where that is nothing; the files hold the points."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from django.test import Client

from tests.cast import Cast
from tests.feeds.pages import links, main_of, signed_in, text
from tests.site.charts.drawn import of_class
from tocsin.effect import sentences
from tocsin.effect.choices import Verdict
from tocsin.effect.models import Figure
from tocsin.effect.views import POINTS
from tocsin.reason import effect

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(cast: Cast) -> Client:
    """The analyst's browser."""
    return signed_in(cast.analyst)


def test_a_ratio_is_rounded_and_not_cut_off() -> None:
    assert [sentences.decimal(value) for value in (1.23954938, 2.066153, 0.7451, 12.6)] == [
        "1.24",
        "2.07",
        "0.75",
        "13",
    ]


def test_before_anything_is_reckoned_the_page_says_when(browser: Client) -> None:
    said = text(browser.get("/effect/"))
    assert "Nothing is reckoned yet" in said and "tocsin notice effect" in said
    assert browser.get("/effect/one/").status_code == 404


def test_where_telling_does_nothing_the_page_says_no_visible_effect(measured: Any, browser: Client) -> None:
    measured(1.0)
    page = browser.get("/effect/")
    said = text(page)
    assert "<h1>Telling has no visible effect</h1>" in main_of(page)
    assert "They may go as fast as the others" in said and "notices are sent says nothing" in said
    assert "3 lives are too young" in said and "Before and after are different times" in said


def test_where_it_helps_the_page_says_how_much(measured: Any, browser: Client) -> None:
    whole = next(each for each in measured(2.5).figures if each.by == "all")
    said = text(browser.get("/effect/"))
    assert "What is told goes sooner" in said and f"At {sentences.decimal(whole.facts['ratio'][0])} times" in said


def test_of_few_organisations_nothing_is_said(measured: Any, browser: Client) -> None:
    measured(4.0, organisations=6)
    said = text(browser.get("/effect/"))
    assert "Too few to say whether telling helps" in said
    assert "Of each, 10 organisations and 20 findings that have gone are needed." in said


def test_every_split_is_a_list_that_leads_to_curves(measured: Any, browser: Client) -> None:
    measured(1.0)
    for by, name in (
        ("class", "Vulnerable"),
        ("sector", "Health"),
        ("constituent", "Office 3"),
        ("policy", "Everybody"),
    ):
        page = browser.get("/effect/", {"by": by})
        assert name.lower() in text(page).lower(), by
        assert "is left out" not in text(page)
        (address, *_rest) = [each for each in links(page) if each.startswith("/effect/one/") and f"by={by}" in each]
        one = browser.get(address.replace("&amp;", "&"))
        assert one.status_code == 200 and "What is not known" in text(one)
        assert ("Those that are open now" in text(one)) == (by != "policy")


def test_the_curve_has_steps_bands_numbers_at_risk_and_a_table(measured: Any, browser: Client) -> None:
    measured(2.5)
    page = main_of(browser.get("/effect/one/", {"by": "all"}))
    drawing = page[page.index('<div class="plot falls"') : page.index("</svg></div>") + len("</svg></div>")]
    assert len(of_class(drawing, "line")) == 2 and len(of_class(drawing, "band")) == 1
    row = Figure.objects.get(by="all")
    at_risk = [each.text for each in of_class(drawing, "ours")]
    assert sentences.number(row.curves["told"]["at_risk_at"][0]) in at_risk
    assert "<caption>Findings still there" in page and "Told: at risk" in page
    row.facts["told"]["median"] = None
    row.save()
    assert "organisations · half are not gone yet" in text(browser.get("/effect/one/", {"by": "all"}))


def test_the_files_hold_every_point_with_its_definition(measured: Any, browser: Client) -> None:
    measured(2.5)
    row = Figure.objects.get(by="class", key="weak-crypto")
    asked = {"by": "class", "key": "weak-crypto", "against": "before"}
    answer = browser.get("/effect/curve.csv", asked)
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert tuple(lines[0]) == POINTS and answer["X-TLP"] == "TLP:AMBER" and "TLP-AMBER" in answer["Content-Disposition"]
    told = [line for line in lines if line[0] == "told"]
    assert [float(line[4]) for line in told] == row.curves["told"]["left"]
    data = json.loads(browser.get("/effect/curve.json", asked).content)
    assert len(data["points"]) == len(lines) - 1 and set(POINTS) - {"group"} <= set(data["definitions"])
    assert data["verdict"] == row.facts["verdict"] and data["tlp"] == "TLP:AMBER"


@pytest.mark.parametrize(
    "address", ["/effect/curve.xlsx?by=all", "/effect/curve.csv?by=all&x=1", "/effect/one/?by=class&key=nothing%00"]
)
def test_what_there_is_not_is_not_found(measured: Any, browser: Client, address: str) -> None:
    measured(1.0)
    assert browser.get(address).status_code == 404


def test_who_may_see_no_notices_sees_no_effects(measured: Any, cast: Cast) -> None:
    measured(1.0)
    for address in ("/effect/", "/effect/one/?by=all", "/effect/curve.csv?by=all"):
        assert signed_in(cast.stranger).get(address).status_code == 403
        assert signed_in(cast.auditor).get(address).status_code == 200


def test_a_cell_says_what_is_not_known_yet() -> None:
    none: dict[str, Any] = {"lives": 0, "median": None, "within": None}
    assert sentences.median(none) == sentences.within(none) == ""
    assert sentences.median({"lives": 9, "median": None}) == "not half yet"
    assert sentences.median({"lives": 9, "median": [4.0, 2.0, None]}) == "4 (2 or more)"
    assert sentences.within({"lives": 9, "within": [0.5, 0.25, 0.755]}) == "50 % (25 to 76)"


def test_of_one_organisation_no_interval_is_shown(measured: Any, browser: Client) -> None:
    """Its findings are mended by one hand: however many they are, they are one witness."""
    measured(1.0)
    row = Figure.objects.get(by="constituent", key="org-03")
    assert len(row.facts["told"]["median"]) == len(row.facts["told"]["within"]) == 1 and row.curves["told"]["low"] == []
    asked = {"by": "constituent", "key": "org-03", "against": "before"}
    page = main_of(browser.get("/effect/one/", asked))
    assert " to " not in page[page.index("<dl") : page.index("</dl>")] and 'class="band' not in page
    lines = list(csv.reader(io.StringIO(browser.get("/effect/curve.csv", asked).content.decode("utf-8-sig"))))
    assert lines[1][4] and lines[1][5:] == ["", ""]


def test_words_are_those_of_the_reckoning() -> None:
    assert [each.value for each in Verdict] == [each.value for each in effect.Verdict]
    assert (sentences.FEWEST_ORGANISATIONS, sentences.FEWEST_GONE) == (effect.FEWEST_ORGANISATIONS, effect.FEWEST_GONE)
