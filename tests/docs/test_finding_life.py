"""The table in "How a finding lives" is what the engine makes of those days."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest

from tests.docs.reading import page, tables
from tests.engine.manifest import Bench
from tocsin.engine.cycles import Calendar, Decision, Judged
from tocsin.engine.query import Database, Filter, Findings, TypeFiles
from tocsin.engine.store import CycleRecord, judged
from tocsin.feeds.queries import asset_of

TABLE = tables(page("explanation/how-a-finding-lives"))[1]
FINDINGS = TABLE[0][3:]
FIRST = dt.date(2026, 11, 1)
TYPE = "scan_rdp"
HEADER = "timestamp,ip,protocol,port,hostname,tag,asn,geo"


def day(number: str) -> dt.date:
    return FIRST + dt.timedelta(days=int(number) - 1)


def report(folder: Path, row: list[str]) -> Path:
    """A report with as many rows as the table says; bold states are seen in it."""
    on = day(row[0])
    seen = [f"198.18.0.{number}" for number, cell in enumerate(row[3:], 1) if cell.startswith("**")]
    others = [f"198.18.1.{number}" for number in range(int(row[1]) - len(seen))]
    path = folder / f"{on}-{TYPE}-meridia.csv"
    lines = [f"{on} 01:00:00,{address},tcp,3389,,,," for address in (*seen, *others)]
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return path


def judged_cycles(bench: Bench) -> list[Judged]:
    return judged(bench.manifest.cycles(TYPE), bench.manifest.reports(TYPE))


def states(bench: Bench) -> list[str]:
    """What `finding list` shows of the findings in the table."""
    found = judged_cycles(bench)
    state = bench.manifest.states[TYPE]
    horizon = Calendar([verdict.cycle.on for verdict in found if verdict.counts], 3).horizon
    latest = max(verdict.cycle.on for verdict in found)
    files = tuple(str(bench.root / name) for name in state.partitions)
    found = Findings(Database(), [TypeFiles(TYPE, files, horizon, latest)]).stream(Filter())
    by_address = {asset_of(finding): finding.state for finding in found}
    return [by_address.get(f"198.18.0.{number}", "") for number in range(1, len(FINDINGS) + 1)]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "store")


def test_each_evening_the_findings_are_what_the_table_says(bench: Bench, tmp_path: Path) -> None:
    for row in TABLE[1:]:
        if row[1] != "none":
            bench.run([report(tmp_path, row)], gone_after=3)
        assert (row[0], states(bench)) == (row[0], [cell.strip("*") for cell in row[3:]])


def test_the_cycle_that_the_table_calls_held_is_held_and_no_other(bench: Bench, tmp_path: Path) -> None:
    bench.run([report(tmp_path, row) for row in TABLE[1:] if row[1] != "none"], gone_after=3)
    assert [v.cycle.on for v in judged_cycles(bench) if v.held] == [
        day(row[0]) for row in TABLE[1:] if row[2] == "held"
    ]


def test_confirming_the_held_cycle_moves_the_one_date_as_the_text_says(bench: Bench, tmp_path: Path) -> None:
    bench.run([report(tmp_path, row) for row in TABLE[1:] if row[1] != "none"], gone_after=3)
    held = day(next(row[0] for row in TABLE if row[2] == "held"))
    text = page("explanation/how-a-finding-lives")
    days = re.findall(r"gone since day (\d+), and\s+not since day (\d+)", text)[0]

    def gone_since() -> dt.date:
        counted = Calendar([v.cycle.on for v in judged_cycles(bench) if v.counts], 3)
        last_seen = max(day(row[0]) for row in TABLE[1:] if row[3 + FINDINGS.index("B")].startswith("**"))
        found: dt.date = counted.gone_on([last_seen])[0].item()
        return found

    assert gone_since() == day(days[1])
    bench.manifest.by_day[TYPE, held] = CycleRecord(TYPE, held, closed=True, decision=Decision.CONFIRMED)
    assert gone_since() == day(days[0])
