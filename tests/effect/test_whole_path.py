"""From reports to a verdict, in countries of which the truth is known: imported, told, measured, beside lifelines."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cast import Cast
from tests.effect.country import Country, drawn, live, name, pieces, settle, tell
from tests.effect.country import at as noon
from tests.feeds.conftest import Store
from tests.feeds.pages import main_of, signed_in, text
from tests.feeds.reports import day
from tests.notices.conftest import set_mail
from tests.reason import lifelines_answers
from tocsin.audit.actors import COMMAND_LINE
from tocsin.effect import measuring, sentences
from tocsin.effect.actions import record_measurement
from tocsin.effect.choices import By, Comparison, Verdict
from tocsin.effect.reckoned import Measured, Reckoned
from tocsin.notices import actions
from tocsin.notices.actions import holding_out
from tocsin.notices.models import HoldOut
from tocsin.notices.queries import is_held_out

pytestmark = pytest.mark.django_db
BEGAN, LAST = 21, 48
HORIZON = LAST - 1  # the second cycle from the end: two without a finding make it gone


@pytest.fixture(autouse=True)
def same_lots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lots fall as they fell when the tests were written."""
    numbers = itertools.count()
    monkeypatch.setattr(holding_out.secrets, "token_hex", lambda _size: f"key {next(numbers)}")


def figure(measured: Measured, comparison: Comparison, by: By = By.ALL, key: str = "") -> Reckoned:
    """Return one of the figures."""
    return next(each for each in measured.figures if (each.comparison, each.by, each.key) == (comparison, by, key))


def lived(country: Country, store: Store, folder: Path, settings: Any) -> tuple[Measured, Callable[[int], bool]]:
    """Let a country live for seven weeks, told once a week from the third on, half of it held out from then on.

    Return what is measured at the end, and who was held out.
    """
    set_mail(settings)
    settle(country, COMMAND_LINE)
    live(country, store, folder, BEGAN)
    is_held = hold_half_out()
    for on in range(BEGAN, LAST, 7):
        live(country, store, folder, on)
        country.are_told(lambda each: not is_held(each))
        assert tell(on, COMMAND_LINE)
    live(country, store, folder, LAST)
    return measuring.measure(noon(LAST)), is_held


def hold_half_out() -> Callable[[int], bool]:
    """Begin to tell, but for half of the organisations; return whom the lot took."""
    by_at: dict[str, Any] = {"by": COMMAND_LINE, "at": noon(BEGAN)}
    actions.add_policy(threshold=6, interval_hours=1, **by_at)
    facts: dict[str, Any] = {"category": "vulnerable-system", "share": 50, "until": day(BEGAN + 90)}
    actions.begin_hold_out(**facts, reason="To know.", understood="I know that they are not warned", **by_at)
    lot = HoldOut.objects.get()
    return lambda each: is_held_out(lot.key, lot.share, name(each))


def are_those_of_lifelines(said: Reckoned, true: list[tuple[bool, dict[str, Any]]]) -> bool:
    """Hold the curves of a figure against what lifelines makes of the country's own account."""
    groups = {"told": [life for told, life in true if told], "natural": [life for told, life in true if not told]}
    asked = [
        {"what": "curve", "at": said.curves[name]["days"], **{key: [life[key] for life in lives] for key in COLUMNS}}
        for name, lives in groups.items()
    ]
    for which, answer in zip(groups, lifelines_answers.to(asked), strict=True):
        assert said.curves[which]["left"] == pytest.approx(answer["left"], abs=1e-6)
        assert said.facts[which]["median"][0] == answer["median"][0]
        assert said.facts[which]["lives"] == len(groups[which])
        assert said.facts[which]["gone"] == sum(life["ended"] for life in groups[which])
    return True


COLUMNS = ("lasted", "ended", "entered")


def test_where_telling_helps_the_curves_are_those_of_lifelines_and_faster_is_said(
    store: Store, tmp_path: Path, settings: Any
) -> None:
    country = Country(seed=3, ratio=4.0, each_day=0.9)
    measured, is_held = lived(country, store, tmp_path, settings)
    before, held = (figure(measured, each) for each in (Comparison.BEFORE, Comparison.HELD_OUT))
    assert are_those_of_lifelines(before, list(pieces(country, HORIZON, BEGAN)))
    assert are_those_of_lifelines(held, list(drawn(country, HORIZON, BEGAN, is_held)))
    assert before.facts["verdict"] == Verdict.FASTER and 2.5 < before.facts["ratio"][0] < 6.0
    # Not all of those who were not held out were told at once: their group goes less fast than what was told.
    assert held.facts["verdict"] == Verdict.FASTER and 1.2 < held.facts["ratio"][0] < before.facts["ratio"][0]
    assert measured.began_before == sum(each.begin == 0 for each in country.truth)
    (by_policy,) = [each for each in measured.figures if each.by is By.POLICY]
    assert by_policy.facts["told"] == before.facts["told"]
    assert {each.key for each in measured.figures if each.by is By.SECTOR} == {"health", "energy"}


def test_where_telling_does_nothing_the_page_says_no_visible_effect(
    store: Store, tmp_path: Path, settings: Any, cast: Cast
) -> None:
    measured, _is_held = lived(Country(seed=5, ratio=1.0), store, tmp_path, settings)
    record_measurement(measured, basis="", by=COMMAND_LINE, at=noon(LAST))
    browser = signed_in(cast.analyst)
    for each in (Comparison.BEFORE, Comparison.HELD_OUT):
        said = figure(measured, each).facts
        assert said["verdict"] == Verdict.NO_VISIBLE_EFFECT
        assert said["told"]["lives"] > 100 and said["natural"]["lives"] > 100
        page = browser.get("/effect/", {"against": each.value})
        assert "<h1>Telling has no visible effect</h1>" in main_of(page)
        assert f"at {sentences.decimal(said['ratio'][0])} times the rate" in text(page)
