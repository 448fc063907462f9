"""From reports to a verdict, in countries of which the truth is known: imported, told, measured, beside lifelines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.effect.country import Country, live, pieces, settle, tell
from tests.effect.country import at as noon
from tests.feeds.conftest import Store
from tests.notices.conftest import set_mail
from tests.reason import lifelines_answers
from tocsin.audit.actors import COMMAND_LINE
from tocsin.effect import measuring
from tocsin.effect.choices import By, Comparison, Verdict
from tocsin.effect.measuring import Measured, Reckoned
from tocsin.notices import actions

pytestmark = pytest.mark.django_db
BEGAN, LAST = 28, 60
HORIZON = LAST - 1  # the second cycle from the end: two without a finding make it gone


def figure(measured: Measured, comparison: Comparison, by: By = By.ALL, key: str = "") -> Reckoned:
    """Return one of the figures."""
    return next(each for each in measured.figures if (each.comparison, each.by, each.key) == (comparison, by, key))


def lived(country: Country, store: Store, folder: Path, settings: Any) -> Measured:
    """Let a country live for two months, told once a week from the fourth on; measure at the end."""
    set_mail(settings)
    settle(country, COMMAND_LINE)
    for on in range(BEGAN, LAST, 7):
        live(country, store, folder, on)
        if on == BEGAN:
            actions.add_policy(threshold=6, interval_hours=1, by=COMMAND_LINE, at=noon(on))
        country.are_told()
        assert tell(on, COMMAND_LINE)
    live(country, store, folder, LAST)
    return measuring.measure(noon(LAST))


def test_where_telling_helps_the_curves_are_those_of_lifelines_and_faster_is_said(
    store: Store,
    tmp_path: Path,
    settings: Any,
) -> None:
    country = Country(seed=3, ratio=2.5)
    measured = lived(country, store, tmp_path, settings)
    said = figure(measured, Comparison.BEFORE)
    true = list(pieces(country, HORIZON, BEGAN))
    asked = [
        asked_of(said.curves[which], [life for told, life in true if told is is_told], which)
        for which, is_told in (("told", True), ("natural", False))
    ]
    for which, answer in zip(("told", "natural"), lifelines_answers.to(asked), strict=True):
        assert said.curves[which]["left"] == pytest.approx(answer["left"], abs=1e-6)
        assert said.facts[which]["median"][0] == answer["median"][0]
    assert said.facts["told"]["lives"] == sum(told for told, _life in true)
    assert said.facts["natural"]["gone"] == sum(life["ended"] for told, life in true if not told)
    assert said.facts["verdict"] == Verdict.FASTER and 1.7 < said.facts["ratio"][0] < 3.6
    assert measured.began_before == sum(each.begin == 0 for each in country.truth)
    (by_policy,) = [each for each in measured.figures if each.by is By.POLICY]
    assert by_policy.facts["told"] == said.facts["told"]
    assert {each.key for each in measured.figures if each.by is By.SECTOR} == {"health", "energy"}


def asked_of(curve: dict[str, Any], lives: list[dict[str, Any]], which: str) -> dict[str, Any]:
    """Return the question to lifelines for one of the curves."""
    columns = {key: [life[key] for life in lives] for key in ("lasted", "ended", "entered")}
    return {"what": "curve", "at": curve["days"], **columns}


def test_where_telling_does_nothing_no_visible_effect_is_said(
    store: Store,
    tmp_path: Path,
    settings: Any,
) -> None:
    said = figure(lived(Country(seed=5, ratio=1.0), store, tmp_path, settings), Comparison.BEFORE)
    assert said.facts["verdict"] == Verdict.NO_VISIBLE_EFFECT
    # Told findings seem to last longer, since the quick ones had gone before anybody was told: it misleads nobody.
    told, natural = said.facts["told"], said.facts["natural"]
    assert told["lives"] > 200 and natural["lives"] > 200 and json.dumps(said.curves)
