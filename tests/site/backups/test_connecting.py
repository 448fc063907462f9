"""PostgreSQL's own programs connect as the product does: with all that the address of the database says."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from tests.homes import Home
from tocsin.site.backups import databases

PASSWORD = "not for everybody's eyes"
RECORD = """#!/bin/sh
{{ printf 'ARGUMENT %s\\n' "$@"; env; }} >> {record}
exec {program} "$@"
"""


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What PostgreSQL's programs were given, one entry a line."""
    folder, record = tmp_path / "programs", tmp_path / "record"
    folder.mkdir()
    for name in ("pg_dump", "psql", "pg_restore"):
        (folder / name).write_text(RECORD.format(record=record, program=shutil.which(name)))
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return record


@pytest.fixture
def by_a_role(postgresql_address: str) -> str:
    """The address of a database in which who signs in may do nothing but take on the role that owns the tables."""
    with psycopg.connect(postgresql_address, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"CREATE ROLE {name}_owner")
        connection.execute(f"CREATE ROLE {name}_login LOGIN NOINHERIT IN ROLE {name}_owner PASSWORD '{name}'")
        connection.execute(f"GRANT CREATE, USAGE ON SCHEMA public TO {name}_owner")
    before, _, after = postgresql_address.partition("://")[2].partition("@")
    assert before == "tocsin"
    options = f"options={quote(f'-c role={name}_owner')}&sslmode=prefer&application_name=tocsin%20test"
    return f"postgresql://{name}_login:{quote(PASSWORD)}@{after}?{options}"


@pytest.mark.postgresql
def test_backup_and_restore_connect_with_the_options_of_the_address(home: Path, by_a_role: str, record: Path) -> None:
    made, file = Home(home, database_url=by_a_role), home.parent / "b.tar.zst"
    made.done("init")
    made.done("backup", file)
    made.done("restore", "--force", file)
    assert made.done("doctor").startswith("Nothing to mend")

    said = record.read_text().splitlines()
    for expected in ("PGSSLMODE=prefer", "PGAPPNAME=tocsin test", f"PGPASSWORD={PASSWORD}"):
        assert said.count(expected) == 4, f"{expected}: pg_dump, pg_restore twice, psql"
    assert any(line.startswith("PGOPTIONS=-c role=") for line in said)
    assert not any(PASSWORD in line for line in said if line.startswith("ARGUMENT")), "everybody may list those"


def test_each_option_that_libpq_knows_has_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {
        "sslmode": "verify-full", "sslrootcert": "/etc/ca.pem", "sslcert": "/etc/me.pem", "sslkey": "/etc/me.key",
        "connect_timeout": 7, "target_session_attrs": "read-write", "keepalives": 1, "server_side_binding": True,
    }  # fmt: skip
    monkeypatch.setattr(databases, "settings_of_database", lambda: {"NAME": "tocsin", "OPTIONS": options})
    before = dict(os.environ)
    given = {name: value for name, value in databases._environment().items() if before.get(name) != value}
    assert given == {
        "PGDATABASE": "tocsin", "PGSSLMODE": "verify-full", "PGSSLROOTCERT": "/etc/ca.pem", "PGSSLCERT": "/etc/me.pem",
        "PGSSLKEY": "/etc/me.key", "PGCONNECT_TIMEOUT": "7", "PGTARGETSESSIONATTRS": "read-write",
    }  # fmt: skip
