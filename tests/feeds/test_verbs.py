"""The verbs of `tocsin feed` that tell of runs and decide about days, as somebody at the terminal sees them."""

from __future__ import annotations

import datetime as dt
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.feeds.conftest import Store
from tests.feeds.reports import write
from tests.feeds.verbs import asked, run
from tocsin.audit.models import AuditRow
from tocsin.feeds import holding, queries
from tocsin.feeds.models import Cycle
from tocsin.site.cli import parser
from tocsin.site.cli.feed_verbs import telling


def test_runs_replay_and_withdraw(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("runs") == 0
    assert capsys.readouterr().out == "Nothing was imported yet.\n"
    number = store.run(write(tmp_path / "in", 0, [1, 2]))["run"]
    assert run("replay", str(number)) == 0
    assert "2 of 2 rows of 1 report kept" in capsys.readouterr().out
    runs = asked(capsys, "runs")["runs"]
    assert [(one["state"], one["replay_of"], one["rows_kept"]) for one in runs] == [
        ("done", number, 2),
        ("done", None, 2),
    ]
    assert run("withdraw", str(number), "--reason", "It was of another country.") == 0
    assert capsys.readouterr().out == f"Withdrew run {number}: 1 report of scan_rdp counts no more.\n"
    assert store.findings() == []
    assert run("withdraw", str(number)) == 1
    assert capsys.readouterr().err == f"tocsin: run {number} has no report that counts.\n"
    assert run("replay", "999") == 1
    assert capsys.readouterr().err == "tocsin: there is no run 999. See `tocsin feed runs`.\n"


def test_a_corrected_file_says_which_report_it_takes_the_place_of(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = store.run(write(tmp_path / "in", 0, [1, 2]))["run"]
    name = write(tmp_path / "in", 0, [1]).name
    assert run("run", tmp_path / "in") == 0
    assert f"{name} takes the place of the report imported in run {first}.\n" in capsys.readouterr().out
    write(tmp_path / "in", 0, [3])
    summary = asked(capsys, "run", tmp_path / "in")
    assert summary["corrected"] == [{"name": name, "run": first + 1}]
    assert list(summary)[-4:] == ["corrected", "lacking_columns", "passed_over", "completed"], (
        "the promised keys keep their places"
    )
    assert asked(capsys, "run", tmp_path / "in")["corrected"] == []


def test_a_watch_says_so_too(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = store.run(write(tmp_path / "in", 0, [1, 2]))["run"]
    name = write(tmp_path / "in", 0, [1]).name
    assert run("watch", tmp_path / "in", "--once", "--settled", "0") == 0
    assert capsys.readouterr().out == (
        f"Run {first + 1}: 1 row of 1 report kept.\n{name} takes the place of the report imported in run {first}.\n"
    )


def test_known_files_with_another_gone_after_are_told_that_it_changes_nothing(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "in", 0, [1, 2])
    assert run("run", tmp_path / "in", "--gone-after", "2") == 0
    assert run("run", tmp_path / "in", "--gone-after", "2") == 0
    assert run("run", tmp_path / "in") == 0
    assert capsys.readouterr().err == "", "nothing else was asked for"

    said = "tocsin: scan_rdp still counts by --gone-after 2: nothing of it was new."
    assert run("run", tmp_path / "in", "--gone-after", "5") == 0
    assert capsys.readouterr().err.startswith(said)
    write(tmp_path / "in", 0, [7], kind="scan_ssl")
    assert run("run", tmp_path / "in", "--gone-after", "5") == 0
    assert capsys.readouterr().err.startswith(said), "of another type something was new"
    write(tmp_path / "in", 1, [1])
    assert run("run", tmp_path / "in", "--gone-after", "5") == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("both_count", [False, True], ids=["one corrects the other", "both count"])
def test_a_day_of_two_files_of_one_name_is_whole_again_as_the_reference_says(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str], both_count: bool
) -> None:
    one = write(tmp_path / "in" / "siteA", 0, [1])
    two = write(tmp_path / "in" / "siteB", 0, [2])
    assert run("run", tmp_path / "in") == 1
    assert "another file of the same call has its name and its day" in capsys.readouterr().err
    (waiting,) = asked(capsys, "runs", "--waiting")["waiting"]
    assert (waiting["why"], waiting["files"]) == ("broken", [f"siteB/{one.name}"])

    assert run("run", one) == 0
    capsys.readouterr()
    assert len(asked(capsys, "runs", "--waiting")["waiting"]) == 1, "the first alone brings nothing of the second"
    if both_count:
        two = two.rename(two.with_name(two.name.replace("geo", "geo-b")))
    assert run("run", two) == 0
    capsys.readouterr()
    assert asked(capsys, "runs", "--waiting")["waiting"] == []
    assert set(store.states()) == ({"192.0.2.1", "192.0.2.2"} if both_count else {"192.0.2.2"})


def test_a_country_that_a_report_leaves_out_is_taken_from_the_registrys_table(store: Store, tmp_path: Path) -> None:
    delegated = tmp_path / "delegated-example-extended"
    delegated.write_text("exampleric|XM|ipv4|192.0.2.0|256|20200101|allocated|abc\n")
    assert parser.run(["directory", "load-rir", str(delegated)]) == 0
    assert run("run", write(tmp_path / "in", 0, [1], geo=""), write(tmp_path / "in", 0, [2], part="-b", geo="FR")) == 0
    found = queries.findings().stream(queries.Filter())
    assert sorted(one.country or "" for one in found) == ["FR", "XM"]


def test_many_corrected_files_are_counted(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "_NAMED", 1)
    for hosts in ([1, 2], [1]):
        for part in ("-a", "-b"):
            write(tmp_path / "in", 0, [*hosts, 9 if part == "-a" else 8], part=part)
        assert run("run", tmp_path / "in") == 0
    said = capsys.readouterr().out
    assert "2 files take the place of reports imported before (--verbose names them).\n" in said


def test_a_folder_of_known_files_is_counted_not_listed(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [write(tmp_path / "in", number, [1]).name for number in range(3)]
    assert run("run", tmp_path / "in") == 0
    capsys.readouterr()

    assert run("run", tmp_path / "in") == 0
    assert capsys.readouterr().out == "3 files were imported before; nothing to do (--verbose names them).\n"
    assert run("run", tmp_path / "in", "--verbose") == 0
    assert capsys.readouterr().out.splitlines() == [f"{name} was imported before; nothing to do." for name in names]
    assert asked(capsys, "run", tmp_path / "in")["unchanged"] == names


def test_a_held_report_is_told_by_the_run_that_brought_it_and_counted_by_later_ones(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store.run(write(tmp_path / "in", 0, range(10)))
    assert run("run", write(tmp_path / "in", 1, [1, 2])) == 0
    said = capsys.readouterr().out
    assert "scan_rdp of 2026-11-17 is held: it has 2 rows, less than half of the 10 on the days before." in said
    assert "for a decision" not in said

    for later in (write(tmp_path / "in", 2, range(10)), write(tmp_path / "in", 2, [1], kind="scan_ssl")):
        summary = asked(capsys, "run", later)
        assert (summary["held"], summary["held_waiting"]) == ([], 1), later
    assert run("run", write(tmp_path / "in", 3, range(10))) == 0
    said = capsys.readouterr().out
    assert "It is held" not in said
    assert "1 report waits for a decision: tocsin feed confirm|discard TYPE DATE" in said


def test_a_report_that_a_late_one_makes_too_short_is_told(store: Store, tmp_path: Path) -> None:
    store.run(write(tmp_path / "in", 1, [1, 2]))

    summary = store.run(write(tmp_path / "in", 0, range(10)))

    assert [(held["date"], held["usual"]) for held in summary["held"]] == [("2026-11-17", 10.0)]


def test_whoever_waits_says_for_which_run(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = write(tmp_path / "in", 0, [1])
    with holding.lock("import", 12):
        assert run("run", "--wait", "0.5", report) == 1
    assert capsys.readouterr().err.splitlines() == [
        "tocsin: waiting for up to 0.5 s: run 12 is at work on the store.",
        "tocsin: run 12 has kept the store busy for more than 0.5 s. Try again when it is done.",
    ]
    number = str(store.run(report)["run"])
    lock = holding.lock("import", 12)
    lock.__enter__()
    ends = threading.Timer(1, lambda: lock.__exit__(None, None, None))
    ends.start()
    assert run("withdraw", number) == 0
    ends.join()
    assert capsys.readouterr().err == "tocsin: waiting for up to 60 s: run 12 is at work on the store.\n"


def test_runs_of_broken_files_say_so(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "2026-11-17-scan_rdp-xm.csv").write_bytes(b"\0")
    assert run("run", tmp_path / "in") == 1
    assert capsys.readouterr().out == "Nothing was imported.\n"
    write(tmp_path / "in", 0, [1])
    assert run("run", tmp_path / "in") == 1
    capsys.readouterr()

    runs = asked(capsys, "runs")["runs"]
    assert [(one["state"], one["files_broken"]) for one in runs] == [("done", 1), ("unreadable", 1)]
    assert run("runs") == 0
    partly, nothing, *waiting = capsys.readouterr().out.splitlines()
    assert waiting == ["1 cycle waits for somebody: tocsin feed runs --waiting"]
    assert "done " in partly and "1 file could not be read" in partly
    assert "unreadable " in nothing and "nothing could be read (1 file)" in nothing


def test_close_confirm_and_discard(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store.run(write(tmp_path / "in", 0, [1, 2, 3, 4]))
    store.run(write(tmp_path / "in", 1, [1]), complete=False)
    assert run("close", "scan_rdp", "2026-11-17") == 0
    assert "is held: it has " in capsys.readouterr().out
    assert run("discard", "scan_rdp", "2026-11-17") == 0
    assert capsys.readouterr().out == "scan_rdp of 2026-11-17 (1 row) makes nothing go gone.\n"
    assert "gone" not in store.states().values()
    data = asked(capsys, "confirm", "scan_rdp", "2026-11-17")
    assert (data["counts"], data["decision"]) == (True, "confirmed")
    assert sorted(store.states().values()) == ["gone", "gone", "gone", "still"]
    assert run("close", "scan_rdp", "2026-11-30") == 1
    assert capsys.readouterr().err == "tocsin: no report of scan_rdp of 2026-11-30 has arrived.\n"
    with pytest.raises(SystemExit) as stopped:
        run("close", "scan_rdp", "yesterday")
    assert stopped.value.code == 2


def test_a_decision_that_changes_nothing_says_so_and_is_not_recorded(
    store: Store, settings: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.TOCSIN_TODAY = dt.date(2026, 11, 19)
    store.run(write(tmp_path / "in", 0, [1, 2, 3, 4]))
    store.run(write(tmp_path / "in", 1, [1]))
    store.run(write(tmp_path / "in", 2, [1, 2, 3]), complete=False)

    def said(*arguments: str) -> str:
        """Return what a verb says, and insist that it records nothing."""
        before = AuditRow.objects.count(), store.files(), list(Cycle.objects.values())
        assert run(*arguments) == 0
        assert (AuditRow.objects.count(), store.files(), list(Cycle.objects.values())) == before
        return capsys.readouterr().out

    first, second, third = ("scan_rdp", "2026-11-16"), ("scan_rdp", "2026-11-17"), ("scan_rdp", "2026-11-18")
    assert said("confirm", *first) == "scan_rdp of 2026-11-16 (4 rows) was not held; nothing to decide.\n"
    assert asked(capsys, "close", *first)["changed"] is True, "a person's word stays when the run's is taken back"
    assert said("close", *first) == "scan_rdp of 2026-11-16 (4 rows) was closed before; nothing to decide.\n"
    assert said("confirm", *third) == (
        "scan_rdp of 2026-11-18 (3 rows) was not held; nothing to decide. "
        "It is not complete: `tocsin feed runs --waiting` says what it waits for.\n"
    )
    assert asked(capsys, "confirm", *second)["changed"] is True
    assert said("confirm", *second) == "scan_rdp of 2026-11-17 (1 row) was confirmed before; nothing to decide.\n"
    assert run("discard", *second) == 0
    assert capsys.readouterr().out == "scan_rdp of 2026-11-17 (1 row) makes nothing go gone.\n"
    assert said("discard", *second) == "scan_rdp of 2026-11-17 (1 row) was discarded before; nothing to decide.\n"
    assert asked(capsys, "confirm", *second)["changed"] is True, "it can be decided otherwise"
    assert run("close", "scan_rdp", "2026-11-19", "--empty") == 0
    capsys.readouterr()
    assert said("close", "scan_rdp", "2026-11-19", "--empty") == (
        "scan_rdp of 2026-11-19 (0 rows) was closed before; nothing to decide.\n"
    )
    assert asked(capsys, "close", *first)["changed"] is False


def test_a_day_that_lacks_a_file_can_be_closed_though_it_is_closed(store: Store, tmp_path: Path) -> None:
    store.run(write(tmp_path / "in", 0, [1, 2]))
    broken = tmp_path / "in" / "2026-11-16-scan_rdp-xm-geo-part2.csv"
    broken.write_bytes(b"\0")
    store.run(broken)
    assert Cycle.objects.get().closed and not Cycle.objects.get().counts
    assert run("close", "scan_rdp", "2026-11-16") == 0
    assert Cycle.objects.get().counts


def test_a_silent_type_is_declared_empty(
    store: Store, settings: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store.run(write(tmp_path / "in", 0, [1]))
    assert run("close", "scan_rdp", "2026-11-17", "--empty") == 1
    assert capsys.readouterr().err == "tocsin: 2026-11-17 has not come yet: what it showed cannot be said.\n"
    assert store.states() == {"192.0.2.1": "new"}
    settings.TOCSIN_TODAY = dt.date(2026, 11, 17)
    assert run("close", "scan_rdp", "2026-11-17", "--empty") == 0
    assert (
        capsys.readouterr().out
        == "scan_rdp of 2026-11-17 (0 rows) counts: findings that it does not show may go gone.\n"
    )
    assert store.states() == {"192.0.2.1": "gone"}
    assert run("close", "scan_rdp", "2026-11-16", "--empty") == 1
    assert "there are reports of scan_rdp of 2026-11-16" in capsys.readouterr().err
    assert run("close", "scan_rdp", "2025-11-17", "--empty") == 1
    assert "scan_rdp came first on 2026-11-16: of 2025-11-17 there is nothing to say." in capsys.readouterr().err
    assert run("close", "scan_lamp", "2026-11-16", "--empty") == 1
    assert "no report of scan_lamp has ever arrived" in capsys.readouterr().err
