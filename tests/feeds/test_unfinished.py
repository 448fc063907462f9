"""Cycles that wait for somebody are named by the commands, each with the one thing that ends it."""

from __future__ import annotations

import datetime as dt
import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps

from tests.cast import Cast
from tests.feeds.conftest import Store
from tests.feeds.pages import signed_in, text
from tests.feeds.reports import day, write
from tocsin.feeds.doubts import why_held
from tocsin.feeds.models import Cycle, Saying
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
    (tmp_path / "2026-11-21-bomb.zip").write_bytes(b"PK\x03\x04, and no archive")
    waiting.run(tmp_path / "2026-11-21-bomb.zip")
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
        "doubts": {"few": []}, "findings": 1, "usual_findings": 8.0,
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


def test_a_list_that_did_not_come_is_named_wherever_somebody_looks(
    store: Store, cast: Cast, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        store.run(write(tmp_path, number, [1, 2]), write(tmp_path, number, [3], part="-asn"))
    store.run(write(tmp_path, 3, [1, 2]))

    assert "gone" not in store.states().values()
    says = "scan_rdp of 2026-11-19 is held: scan_rdp-xm-geo-asn.csv came on each of the days before and did not come"
    assert verdicts() == [
        (says, "Say whether it is complete: tocsin feed confirm scan_rdp 2026-11-19, or feed discard")
    ]
    (waiting,) = asked(capsys, "--waiting")["waiting"]
    assert (waiting["why"], waiting["doubts"]) == ("held", {"missing": ["scan_rdp-xm-geo-asn.csv"]})
    named = "not here, though it came on each of the days before: scan_rdp-xm-geo-asn.csv"
    for address in ("/", "/feeds/"):
        assert named in text(signed_in(cast.analyst).get(address))


def test_a_list_that_comes_late_or_is_confirmed_away_ends_the_wait(store: Store, tmp_path: Path) -> None:
    for number in range(3):
        store.run(write(tmp_path, number, [1, 2]), write(tmp_path, number, [3], part="-asn"))
    store.run(write(tmp_path, 3, [1, 2]))
    store.run(write(tmp_path, 4, [1, 2]))
    assert [each.name for each in unfinished_cycles(now())] == ["scan_rdp 2026-11-19", "scan_rdp 2026-11-20"]
    store.run(write(tmp_path, 3, [3], part="-asn"))
    assert [each.name for each in unfinished_cycles(now())] == ["scan_rdp 2026-11-20"]
    assert parser.run(["feed", "confirm", "scan_rdp", "2026-11-20"]) == 0
    assert unfinished_cycles(now()) == []


def few(rows: int, usual: float, doubts: dict[str, list[str]]) -> dict[str, Any]:
    return {"rows": rows, "usual": usual, "findings": rows, "usual_findings": usual, "doubts": doubts}


def test_of_many_lists_that_did_not_come_some_are_named() -> None:
    names = [f"scan_rdp-{number}.csv" for number in range(7)]
    assert why_held(few(5, 5, {"missing": names})).endswith(
        "scan_rdp-4.csv and 2 more came on each of the days before and did not come"
    )
    both = why_held(few(1, 8, {"few": [], "missing": names[:1]}))
    assert both == (
        "it has 1 row, less than half of the 8 on the days before; "
        "scan_rdp-0.csv came on each of the days before and did not come"
    )
    assert why_held(few(1, 8, {})) == "it has 1 row, less than half of the 8 on the days before"


def test_what_counted_before_lists_were_known_counts_on(store: Store, tmp_path: Path) -> None:
    for number in range(3):
        store.run(write(tmp_path, number, [1, 2]), write(tmp_path, number, [3], part="-asn"))
    store.run(write(tmp_path, 3, [1, 2]))
    Cycle.objects.update(held=False, counts=True, doubts={})  # as it was before the upgrade
    step = importlib.import_module("tocsin.feeds.migrations.0008_why_a_cycle_is_held")
    step.fill(apps, None)
    Saying.objects.all().delete()
    importlib.import_module("tocsin.feeds.migrations.0012_what_was_said").note_what_stands(apps, None)
    assert [cycle.decision for cycle in Cycle.objects.order_by("on")] == ["", "", "", "confirmed"]
    store.run(write(tmp_path, 4, [1, 2]))
    assert all(Cycle.objects.values_list("counts", flat=True))
    assert store.states()["192.0.2.3"] == "gone"


def test_a_cycle_that_was_held_before_reasons_were_kept_had_few_rows(week: Store, tmp_path: Path) -> None:
    week.run(write(tmp_path, 4, [1]))
    Cycle.objects.update(doubts={})
    before = list(Cycle.objects.values_list("on", "decision"))
    importlib.import_module("tocsin.feeds.migrations.0008_why_a_cycle_is_held").fill(apps, None)
    assert [cycle.doubts for cycle in Cycle.objects.order_by("on")] == [{}, {}, {}, {}, {"few": []}]
    assert list(Cycle.objects.values_list("on", "decision")) == before
