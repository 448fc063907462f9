"""Which pieces of lives are compared: told ones since they were told, others before anybody was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.effect.conftest import AFTER, BEFORE, HORIZON, country, life, table
from tocsin.effect.groups import (
    NEVER,
    Happenings,
    HeldOut,
    Pieces,
    Stock,
    before,
    handed_over,
    held_out,
    joined,
    stock,
    telling,
)
from tocsin.reason.effect import Verdict, effect


def happened(*rows: tuple[int, int, int, int]) -> Happenings:
    """Return what happened: number of the life's key, day, policy, constituent."""
    columns: Any = np.array(rows, np.int64).reshape(-1, 4).T
    number, on, policy, constituent = columns
    return Happenings(number.astype(np.uint64), number.astype(np.uint64) + np.uint64(7), on, policy, constituent)


def chosen(found: Stock) -> Any:
    return np.ones(len(found), np.bool_)


def listed(found: Pieces) -> list[tuple[int, ...]]:
    """Return pieces as (life, entered, lasted, ended, told)."""
    columns = (found.life, found.entered, found.lasted, found.ended, found.is_told)
    return sorted(zip(*(column.astype(int).tolist() for column in columns), strict=True))


def test_a_told_life_is_watched_from_when_it_was_told() -> None:
    found = stock(table([life(1), life(2, begin=BEFORE + 3, end=BEFORE + 20)]))
    told = telling(found, happened((2, BEFORE + 8, 4, 0)))
    assert told.on.tolist() == [NEVER, BEFORE + 8] and told.policy.tolist() == [0, 4]
    assert listed(before(found, told, chosen(found))) == [
        (1, 0, 5, 0, 0),  # up to the day on which anybody was first told of its class
        (1, 5, 17, 1, 1),
    ]


def test_what_was_told_too_late_was_not_told() -> None:
    found = stock(table([life(1)]))
    for on in (BEFORE + 15, BEFORE + 30, BEFORE + 2):  # over, long over, and before it began
        assert telling(found, happened((1, on, 4, 0))).on.tolist() == [NEVER]


def test_each_life_of_a_finding_is_told_for_itself() -> None:
    again = {**life(1, begin=BEFORE + 30, end=BEFORE + 50), "number": 1}
    found = stock(table([life(1), again]))
    told = telling(found, happened((1, BEFORE + 40, 4, 0), (1, BEFORE + 33, 5, 0), (1, BEFORE + 12, 6, 0)))
    assert told.on.tolist() == [BEFORE + 12, BEFORE + 33] and told.policy.tolist() == [6, 5]


def test_what_another_was_told_of_is_marked() -> None:
    found = stock(table([life(1), life(2, constituent="ministry")]))
    told = telling(found, happened((1, BEFORE + 12, 4, 0), (2, BEFORE + 12, 4, -1)))
    assert told.is_another_s.tolist() == [False, True]


def test_a_key_that_shares_its_first_word_with_another_is_another() -> None:
    found = stock(table([life(1), {**life(1), "k2": 99}]))
    assert telling(found, happened((1, BEFORE + 12, 4, 0))).on.tolist()[1] == NEVER


def test_what_changed_hands_while_it_lasted_is_marked() -> None:
    found = stock(table([life(1), life(2), life(3)]))
    assert handed_over(found, happened((1, BEFORE + 12, 0, -1), (2, BEFORE + 40, 0, -1))).tolist() == [
        True,
        False,
        False,
    ]


def test_before_notices_each_class_is_cut_off_on_its_own_day() -> None:
    lives = [life(1), life(2, **{"class": "spam"}), life(3, begin=BEFORE + 14, end=BEFORE + 30)]
    found = stock(table(lives))
    told = telling(found, happened((1, BEFORE + 13, 4, 0)))
    assert listed(before(found, told, chosen(found))) == [(0, 0, 3, 0, 0), (0, 3, 5, 1, 1), (1, 0, 5, 1, 0)]


def test_what_is_only_known_later_is_watched_from_then_on() -> None:
    found = stock(table([life(1, watched=BEFORE + 12), life(2, begin=BEFORE, watched=BEFORE + 12, end=BEFORE + 40)]))
    told = telling(found, happened((2, BEFORE + 5, 1, 0)))  # told before it was watched
    assert listed(before(found, told, chosen(found))) == [(1, 12, 40, 1, 1)]


def lot(found: Stock, *held: str, **facts: Any) -> HeldOut:
    is_held = np.array([each in held for each in found.constituents])
    stated: dict[str, Any] = {"category": "vulnerable-system", "severities": range(5, 7), "since": BEFORE + 5,
                              "until": BEFORE + 40, **facts}  # fmt: skip
    return HeldOut(is_held=is_held, **stated)


def test_while_organisations_are_held_out_the_lot_alone_says_who_is_in_which_group() -> None:
    lives = [
        life(1), life(2, constituent="held"), life(3, severity=4), life(4, begin=BEFORE + 5),
        life(5, begin=BEFORE + 50, end=BEFORE + 60),
    ]  # fmt: skip
    found = stock(table(lives))
    assert listed(held_out(found, chosen(found), [lot(found, "held")])) == [(0, 0, 5, 1, 1), (1, 0, 5, 1, 0)]


def test_a_hold_out_is_looked_at_up_to_its_end() -> None:
    found = stock(table([life(1), life(2, constituent="held", end=BEFORE + 60, ended=False)]))
    made = lot(found, "held", until=BEFORE + 15)
    assert listed(held_out(found, chosen(found), [made])) == [(0, 0, 5, 1, 1), (1, 0, 5, 0, 0)]
    assert listed(held_out(found, chosen(found), [lot(found, category="spam")])) == []


def test_of_nothing_nothing_comes() -> None:
    found = stock(table([]))
    told = telling(found, happened())
    assert listed(before(found, told, chosen(found))) == listed(joined([])) == []
    assert not len(handed_over(found, happened((1, BEFORE, 0, 0))))


def test_an_accepted_risk_is_watched_on_for_without_it_telling_would_seem_to_help() -> None:
    """Only what was told is accepted, and only what nobody will mend: left out from then on, the quick ones remain."""
    made, hears = country(1.0)
    found = stock(made)
    told = telling(found, happened(*((number, on, 1, number % 24) for number, on in hears.items())))
    pieces = before(found, told, chosen(found))
    lives = pieces.of(np.arange(len(pieces.life)), found)
    stratum = found.category[pieces.life]
    assert effect(lives, pieces.is_told, stratum=stratum).verdict is Verdict.NO_VISIBLE_EFFECT
    accepted = pieces.is_told & (pieces.lasted - pieces.entered > 14)
    until = np.where(accepted, pieces.entered + 3, pieces.lasted)
    left_out = Pieces(pieces.life, pieces.entered, until, pieces.ended & ~accepted, pieces.is_told, pieces.policy)
    wrong = left_out.of(np.arange(len(pieces.life)), found)
    assert effect(wrong, pieces.is_told, stratum=stratum).verdict is Verdict.FASTER


@pytest.mark.parametrize(("ratio", "says"), [(1.0, Verdict.NO_VISIBLE_EFFECT), (2.5, Verdict.FASTER)])
def test_late_entry_is_what_keeps_the_verdict_right(ratio: float, says: Verdict) -> None:
    """Without it, whoever was told lived to be told: time in which it could not go would count for it."""
    made, hears = country(ratio)
    found = stock(made)
    told = telling(found, happened(*((number, on, 1, number % 24) for number, on in hears.items())))
    assert not told.is_another_s.any()
    pieces = before(found, told, chosen(found))
    everything = np.arange(len(pieces.life))
    lives = pieces.of(everything, found)
    said = effect(lives, pieces.is_told, stratum=found.category[pieces.life])
    assert said.verdict is says
    immortal = np.where(pieces.is_told, 0, pieces.entered)
    naive = Pieces(pieces.life, immortal, pieces.lasted, pieces.ended, pieces.is_told, pieces.policy)
    wrong = effect(naive.of(everything, found), pieces.is_told, stratum=found.category[pieces.life])
    assert wrong.ratio and said.ratio and wrong.ratio.ratio.value < 0.85 * said.ratio.ratio.value
    assert found.horizon.max() == HORIZON and told.on.min() >= AFTER
