"""Copying the product's database out and in, consistent at one moment, while others write."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from tocsin.kernel.refusals import Conflict, InvalidInput, Unavailable
from tocsin.site.backups.contents import POSTGRESQL_MEMBER, SQLITE_MEMBER

MEMBERS = {"sqlite": SQLITE_MEMBER, "postgresql": POSTGRESQL_MEMBER}


def settings_of_database() -> dict[str, Any]:
    """Return Django's settings of the database."""
    from django.db import connection

    return connection.settings_dict


def vendor() -> str:
    """Return `sqlite` or `postgresql`."""
    from django.db import connection

    return connection.vendor


def copy_out(target: Path) -> None:
    """Write a copy of the database to the file `target`."""
    if vendor() == "sqlite":
        with (
            closing(sqlite3.connect(settings_of_database()["NAME"])) as source,
            closing(sqlite3.connect(target)) as copy,
        ):
            source.backup(copy)  # one step: readers and writers go on beside it
    else:
        _run(["pg_dump", "--format=custom", "--compress=0", "--no-owner", "--no-privileges", "--file", str(target)])


def check_copy(copy: Path) -> None:
    """Refuse with InvalidInput when the copy of a SQLite database is damaged."""
    if vendor() != "sqlite":
        return
    with closing(sqlite3.connect(copy)) as connection:
        try:
            verdict = connection.execute("PRAGMA quick_check").fetchone()[0]
        except sqlite3.DatabaseError as error:
            verdict = str(error)
    if verdict != "ok":
        raise InvalidInput(f"the database in the backup is damaged ({verdict}). Nothing was changed.")


def is_empty() -> bool:
    """Say whether the database that the settings name holds no tables."""
    if vendor() == "sqlite":
        path = Path(settings_of_database()["NAME"])
        return not path.exists() or path.stat().st_size == 0
    from django.db import connection

    return not connection.introspection.table_names()


def copy_in(copy: Path) -> None:
    """Put the copy in the place of the database. The copy is used up."""
    from django.db import connections

    connections.close_all()
    if vendor() == "sqlite":
        target = Path(settings_of_database()["NAME"])
        for ending in ("-wal", "-shm"):
            target.with_name(target.name + ending).unlink(missing_ok=True)
        shutil.move(copy, target)
    else:
        _run(["pg_restore", "--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction",
              "--dbname", str(settings_of_database()["NAME"]), str(copy)])  # fmt: skip


def _run(command: Sequence[str]) -> None:
    """Run one of PostgreSQL's own programs. The password goes by the environment, which other users cannot list."""
    if shutil.which(command[0]) is None:
        raise Unavailable(f"{command[0]} is not installed. Install it with: apt install postgresql-client")
    done = subprocess.run(list(command), env=_environment(), capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise Conflict(
            f"{command[0]} failed: {done.stderr.strip().splitlines()[-1] if done.stderr else done.returncode}"
        )


def _environment() -> dict[str, str]:
    database = settings_of_database()
    named = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGDATABASE": "NAME"}
    values = {variable: str(database[key]) for variable, key in named.items() if database.get(key)}
    return {**os.environ, **values}
