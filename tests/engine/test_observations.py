"""Parts, spills and fingerprints: what is written is read back, split by key."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.reports import normalised, row
from tocsin.engine import observations
from tocsin.engine.claims import Claim, Claims
from tocsin.engine.normalise import EVENT_COLUMNS

CLAIMS = Claims([Claim("1", "c-one", "network", "192.0.2.0/24"), Claim("2", "c-two", "asn", "64496")])
ONE, TWO = ([claim.id for claim in CLAIMS.claims].index(name) for name in ("1", "2"))


def events_of(rows: list[dict[str, str]], owners: list[int] | None = None) -> pa.Table:
    owner = np.array(owners if owners is not None else [ONE] * len(rows), np.int32)
    return observations.attributed(normalised(rows).events, CLAIMS, owner)


MANY = [row(ip=f"192.0.2.{n}", port=n + 1, protocol=("tcp", "udp", "")[n % 3]) for n in range(200)]


def test_an_event_says_whose_it_is_and_why() -> None:
    events = events_of([row(), row(), row()], [TWO, -1, ONE])
    assert events["constituent"].to_pylist() == ["c-two", None, "c-one"]
    assert events["claim"].to_pylist() == ["2", None, "1"]
    assert observations.rows_by_constituent(events) == {"c-one": 1, "c-two": 1}


def test_without_claims_nobody_has_anything() -> None:
    events = observations.attributed(normalised([row()]).events, Claims([]), np.array([-1], np.int32))
    assert observations.rows_by_constituent(events) == {}
    assert events["constituent"].to_pylist() == [None]


def test_a_part_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    events = events_of([*MANY, row(port="x", asn="")])[: len(MANY) + 1]
    observations.write_part(events, tmp_path / "part.parquet")
    again = pq.read_table(tmp_path / "part.parquet")
    assert again.column_names == events.column_names
    assert again.to_pylist() == events.to_pylist()


@pytest.mark.parametrize("bits", [0, 1, 4, 10])
@pytest.mark.parametrize("count", [0, 1, 3, 200])
def test_a_spill_holds_every_row_once_in_its_partition(bits: int, count: int, tmp_path: Path) -> None:
    events = events_of(MANY[:count])
    path = tmp_path / "spill.arrow"
    observations.write_spill(events, path, bits=bits, part=7, prints=np.arange(count, dtype=np.uint64))
    found = [observations.read_spill(path, partition) for partition in range(1 << bits)]
    assert sorted(one for table in found for one in table["row"].to_pylist()) == list(range(count))
    by_row = {one["row"]: one for table in found for one in table.to_pylist()}
    for number, event in enumerate(events.to_pylist()):
        spilled = by_row[number]
        assert {name: spilled[name] for name in EVENT_COLUMNS} == {name: event[name] for name in EVENT_COLUMNS}
        assert (spilled["part"], spilled["print"], spilled["constituent"]) == (7, number, "c-one")
    for partition, table in enumerate(found):
        assert set(observations.partitions(table["k1"].to_numpy(), bits).tolist()) <= {partition}


def test_keys_are_split_by_their_first_bits() -> None:
    keys = np.array([0, 2**62, 2**63, 2**64 - 1], np.uint64)
    assert observations.partitions(keys, 0).tolist() == [0, 0, 0, 0]
    assert observations.partitions(keys, 1).tolist() == [0, 0, 1, 1]
    assert observations.partitions(keys, 2).tolist() == [0, 1, 2, 3]


def test_only_rows_with_a_twin_have_a_fingerprint() -> None:
    events = events_of([row(tag="a"), row(tag="b"), row(port=80), row(tag="a"), row(timestamp="2026-11-16 06:00:01")])
    prints = observations.fingerprints_of_twins(events).tolist()
    assert [bool(one) for one in prints] == [True, True, False, True, False]
    assert prints[0] == prints[3] != prints[1]


def test_no_rows_have_no_fingerprints() -> None:
    assert observations.fingerprints_of_twins(events_of([])).tolist() == []


def test_a_separator_in_a_cell_makes_no_other_row() -> None:
    events = events_of([row(hostname="a\x1f", tag="b"), row(hostname="a", tag="\x1fb")])
    first, second = observations.fingerprints(events, np.arange(2)).tolist()
    assert first != second


CELL = st.sampled_from(["", "a", "b", "ab", "\x1f", "a\x1f", "\x1fb"])


@given(st.lists(st.tuples(CELL, CELL, CELL), min_size=2, max_size=6))
def test_fingerprints_are_equal_where_all_cells_are(cells: list[tuple[str, str, str]]) -> None:
    events = events_of([row(tag=tag, hostname=name, geo=geo) for tag, name, geo in cells])
    prints = observations.fingerprints(events, np.arange(len(cells))).tolist()
    assert all(prints)
    for one, left in zip(cells, prints, strict=True):
        for other, right in zip(cells, prints, strict=True):
            assert (left == right) == (one == other)
