"""A database or a data directory that cannot be used gets one sentence from every command, never a traceback."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from django.db import OperationalError

from tests.commands import Command, Completed
from tests.feeds.reports import write
from tests.site.cli.test_serve import free_port, health, serving
from tocsin.site import unusable

AWAY = "postgresql://x:geheim@127.0.0.1:1/no"
COMMANDS = [
    "user create --email ana@cirt.example --role analyst",
    "audit verify",
    "feed runs",
    "finding list",
    "upgrade",
    "init",
    "backup b.tar.zst",
]


def said_once(done: Completed) -> str:
    """Return the one sentence of a command that could not do its work."""
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("tocsin: ")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_database_server_that_is_away_gets_a_sentence_without_its_password(
    ready: Path, tocsin: Command, command: str
) -> None:
    said = said_once(tocsin(*command.split(), database_url=AWAY))
    assert said.startswith("tocsin: The database cannot be used (")
    assert "tocsin doctor" in said
    assert "geheim" not in said


def _junk(database: Path) -> None:
    database.write_bytes(b"junk" * 4096)


def _written_out(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _cut(database: Path) -> None:
    _written_out(database)
    os.truncate(database, database.stat().st_size // 3)


def _zero(database: Path) -> None:
    """From the third page on, as a disk does that forgets."""
    _written_out(database)
    size = database.stat().st_size
    with database.open("r+b") as file:
        file.seek(2 * 4096)
        file.write(bytes(size - 2 * 4096))


@pytest.mark.parametrize("damage", [_junk, _cut])
@pytest.mark.parametrize("command", ["user enrol --email ana@cirt.example", "feed runs", "upgrade"])
def test_a_damaged_file_gets_a_sentence(
    ready: Path, tocsin: Command, damage: Callable[[Path], None], command: str
) -> None:
    damage(ready / "tocsin.sqlite3")
    said = said_once(tocsin(*command.split()))
    assert re.match("tocsin: The database cannot be used \\((file is not a database|database disk image)", said)
    doctor = tocsin("doctor")
    assert doctor.returncode == 1
    assert doctor.stdout.startswith("database file: ")
    assert "Restore the last backup" in doctor.stdout
    assert "TOCSIN_DATABASE_URL" not in doctor.stdout


def test_serving_a_damaged_file_ends_at_once(ready: Path, tocsin: Command) -> None:
    _junk(ready / "tocsin.sqlite3")
    assert "file is not a database" in said_once(tocsin("serve", port=str(free_port())))


WORKER_WAITS = "Background work waits until then."


def heard(process: subprocess.Popen[str], ending: str) -> list[str]:
    """Return what a server says up to a line that ends so. It is ended when that does not come."""
    assert process.stderr
    patience = threading.Timer(60, process.terminate)
    patience.start()
    said: list[str] = []
    while not (said and said[-1].endswith(ending)) and (line := process.stderr.readline()):
        said.append(line.rstrip("\n"))
    patience.cancel()
    return said


def test_a_file_that_is_damaged_under_a_running_server_gets_a_page_and_a_sentence(ready: Path, tocsin: Command) -> None:
    with serving(ready) as (process, address):
        health(address)
        while not (ready / "worker.bell").exists():  # then the worker is at work
            assert process.poll() is None
            time.sleep(0.05)
        _zero(ready / "tocsin.sqlite3")
        for _ in range(5):
            page = urllib.request.Request(f"{address}/findings/", headers={"Cookie": f"session={32 * 'x'}"})
            with pytest.raises(urllib.error.HTTPError) as answer:
                urllib.request.urlopen(page, timeout=30)
            text = answer.value.read().decode()
            assert (answer.value.code, answer.value.headers["Retry-After"]) == (503, "30")
            assert "<h1>The database is damaged</h1>" in text and '<code class="nowrap">tocsin doctor</code>' in text
        for cookie in ("", f"session={32 * 'x'}"):
            with pytest.raises(urllib.error.HTTPError) as answer:
                asked = urllib.request.Request(f"{address}/health", headers={"Cookie": cookie})
                urllib.request.urlopen(asked, timeout=30)
            assert (answer.value.code, json.load(answer.value)["database"]) == (503, False)
        log = heard(process, WORKER_WAITS)
        process.terminate()
        assert process.stderr
        log += process.stderr.read().splitlines()
    assert "Restore the last backup" in tocsin("doctor").stdout
    (of_worker,) = [line for line in log if line.endswith(WORKER_WAITS)]
    of_pages = [line for line in log if line.endswith("Pages that need it answer 503 until then.")]
    assert of_worker.startswith("tocsin: The database cannot be used (database disk image is malformed). Run `tocsin")
    others = [line for line in log if line != of_worker and line not in of_pages]
    assert len(of_pages) <= 2, "each of two processes once"
    assert all(line.startswith(("tocsin: serving ", "tocsin: links that name ")) for line in others), others


def test_a_worker_waits_for_a_server_that_is_away_with_one_sentence(ready: Path) -> None:
    with serving(ready, "--only", "worker", database_url=AWAY) as (process, _address):
        first, second = heard(process, WORKER_WAITS)
        process.terminate()
        assert process.stderr
        rest = process.stderr.read()
    assert rest == ""
    assert "the database does not answer yet" in first
    assert second.endswith(WORKER_WAITS)
    assert "geheim" not in first + second


def test_a_data_directory_that_is_a_file_gets_a_sentence(tocsin: Command, tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("")
    for command in ("feed runs", "upgrade", "serve"):
        said = said_once(tocsin(*command.split(), home=place))
        assert said.startswith(
            f"tocsin: {place}/version cannot be used (Not a directory). Set TOCSIN_HOME to the folder"
        )
    for home in (place, place / "below"):
        doctor = tocsin("doctor", home=home)
        says = f"home: {place} is a file. Set TOCSIN_HOME to the folder of the instance.\n"
        assert (doctor.returncode, doctor.stdout, doctor.stderr) == (1, says, "")


def test_a_file_of_the_home_that_may_not_be_opened_gets_a_sentence(ready: Path, tocsin: Command) -> None:
    (ready / "commands.lock").unlink(missing_ok=True)
    (ready / "commands.lock").symlink_to("version/none")  # a folder that is a file: nobody opens it, not even root
    said = said_once(tocsin("feed", "runs"))
    assert said.startswith(f"tocsin: {ready}/commands.lock cannot be used (")


def test_an_error_of_the_software_stays_a_traceback(ready: Path, tocsin: Command) -> None:
    with closing(sqlite3.connect(ready / "tocsin.sqlite3")) as connection, connection:
        connection.execute("ALTER TABLE feeds_run RENAME COLUMN started_at TO began")
    done = tocsin("feed", "runs")
    assert done.returncode == 1
    assert "no such column" in done.stderr
    assert "Traceback" in done.stderr


def test_a_database_without_a_table_is_named_so(ready: Path, tocsin: Command) -> None:
    with closing(sqlite3.connect(ready / "tocsin.sqlite3")) as connection, connection:
        connection.execute("ALTER TABLE feeds_run RENAME TO elsewhere")
    assert "The database lacks its tables" in said_once(tocsin("feed", "runs"))


@pytest.mark.parametrize("command", ["upgrade", "init", "finding list", "backup b.tar.zst"])
def test_a_database_that_is_gone_from_a_full_store_is_not_made_anew(
    ready: Path, tocsin: Command, tmp_path: Path, command: str
) -> None:
    assert tocsin("feed", "run", write(tmp_path, 0, [1])).returncode == 0
    for file in ready.glob("tocsin.sqlite3*"):
        file.unlink()

    said = said_once(tocsin(*command.replace("b.tar.zst", str(tmp_path / "b.tar.zst")).split()))
    assert said.startswith(
        "tocsin: The database is gone, but the store holds what was imported. Restore the last backup"
    )
    doctor = tocsin("doctor")
    assert doctor.returncode == 1
    assert "gone, but the store holds what was imported" in doctor.stdout and "tocsin upgrade" not in doctor.stdout


def test_a_file_of_somebody_else_is_a_matter_of_permission(ready: Path) -> None:
    """What SQLite says of it, as `doctor` hears it: whoever runs the tests may write everywhere."""
    (ready / "tocsin.sqlite3").chmod(0o444)
    with (
        closing(sqlite3.connect(f"file:{ready / 'tocsin.sqlite3'}?mode=ro", uri=True)) as connection,
        pytest.raises(sqlite3.OperationalError) as caught,
    ):
        connection.execute("CREATE TABLE x (y)")
    raised = OperationalError(str(caught.value))
    raised.__cause__ = caught.value
    assert unusable.is_barred(raised) and not unusable.is_damaged(raised)
