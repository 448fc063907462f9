"""A disk that is full to the last byte, and no server running: what is there can be read, and doctor says why."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.db import DatabaseError, Error, OperationalError

from tests.feeds.reports import write
from tests.homes import Home
from tests.site.cli.test_serve import serving
from tests.site.database_errors import of_postgresql, of_sqlite
from tests.site.test_examination import to_mend
from tests.small_disks import mounted
from tocsin.kernel.disk import FULL
from tocsin.site.serving import worker


def fill(disk: Path) -> Path:
    """Leave no room on a disk; return the file that takes it."""
    path = disk / "fill"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT)
    with pytest.raises(OSError, match="No space left"):
        while True:
            os.write(handle, bytes(4096))
    os.close(handle)
    return path


@pytest.fixture
def filled(_first_instance: Path, tmp_path: Path) -> Iterator[Home]:
    """An instance with a report, on a disk that is full."""
    with mounted(tmp_path / "disk", "16m") as disk:
        shutil.copytree(_first_instance, disk / "home")
        (disk / "home").chmod(0o700)
        home = Home(disk / "home")
        home.run(write(tmp_path / "in", 0, [1, 2]))
        fill(disk)
        yield home


@pytest.mark.mounts
def test_what_is_there_is_read_and_saved_though_the_disk_is_full(filled: Home, tmp_path: Path) -> None:
    assert "2 of 2 findings." in filled.done("finding", "list")
    assert filled.done("finding", "export").count("\n") == 2
    assert filled.done("feed", "runs").split()[0] == "1"
    assert "are as they were written" in filled.done("audit", "verify")
    assert filled.done("backup", tmp_path / "b.tar.zst").startswith("Wrote ")

    doctor = filled("doctor")
    assert doctor.returncode == 1
    home = filled.place
    assert to_mend(doctor) == [
        f"disk: it is full: nothing can be written. Make room on the disk of {home}: at least 2 GB."
    ]
    refused = filled("feed", "run", write(tmp_path / "in", 1, [1]))
    assert (refused.returncode, refused.stderr) == (1, f"tocsin: {FULL}\n")

    (home.parent / "fill").unlink()
    filled.run(write(tmp_path / "in", 1, [1]))
    assert len(filled.findings()) == 2


@pytest.mark.mounts
@pytest.mark.parametrize("only", [(), ("--only", "web")])
def test_a_server_that_has_no_room_for_its_style_sheets_says_so_and_ends(filled: Home, only: tuple[str, ...]) -> None:
    shutil.rmtree(filled.place / "static", ignore_errors=True)
    os.truncate(filled.place.parent / "fill", (filled.place.parent / "fill").stat().st_size - 160_000)
    with serving(filled.place, *only) as (process, _address):
        assert process.wait(60) == 1
        assert process.stderr
        said = process.stderr.read()
    static = filled.place / "static"
    assert (
        said == f"tocsin: The disk of {static} is full: the style sheets of the pages cannot be written. Make room.\n"
    )
    assert not list(static.iterdir()), "nothing is left behind"


@pytest.mark.mounts
def test_what_was_committed_last_is_read_from_the_log(filled: Home) -> None:
    """After a crash what is committed may stand in the write-ahead log alone."""
    database = filled.place / "tocsin.sqlite3"
    (filled.place.parent / "fill").unlink()
    with closing(sqlite3.connect(database)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        with writer:
            writer.execute("UPDATE feeds_run SET note = 'the last word'")
        logged = database.with_name("tocsin.sqlite3-wal").read_bytes()
        before = database.read_bytes()
    database.write_bytes(before)
    database.with_name("tocsin.sqlite3-wal").write_bytes(logged)
    fill(filled.place.parent)

    assert "the last word" in filled.done("feed", "runs", "--json")


@pytest.fixture
def said_while_waiting(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[Error], str]:
    """Give the one sentence of a worker whose first three attempts fail with an error."""
    monkeypatch.setattr(worker, "LOOK_AGAIN_S", 0)

    def said(error: Error) -> str:
        tries = []

        def work(told: threading.Event) -> None:
            tries.append(1)
            if len(tries) < 4:
                raise error
            told.set()

        worker._while_there_is_room(threading.Event(), work)
        assert len(tries) == 4
        (line,) = capsys.readouterr().err.splitlines()
        return line

    return said


def test_the_worker_waits_for_room_and_says_so_once(said_while_waiting: Callable[[Error], str]) -> None:
    said = said_while_waiting(OperationalError("database or disk is full"))
    assert said.endswith("is full: background work waits until there is room.")


@pytest.mark.parametrize(
    "error",
    [
        of_sqlite(DatabaseError, 11, "database disk image is malformed"),
        of_sqlite(DatabaseError, 14, "unable to open database file"),
        of_sqlite(DatabaseError, 1, "no such table: jobs_job"),
        of_postgresql(OperationalError, None, "connection failed: Connection refused"),
    ],
)
def test_a_worker_waits_for_a_database_that_somebody_must_mend_and_says_so_once(
    said_while_waiting: Callable[[Error], str], error: Error
) -> None:
    said = said_while_waiting(error)
    assert said.startswith("tocsin: The database ") and said.endswith(" Background work waits until then.")


def test_a_helper_says_it_too_and_leaves_the_work_to_the_next(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def work() -> None:
        raise of_sqlite(DatabaseError, 11, "database disk image is malformed")

    assert worker._once(work, tmp_path) == 1
    assert "malformed" in capsys.readouterr().err
    assert worker._once(lambda: None, tmp_path) == 0


def test_a_worker_that_fails_for_another_reason_ends(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    def work(_stop: threading.Event | None = None) -> None:
        raise of_sqlite(DatabaseError, 1, "no such column: run_after")

    with pytest.raises(DatabaseError):
        worker._while_there_is_room(threading.Event(), work)
    with pytest.raises(DatabaseError):
        worker._once(work, tmp_path)
    assert capsys.readouterr().err == ""
