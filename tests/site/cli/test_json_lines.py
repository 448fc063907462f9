"""A feed of JSON lines, described by a mapping file: looked at, imported, listed, set aside where it is bad."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.homes import Home

MAPPING = """
[feed]
name = "honeypots"
title = "Our honeypots"
files = ["pots-*.jsonl"]
shape = "json-lines"

[fields]
"time.source" = "seen"
"source.ip" = "peer.address"
"source.port" = "peer.port"
"extra.tries" = { column = "tries", conversion = "convert_int" }

[constants]
"classification.type" = "brute-force"
"""
RECORDS = [
    {"seen": "2026-11-16T10:00:00Z", "peer": {"address": "192.0.2.1", "port": 22}, "tries": 12, "note": "é"},
    {"seen": "2026-11-16T11:00:00Z", "peer": {"address": "192.0.2.200", "port": 2222}, "tries": "many"},
    {"seen": "2026-11-16T12:00:00Z", "peer": {"address": "", "port": 80}},
]


@pytest.fixture
def report(prepared: Home, tmp_path: Path) -> Path:
    (prepared.place / "mappings").mkdir()
    (prepared.place / "mappings/honeypots.toml").write_text(MAPPING, encoding="utf-8")
    path = tmp_path / "pots-2026-11-16.jsonl"
    lines = [json.dumps(record, ensure_ascii=False) for record in RECORDS]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_feed_of_json_lines_goes_from_file_to_finding(prepared: Home, report: Path) -> None:
    summary = prepared.run(report)
    assert [file["type"] for file in summary["files"]] == ["honeypots"]
    counts = {key: summary[key] for key in ("rows_read", "rows_kept", "rows_quarantined", "cells_quarantined")}
    assert counts == {"rows_read": 3, "rows_kept": 2, "rows_quarantined": 1, "cells_quarantined": 1}
    assert summary["constituents"] == {"moh": 1}
    assert summary["needs_mapping"] == []
    assert {one["asset"] for one in prepared.findings()} == {"192.0.2.1", "192.0.2.200"}
    assert {one["type"] for one in prepared.findings("--class", "brute-force")} == {"honeypots"}
    again = prepared.run(report)
    assert (again["files"], again["unchanged"]) == ([], [report.name])


def test_map_shows_the_same_before_anything_is_imported(prepared: Home, report: Path) -> None:
    mapping = prepared.place / "mappings/honeypots.toml"
    shown = json.loads(prepared.done("feed", "map", report, "--mapping", mapping, "--json"))
    assert (shown["records"], shown["kept"], shown["rows_quarantined"], shown["cells_quarantined"]) == (3, 2, 1, 1)
    assert shown["columns"]["peer.address"] == ["source.ip"]
    assert shown["columns"]["note"] == ["extra.note"]
    first, second, third = shown["rows"]
    assert (first["event"]["source.ip"], first["event"]["source.port"], first["event"]["extra.tries"]) == (
        "192.0.2.1", 22, 12,
    )  # fmt: skip
    assert first["event"]["extra.note"] == "é"
    assert [bad["column"] for bad in second["bad"]] == ["tries"]
    assert third["event"] is None


def test_what_map_shows_of_a_report_steers_no_terminal(prepared: Home, report: Path) -> None:
    report.write_text(json.dumps({**RECORDS[0], "note": "a\x1b]0;x\x07\u202eb"}) + "\n", encoding="utf-8")
    shown = prepared.done("feed", "map", report, "--mapping", prepared.place / "mappings/honeypots.toml")
    assert "    extra.note = a\\x1b]0;x\\x07\\u202eb\n" in shown


def test_a_file_that_is_no_json_lines_is_told_with_its_line(prepared: Home, report: Path) -> None:
    report.write_text(json.dumps(RECORDS[0]) + "\n{torn\n", encoding="utf-8")
    done = prepared("feed", "run", report)
    assert "Traceback" not in done.stderr
    assert (done.returncode, prepared.findings()) == (1, []) or "Quarantined: 1 row" in done.stdout
