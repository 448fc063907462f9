"""What stands for a hundred million observations has the shape of what many imports would have left."""

from __future__ import annotations

import collections
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from bench.stored import CONSTITUENTS, Kind, Store, asset, day_number, kinds, observed, state
from tocsin.engine.fold import STATE_SCHEMA
from tocsin.engine.normalise import EVENT_COLUMNS
from tocsin.engine.observations import ATTRIBUTION
from tocsin.engine.reduce import read_state

KIND = Kind("scan_http", a_day=60, days=15, salt=3)
MEANING = ("other", 2)


def seen() -> dict[int, list[int]]:
    """The days of each finding, counted one by one."""
    days: dict[int, list[int]] = collections.defaultdict(list)
    for day in range(KIND.days):
        for finding in range(*KIND.open_on(day)):
            days[finding].append(day)
    return days


def test_first_and_last_day_are_those_of_the_observations() -> None:
    days = seen()
    numbers = np.arange(KIND.findings)
    assert sorted(days) == numbers.tolist()
    assert KIND.first_day(numbers).tolist() == [min(days[n]) for n in numbers.tolist()]
    assert KIND.last_day(numbers).tolist() == [max(days[n]) for n in numbers.tolist()]


def test_a_finding_is_seen_each_day_of_its_life() -> None:
    assert all(days == list(range(days[0], days[-1] + 1)) for days in seen().values())


def test_observations_have_the_engine_s_columns_and_the_day_s_findings() -> None:
    tables = list(observed(KIND, 4, MEANING))
    assert [table.column_names for table in tables] == [[*EVENT_COLUMNS, *ATTRIBUTION]]
    table = tables[0]
    assert [(f.name, f.type) for f in table.schema] == list({**EVENT_COLUMNS, **ATTRIBUTION}.items())
    first, last = KIND.open_on(4)
    assert set(table["k1"].to_pylist()) == set(KIND.mixed(np.arange(first, last), 3).tolist())
    days = {value.toordinal() for value in table["time"].to_pylist()}
    assert len(days) == 1


def test_an_asset_belongs_to_the_same_constituent_on_every_day() -> None:
    owner: dict[int, str | None] = {}
    for day in range(KIND.days):
        for table in observed(KIND, day, MEANING):
            for key, name in zip(table["k1"].to_pylist(), table["constituent"].to_pylist(), strict=True):
                assert owner.setdefault(key, name) == name


def test_a_few_constituents_hold_most_and_nobody_holds_a_third() -> None:
    holder = Kind("scan_http", 100_000, 1, 5).holder(np.arange(100_000))
    assert holder.min() == -1
    assert CONSTITUENTS - 5 < holder.max() < CONSTITUENTS
    assert 0.32 < (holder == -1).mean() < 0.35
    held = np.sort(np.bincount(holder[holder >= 0], minlength=CONSTITUENTS))[::-1]
    assert held[:50].sum() > 0.4 * held.sum()


def test_findings_are_as_the_engine_keeps_them() -> None:
    table = state(KIND, np.arange(KIND.findings), MEANING)
    assert table.schema == STATE_SCHEMA
    keys = table["k1"].to_pylist()
    assert keys == sorted(keys)
    days = {int(KIND.mixed(np.array([n]), 3)[0]): seen_on for n, seen_on in seen().items()}
    for row in table.select(["k1", "count", "recent"]).to_pylist():
        assert row["count"] == len(days[row["k1"]])
        assert row["recent"] == 2 ** len(days[row["k1"]]) - 1
    assert {value.toordinal() for value in table["opened_on"].to_pylist()} == {
        value.toordinal() for value in np.unique(KIND.first_day(np.arange(KIND.findings)) + day_number(0)).astype(
            "datetime64[D]").tolist()
    }  # fmt: skip


@pytest.mark.parametrize("rows", [20_000, 1_000_000])
def test_the_types_make_up_the_whole(rows: int) -> None:
    made = kinds(rows, 10)
    assert abs(sum(kind.a_day * kind.days for kind in made) - rows) <= 0.1 * rows + 10 * len(made)
    assert len({kind.salt for kind in made}) == len(made)


def test_files_are_in_the_engine_s_folders_and_readable_as_its_own(tmp_path: Path) -> None:
    store = Store(tmp_path, KIND)
    parts, partitions = store.write_day(3), store.write_state()
    assert [name.split("/")[:2] for name in (*parts, *partitions)] == [
        ["observations", "scan_http"],
        ["state", "scan_http"],
    ]
    assert pq.read_table(tmp_path / parts[0]).num_rows == KIND.a_day
    assert sum(read_state(tmp_path / name).num_rows for name in partitions) == KIND.findings
    assert set(read_state(tmp_path / partitions[0])["class"].to_pylist()) == {store.meaning[0]}


def test_every_column_of_an_asset_is_as_long_as_the_findings() -> None:
    columns = asset(KIND, np.arange(7), MEANING)
    assert {len(column) for column in columns.values()} == {7}
