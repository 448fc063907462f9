"""How long findings were there, beside a reckoning day by day that anybody can follow."""

from __future__ import annotations

import dataclasses
import datetime as dt
import random
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.reports import day
from tests.engine.test_fold import calendar, folded, spilled, together
from tocsin.engine.fold import STATE_SCHEMA
from tocsin.engine.lives import Source, lives_of, words_of_many
from tocsin.engine.lives import together as of_all
from tocsin.engine.lost import LostFile
from tocsin.engine.public_ids import public_id
from tocsin.engine.reduce import write_state

Seen = Mapping[int, Iterable[int]]
"""Last part of an address → days that saw it."""
Life = tuple[int, int, int, int, bool, int, bool]
"""Address, how often it had come back, first day, end, whether it ended, when it came back or -1, beginning known."""
ALWAYS = 250
"""An address that is there on every day of the tests."""


def source(folder: Path, seen: Seen, counted: Iterable[int], came: Iterable[int], gone_after: int = 2) -> Source:
    """Fold what was seen, and write the findings and the observations as the engine does."""
    days = sorted({on for its in seen.values() for on in its})
    reports = [spilled(on, [(host, 0) for host, its in sorted(seen.items()) if on in its]) for on in days]
    state = folded(STATE_SCHEMA.empty_table(), together(*reports), calendar(*counted, gone_after=gone_after)).state
    write_state(state, folder / "state.parquet")
    parts = []
    for on, rows in zip(days, reports, strict=True):
        path = folder / f"{on}.parquet"
        pq.write_table(rows.select(["k1", "k2"]), path)
        parts.append((day(on), path))
    return Source(
        type="scan_rdp",
        files=(folder / "state.parquet",),
        parts=tuple(parts),
        counted=tuple(map(day, counted)),
        gone_after=gone_after,
        came=tuple(map(day, came)),
    )


def lives(made: Source) -> list[Life]:
    """Return the lives that the engine finds, days counted as the tests do."""
    state = pq.read_table(made.files[0], columns=["k1", "ip_low"]).to_pydict()
    host = {k1: low & 255 for k1, low in zip(state["k1"], state["ip_low"], strict=True)}
    zero = (day(0) - dt.date(1970, 1, 1)).days
    rows = lives_of(made).lives.to_pylist()
    return sorted(
        (host[each["k1"]], each["number"], each["begin"] - zero, each["end"] - zero, each["ended"],
         each["back"] - zero if each["back"] else -1, each["known"])
        for each in rows
    )  # fmt: skip


def reckoned(seen: Seen, counted: list[int], came: list[int], gone_after: int = 2) -> list[Life]:
    """Return the same, day by day."""
    found: list[Life] = []
    if len(counted) < gone_after:
        return []
    horizon = counted[-gone_after]
    for host, its in seen.items():
        episodes: list[list[int]] = []
        for on in sorted(its):
            missed = sum(episodes[-1][-1] < each < on for each in counted) if episodes else 0
            if episodes and missed < gone_after:
                episodes[-1].append(on)
            else:
                episodes.append([on])
        for number, episode in enumerate(episodes):
            later = [each for each in counted if each > episode[-1]]
            ended = len(later) >= gone_after or number < len(episodes) - 1
            end = later[0] if ended else horizon
            back = episodes[number + 1][0] if number < len(episodes) - 1 else -1
            earlier = [each for each in came if each < episode[0]]
            known = bool(earlier) and episode[0] - earlier[-1] <= 7
            if episode[0] < horizon and end > episode[0]:
                found.append((host, number, episode[0], end, ended, back, known))
    return sorted(found)


def test_a_life_lasts_from_its_first_day_to_the_first_cycle_without_it(tmp_path: Path) -> None:
    seen = {ALWAYS: range(10), 1: [1, 2, 3], 2: [1, 2, 3, 4, 5, 6, 7, 8, 9]}
    assert lives(source(tmp_path, seen, range(10), range(10))) == [
        (1, 0, 1, 4, True, -1, True),
        (2, 0, 1, 8, False, -1, True),  # watched up to the eighth day: whether it went on the ninth nobody can say
        (ALWAYS, 0, 0, 8, False, -1, False),  # it was there when reports began
    ]


def test_what_comes_back_begins_a_new_life(tmp_path: Path) -> None:
    seen = {ALWAYS: range(12), 1: [1, 2, 6, 7]}
    assert lives(source(tmp_path, seen, range(12), range(12)))[:2] == [
        (1, 0, 1, 3, True, 6, True),
        (1, 1, 6, 8, True, -1, True),
    ]


def test_days_that_do_not_count_end_nothing(tmp_path: Path) -> None:
    seen = {ALWAYS: range(10), 1: [1, 2, 6]}
    counted = [0, 1, 2, 3, 6, 7, 8, 9]  # one counted day between: it was still there
    assert (1, 0, 1, 7, True, -1, True) in lives(source(tmp_path, seen, counted, range(10)))


def test_a_type_that_stops_arriving_ends_nothing(tmp_path: Path) -> None:
    seen = {ALWAYS: range(5), 1: [1, 2, 3]}
    made = source(tmp_path, seen, range(5), range(5))
    assert (1, 0, 1, 3, False, -1, True) in lives(made)  # one counted day without it is not enough
    assert lives(dataclasses.replace(made, counted=(day(0),))) == []


def test_after_a_silence_nobody_knows_since_when_it_was_there(tmp_path: Path) -> None:
    came = [*range(3), *range(12, 20)]
    seen = {ALWAYS: came, 1: [12, 13], 2: [13, 14]}
    known = {host: each[-1] for host, *each in lives(source(tmp_path, seen, came, came))}
    assert known == {1: False, 2: True, ALWAYS: False}


def test_what_began_after_the_horizon_is_counted_and_left_out(tmp_path: Path) -> None:
    made = source(tmp_path, {ALWAYS: range(8), 1: [7]}, range(8), range(8))
    assert lives_of(made).too_young == 1 and [each[0] for each in lives(made)] == [ALWAYS]


def test_of_days_that_are_not_kept_only_what_was_there_after_them_is_watched(tmp_path: Path) -> None:
    seen = {ALWAYS: range(10), 1: [1, 2], 2: [1, 2, 3, 4, 5]}
    made = dataclasses.replace(source(tmp_path, seen, range(10), range(10)), kept_from=day(4))
    rows = lives_of(made).lives.to_pylist()
    zero = (day(0) - dt.date(1970, 1, 1)).days
    assert sorted((each["begin"] - zero, each["watched"] - zero, each["end"] - zero) for each in rows) == [
        (0, 4, 8),
        (1, 4, 6),
    ]


def test_what_is_nobody_s_is_left_out(tmp_path: Path) -> None:
    made = source(tmp_path, {ALWAYS: range(6), 1: [1, 2]}, range(6), range(6))
    state = pq.read_table(made.files[0])
    nobody = pa.array([None] * state.num_rows, state.schema.field("constituent").type)
    at = state.schema.get_field_index("constituent")
    pq.write_table(state.set_column(at, state.schema.field(at), nobody), made.files[0])
    assert lives_of(made).lives.num_rows == 0


def test_lives_of_more_than_64_days_ago_are_found_in_the_observations(tmp_path: Path) -> None:
    seen = {ALWAYS: range(120), 1: [1, 2, 3, *range(9, 120)], 2: [2, 3, 30, 31, 110, 111]}
    days = list(range(120))
    made = source(tmp_path, seen, days, days)
    assert lives(made) == reckoned(seen, days, days)
    assert (2, 0, 2, 4, True, 30, True) in lives(made) and (1, 0, 1, 4, True, 9, True) in lives(made)


def test_a_lost_file_is_said(tmp_path: Path) -> None:
    made = source(tmp_path, {ALWAYS: range(90), 1: [1, 2, *range(9, 90)]}, range(90), range(90))
    made.parts[5][1].unlink()
    with pytest.raises(LostFile):
        lives_of(made)


@given(st.randoms(use_true_random=False), st.integers(1, 3))
@settings(max_examples=12)
def test_lives_are_those_of_a_reckoning_day_by_day(draw: random.Random, gone_after: int) -> None:
    length = draw.choice((12, 90))
    came = [on for on in range(length) if draw.random() < 0.9]
    counted = [on for on in came if draw.random() < 0.85]
    seen = {ALWAYS: came, **{host: _visits(came, draw) for host in range(1, 7)}}
    seen = {host: its for host, its in seen.items() if its}
    if not counted or not came:
        return
    with tempfile.TemporaryDirectory() as folder:
        made = source(Path(folder), seen, counted, came, gone_after)
        assert lives(made) == reckoned(seen, counted, came, gone_after)


def _visits(came: list[int], draw: random.Random) -> list[int]:
    is_there, found = False, []
    for on in came:
        is_there = draw.random() < (0.85 if is_there else 0.15)
        if is_there:
            found.append(on)
    return found


def test_lives_of_several_types_are_put_together(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    one = source(tmp_path, {ALWAYS: range(6), 1: [1, 2]}, range(6), range(6))
    two = dataclasses.replace(source(tmp_path / "other", {ALWAYS: range(6)}, range(6), range(6)), type="other")
    found = of_all([lives_of(one), lives_of(two)])
    assert sorted(found.lives["type"].to_pylist()) == ["other", "scan_rdp", "scan_rdp"]
    assert of_all([]).lives.num_rows == 0


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)), min_size=1))
def test_public_ids_are_read_many_at_once(words: list[tuple[int, int]]) -> None:
    first, second = words_of_many([public_id(*each) for each in words])
    expected: Any = np.array(words, np.uint64)
    assert (first == expected[:, 0]).all() and (second == expected[:, 1]).all()
