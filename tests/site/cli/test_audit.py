"""`tocsin audit verify`."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from tests import forking
from tests.commands import Command, environment
from tests.homes import Home

WRITE = """
import dataclasses, django
django.setup()
from tocsin.audit.action import action
from tocsin.audit.actors import COMMAND_LINE
from tocsin.kernel.clock import now
from tocsin.kernel.events import Event
@dataclasses.dataclass(frozen=True, kw_only=True)
class Noted(Event):
    number: int
@action("test.noted")
def note(number, *, by, at):
    return Noted(number=number)
for number in range(3):
    note(number, by=COMMAND_LINE, at=now())
"""


def write_rows(home: Path) -> None:
    variables = {**environment(home), "DJANGO_SETTINGS_MODULE": "tocsin.site.settings"}
    done = forking.run(["-c", WRITE], variables)
    assert done.returncode == 0, done.stderr


def test_a_sound_trail_is_confirmed(ready: Path, tocsin: Command) -> None:
    before = json.loads(tocsin("audit", "verify", "--json").stdout)["rows"]
    write_rows(ready)
    done = tocsin("audit", "verify", "--json")
    assert done.returncode == 0, done.stderr
    verdict = json.loads(done.stdout)
    assert (verdict["ok"], verdict["rows"] - before, verdict["broken_at"]) == (True, 3, None)


def test_a_changed_row_is_named(ready: Path, tocsin: Command) -> None:
    write_rows(ready)
    with closing(sqlite3.connect(ready / "tocsin.sqlite3")) as connection, connection:
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute("UPDATE audit_auditrow SET actor_label = 'somebody else' WHERE sequence IN (2, 4, 5)")
    done = tocsin("audit", "verify")
    assert done.returncode == 1
    assert done.stdout.splitlines()[:3] == [
        "Row 2 is not as it was written (changed).",
        "Rows 4 to 5 are not as they were written (changed).",
        "1 row before that: as written.",
    ]
    data = json.loads(tocsin("audit", "verify", "--json").stdout)
    assert (data["broken_at"], [fault["row"] for fault in data["faults"]], data["more"]) == (2, [2, 4], 0)


def test_a_trail_that_was_emptied_is_not_whole(ready: Path, tocsin: Command) -> None:
    with closing(sqlite3.connect(ready / "tocsin.sqlite3")) as connection, connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute("DELETE FROM audit_auditrow")
    done = tocsin("audit", "verify")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "No row and no signed head is there (emptied): all were removed, for this instance is in use.",
        "The database no longer refuses to change them. Run: tocsin upgrade",
    ]
    data = json.loads(tocsin("audit", "verify", "--json").stdout)
    assert (data["ok"], data["rows"], data["broken_at"], data["problem"]) == (False, 0, 1, "emptied")


ROUND = """
import sys
from tocsin.site.starting import set_up_django
set_up_django()
from tocsin.site import jobs
jobs.keep_trail({}, None)
"""


def test_the_worker_signs_a_head_that_is_printed_kept_and_compared(made: Home, tmp_path: Path) -> None:
    assert "The worker signs one each day" in made("audit", "head").stderr
    made.python(ROUND)
    text = made.done("audit", "head")
    (tmp_path / "head.txt").write_text(text)
    assert text.startswith("Tocsin audit head\nday: ")
    said = made.done("audit", "verify", "--head", tmp_path / "head.txt", "--head", text)
    assert "1 signed head fits" in said
    assert "So do the 2 given." in said
    head, key = (json.loads(made.done("audit", verb, "--json")) for verb in ("head", "key"))
    assert head["text"] == text
    assert head["key"] == key["key"]
    assert key["pem"].startswith("-----BEGIN PUBLIC KEY-----")


def test_a_head_that_is_none_is_refused_with_the_way_out(ready: Path, tocsin: Command) -> None:
    for given in ("no such file", "day: 2026-03-01\nrow: 1", "x" * 5000):
        done = tocsin("audit", "verify", "--head", given)
        assert (done.returncode, done.stdout) == (1, "")
        assert "Give the whole text, from day to signature, or a file that holds it." in done.stderr


def test_a_trail_that_was_cut_off_is_told_by_a_head_kept_elsewhere(ready: Path, tocsin: Command) -> None:
    home = Home(ready)
    write_rows(ready)
    home.python(ROUND)
    kept = home.done("audit", "head")
    with closing(sqlite3.connect(ready / "tocsin.sqlite3")) as connection, connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute("DELETE FROM audit_auditrow WHERE sequence > 3")
        connection.execute("DELETE FROM audit_signedhead")
    assert "3 rows are as they were written" in tocsin("audit", "verify").stdout
    done = tocsin("audit", "verify", "--head", kept)
    assert done.returncode == 1
    assert done.stdout.splitlines()[0].startswith("Rows 4 to 6 are missing at the end (cut off): the head of ")
    assert "that was given" in done.stdout


def test_backup_and_restore_keep_heads_and_key(made: Home, tmp_path: Path) -> None:
    made.python(ROUND)
    before = [made.done("audit", verb) for verb in ("head", "key")]
    made.done("backup", tmp_path / "b.tar.zst")
    made.done("restore", "--force", tmp_path / "b.tar.zst")
    assert [made.done("audit", verb) for verb in ("head", "key")] == before
    assert made("audit", "verify").returncode == 0
    assert (made.place / "keys" / "audit.key").stat().st_mode & 0o777 == 0o600


def test_an_instance_from_before_there_was_a_key_gets_one_by_upgrade(ready: Path, tocsin: Command) -> None:
    (ready / "keys" / "audit.key").unlink()
    assert "audit trail: " in tocsin("doctor").stdout
    done = tocsin("upgrade")
    assert "A new key signs the audit trail" in done.stdout
    assert tocsin("audit", "verify").returncode == 0
    assert tocsin("audit", "head").returncode == 0, "what was there before is signed at once"
    assert tocsin("doctor").returncode == 0
    assert "Nothing to do" in tocsin("upgrade").stdout


def test_doctor_names_a_trail_that_nobody_signs(ready: Path, tocsin: Command) -> None:
    with closing(sqlite3.connect(ready / "tocsin.sqlite3")) as connection, connection:
        connection.execute("DROP TRIGGER audit_row_no_update")
        connection.execute("UPDATE audit_auditrow SET at = '2026-01-01 00:00:00'")
    tocsin("upgrade")
    done = tocsin("doctor")
    assert done.returncode == 1
    assert "audit trail: no head was signed since 2026-01-01. Have the worker run" in done.stdout


def test_a_trail_that_can_be_changed_is_reported(ready: Path, tocsin: Command) -> None:
    with closing(sqlite3.connect(ready / "tocsin.sqlite3")) as connection, connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
    done = tocsin("audit", "verify")
    assert done.returncode == 1
    assert "no longer refuses" in done.stdout


def test_what_is_not_set_up_has_no_trail(tocsin: Command) -> None:
    assert "tocsin init" in tocsin("audit", "verify").stderr
