"""The object that `feed run --json` prints, from a delta alone."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from tests.feeds.reports import day
from tests.feeds.test_manifest import closed, delta, movement, of_type, report
from tests.homes import SUMMARY_KEYS
from tocsin.engine.cycles import Doubt, Judged, Why
from tocsin.engine.fold import Label
from tocsin.engine.run import Broken, Delta
from tocsin.feeds.summary import Cost, summarise

TODAY = dt.date(2026, 11, 19)
COST = Cost(cpu_s=1.23456, wall_s=0.98765, peak_rss_mb=123.456)


def summary(of: Delta) -> dict[str, Any]:
    return summarise(7, of, COST, TODAY)


@pytest.fixture
def told() -> dict[str, Any]:
    """Two reports of two days, and movements of a day before that a late report changed."""
    moved = [
        movement(day(0), Label.NEW, 5), movement(day(0), Label.NEW, 2, None),
        movement(day(1), Label.STILL, 4), movement(day(1), Label.GONE, 3), movement(day(1), Label.RETURNED, 1),
        movement(day(9), Label.GONE, 99),
    ]  # fmt: skip
    kinds = (of_type(closed(0), closed(1), moved=moved),)
    return summary(delta(report(0), report(1, constituents={"moh": 1, "bank": 2}), types=kinds))


def test_it_has_every_promised_key_and_fits_on_a_line(told: dict[str, Any]) -> None:
    assert set(told) >= SUMMARY_KEYS
    assert "\n" not in json.dumps(told)
    assert told["run"] == 7


def test_totals_are_sums_over_the_cycles_that_arrived(told: dict[str, Any]) -> None:
    assert told["cycles"] == [
        {"type": "scan_rdp", "date": "2026-11-16", "new": 7, "still": 0, "gone": 0, "returned": 0},
        {"type": "scan_rdp", "date": "2026-11-17", "new": 0, "still": 4, "gone": 3, "returned": 1},
    ]
    totals = {word: told[f"findings_{word}"] for word in ("new", "still", "gone", "returned")}
    assert totals == {"new": 7, "still": 4, "gone": 3, "returned": 1}


def test_rows_are_sums_over_the_files(told: dict[str, Any]) -> None:
    assert told["files"][0] == {
        "name": "2026-11-16-scan_rdp-xm-geo.csv", "type": "scan_rdp", "records": 10, "kept": 9, "quarantined": 1,
    }  # fmt: skip
    assert [told[f"rows_{word}"] for word in ("read", "kept", "quarantined")] == [20, 18, 2]
    assert told["cells_quarantined"] == 6


def test_attributed_and_unattributed_rows_make_up_those_kept(told: dict[str, Any]) -> None:
    assert told["constituents"] == {"bank": 2, "moh": 5}
    assert list(told["constituents"]) == ["bank", "moh"], "in order, so that two runs compare"
    assert (told["attributed_rows"], told["unattributed_rows"]) == (7, 11)


def test_the_cost_is_rounded(told: dict[str, Any]) -> None:
    assert (told["cpu_s"], told["wall_s"], told["peak_rss_mb"]) == (1.235, 0.988, 123.5)


def test_a_run_of_nothing_is_all_zeros() -> None:
    told = summary(delta())
    assert told["files"] == told["cycles"] == told["held"] == []
    assert {told[name] for name in ("rows_read", "findings_new", "attributed_rows", "unattributed_rows")} == {0}


def test_held_cycles_say_what_would_be_usual() -> None:
    few = of_type(closed(0), closed(1))
    judged = (few.judged[0], Judged(few.judged[1].cycle, 50.0, (Doubt(Why.FEW), Doubt(Why.MISSING, ("x.csv",)))))
    (held,) = summary(delta(types=(few.__class__(**{**vars(few), "judged": judged}),)))["held"]
    assert held == {
        "type": "scan_rdp",
        "date": "2026-11-17",
        "rows": 10,
        "usual": 50.0,
        "doubts": {"few": [], "missing": ["x.csv"]},
        "findings": 0,
        "usual_findings": None,
    }


def test_what_is_wrong_with_reports_is_told() -> None:
    accepted = (
        report(0, origin="none", type="lamps"),
        report(1, unknown_columns=("b", "a")),
        report(2, unknown_columns=("c", "a")),
        report(3, unknown_columns=()),
    )
    made = Delta(accepted, (), ("old.csv",), (Broken("bad.csv", "it ends in the middle."),), (), 0, ())
    told = summary(made)
    assert told["needs_mapping"] == ["lamps"]
    assert told["unknown_columns"] == {"lamps": ["colour"], "scan_rdp": ["a", "b", "c"]}
    assert told["lacking_columns"] == {}
    lacking = (report(0, type="lamps", lacking_columns=("b", "a")), report(1, type="lamps", lacking_columns=("c", "a")))
    assert summary(delta(*lacking))["lacking_columns"] == {"lamps": ["a", "b", "c"]}
    assert told["unchanged"] == ["old.csv"]
    assert told["broken"] == [{"name": "bad.csv", "reason": "it ends in the middle."}]
