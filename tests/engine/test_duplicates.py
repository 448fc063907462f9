"""Exact copies: counted over chunks, files and partitions, and no part is looked at twice for them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.manifest import Bench
from tests.engine.reports import COLUMNS, as_csv, day, name_of, seen, write
from tocsin.engine import duplicates, records, run
from tocsin.engine import partitions as partitions_of_types
from tocsin.engine.duplicates import NONE, Twins, count
from tocsin.engine.executors import Threads
from tocsin.engine.store import Workspace

ROWS = [seen(f"192.0.2.{n}", day(0), tag="x") for n in range(1, 201)]


def twins(rows: list[tuple[int, int]]) -> Twins:
    """Return twins from groups and fingerprints; each stands in a row of its own."""
    group, prints = (np.array([one[at] for one in rows], np.int64) for at in range(2))
    return Twins(group, np.zeros(len(rows), np.int64), np.arange(len(rows)), prints.astype(np.uint64))


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 3)), max_size=20))
def test_copies_are_all_but_the_first_of_those_that_are_equal(rows: list[tuple[int, int]]) -> None:
    assert twins(rows).copies() == len(rows) - len(set(rows))


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=20))
def test_a_group_is_settled_when_all_of_it_has_fingerprints(rows: list[tuple[int, int]]) -> None:
    open_groups = {group for group, fingerprint in rows if not fingerprint}
    known = [one for one in rows if one[0] not in open_groups]
    copies, rest = twins(rows).settled()
    assert copies == len(known) - len(set(known))
    assert Counter(rest.group.tolist()) == Counter(group for group, _ in rows if group in open_groups)


def test_nothing_has_no_copies(tmp_path: Path) -> None:
    assert count(Threads(1), Workspace(tmp_path, "r"), [NONE, NONE], {}) == 0
    assert count(Threads(1), Workspace(tmp_path, "r"), [], {}) == 0


def test_a_group_of_one_partition_is_none_of_another(tmp_path: Path) -> None:
    assert count(Threads(1), Workspace(tmp_path, "r"), [twins([(1, 5)]), twins([(1, 5)])], {}) == 0
    assert count(Threads(1), Workspace(tmp_path, "r"), [twins([(1, 5), (1, 5)]), twins([(1, 5)])], {}) == 1


@pytest.mark.parametrize("together", [1, 3, 32])
def test_a_part_is_looked_at_once_however_many_partitions_its_rows_fell_into(
    together: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    cells = duplicates._cells

    def counted(part: Path) -> Any:
        read.append(part)
        return cells(part)

    monkeypatch.setattr(duplicates, "_cells", counted)
    monkeypatch.setattr(partitions_of_types, "ROWS_PER_PARTITION", 10)
    monkeypatch.setattr(run, "_TOGETHER", together)
    monkeypatch.setattr(records, "CHUNK_ROWS", 50)
    monkeypatch.setattr(records, "BLOCK_BYTES", 1 << 10)
    bench = Bench(tmp_path / "store")
    delta = bench.run([write(tmp_path, ROWS), write(tmp_path, ROWS[::-1], part="-part1")])
    partitions = len(bench.manifest.states["scan_rdp"].partitions)
    assert delta.duplicates == len(ROWS)
    assert partitions >= 16
    assert len(set(read)) >= 8
    assert max(Counter(read).values()) <= -(-partitions // together)


def test_rows_that_nothing_resembles_are_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "CHUNK_ROWS", 50)
    monkeypatch.setattr(records, "BLOCK_BYTES", 1 << 10)
    monkeypatch.delattr(duplicates, "_cells")
    path = tmp_path / name_of("scan_rdp", day(0))
    path.write_bytes(as_csv(ROWS, COLUMNS))
    assert Bench(tmp_path / "store").run([path]).duplicates == 0
