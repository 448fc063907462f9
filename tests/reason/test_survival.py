"""Shares still there: by hand, by law, and beside lifelines."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reason import lifelines_answers
from tests.reason.simulated import country, exponential
from tocsin.reason.lives import Lives, lives
from tocsin.reason.survival import Curve, Median, curve

# Freireich and others (1963), remission of leukaemia under 6-MP, in weeks; the example in most books.
WEEKS = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
ENDED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
LEFT = {6: 0.8571, 7: 0.8067, 10: 0.7529, 13: 0.6902, 16: 0.6275, 22: 0.5378, 23: 0.4482}
ERROR = {6: 0.0764, 7: 0.0869, 10: 0.0963, 13: 0.1068, 16: 0.1141, 22: 0.1282, 23: 0.1346}


def greenwood(found: Curve) -> list[float]:
    """The variance of log(left), as Greenwood wrote it."""
    return [
        math.fsum(d / (n * (n - d)) for n, d in zip(found.at_risk[: at + 1], found.ended[: at + 1], strict=True))
        for at in range(len(found.days))
    ]


def variances(found: Curve) -> list[float]:
    """The same, read back from the bounds."""
    log = np.log(found.left)
    return list((np.log(np.log(found.low) / log) / 1.959964 * log) ** 2)


def test_the_example_in_most_books() -> None:
    found = curve(lives(WEEKS, ENDED))
    assert dict(zip(found.days.astype(int), np.round(found.left, 4), strict=True)) == LEFT
    assert found.median == Median(23.0, 13.0, None)
    errors = np.sqrt(variances(found)) * found.left
    assert np.round(errors, 4).tolist() == list(ERROR.values())


def test_half_gone_is_half_gone() -> None:
    found = curve(lives([1, 2, 3, 4], [1, 1, 1, 1]))
    assert found.median is not None
    assert found.median.days == 2.0
    assert found.lasting(0.25) is not None
    assert found.left[-1] == 0.0


def test_without_an_end_all_are_left_and_the_half_is_not_reached() -> None:
    found = curve(lives([5, 9], [0, 0]))
    assert found.left_after(7) == (1.0, 1.0, 1.0)
    assert found.median is None


def test_nothing_is_said_of_days_that_nobody_has_seen() -> None:
    found = curve(lives([5, 9], [1, 0]))
    assert found.left_after(9) is not None
    assert found.left_after(9.5) is None
    assert found.left_after(-1) is None
    assert curve(lives([], [])).left_after(0) is None


def test_the_share_gone_is_what_is_not_left() -> None:
    found = curve(lives(WEEKS, ENDED))
    left, gone = found.left_after(14), found.gone_within(14)
    assert left is not None
    assert gone is not None
    assert gone == pytest.approx((1 - left.value, 1 - left.high, 1 - left.low))
    assert gone.low < gone.value < gone.high
    assert found.gone_within(99) is None


def test_what_has_gone_to_the_last_is_gone_for_good() -> None:
    found = curve(lives([2, 3, 6], [1, 1, 1]))
    last, later = found.gone_within(6), found.gone_within(14)
    assert last == later and later is not None and later.value == 1.0
    assert curve(lives([2, 3, 6], [1, 1, 0])).gone_within(14) is None


def test_where_every_life_stands_alone_the_error_is_greenwoods() -> None:
    found = curve(lives(WEEKS, ENDED))
    assert variances(found) == pytest.approx(greenwood(found), rel=1e-5)


def test_fifty_findings_of_one_hand_are_one_witness() -> None:
    """Each organisation cleans up in one go: the bounds are those of organisations, not of findings."""
    once = curve(lives(WEEKS, ENDED))
    fifty = lives(np.repeat(WEEKS, 50), np.repeat(ENDED, 50), cluster=np.repeat(np.arange(len(WEEKS)), 50))
    found = curve(fifty)
    assert found.left == pytest.approx(once.left)
    larger = math.sqrt(len(WEEKS) / (len(WEEKS) - 1))
    assert np.sqrt(variances(found)) == pytest.approx(np.sqrt(variances(once)) * larger, rel=1e-5)
    alone = curve(lives(fifty.lasted, fifty.ended))
    assert (alone.high - alone.low < (found.high - found.low) / 5).all()


def test_who_was_not_watched_yet_is_not_at_risk() -> None:
    found = curve(lives([2, 5, 8], [1, 1, 1], entered=[0, 3, 5]))
    assert found.at_risk.tolist() == [1, 1, 1]
    found = curve(lives([2, 5, 8], [1, 1, 1], entered=[0, 1, 4]))
    assert found.at_risk.tolist() == [2, 2, 1]


def test_when_none_is_left_the_upper_bound_stands_where_it_stood() -> None:
    found = curve(lives([1, 2, 3], [1, 1, 1]))
    assert found.low[-1] == 0.0
    assert found.high[-1] == found.high[-2] < 1.0


def test_the_bounds_hold_the_truth_as_often_as_they_say() -> None:
    random = np.random.default_rng(58)
    held = 0
    for _ in range(300):
        share = curve(lives(*exponential(random, 120, rate=0.1, watched=30.0))).left_after(8.0)
        assert share is not None
        held += share.low <= math.exp(-0.8) <= share.high
    assert 275 <= held <= 296


def test_the_bounds_hold_the_truth_where_organisations_differ() -> None:
    """With one diligence to an organisation: of each finding for itself the bounds miss it half the time."""
    random, held, alone = np.random.default_rng(59), 0, 0
    for _ in range(100):
        organisation = np.repeat(np.arange(40), 25)
        rate = np.where(random.random(40) < 0.5, 0.02, 0.5)[organisation]
        found = lives(np.minimum(random.exponential(1 / rate), 40.0), np.ones(1000, bool), cluster=organisation)
        truth = (math.exp(-0.02 * 8) + math.exp(-0.5 * 8)) / 2
        for each in (found, lives(found.lasted, found.ended)):
            share = curve(each).left_after(8.0)
            assert share is not None
            hit = share.low <= truth <= share.high
            held, alone = (held + hit, alone) if each is found else (held, alone + hit)
    assert held >= 89
    assert alone < 60


days = st.integers(1, 30)
columns = st.lists(st.tuples(days, st.booleans(), st.integers(0, 29), st.integers(0, 4)), min_size=1, max_size=60)


def drawn(rows: list[tuple[int, bool, int, int]]) -> Lives:
    lasted, ended, entered, cluster = (np.array(column) for column in zip(*rows, strict=True))
    return lives(lasted, ended, entered=np.minimum(entered, lasted - 1), cluster=cluster)


@given(columns)
def test_shares_fall_from_one_and_lie_within_their_bounds(rows: list[tuple[int, bool, int, int]]) -> None:
    found = curve(drawn(rows))
    assert ((found.left <= 1.0) & (found.left >= 0.0)).all()
    assert (np.diff(found.left) <= 0.0).all()
    assert (found.low <= found.left + 1e-9).all()
    assert (found.left <= found.high + 1e-9).all()


@given(columns)
def test_nobody_is_counted_twice_or_lost(rows: list[tuple[int, bool, int, int]]) -> None:
    """Against counting one by one."""
    asked = drawn(rows)
    found = curve(asked)
    for day, risk, ended in zip(found.days, found.at_risk, found.ended, strict=True):
        assert risk == int(((asked.entered < day) & (asked.lasted >= day)).sum())
        assert ended == int(((asked.lasted == day) & asked.ended).sum())


@given(columns, st.permutations(range(5)))
def test_names_of_organisations_do_not_matter(rows: list[tuple[int, bool, int, int]], names: list[int]) -> None:
    asked = drawn(rows)
    named = lives(
        asked.lasted, asked.ended, entered=asked.entered, cluster=[f"c-{names[each]}" for each in asked.cluster]
    )
    assert curve(named).high == pytest.approx(curve(asked).high)


def test_lifelines_says_the_same() -> None:
    asked, ours = [], []
    random = np.random.default_rng(7)
    for count in (12, 200, 3_000):
        for late in (False, True):
            lasted, ended = exponential(random, count, rate=0.08, watched=40.0)
            lasted = np.ceil(lasted * 2) / 2  # ties
            entered = np.floor(lasted * random.uniform(0.0, 0.9, count) * 2) / 2 if late else np.zeros(count)
            entered[: count // 2] = 0.0
            found = curve(lives(lasted, ended, entered=entered))
            inside = found.left > 0.0
            at = found.days[inside].tolist()
            question = {"what": "curve", "lasted": lasted.tolist(), "ended": ended.tolist(), "at": at}
            asked.append({**question, "entered": entered.tolist()} if late else question)
            ours.append((found, inside))
    for (found, inside), theirs in zip(ours, lifelines_answers.to(asked), strict=True):
        for name in ("left", "low", "high"):
            assert getattr(found, name)[inside] == pytest.approx(theirs[name], abs=2e-6), name
        middle = found.median
        said = (math.inf,) * 3 if middle is None else (middle.days, middle.low, middle.high or math.inf)
        assert said == pytest.approx(tuple(theirs["median"]))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (([1, 2], [1]), "one length"),
        (([1, math.nan], [1, 0]), "finite"),
        (([1, math.inf], [1, 0]), "finite"),
        (([0.0], [1]), "longer"),
        (([3], [1], [3]), "longer"),
        (([3], [1], [-1]), "negative"),
    ],
)
def test_lives_that_cannot_be_are_refused(columns: tuple[list[float], ...], words: str) -> None:
    lasted, ended, *entered = columns
    with pytest.raises(ValueError, match=words):
        lives(lasted, ended, entered=entered[0] if entered else None)


def test_a_hundred_thousand_lives_of_five_hundred_organisations_take_a_moment() -> None:
    made = country(np.random.default_rng(3), organisations=500, each=200)
    begun = time.process_time()
    found = curve(made.found)
    assert time.process_time() - begun < 2.0
    assert found.lives == len(made.found.lasted) > 80_000
