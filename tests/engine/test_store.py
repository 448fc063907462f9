"""Files are written once, under a temporary name, and belong to their run."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import re
from pathlib import Path

import pytest

from tests.engine.reports import day
from tocsin.engine.cycles import Decision
from tocsin.engine.datedness import Dated
from tocsin.engine.store import CycleRecord, Report, Workspace, safe
from tocsin.kernel import durable


def test_a_file_appears_whole_or_not_at_all_under_a_name_that_says_its_digest(tmp_path: Path) -> None:
    seen: list[str] = []

    def write(temporary: Path) -> None:
        temporary.write_text("half")
        seen.extend(each.name for each in temporary.parent.glob("*.parquet"))
        temporary.write_text("whole")

    file = Workspace(tmp_path, "run1").write("state", "scan_rdp", "0000", write)

    assert not seen
    assert file == f"state/scan_rdp/run1-0000.{hashlib.sha256(b'whole').hexdigest()[:32]}.parquet"
    assert (tmp_path / file).read_text() == "whole"
    assert list((tmp_path / file).parent.iterdir()) == [tmp_path / file]


def test_a_failure_leaves_no_file_of_the_final_name(tmp_path: Path) -> None:
    def write(temporary: Path) -> None:
        temporary.write_text("half")
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        Workspace(tmp_path, "run1").write("state", "scan_rdp", "0000", write)
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_file_and_its_folder_are_made_durable_around_the_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    workspace = Workspace(tmp_path, "run1", told.append)
    workspace.path("state", "t", "0")
    monkeypatch.setattr(durable, "sync", lambda path: told.append(f"fsync {path.name}"))
    workspace.write("state", "t", "0", Path.touch)
    temporary = told[1].partition(" ")[2]
    assert re.fullmatch(r"run1-0\.parquet\.[0-9a-f]{8}\.tmp", temporary)
    assert told == ["written", f"fsync {temporary}", "fsync t", "renamed"]


def test_the_files_of_one_delivery_are_found(tmp_path: Path) -> None:
    mine, others = Workspace(tmp_path, "run1"), Workspace(tmp_path, "run2")
    for workspace, stem in (
        (mine, "00001-00000"),
        (mine, "00001-00001"),
        (mine, "00002-00000"),
        (others, "00001-00000"),
    ):
        workspace.path("spill", "scan_rdp", stem, ".arrow").touch()
    assert mine.written_for(1) == ["spill/scan_rdp/run1-00001-00000.arrow", "spill/scan_rdp/run1-00001-00001.arrow"]


@pytest.mark.parametrize(
    "kind", ["../../etc", "a/b", "", "..", "É", "報告", "foo bar", "x" * 500, "scan_rdp-", "\ud800"]
)
def test_a_report_type_names_a_folder_inside_the_store(kind: str, tmp_path: Path) -> None:
    path = Workspace(tmp_path, "run1").path("state", kind, "0")
    assert path.resolve().parent.parent == tmp_path / "state"
    assert len(safe(kind)) <= 93


def test_a_plain_type_is_the_name_of_its_folder() -> None:
    assert [safe(kind) for kind in ("scan_rdp", "event4_sinkhole", "a.b-c")] == ["scan_rdp", "event4_sinkhole", "a.b-c"]


def test_two_types_never_share_a_folder() -> None:
    kinds = ["報告", "相談", "foo bar", "foo_bar", "Foo_bar", ".foo_bar", "x" * 80, "x" * 81, "y/../x", "", "_"]
    assert len({safe(kind) for kind in kinds}) == len(kinds)


def test_new_folders_are_made_durable_from_the_top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(durable, "sync", lambda path: told.append(path.relative_to(tmp_path).as_posix()))
    Workspace(tmp_path / "store", "run1").path("state", "scan_rdp", "0")
    Workspace(tmp_path / "store", "run2").path("state", "scan_rdp", "0")
    assert told == [".", "store", "store/state"]


def test_two_who_write_one_file_do_not_meet_before_it_is_whole(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, "run1")
    path = workspace.path("state", "scan_rdp", "0000")
    with workspace.placing(path) as one, workspace.placing(path) as other:
        assert one != other
        one.write_text("whole")
        other.write_text("whole")
    assert [each.name for each in path.parent.iterdir()] == ["run1-0000.parquet"]
    assert path.read_text() == "whole"


def test_a_cycle_is_complete_when_closed_and_nothing_of_it_is_broken() -> None:
    record = CycleRecord("scan_rdp", day(0), closed=True, decision=Decision.CONFIRMED)
    cycle = record.cycle([])
    assert (cycle.complete, cycle.rows, cycle.decision) == (True, 0, Decision.CONFIRMED)
    assert not CycleRecord("scan_rdp", day(0), closed=True, broken=("x.csv",)).cycle([]).complete
    assert not CycleRecord("scan_rdp", day(0), closed=False).cycle([]).complete


def test_a_cycle_has_the_rows_and_the_lists_of_its_reports() -> None:
    one = Report("aa" * 32, "2026-11-16-scan_rdp-a.csv", "scan_rdp", day(0), 9, 5, 4, 0, (), "", {}, 0)
    two = dataclasses.replace(one, id="bb" * 32, kept=2).named(["2026-11-16-scan_rdp-b.csv", "2026-11-16.csv"])
    cycle = CycleRecord("scan_rdp", day(0), closed=True).cycle([one, two])
    assert cycle.rows == 7
    assert cycle.lists == {"scan_rdp-a.csv", "scan_rdp-b.csv", "csv"}


def test_a_report_says_of_its_day_what_its_rows_do() -> None:
    at = dt.datetime(2026, 11, 14, 23, 59, tzinfo=dt.UTC)
    one = Report("aa" * 32, "2026-11-16-scan_rdp-part2.csv", "scan_rdp", day(0), 9, 5, 4, 0, (), "", {}, 0)
    one = dataclasses.replace(one, content="bytes", findings=4, newest=at)
    (dated,) = CycleRecord("scan_rdp", day(0), closed=True).cycle([one]).reports
    assert dated == Dated(one.name, frozenset({"scan_rdp.csv"}), "bytes", 2)
    nothing = dataclasses.replace(one, kept=0, findings=0, newest=None)
    assert nothing.dated(nothing.lists) == dataclasses.replace(dated, content="", age=None)
    before = dataclasses.replace(one, findings=None)
    assert before.dated(before.lists).content == "", "what an older version read is not compared"


def test_a_cycle_knows_its_findings_when_all_of_its_reports_do() -> None:
    one = Report("aa" * 32, "2026-11-16-scan_rdp-a.csv", "scan_rdp", day(0), 9, 5, 4, 0, (), "", {}, 0, findings=3)
    other = dataclasses.replace(one, id="bb" * 32, name="2026-11-16-scan_rdp-b.csv", findings=4)
    record = CycleRecord("scan_rdp", day(0), closed=True)
    assert [record.cycle(here).findings for here in ([one, other], [one], [])] == [7, 3, 0]
    assert record.cycle([one, dataclasses.replace(other, findings=None)]).findings is None


def test_the_word_of_a_report_is_the_beginning_of_its_id() -> None:
    report = Report("ff" * 32, "x.csv", "t", dt.date(2026, 1, 1), 0, 0, 0, 0, (), "", {}, 0)
    assert report.word == 2**64 - 1
