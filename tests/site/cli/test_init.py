"""`tocsin init` and `tocsin upgrade`, as an administrator runs them."""

from __future__ import annotations

import json
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from tests.commands import Command
from tests.homes import Home
from tocsin import __version__
from tocsin.site import instance


def tables(home: Path) -> set[str]:
    with closing(sqlite3.connect(home / "tocsin.sqlite3")) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_init_asks_nothing_and_leaves_a_private_instance(tocsin: Command, home: Path) -> None:
    done = tocsin("init")

    assert done.returncode == 0, done.stderr
    assert "is set up" in done.stdout
    assert "tocsin serve" in done.stdout
    assert "people_person" in tables(home)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert {stat.S_IMODE(key.stat().st_mode) for key in (home / "keys").iterdir()} == {0o600}


def test_a_second_init_changes_nothing(tocsin: Command, ready: Path) -> None:
    key = (ready / "keys/session.key").read_bytes()

    done = tocsin("init")

    assert done.returncode == 0
    assert "was set up before" in done.stdout
    assert (ready / "keys/session.key").read_bytes() == key


def test_an_interrupted_init_is_taken_up_again(tocsin: Command, ready: Path) -> None:
    (ready / "version").unlink()
    (ready / "tocsin.sqlite3").unlink()

    done = tocsin("init")

    assert done.returncode == 0, done.stderr
    assert "people_person" in tables(ready)


def test_init_answers_in_json(tocsin: Command, home: Path) -> None:
    answer = json.loads(tocsin("init", "--json").stdout)
    assert answer["home"] == str(home)
    assert answer["made"] is True


def test_init_says_when_the_database_is_not_there(tocsin: Command) -> None:
    done = tocsin("init", database_url="postgresql://nobody@127.0.0.1:1/none")
    assert done.returncode == 1
    assert done.stderr.startswith("tocsin: The database cannot be used")
    assert "Traceback" not in done.stderr


@pytest.mark.postgresql
def test_init_works_on_postgresql(tocsin: Command, postgresql_address: str) -> None:
    first, second = (tocsin("init", database_url=postgresql_address) for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    assert "was set up before" in second.stdout


@pytest.mark.usefixtures("ready")
def test_upgrade_has_nothing_to_do_on_the_same_version(tocsin: Command) -> None:
    done = tocsin("upgrade")
    assert done.returncode == 0
    assert "Nothing to do" in done.stdout


def test_upgrade_has_the_database_refuse_changes_of_the_trail_again(tocsin: Command, ready: Path) -> None:
    with closing(sqlite3.connect(ready / "tocsin.sqlite3")) as connection, connection:
        connection.execute("DROP TRIGGER audit_row_no_delete")
    assert "Run: tocsin upgrade" in tocsin("audit", "verify").stdout
    assert "refuses again to change the audit trail" in tocsin("upgrade").stdout
    assert "Run: tocsin upgrade" not in tocsin("audit", "verify").stdout
    assert "Nothing to do" in tocsin("upgrade").stdout


def test_upgrade_names_the_steps_it_took(tocsin: Command, ready: Path) -> None:
    (ready / "version").write_text("0.0.1\n")
    with closing(sqlite3.connect(ready / "tocsin.sqlite3")) as connection, connection:
        connection.execute("DROP TABLE django_session")
        connection.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
    assert "tocsin upgrade" in tocsin("init").stderr

    done = tocsin("upgrade")

    assert done.returncode == 0, done.stderr
    assert "sessions.0001_initial" in done.stdout
    assert "django_session" in tables(ready)
    assert (ready / "version").read_text() == f"{__version__}\n"


COLUMNS_SINCE = {
    "feeds_report": ("also", "expired_at", "cut", "findings", "newest"),
    "feeds_cycle": ("doubts", "findings", "usual_findings"),
}


def test_a_database_of_an_earlier_day_of_the_same_version_is_refused_and_upgraded(tocsin: Command, ready: Path) -> None:
    with closing(sqlite3.connect(ready / "tocsin.sqlite3")) as connection, connection:
        for table in (
            "feeds_typemovement",
            "feeds_constituentmovement",
            "feeds_download",
            "feeds_baseline",
            "feeds_delivery",
            "feeds_saying",
            "feeds_judgement",
            "feeds_answer",
        ):
            connection.execute(f"DROP TABLE {table}")
        for table, columns in COLUMNS_SINCE.items():
            for column in columns:
                connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        connection.execute("DELETE FROM django_migrations WHERE app = 'feeds' AND name >= '0003'")

    refused = tocsin("finding", "list")
    assert refused.returncode == 1
    assert "lacks 11 steps" in refused.stderr and "tocsin upgrade" in refused.stderr

    done = tocsin("upgrade")
    assert "feeds.0003_second_rollup" in done.stdout and "feeds.0004_fill_second_rollup" in done.stdout
    assert {"feeds_typemovement", "feeds_constituentmovement"} <= tables(ready)
    assert tocsin("finding", "list").returncode == 0


def test_upgrade_refuses_a_folder_that_is_not_set_up(tocsin: Command) -> None:
    done = tocsin("upgrade")
    assert done.returncode == 1
    assert "tocsin init" in done.stderr


def test_upgrade_refuses_what_a_newer_version_has_made(tocsin: Command, ready: Path) -> None:
    (ready / "version").write_text("99.0.0")
    done = tocsin("upgrade")
    assert done.returncode == 1
    assert "newer" in done.stderr


ENROL = """
from tocsin.site.starting import set_up_django
set_up_django()
from tocsin.audit.actors import COMMAND_LINE as by
from tocsin.kernel.clock import now
from tocsin.people import actions
actions.enrol(token="{token}", password="a very new passphrase", email="{email}", name="First", by=by, at=now())
"""


def test_init_prints_a_link_that_makes_the_first_administrator_until_there_is_one(tocsin: Command, home: Path) -> None:
    first = json.loads(tocsin("init", "--json").stdout)["enrolment"]
    second = json.loads(tocsin("init", "--json").stdout)["enrolment"]
    assert first.startswith("http://")
    assert second not in (None, first)

    tocsin("user", "create", "--email", "amina@cirt.example", "--role", "analyst")

    third = json.loads(tocsin("init", "--json").stdout)["enrolment"]
    assert third not in (None, second), "an analyst opens no accounts"
    assert "nothing to do" not in tocsin("init").stdout
    invited = json.loads(
        tocsin("user", "create", "--email", "a@b.example", "--role", "national_administrator", "--json").stdout
    )
    fourth = json.loads(tocsin("init", "--json").stdout)["enrolment"]
    assert fourth, "who is only invited cannot sign in"

    enrol = ENROL.format(token=fourth.split("/")[-2], email="first@cirt.example")
    Home(home).python(enrol)

    assert invited["enrolment"]
    assert json.loads(tocsin("init", "--json").stdout)["enrolment"] is None
    assert "nothing to do" in tocsin("init").stdout


def test_a_demonstration_in_a_folder_of_the_data_directory_leaves_the_instance_real(
    tocsin: Command, home: Path
) -> None:
    (home / "demo").mkdir(parents=True)  # as `make run` leaves it: the demonstration in var/demo, the instance in var
    assert tocsin("init").returncode == 0
    home.chmod(0o700)
    doctor = tocsin("doctor")
    assert (doctor.returncode, doctor.stderr) == (0, "")
    said = tocsin("demo", "--home", home, "--no-serve")
    assert (said.returncode, "is an instance with data of its own" in said.stderr) == (1, True)
    assert not instance.is_demonstration(home)
    assert instance.demonstrated_day(home) is None
