"""Whether notices helped, in countries of which the truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from tests.reason.simulated import country
from tocsin.reason.effect import FEWEST_GONE, FEWEST_ORGANISATIONS, Verdict, effect
from tocsin.reason.lives import lives


def verdicts(ratio: float, draws: int, *, organisations: int = 40, spread: float = 0.6) -> list[Verdict]:
    found = []
    for seed in range(draws):
        made = country(np.random.default_rng(seed), ratio=ratio, organisations=organisations, spread=spread)
        found.append(effect(made.found, made.is_told, stratum=made.kind).verdict)
    return found


def test_where_telling_doubles_the_rate_it_is_seen() -> None:
    assert verdicts(2.0, 30, organisations=80).count(Verdict.FASTER) >= 29


def test_where_telling_does_nothing_no_effect_is_said() -> None:
    said = verdicts(1.0, 200)
    assert said.count(Verdict.NO_VISIBLE_EFFECT) >= 184
    assert set(said) <= {Verdict.NO_VISIBLE_EFFECT, Verdict.FASTER, Verdict.SLOWER}


def test_where_organisations_differ_greatly_no_effect_is_invented() -> None:
    assert verdicts(1.0, 200, spread=1.5).count(Verdict.NO_VISIBLE_EFFECT) >= 182


def test_notices_that_hinder_are_seen_too() -> None:
    assert verdicts(0.4, 20).count(Verdict.SLOWER) >= 18


def test_what_had_gone_before_it_could_be_told_does_not_count_against_telling() -> None:
    """Reckoned from first sight without late entry, a notice that does nothing would seem to keep findings alive."""
    wrong = 0
    for seed in range(20):
        made = country(np.random.default_rng(seed), spread=0.0)
        naive = lives(made.found.lasted, made.found.ended, cluster=made.found.cluster)
        wrong += effect(naive, made.is_told, stratum=made.kind).verdict is Verdict.SLOWER
    assert wrong >= 8


@pytest.mark.parametrize(("organisations", "each"), [(FEWEST_ORGANISATIONS, 50), (3 * FEWEST_ORGANISATIONS, 1), (0, 0)])
def test_of_few_organisations_or_findings_nothing_is_said(organisations: int, each: int) -> None:
    made = country(np.random.default_rng(4), organisations=organisations, each=each, ratio=5.0)
    assert effect(made.found, made.is_told).verdict is Verdict.TOO_FEW


def test_with_just_enough_of_both_something_is_said() -> None:
    count = 2 * FEWEST_ORGANISATIONS
    organisation = np.repeat(np.arange(count), 4)
    days = np.random.default_rng(9).exponential(9.0, len(organisation)) + 0.01
    found = lives(days, np.ones(len(days)), cluster=organisation)
    is_told = organisation < FEWEST_ORGANISATIONS
    said = effect(found, is_told)
    assert said.verdict is not Verdict.TOO_FEW
    assert said.told.ended.sum() == said.natural.ended.sum() == 4 * FEWEST_ORGANISATIONS > FEWEST_GONE
    fewer = np.flatnonzero(organisation > 0)
    assert effect(found.where(organisation > 0), is_told[fewer]).verdict is Verdict.TOO_FEW
