"""Which reports are of another day than they say, by what their lists were like before."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.reports import day
from tocsin.engine.cycles import Cycle, Decision, Doubt, Judged, Why, judge
from tocsin.engine.datedness import CHANGED, FRESH_DAYS, WINDOW, Dated

LIST = "scan_rdp-xm-geo.csv"


def report(content: str, age: int | None = 0, name: str = LIST) -> Dated:
    return Dated(name, frozenset({name}), content, age)


def days(*reports: Dated | None, decisions: dict[int, Decision] | None = None) -> list[Judged]:
    """Judge days of which each has one report or none."""
    cycles = [
        Cycle("scan_rdp", day(on), 10, True, (decisions or {}).get(on, Decision.NONE), reports=(one,))
        for on, one in enumerate(reports)
        if one
    ]
    return judge(cycles)


def held(*reports: Dated | None, decisions: dict[int, Decision] | None = None) -> list[str]:
    return ["+".join(doubt.why for doubt in one.doubts) for one in days(*reports, decisions=decisions)]


def aged(*ages: int | None) -> list[Dated]:
    return [report(f"day {on}", age) for on, age in enumerate(ages)]


CONFIRMED, DISCARDED = Decision.CONFIRMED, Decision.DISCARDED

# Old


def test_a_report_whose_rows_are_all_of_days_before_is_held() -> None:
    assert held(*aged(0, 1, 2)) == ["", "", "old"]
    assert held(*aged(-1, FRESH_DAYS)) == ["", ""]
    assert days(*aged(0, 5))[-1].doubts == (Doubt(Why.OLD, (LIST,)),)


def test_the_first_report_of_a_list_may_be_old() -> None:
    assert held(*aged(400)) == [""]
    assert held(*aged(400, 401, 402)) == ["", "", ""], "what is old by nature"


def test_a_list_without_times_is_never_old() -> None:
    assert held(*aged(None, None, None)) == ["", "", ""]
    assert held(*aged(None, 30)) == ["", ""], "nothing says that it was fresh before"


def test_it_is_asked_once_about_times_that_stand_still() -> None:
    assert held(*aged(*range(2), *range(2, 12)), decisions={2: CONFIRMED}) == [""] * 12
    assert held(*aged(*range(12))) == ["", "", *["old"] * 10], "until somebody says that it is right"


def test_what_is_fresh_for_a_week_is_expected_to_be_again() -> None:
    assert held(*aged(0, 5, *[0] * WINDOW, 5), decisions={1: CONFIRMED})[-1] == "old"
    assert held(*aged(0, 5, *[0] * (WINDOW - 1), 5), decisions={1: CONFIRMED})[-1] == ""


def test_of_two_lists_the_old_one_is_named() -> None:
    other = "scan_rdp-xm-asn.csv"
    cycles = [
        Cycle("scan_rdp", day(on), 10, True, reports=(report(f"a{on}", on * 3), report(f"b{on}", 0, other)))
        for on in range(2)
    ]
    assert judge(cycles)[-1].doubts == (Doubt(Why.OLD, (LIST,)),)


# Repeated


def test_yesterdays_bytes_under_todays_name_are_held() -> None:
    assert held(report("a", 0), report("a", 1)) == ["", "repeated"]
    assert days(report("a", 0), report("a", 1))[-1].doubts == (Doubt(Why.REPEATED, (LIST,)),)
    assert held(report("a", 1), report("b", 1), report("b", 2)) == ["", "", "repeated"], "one reason is enough"


def test_bytes_of_any_counted_day_before_are_known_again() -> None:
    assert held(report("a", 0), *aged(0, 0, 0, 0, 0), report("a", 6)) == [*[""] * 6, "repeated"]
    assert held(report("a", 0), report("a", 1, "scan_rdp-xm-new.csv")) == ["", "repeated"], "under another name, too"


def test_bytes_of_a_day_that_does_not_count_are_none_of_before() -> None:
    assert held(report("a", 0), report("b", 0), report("b", 1), decisions={1: DISCARDED}) == ["", "", ""]


@pytest.mark.parametrize("age", [None, 30])
def test_a_list_that_stands_still_by_nature_is_never_held(age: int | None) -> None:
    still = [report("a", None if age is None else age + on) for on in range(12)]
    assert held(*still) == [""] * 12
    assert held(*[report("a", age), report("b", age), report("b", age)]) == ["", "", ""]


def test_a_list_without_times_that_was_another_each_time_is_asked_about_once() -> None:
    changing = [report(f"day {on}", None) for on in range(CHANGED)]
    still = [report(f"day {CHANGED - 1}", None)] * 4
    assert held(*changing, *still) == [*[""] * CHANGED, *["repeated"] * 4]
    assert held(*changing, *still, decisions={CHANGED: CONFIRMED}) == [""] * (CHANGED + 4)


def test_a_small_list_without_times_may_be_what_it_was_long_ago() -> None:
    assert held(*[report("ab"[on % 2], None) for on in range(10)]) == [""] * 10


def test_what_stands_still_each_sunday_is_asked_about_once() -> None:
    weeks = [report(f"day {on - 1 if on % 7 == 6 else on}", None) for on in range(28)]
    assert [on for on, why in enumerate(held(*weeks, decisions={6: CONFIRMED})) if why] == []


def test_a_report_without_rows_repeats_nothing() -> None:
    assert held(report("", None), report("", None)) == ["", ""]


def test_days_whose_bytes_are_not_known_say_nothing_of_change() -> None:
    assert held(*[report("", None)] * WINDOW, *[report("a", None)] * 3) == [""] * (WINDOW + 3)


def test_the_true_report_in_its_place_ends_the_question() -> None:
    assert held(report("a", 0), report("b", 0)) == ["", ""]


# Both


ONE = st.builds(
    report, st.sampled_from(["", "a", "b", "c"]), st.none() | st.integers(-1, 4), st.sampled_from([LIST, "x.csv"])
)
REPORTS = st.lists(st.lists(ONE, max_size=2, unique_by=lambda one: one.name), max_size=10)


def cycles_of(made: list[list[Dated]]) -> list[Cycle]:
    return [
        Cycle("scan_rdp", day(on), 10, True, reports=tuple(sorted(reports, key=lambda one: one.name)))
        for on, reports in enumerate(made)
    ]


@given(REPORTS, st.randoms())
def test_the_order_of_arrival_does_not_matter(made: list[list[Dated]], random: object) -> None:
    cycles = cycles_of(made)
    shuffled = list(cycles)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert judge(shuffled) == judge(cycles)


@given(REPORTS)
def test_only_what_is_old_or_came_before_is_held(made: list[list[Dated]]) -> None:
    before: set[str] = set()
    for one in judge(cycles_of(made)):
        named = {doubt.why: set(doubt.names) for doubt in one.doubts}
        by_name = {report.name: report for report in one.cycle.reports}
        assert all(by_name[name].is_old for name in named.get(Why.OLD, ()))
        assert all(by_name[name].content in before - {""} for name in named.get(Why.REPEATED, ()))
        assert named.get(Why.OLD, set()).isdisjoint(named.get(Why.REPEATED, set()))
        if one.counts:
            before |= {report.content for report in one.cycle.reports}


@given(REPORTS)
def test_what_was_confirmed_is_no_question_on_the_next_day(made: list[list[Dated]]) -> None:
    confirmed = [dataclasses.replace(cycle, decision=CONFIRMED) for cycle in cycles_of(made)]
    if confirmed and (latest := confirmed[-1]).reports:
        older = [dataclasses.replace(one, age=None if one.age is None else one.age + 1) for one in latest.reports]
        again = Cycle("scan_rdp", latest.on + dt.timedelta(days=1), 10, True, reports=tuple(older))
        was = judge([*confirmed[:-1], dataclasses.replace(latest, decision=Decision.NONE)])[-1]
        asked = {name for doubt in was.doubts if doubt.why is Why.OLD for name in doubt.names}
        found = {
            name for doubt in judge([*confirmed, again])[-1].doubts if doubt.why is Why.OLD for name in doubt.names
        }
        assert asked.isdisjoint(found)
