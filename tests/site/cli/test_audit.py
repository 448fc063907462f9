"""`tocsin audit verify`."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from tests import forking
from tests.commands import Command, environment

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
        connection.execute("UPDATE audit_auditrow SET actor_label = 'somebody else' WHERE sequence = 2")
    done = tocsin("audit", "verify")
    assert done.returncode == 1
    assert "Row 2 is not as it was written" in done.stdout


def test_a_trail_that_can_be_changed_is_reported(ready: Path, tocsin: Command) -> None:
    with closing(sqlite3.connect(ready / "tocsin.sqlite3")) as connection, connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
    done = tocsin("audit", "verify")
    assert done.returncode == 1
    assert "no longer refuses" in done.stdout


def test_what_is_not_set_up_has_no_trail(tocsin: Command) -> None:
    assert "tocsin init" in tocsin("audit", "verify").stderr
