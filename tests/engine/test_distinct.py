"""How many findings a report shows: exactly while they are few, closely when they are many, however it was cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.reports import normalised, row
from tocsin.engine.distinct import KEPT, counted, smallest


def keys(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**64, count, np.uint64)


def in_chunks(all_keys: np.ndarray, *edges: int) -> int:
    return counted(smallest(chunk) for chunk in np.split(all_keys, sorted(edges)))


def test_nothing_is_none() -> None:
    assert counted([]) == counted([smallest(keys(0))]) == 0


@pytest.mark.parametrize("count", [1, 2, 599, KEPT - 1])
def test_few_are_counted_exactly_however_often_they_come(count: int) -> None:
    assert counted([smallest(np.repeat(keys(count), 10))] * 3) == count


@pytest.mark.parametrize("count", [KEPT, 10_000, 300_000])
def test_many_are_counted_within_some_per_cent(count: int) -> None:
    found = [in_chunks(np.tile(keys(count, seed), 2), count // 3) / count for seed in range(10)]
    assert abs(np.mean(found) - 1) < 0.02
    assert max(abs(one - 1) for one in found) < 0.08


def test_keys_of_findings_are_as_good_as_random() -> None:
    ips = (f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}" for number in range(12_000))
    k1 = normalised([row(ip=ip) for ip in ips]).events["k1"].to_numpy()
    assert abs(counted([smallest(k1)]) / 12_000 - 1) < 0.06


@given(
    st.lists(st.integers(0, 50), max_size=200), st.lists(st.integers(0, 200), max_size=5), st.booleans(), st.randoms()
)
def test_the_number_hangs_on_neither_chunks_nor_order(
    made: list[int], edges: list[int], many: bool, random: object
) -> None:
    pool = keys(51 if not many else 3 * KEPT)
    rows = pool[made] if not many else np.concatenate([pool, pool[made]])
    shuffled = rows.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert in_chunks(shuffled, *edges) == counted([smallest(rows)])
    if not many:
        assert counted([smallest(rows)]) == len(set(made))


def test_no_chunk_takes_more_than_its_share_of_memory() -> None:
    assert len(smallest(keys(65_536))) == KEPT * 8
