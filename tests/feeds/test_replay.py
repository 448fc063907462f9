"""`feed replay`: reports read again, through the manifest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.feeds.conftest import AT, Store
from tests.feeds.reports import day, write
from tocsin.audit.actors import COMMAND_LINE
from tocsin.audit.models import AuditRow
from tocsin.feeds import intake
from tocsin.feeds.models import Cycle, Report, ReportType, Run
from tocsin.feeds.unfinished import due_cycles
from tocsin.kernel.refusals import Conflict
from tocsin.site.cli.feed_verbs.telling import sentences

LAMPS = """
[feed]
name = "{name}"
title = "Lamps"
files = ["*-lamp_post-*"]
[fields]
"time.source" = "timestamp"
"source.ip" = "ip"
"source.port" = "port"
"extra.tag" = {{ column = "tag", conversion = "raw" }}
[constants]
"classification.type" = "vulnerable-system"
[roles]
port = "port"
"""


def describe(store: Store, name: str = "lamp_post") -> None:
    """Put a mapping file in force."""
    folder = store.root.parent / "mappings"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lamps.toml").write_text(LAMPS.format(name=name))


def replay(run: int) -> dict[str, Any]:
    return intake.replay(Run.objects.get(pk=run), by=COMMAND_LINE, at=AT, wait_s=0)


@pytest.fixture
def imported(store: Store, tmp_path: Path) -> int:
    """A run with two days of a type that no mapping knows."""
    paths = [write(tmp_path / "in", 0, [1, 2, 65], kind="lamp_post"), write(tmp_path / "in", 1, [1], kind="lamp_post")]
    run: int = store.run(*paths)["run"]
    return run


def test_a_type_that_needed_a_mapping_gets_its_meaning(store: Store, imported: int) -> None:
    before = {report.digest: report.pk for report in Report.objects.all()}
    assert ReportType.objects.get(name="lamp_post").origin == "none"
    describe(store)
    summary = replay(imported)
    assert (summary["rows_kept"], summary["findings_new"], summary["needs_mapping"]) == (4, 3, [])
    assert {report.digest: report.pk for report in Report.objects.all()} == before
    assert set(Report.objects.values_list("run", "origin", "state")) == {(imported, "file", "accepted")}
    kind = ReportType.objects.get(name="lamp_post")
    assert (kind.origin, kind.title) == ("file", "Lamps")
    assert store.files() == store.named()
    assert {finding["port"] for finding in store.findings()} == {3389}


UNREADABLE = """
[feed]
name = "lamp_post"
files = ["*-lamp_post-*"]
[fields]
"time.source" = "zeit"
"source.ip" = "rechner"
"""


@pytest.mark.parametrize("name", ["{day}-lamp_post-xm.csv", "x-lamp_post-{day}.csv"])
def test_a_dated_report_of_which_no_column_can_be_guessed_is_kept_until_a_mapping_reads_it(
    store: Store, tmp_path: Path, name: str
) -> None:
    report = tmp_path / name.format(day=day(0))
    report.write_text(f'zeit,rechner\n{day(0)} 06:00:00,192.0.2.1\n"{day(0)} 07:00:00","192.0.2.2"\n,"x""y"\n')

    summary = store.run(report)

    assert (summary["rows_kept"], summary["rows_quarantined"], len(summary["needs_mapping"])) == (0, 3, 1)
    assert f"{summary['needs_mapping'][0]} needs a mapping; its rows wait whole in quarantine." in sentences(summary)
    (store.root.parent / "mappings").mkdir()
    (store.root.parent / "mappings/lamps.toml").write_text(UNREADABLE)
    again = replay(summary["run"])
    assert (again["rows_kept"], again["rows_quarantined"], again["findings_new"]) == (2, 1, 2)


def test_columns_cut_at_the_wrong_sign_are_said_not_kept(store: Store, tmp_path: Path) -> None:
    report = tmp_path / f"{day(0)}-lamp_post-xm.csv"
    report.write_text("zeit;rechner;was,sonst\n1;2;3,4\n")

    (broken,) = store.run(report)["broken"]

    assert "its columns are separated by ';'" in broken["reason"].replace('"', "'")


def test_it_equals_a_fresh_import_and_a_second_replay_changes_nothing(
    store: Store, imported: int, tmp_path: Path
) -> None:
    describe(store)
    replay(imported)
    again = store.findings()
    replay(imported)
    assert store.findings() == again
    store.withdraw(imported)
    assert store.findings() == []
    store.run(*(tmp_path / "in").glob("*.csv"))
    assert store.findings() == again


def test_reports_move_to_the_type_that_the_mapping_gives_them(store: Store, imported: int) -> None:
    describe(store, name="beacon")
    replay(imported)
    assert set(Cycle.objects.values_list("type__name", "closed")) == {("beacon", True)}
    assert {finding["type"] for finding in store.findings()} == {"beacon"}
    assert sorted(Report.objects.values_list("type__name", "state")) == [
        ("beacon", "accepted"), ("beacon", "accepted"), ("lamp_post", "superseded"), ("lamp_post", "superseded"),
    ]  # fmt: skip
    assert store.files() == store.named()
    assert replay(imported)["rows_kept"] == 4


def test_when_cycles_arrived_is_not_forgotten(store: Store, imported: int) -> None:
    arrived = list(Cycle.objects.values_list("on", "arrived_at"))
    describe(store)
    replay(imported)
    assert list(Cycle.objects.values_list("on", "arrived_at")) == arrived


@pytest.fixture
def watched(store: Store, tmp_path: Path) -> Callable[..., int]:
    """Bring a day as a watch does, which closes those that a later one ended; return the run."""

    def bring(number: int, hosts: list[int], part: str = "", path: Path | None = None) -> int:
        made = path or write(tmp_path / "in", number, hosts, kind="lamp_post", part=part)
        run: int = store.run(made, complete=False)["run"]
        at = Cycle.objects.latest("arrived_at").arrived_at
        intake.close(due_cycles(at), by=COMMAND_LINE, at=at)
        return run

    return bring


def describe_the_others(store: Store) -> None:
    """Put a mapping file in force that takes the reports of a part."""
    describe(store, "lamps")
    mapping = store.root.parent / "mappings" / "lamps.toml"
    mapping.write_text(mapping.read_text().replace("*-lamp_post-*", "*-lamp_post-*-x.csv"))


def closed_days() -> list[tuple[str, int, bool]]:
    rows = Cycle.objects.order_by("type__name", "on").values_list("type__name", "on", "closed")
    return [(kind, (on - day(0)).days, closed) for kind, on, closed in rows]


def test_a_day_that_a_later_one_closed_is_open_when_that_is_another_type_s(
    store: Store, watched: Callable[..., int]
) -> None:
    watched(0, [1, 2, 3, 4])
    watched(1, [1, 2, 3])
    other = watched(2, [1, 2, 3], "-x")
    closed = dict(Cycle.objects.values_list("on", "closed"))
    assert closed == {day(0): True, day(1): True, day(2): False} and "gone" in store.states().values()
    describe_the_others(store)
    replay(other)
    assert closed_days() == [("lamp_post", 0, True), ("lamp_post", 1, False), ("lamps", 2, False)]
    assert "gone" not in store.states().values()
    watched(2, [1, 2, 3])
    assert Cycle.objects.get(on=day(1)).closed, "a later day has begun"


def test_a_day_that_a_later_one_closed_is_open_when_the_last_of_them_is_withdrawn(
    store: Store, watched: Callable[..., int]
) -> None:
    watched(0, [1, 2, 3, 4])
    other = watched(1, [1, 2, 3], "-x")
    last = watched(2, [1, 2, 3])
    describe_the_others(store)
    replay(other)
    assert closed_days() == [("lamp_post", 0, True), ("lamp_post", 2, False), ("lamps", 1, False)]
    store.withdraw(last)
    assert closed_days() == [("lamp_post", 0, False), ("lamps", 1, False)]
    assert watched(3, [1, 2, 3]) and closed_days()[0] == ("lamp_post", 0, True)


def test_a_day_that_a_broken_file_of_a_later_one_closed_is_open_when_that_comes_as_another_type(
    store: Store, watched: Callable[..., int], tmp_path: Path
) -> None:
    watched(0, [1, 2, 3, 4])
    broken = write(tmp_path / "bad", 1, [1], kind="lamp_post", part="-x").with_suffix(".csv.gz")
    broken.write_bytes(b"\x1f\x8b\x08 this is no gzip")
    watched(1, [], path=broken)
    assert closed_days() == [("lamp_post", 0, True), ("lamp_post", 1, False)]
    describe_the_others(store)
    watched(1, [1, 2, 3], "-x")
    assert closed_days() == [("lamp_post", 0, False), ("lamps", 1, False)]


def test_it_is_on_record_and_among_the_runs(store: Store, imported: int) -> None:
    summary = replay(imported)
    row = AuditRow.objects.get(code="run.replayed")
    assert (row.data["run"], row.data["replay"]) == (imported, summary["run"])
    run = Run.objects.get(pk=summary["run"])
    assert (run.state, run.options["replay"], run.note) == ("done", imported, "")


def test_a_run_of_which_nothing_counts_cannot_be_replayed(store: Store, imported: int) -> None:
    store.withdraw(imported)
    with pytest.raises(Conflict, match="has no report that counts"):
        replay(imported)


@pytest.mark.parametrize("point", ["written", "renamed", "state"])
def test_a_replay_that_is_cut_short_changes_nothing(point: str, store: Store, imported: int) -> None:
    before, files = store.findings(), store.files()
    describe(store)

    def crash(reached: str) -> None:
        if reached == point:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        intake.replay(Run.objects.get(pk=imported), by=COMMAND_LINE, at=AT, wait_s=0, checkpoint=crash)
    assert store.findings() == before
    assert store.files() == files == store.named()
    assert Run.objects.latest("pk").state == "failed"


def test_withdrawing_a_day_leaves_no_cycle_of_no_rows_behind(store: Store, tmp_path: Path) -> None:
    first = store.run(write(tmp_path / "in", 0, [1, 2, 3, 4]))["run"]
    store.run(write(tmp_path / "in", 1, [1]))
    assert Cycle.objects.filter(held=True).count() == 1
    store.withdraw(first)
    assert list(Cycle.objects.values_list("rows", "held")) == [(1, False)]
    assert store.states() == {"192.0.2.1": "new"}


def test_types_of_one_run_keep_each_the_number_of_misses_they_were_folded_with(store: Store, tmp_path: Path) -> None:
    store.run(write(tmp_path / "in", 0, [1], kind="scan_ssh"), gone_after=3)
    run = store.run(write(tmp_path / "in", 1, [2], kind="scan_rdp"), gone_after=1)["run"]
    store.run(write(tmp_path / "in", 2, [2], kind="scan_ssh"), gone_after=3)
    store.withdraw(run)
    assert store.states() == {"192.0.2.1": "still", "192.0.2.2": "new"}


def test_a_report_that_is_dated_ahead_is_taken_back_with_the_run_that_brought_it(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    number = store.run(write(tmp_path / "in", 0, [1, 2]))["run"]
    summary = replay(number) | {"ahead": [{"name": "x.csv", "date": "2026-12-24"}]}
    assert summary["run"] == number + 1
    (said,) = (each for each in sentences(summary) if "lies ahead" in each)
    assert f"(tocsin feed withdraw {number})" in said
