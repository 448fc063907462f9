"""Open findings follow a changed claim at once; closed ones keep whoever held them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from tests.engine.manifest import Bench
from tests.engine.reports import day, seen, write
from tocsin.engine.claims import ASN, NETWORK, Claim, Claims
from tocsin.engine.fold import STATE_SCHEMA
from tocsin.engine.reattribute import reattributed
from tocsin.engine.reduce import read_state

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
