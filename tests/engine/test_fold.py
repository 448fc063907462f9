"""Folding one partition, step by step: what was known and what is new, as arrays."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.reports import day, normalised, seen
from tocsin.engine import observations
from tocsin.engine.claims import Claim, Claims
from tocsin.engine.cycles import Calendar
from tocsin.engine.fold import STATE_SCHEMA, Folded, Label, begins, fold, in_key_order, sightings

NOTHING = STATE_SCHEMA.empty_table()
CLAIMS = Claims([Claim("1", "c-one", "network", "192.0.2.0/24")])
Row = tuple[int, int]
"""Last part of an address, and the second at which it was seen."""


def spilled(on: int, rows: list[Row], part: int = 0, report: int = 1, **cells: Any) -> pa.Table:
    """Return rows as they come out of a spill, of one report of one day."""
    made = [seen(f"192.0.2.{n}", day(on), f"06:00:{second:02d}", **cells) for n, second in rows]
    events = observations.attributed(normalised(made).events, CLAIMS, np.zeros(len(rows), np.int32))
    raws = [name for name in events.column_names if name.startswith("c.")]
    prints = observations.fingerprints_of_twins(events)
    count = len(rows)
    return (
        events.drop_columns(raws)
        .append_column("part", pa.array([part] * count, pa.int64()))
        .append_column("row", pa.array(range(count), pa.int32()))
        .append_column("print", pa.array(prints))
        .append_column("on", pa.array([day(on)] * count, pa.date32()))
        .append_column("report", pa.array([report] * count, pa.uint64()))
        .unify_dictionaries()
    )


def together(*tables: pa.Table) -> pa.Table:
    return pa.concat_tables(tables, promote_options="permissive").unify_dictionaries().combine_chunks()


def calendar(*days: int, gone_after: int = 1) -> Calendar:
    return Calendar([day(n) for n in days], gone_after)


def folded(prior: pa.Table, rows: pa.Table, when: Calendar, since: int = 0) -> Folded:
    return fold("scan_rdp", prior, rows, when, day(since))


def lives(result: Folded) -> dict[int, dict[str, Any]]:
    return {one["ip_low"] & 255: one for one in result.state.to_pylist()}


def moved(result: Folded) -> dict[tuple[dt.date, Label], int]:
    return {(one["on"], Label(one["label"])): one["findings"] for one in result.movements.to_pylist()}


def test_what_is_seen_first_is_new() -> None:
    result = folded(NOTHING, spilled(0, [(1, 0), (2, 5), (1, 9)]), calendar(0))
    one = lives(result)[1]
    assert (one["label"], one["count"], one["cycles"], one["returns"], one["recent"]) == (Label.NEW, 2, 1, 0, 1)
    assert (one["first_seen"].second, one["last_seen"].second, one["seen_at"].second) == (0, 9, 9)
    assert (one["constituent"], one["claim"], one["type"]) == ("c-one", "1", "scan_rdp")
    assert moved(result) == {(day(0), Label.NEW): 2}
    assert result.duplicates == 0


def test_nothing_folded_into_nothing_is_nothing() -> None:
    result = folded(NOTHING, spilled(0, []), calendar())
    assert (result.state.num_rows, result.movements.num_rows, result.duplicates) == (0, 0, 0)
    assert result.state.schema == STATE_SCHEMA


def test_what_was_known_goes_on() -> None:
    before = folded(NOTHING, spilled(0, [(1, 0), (2, 0)]), calendar(0)).state
    result = folded(before, spilled(1, [(1, 0), (3, 0)]), calendar(0, 1), since=1)
    assert {n: Label(one["label"]) for n, one in lives(result).items()} == {1: Label.STILL, 2: Label.NEW, 3: Label.NEW}
    assert moved(result) == {(day(1), Label.STILL): 1, (day(1), Label.NEW): 1, (day(1), Label.GONE): 1}
    assert lives(result)[1]["opened_on"] == day(0)


def test_what_comes_back_after_enough_misses_has_returned() -> None:
    before = folded(NOTHING, spilled(0, [(1, 0)]), calendar(0)).state
    for misses, gone_after, label in ((1, 1, Label.RETURNED), (1, 2, Label.STILL), (2, 2, Label.RETURNED)):
        when = calendar(*range(misses + 2), gone_after=gone_after)
        one = lives(folded(before, spilled(misses + 1, [(1, 0)]), when, since=misses + 1))[1]
        assert (one["label"], one["returns"]) == (label, int(label is Label.RETURNED))
        assert one["opened_on"] == day(misses + 1 if label is Label.RETURNED else 0)


def test_a_day_in_several_calls_is_one_day() -> None:
    before = folded(NOTHING, spilled(0, [(1, 5)], report=9, tag="x"), calendar(0)).state
    result = folded(before, spilled(0, [(1, 0), (2, 0)], report=3), calendar(0))
    one = lives(result)[1]
    assert (one["count"], one["cycles"], one["label"], one["report"]) == (2, 1, Label.NEW, 9)
    assert moved(result) == {(day(0), Label.NEW): 2}


def test_the_latest_observation_describes_the_finding_and_ties_are_settled() -> None:
    for order in ((1, 2), (2, 1)):
        tables = [spilled(0, [(1, 7)], part=-1, report=number, geo=f"X{number}") for number in order]
        assert lives(folded(NOTHING, together(*tables), calendar(0)))[1]["country"] == "X2"
        first = folded(NOTHING, tables[0], calendar(0)).state
        assert lives(folded(first, tables[1], calendar(0)))[1]["country"] == "X2"


def test_only_sixty_four_days_are_remembered_one_by_one() -> None:
    state = NOTHING
    for on in (0, 1, 63, 64, 200):
        state = folded(state, spilled(on, [(1, 0)]), calendar(), since=on).state
        (one,) = state.to_pylist()
        days = [n for n in (0, 1, 63, 64, 200) if n <= on]
        assert one["recent"] == sum(1 << on - n for n in days if on - n < 64)
    assert one["cycles"] == 5


def test_copies_within_a_run_are_counted_and_older_rows_are_not_asked() -> None:
    twice = spilled(0, [(1, 0), (1, 0), (1, 1)])
    assert folded(NOTHING, twice, calendar(0)).duplicates == 1
    older = twice.set_column(twice.column_names.index("part"), "part", pa.array([-1, -1, -1], pa.int64()))
    assert folded(NOTHING, older, calendar(0)).duplicates == 0


def test_rows_that_may_be_copies_across_chunks_ask_for_their_fingerprint() -> None:
    rows = together(spilled(0, [(1, 0), (2, 0)], part=0), spilled(0, [(1, 0)], part=1))
    result = folded(NOTHING, rows, calendar(0))
    assert sorted(zip(result.twins.part.tolist(), result.twins.row.tolist(), strict=True)) == [(0, 0), (1, 0)]
    assert len(set(result.twins.group.tolist())) == 1
    assert (result.state.num_rows, result.duplicates) == (2, 0)


def test_sightings_are_one_for_each_key_and_day() -> None:
    found, _ = sightings(together(spilled(0, [(1, 3), (1, 1), (2, 0)]), spilled(1, [(1, 0)], part=1)))
    assert sorted(zip(found.on.tolist(), found.count.tolist(), strict=True)) == [
        (found.on.min(), 1),
        (found.on.min(), 2),
        (found.on.max(), 1),
    ]
    assert all(found.first <= found.last)


NUMBERS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), max_size=20)


@given(NUMBERS)
def test_the_order_of_keys_is_that_of_sorting(rows: list[tuple[int, int, int]]) -> None:
    k1, k2, then = (np.array([one[at] for one in rows], np.uint64) for at in range(3))
    assert [rows[at] for at in in_key_order(k1, k2, then).tolist()] == sorted(rows)


@given(NUMBERS, NUMBERS)
def test_two_runs_in_order_are_merged(known: list[tuple[int, int, int]], new: list[tuple[int, int, int]]) -> None:
    # Of a key in both, what is new comes later.
    rows = [*sorted(known), *sorted((k1, k2, then + 4) for k1, k2, then in new)]
    k1, k2, then = (np.array([one[at] for one in rows], np.uint64) for at in range(3))

    assert [rows[at] for at in in_key_order(k1, k2, then, in_runs=True).tolist()] == sorted(rows)


@given(NUMBERS)
def test_a_new_combination_begins_where_it_differs_from_the_one_before(rows: list[tuple[int, int, int]]) -> None:
    ordered = sorted(rows)
    columns = [np.array([one[at] for one in ordered], np.uint64) for at in range(3)]
    expected = [at == 0 or ordered[at] != ordered[at - 1] for at in range(len(ordered))]
    assert begins(*columns).tolist() == expected
