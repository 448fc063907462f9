"""`tocsin feed run` and `watch` on folders in which more lies than reports."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.feeds.conftest import Store
from tests.feeds.reports import write
from tests.feeds.verbs import asked, run
from tests.homes import Home
from tocsin.feeds import folders
from tocsin.feeds.models import Cycle, Run


def test_watch_once_says_what_it_did(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "in", 0, [1])
    data = asked(capsys, "watch", tmp_path / "in", "--once", "--settled", "0.1")
    assert data["summary"]["rows_kept"] == 1
    (tmp_path / "in" / "2026-11-17-scan_rdp-xm.csv").write_bytes(b"\0")
    assert run("watch", tmp_path / "in", "--once", "--settled", "0") == 1
    assert "passed over until it changes" in capsys.readouterr().err


def test_watch_once_names_what_it_leaves_and_ends_well(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "in", 0, [1])

    def grow(_seconds: float) -> None:
        with path.open("a") as file:
            file.write("\n")

    monkeypatch.setattr(time, "sleep", grow)
    assert run("watch", tmp_path / "in", "--once", "--settled", "9") == 0
    said = f"1 file is still being written, and left for another time: {path.name}."
    assert capsys.readouterr().err.endswith(f"tocsin: {said}\n")
    assert asked(capsys, "watch", tmp_path / "in", "--once", "--settled", "9") == {"left": [path.name]}


def test_watch_once_says_at_what_it_looks(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    os.mkfifo(tmp_path / "in" / "pipe")
    assert run("watch", tmp_path / "in", "--once", "--settled", "3") == 0
    assert capsys.readouterr().err.splitlines() == [
        f"tocsin: looking once at {tmp_path / 'in'}. A file is taken in once it has not changed for 3 s.",
        "tocsin: pipe: it is no file but a pipe, a socket or a device, which is never read. It is passed over.",
    ]


def test_what_lies_beside_reports_in_a_folder_is_passed_over_and_said(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = write(tmp_path / "in", 0, [1])
    done = report.read_bytes()
    for name in ("README", "fetch.log", f"{report.name}.part", ".DS_Store"):
        (tmp_path / "in" / name).write_bytes(b"\0 junk")
    (tmp_path / "in" / ".git").mkdir()
    (tmp_path / "in" / ".git" / "2026-11-17-scan_rdp-xm.csv").write_bytes(done)
    for _ in range(2):
        assert run("run", tmp_path / "in") == 0
        assert capsys.readouterr().err == (
            "tocsin: 3 files are passed over, which by their names are no reports: "
            "2026-11-16-scan_rdp-xm-geo.csv.part, README, fetch.log.\n"
        )
    assert Run.objects.filter(summary__broken=[]).count() == 2 and Cycle.objects.get().counts


def test_a_broken_file_in_a_folder_stays_broken_unless_its_name_leaves_no_doubt(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "in", 0, [1])
    for name in ("2026-11-17-scan_rdp-xm.csv", "notes.txt", "dump", "x.json", "x.gz"):
        (tmp_path / "in" / name).write_bytes(b"\0 junk")
        assert run("run", tmp_path / "in") == 1, name
        said = capsys.readouterr().err
        assert said.startswith(f"tocsin: {name}: ") and said.count("\n") == 1
        (tmp_path / "in" / name).unlink()


def test_a_file_that_is_named_is_always_tried(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = write(tmp_path / "in", 0, [1]).rename(tmp_path / "in" / "2026-11-16-scan_rdp-xm.csv.log")
    assert run("run", tmp_path / "in") == 1
    assert capsys.readouterr().err.splitlines() == [
        "tocsin: 1 file is passed over, which by its name is no report: 2026-11-16-scan_rdp-xm.csv.log.",
        f"tocsin: {tmp_path / 'in'}: there is no file to import.",
    ]
    assert run("run", log) == 0
    assert capsys.readouterr().err == ""
    assert set(store.states()) == {"192.0.2.1"}
    log.write_bytes(b"\0")
    assert run("run", log) == 1


def test_of_many_that_are_passed_over_ten_are_named(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "in", 0, [1])
    for number in range(12):
        (tmp_path / "in" / f"{number:02}.log").touch()
    assert run("run", tmp_path / "in") == 0
    assert capsys.readouterr().err.endswith("08.log, 09.log and 2 more (--verbose names them).\n")
    assert run("run", tmp_path / "in", "--verbose") == 0
    assert capsys.readouterr().err.endswith("10.log, 11.log.\n")


def test_what_is_no_file_is_named_in_a_folder_and_refused_by_itself(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "in", 0, [1])
    os.mkfifo(tmp_path / "in" / "pipe.csv")
    os.mkfifo(tmp_path / "in" / ".hidden")
    (tmp_path / "in" / "lost.csv").symlink_to("nowhere")
    (tmp_path / "in" / "elsewhere").symlink_to(tmp_path)
    assert run("run", tmp_path / "in") == 0
    assert capsys.readouterr().err.splitlines() == [
        "tocsin: elsewhere: it is a link to a folder. It is passed over; to take it in, name that folder.",
        "tocsin: lost.csv: it is a link that leads nowhere. It is passed over.",
        "tocsin: pipe.csv: it is no file but a pipe, a socket or a device, which is never read. It is passed over.",
    ]
    for verb in ("run", "read"):
        assert run(verb, tmp_path / "in" / "pipe.csv") == 1
        refusal = "tocsin: pipe.csv: it is no file but a pipe, a socket or a device, which is never read.\n"
        assert capsys.readouterr().err == refusal


def test_watch_ends_cleanly_when_told(ready: Path, tmp_path: Path) -> None:
    write(tmp_path / "in", 0, [1])
    watched = f"watching {tmp_path / 'in'}, looking every 0.2 s. A file is taken in once it has not changed for 0 s"
    watched += "; Ctrl-C ends it."
    with Home(ready).start("feed", "watch", tmp_path / "in", "--every", "0.2", "--settled", "0") as process:
        assert process.stdout
        assert process.stdout.readline() == "Run 1: 1 row of 1 report kept.\n"
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, f"tocsin: {watched}\n")


def test_a_folder_that_may_not_be_entered_is_named_and_the_others_are_taken_in(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "in", 0, [1])
    barred = tmp_path / "in" / "barred"
    barred.mkdir()
    may = folders.may_be_read  # root may enter everything
    monkeypatch.setattr(folders, "may_be_read", lambda path: path != barred and may(path))

    assert run("run", tmp_path / "in") == 1

    printed = capsys.readouterr()
    assert printed.err == "tocsin: barred: this user may not enter it. What is in it was not taken in.\n"
    assert "1 of 1 row of 1 report kept" in printed.out


def test_a_name_that_is_no_text_hinders_nobody(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    good = write(folder, 0, [1, 2])
    odd = folder / os.fsdecode(b"2026-11-17-scan_rdp-\xff\xfe.csv")
    odd.write_bytes(good.read_bytes().replace(b"2026-11-16", b"2026-11-17"))
    torn = folder / os.fsdecode(b"2026-11-18-scan_rdp-\xff.csv.gz")
    torn.write_bytes(b"\x1f\x8b no gzip")

    assert run("run", folder, "--json") == 1
    summary = json.loads(capsys.readouterr().out)

    assert [each["name"] for each in summary["files"]] == [good.name, r"2026-11-17-scan_rdp-\xff\xfe.csv"]
    assert [each["name"] for each in summary["broken"]] == [r"2026-11-18-scan_rdp-\xff.csv"]
    assert run("runs") == 0
