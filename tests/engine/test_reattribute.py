"""Open findings follow a changed claim at once; closed ones keep whoever held them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.manifest import Bench
from tests.engine.reports import day, seen, write
from tocsin.engine.claims import ASN, NETWORK, Claim, Claims
from tocsin.engine.fold import STATE_SCHEMA
from tocsin.engine.reattribute import HOLDERS, reattributed, with_holders
from tocsin.engine.reduce import read_state, write_state
from tocsin.engine.store import Workspace

BEFORE = [Claim("old", "c-old", NETWORK, "192.0.2.0/24")]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """One finding that is gone (…1) and two that are open."""
    made = Bench(tmp_path / "store", BEFORE)
    for on, numbers in ((0, (1, 2, 3)), (1, (2, 3))):
        made.run([write(tmp_path, [seen(f"192.0.2.{n}", day(on)) for n in numbers], on=day(on))])
    return made


def owners(bench: Bench, claims: list[Claim], horizon: dt.date | None) -> dict[int, tuple[str | None, str | None]]:
    (path,) = bench.manifest.states["scan_rdp"].partitions
    state = reattributed(read_state(bench.root / path), Claims(claims), horizon)
    assert state.cast(STATE_SCHEMA).num_rows == 3
    return {one["ip_low"] & 255: (one["constituent"], one["claim"]) for one in state.to_pylist()}


def test_a_changed_claim_moves_what_is_open(bench: Bench) -> None:
    claims = [*BEFORE, Claim("new", "c-new", NETWORK, "192.0.2.0/31"), Claim("two", "c-two", NETWORK, "192.0.2.2/32")]
    assert owners(bench, claims, day(1)) == {1: ("c-old", "old"), 2: ("c-two", "two"), 3: ("c-old", "old")}


def test_while_nothing_is_gone_everything_moves(bench: Bench) -> None:
    assert {owner for owner, _ in owners(bench, [Claim("n", "c-new", NETWORK, "192.0.2.0/24")], None).values()} == {
        "c-new"
    }


def test_a_claim_that_ended_leaves_nobody(bench: Bench) -> None:
    assert owners(bench, [], day(1)) == {1: ("c-old", "old"), 2: (None, None), 3: (None, None)}


def test_the_day_of_the_observation_decides(bench: Bench) -> None:
    claims = [Claim("then", "c-then", NETWORK, "192.0.2.0/24", valid_to=day(1)), Claim("now", "c-now", ASN, "64496")]
    assert owners(bench, claims, day(1))[2] == ("c-then", "then")
    ended = [Claim("then", "c-then", NETWORK, "192.0.2.0/24", valid_to=day(0)), Claim("now", "c-now", ASN, "64496")]
    assert owners(bench, ended, day(1))[2] == ("c-now", "now")


def test_the_same_claims_change_nothing(bench: Bench) -> None:
    assert set(owners(bench, BEFORE, day(1)).values()) == {("c-old", "old")}


def test_no_findings_stay_no_findings() -> None:
    assert reattributed(STATE_SCHEMA.empty_table(), Claims(BEFORE), None).num_rows == 0


def test_what_was_closed_keeps_its_last_holder_when_its_type_is_folded_anew(bench: Bench, tmp_path: Path) -> None:
    before = bench.manifest.states["scan_rdp"]
    (path,) = before.partitions
    claims = Claims([Claim("new", "c-new", NETWORK, "192.0.2.0/24")])
    # While all three were open they were handed over; then …1 was gone, and the network went to somebody else.
    handed_over = reattributed(read_state(bench.root / path), claims, None)
    put = functools.partial(write_state, handed_over)
    written = Workspace(bench.root, "handed-over").write("state", "scan_rdp", "0000", put)
    bench.manifest.states["scan_rdp"] = dataclasses.replace(before, partitions=(written,))
    bench.claims = Claims([Claim("third", "c-third", NETWORK, "192.0.2.0/24")])

    late = write(tmp_path, [seen(f"192.0.2.{n}", day(-1)) for n in (2, 9)], on=day(-1))
    delta = bench.run([late])

    assert delta.types[0].since == dt.date.min  # folded anew
    (path,) = bench.manifest.states["scan_rdp"].partitions
    holders = {one["ip_low"] & 255: one["constituent"] for one in read_state(bench.root / path).to_pylist()}
    assert holders == {1: "c-new", 2: "c-third", 3: "c-third", 9: "c-third"}


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([None, "a", "b"])), max_size=6), st.integers(0, 6))
def test_holders_follow_the_same_observation_alone(rows: list[tuple[int, str | None]], cut: int) -> None:
    known = {(k1, 0): holder for k1, holder in rows}
    before = _held({key: holder for key, holder in known.items() if key[0] < cut})
    state = _held(dict.fromkeys([*known, (9, 9)], "now"))

    found = with_holders(state, before).select(HOLDERS).to_pylist()

    expected = [known[key] if key in known and key[0] < cut else "now" for key in sorted([*known, (9, 9)])]
    assert [one["constituent"] for one in found] == expected
    assert [one["claim"] for one in found] == expected


def _held(holders: dict[tuple[int, int], str | None]) -> pa.Table:
    """Return the columns of `HOLDERS` for findings by the two words of their keys."""
    keys = sorted(holders)
    words = pa.array([holders[key] for key in keys], pa.utf8()).dictionary_encode()
    numbers = pa.array([k1 for k1, _ in keys], pa.uint64())
    columns = [numbers, pa.array([k2 for _, k2 in keys], pa.uint64()), numbers, numbers.cast(pa.int64()), words, words]
    return pa.table(columns, names=list(HOLDERS))
