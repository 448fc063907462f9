"""Cycles that wait for somebody are named by the commands, each with the one thing that ends it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from tests.feeds.conftest import Store
from tests.feeds.reports import day, write
from tocsin.feeds.models import Cycle
from tocsin.feeds.unfinished import CLOSED_AFTER, unfinished_cycles
from tocsin.kernel.clock import now
from tocsin.site import examination
from tocsin.site.cli import parser
from tocsin.site.config import load

DAMAGED = b"\x1f\x8b\x08 this is no gzip"


@pytest.fixture
def waiting(week: Store, tmp_path: Path) -> Store:
    """After four whole days one that is held; telnet lacks a file, and of vnc a part has just come."""
    week.run(write(tmp_path, 4, [1]))
    broken = tmp_path / f"{day(4)}-scan_telnet-xm-geo.csv.gz"
    broken.write_bytes(DAMAGED)
    week.run(broken)
    week.run(write(tmp_path, 4, [2], kind="scan_vnc", part="-1"), complete=False)
    return week


def asked(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """Return what `tocsin feed runs` prints as JSON."""
    assert parser.run(["feed", "runs", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def verdicts() -> list[tuple[str, str]]:
    """Return what `tocsin doctor` says of cycles: how it is, and the fix."""
    return [(each.says, each.fix) for each in examination._cycles(load())]


def test_each_kind_of_waiting_has_its_fix(waiting: Store) -> None:
    found = {each.type: each for each in unfinished_cycles(now())}

    assert {name: each.why for name, each in found.items()} == {
        "scan_rdp": "held", "scan_telnet": "broken", "scan_vnc": "open",
    }  # fmt: skip
    assert found["scan_rdp"].fix.endswith("tocsin feed confirm scan_rdp 2026-11-20, or feed discard")
    assert found["scan_telnet"].files == ("2026-11-20-scan_telnet-xm-geo.csv",)
    assert found["scan_vnc"].fix.endswith("tocsin feed close scan_vnc 2026-11-20")


def test_doctor_names_what_somebody_must_do(waiting: Store) -> None:
    assert verdicts() == [
        (
            "scan_rdp of 2026-11-20 is held: it has 1 row, less than half of the 8 on the days before",
            "Say whether it is complete: tocsin feed confirm scan_rdp 2026-11-20, or feed discard",
        ),
        (
            "scan_telnet of 2026-11-20 lacks what could not be read: 2026-11-20-scan_telnet-xm-geo.csv",
            "Import a whole copy of the file: tocsin feed run PATH; where there is none, let the day count without it: "
            "tocsin feed close scan_telnet 2026-11-20",
        ),
    ]


def test_an_open_cycle_is_due_when_its_files_should_be_here(waiting: Store, tmp_path: Path) -> None:
    def due(at: dt.datetime) -> bool:
        return next(each.is_due for each in unfinished_cycles(at) if each.type == "scan_vnc")

    arrived = Cycle.objects.get(type__name="scan_vnc").arrived_at
    assert [due(arrived + CLOSED_AFTER - dt.timedelta(minutes=1)), due(arrived + CLOSED_AFTER)] == [False, True]
    waiting.run(write(tmp_path, 5, [2], kind="scan_vnc"))
    assert due(arrived), "a later day has begun"
    assert any(fix == "When all of its files are here: tocsin feed close scan_vnc 2026-11-20" for _, fix in verdicts())


def test_a_day_of_which_only_a_broken_archive_came_is_closed_as_is_said(waiting: Store, tmp_path: Path) -> None:
    (tmp_path / "2026-11-20-bomb.zip").write_bytes(b"PK\x03\x04, and no archive")
    waiting.run(tmp_path / "2026-11-20-bomb.zip")
    (found,) = (each for each in unfinished_cycles(now()) if each.type == "bomb")

    assert parser.run(found.fix.rpartition("tocsin ")[2].split()) == 0

    assert "bomb" not in {each.type for each in unfinished_cycles(now())}


def test_the_commands_that_are_named_end_the_waiting(waiting: Store, tmp_path: Path) -> None:
    for each in unfinished_cycles(now()):
        if each.why != "broken":
            command = each.fix.partition("tocsin ")[2].partition(",")[0]
            assert parser.run(command.split()) == 0
    waiting.run(write(tmp_path / "whole", 4, [3], kind="scan_telnet"))

    assert unfinished_cycles(now()) == []
    assert verdicts() == [("none waits for a decision or a file", "")]


def test_runs_lists_them_for_people_and_for_scripts(waiting: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert parser.run(["feed", "runs"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "2 cycles wait for somebody: tocsin feed runs --waiting"
    assert parser.run(["feed", "runs", "--waiting"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(" of ")[0] for line in lines] == ["scan_rdp", "scan_telnet", "scan_vnc"]
    assert lines[0].endswith("Say whether it is complete: tocsin feed confirm scan_rdp 2026-11-20, or feed discard")

    listed, both = asked(capsys, "--waiting"), asked(capsys)
    assert listed == {"waiting": both["waiting"]} and len(both["runs"]) == 7
    held, broken, part = listed["waiting"]
    assert {**held, "fix": ""} == {
        "type": "scan_rdp", "date": "2026-11-20", "why": "held", "rows": 1, "usual": 8.0, "files": [], "due": True,
        "fix": "",
    }  # fmt: skip
    assert (broken["why"], broken["files"]) == ("broken", ["2026-11-20-scan_telnet-xm-geo.csv"])
    assert (part["why"], part["due"]) == ("open", False)


def test_where_nothing_waits_nothing_is_said(week: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(capsys, "--waiting") == {"waiting": []}
    assert parser.run(["feed", "runs", "--waiting"]) == 0
    assert capsys.readouterr().out == "No cycle waits for anything.\n"
    assert parser.run(["feed", "runs"]) == 0
    assert "wait for somebody" not in capsys.readouterr().out
