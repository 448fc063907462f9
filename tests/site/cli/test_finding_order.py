"""`finding list` shows the worst first, for people and for scripts, on both databases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.feeds.reports import write
from tests.homes import Home

IN_BATCHES = """
import sys
from tocsin.site.cli import finding, run
finding.BATCH = int(sys.stdin.readline())
sys.exit(run(["finding", "list", "--json", *sys.stdin.readline().split()]))
"""


@pytest.fixture
def country(made: Home, tmp_path: Path) -> Home:
    """Findings of four severities in two types, seen last on three days; of each several that only the key tells."""
    home = made.prepare()
    folder, reports = tmp_path / "reports", []
    for number, severity in enumerate(("low", "critical", "medium")):
        hosts = range(10 * number, 10 * number + 4)
        reports.append(write(folder, number, hosts, severity=severity))
        reports.append(write(folder, number, hosts, kind="scan_ssl", port="443", severity="high"))
    home.run("--accept-drop", *reports, gone_after=9)
    return home


def test_the_worst_come_first_whatever_the_limit(country: Home) -> None:
    severities = ["1", "2", "3", "4", "5", "6"]
    every, *by_severity = country.many(
        ["finding", "list", "--json"], *(["finding", "list", "--json", "--severity", each] for each in severities)
    )
    found: list[dict[str, Any]] = json.loads(every)
    rank = {one["id"]: number for number, out in enumerate(by_severity) for one in json.loads(out)}
    assert len(found) == len(rank) == 24
    assert len(set(rank.values())) >= 3

    order = [rank[one["id"]] for one in found]
    assert order == sorted(order), "the mildest are last"
    for level in set(order):
        seen = [one["last_seen"] for one in found if rank[one["id"]] == level]
        assert seen == sorted(seen, reverse=True), "of the same severity the latest comes first"

    for limit in (0, 1, 5, 23, 24, 99):
        assert country.findings("--limit", str(limit)) == found[:limit], limit
    for batch, more in ((1, ""), (5, ""), (24, ""), (7, "--limit 13")):
        printed = country.python(IN_BATCHES, f"{batch}\n{more}\n")
        assert json.loads(printed) == found[: 13 if more else None], (batch, more)
    lines = country.done("finding", "list", "--limit", "6").splitlines()[:-1]
    assert [line.split("\t")[1].partition(":")[0] for line in lines] == [one["asset"] for one in found[:6]]


def test_an_export_is_by_type_and_key_and_says_so(country: Home) -> None:
    exported = [json.loads(line) for line in country.done("finding", "export").splitlines()]
    types = [one["type"] for one in exported]
    assert types == sorted(types)
    assert sorted(one["id"] for one in exported) == sorted(one["id"] for one in country.findings())
    assert "stream all findings, by type and key" in country.done("finding", "--help")
