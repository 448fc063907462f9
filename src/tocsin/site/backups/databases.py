"""Copying the product's database out and in, consistent at one moment, while others write."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import IO, Any, cast

from tocsin.kernel.refusals import Conflict, InvalidInput, Unavailable
from tocsin.site.backups.contents import POSTGRESQL_MEMBER, SQLITE_MEMBER

MEMBERS = {"sqlite": SQLITE_MEMBER, "postgresql": POSTGRESQL_MEMBER}
TAKE_IN = ("psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-")
EMPTY = """
BEGIN;
SET LOCAL lock_timeout = '60s';
SET LOCAL client_min_messages = warning;
DO $empty$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
               WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END AS kind, format('%I.%I', n.nspname, c.relname) AS name
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND n.nspname = ANY (current_schemas(false))
        AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
        ORDER BY c.relkind = 'S'  -- the others take their own sequences with them
    LOOP
        EXECUTE format('DROP %s IF EXISTS %s CASCADE', found.kind, found.name);
    END LOOP;
    FOR found IN
        SELECT p.oid::regprocedure AS name
        FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = ANY (current_schemas(false))
        AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
    LOOP
        EXECUTE format('DROP ROUTINE IF EXISTS %s CASCADE', found.name);
    END LOOP;
END
$empty$;
SET LOCAL lock_timeout = DEFAULT;
"""
"""Drops what stands where the product's tables stand, but for what belongs to an extension. `pg_restore --clean` alone
drops what the archive knows; tables of a newer version would stay, and hold on to the older ones by foreign keys."""


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
    from django.db import connection

    if vendor() == "sqlite":
        connection.ensure_connection()  # opened as this process can: on a full disk nobody opens a second one
        with closing(sqlite3.connect(target)) as copy:
            connection.connection.backup(copy)  # one step: readers and writers go on beside it
    else:
        _run(["pg_dump", "--format=custom", "--compress=0", "--no-owner", "--no-privileges", "--file", str(target)])


def check_copy(copy: Path) -> None:
    """Refuse with InvalidInput when the copy of a database is damaged, or of a form that is not known here."""
    if vendor() != "sqlite":
        _require("psql")
        try:
            _run(["pg_restore", "--list", str(copy)])
        except Conflict as error:
            raise InvalidInput(f"the database in the backup cannot be read ({error}). Nothing was changed.") from error
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


def is_apart() -> bool:
    """Say whether the database is a server's: replaced in a transaction, not with the files."""
    return vendor() != "sqlite"


def copy_in(copy: Path) -> None:
    """Put the copy in the place of the database, wholly or, when that raises Conflict, not at all.

    The copy of a SQLite database is used up.
    """
    from django.db import connections

    connections.close_all()
    if is_apart():
        _replace_all(copy)
        return
    target = Path(settings_of_database()["NAME"])
    beside = target.with_name(f"{target.name}.tmp")
    shutil.move(copy, beside)  # perhaps to another disk
    for ending in ("-wal", "-shm"):
        target.with_name(target.name + ending).unlink(missing_ok=True)
    beside.replace(target)


def _replace_all(copy: Path) -> None:
    """Empty the database and fill it from the copy in one transaction, committed only when all of it went in."""
    write_out = ["pg_restore", "--file=-", "--clean", "--if-exists", "--no-owner", "--no-privileges", str(copy)]
    with tempfile.TemporaryFile() as read_says, tempfile.TemporaryFile() as taken_says:
        taking = subprocess.Popen(  # noqa: S603
            TAKE_IN, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=taken_says, env=_environment()
        )
        with taking, contextlib.suppress(BrokenPipeError):  # it stops reading at its first error, and says which
            pipe = cast(IO[bytes], taking.stdin)
            pipe.write(EMPTY.encode())
            read = subprocess.run(write_out, env=_environment(), stdout=pipe, stderr=read_says, check=False)  # noqa: S603
            if read.returncode == 0:
                pipe.write(b"COMMIT;\n")  # without this line everything is as it was
        if taking.returncode:
            raise Conflict(_complaint("psql", _text(taken_says)))
        if read.returncode:
            raise Conflict(_complaint("pg_restore", _text(read_says)))


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _require(program: str) -> None:
    if shutil.which(program) is None:
        raise Unavailable(f"{program} is not installed. Install it with: apt install postgresql-client")


def _run(command: Sequence[str]) -> None:
    """Run one of PostgreSQL's own programs. The password goes by the environment, which other users cannot list."""
    _require(command[0])
    done = subprocess.run(list(command), env=_environment(), capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise Conflict(_complaint(command[0], done.stderr))


def _complaint(program: str, said: str) -> str:
    """Return the first error that a program named: what follows is its consequence."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if "error:" in line.lower()]
    return f"{program} failed: {(errors or lines[-1:] or ['it said nothing'])[0]}"


def _environment() -> dict[str, str]:
    """Return by what PostgreSQL's programs connect as the product does: server, password, and options such as sslmode.

    Each option has a variable that libpq knows, but for a few (keepalives) that decide neither whom one reaches nor
    how safely.
    """
    from psycopg.pq import Conninfo

    database = settings_of_database()
    named = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGDATABASE": "NAME"}
    values = {variable: str(database[key]) for variable, key in named.items() if database.get(key)}
    options = database.get("OPTIONS") or {}
    variables = {known.keyword.decode(): known.envvar.decode() for known in Conninfo.get_defaults() if known.envvar}
    values |= {variables[name]: str(value) for name, value in options.items() if name in variables}
    return {**os.environ, **values}
