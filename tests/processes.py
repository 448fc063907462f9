"""Run Python in real processes of their own on a database of their own, as web and worker do."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dj_database_url

ROOT = Path(__file__).resolve().parents[1]
PREAMBLE = "import django; django.setup()\n"


def postgresql_address() -> str:
    """Where the tests' PostgreSQL server is: the chosen database, if that is one."""
    address = os.environ.get("TOCSIN_DATABASE_URL", "")
    if not address.startswith("postgres"):
        address = os.environ.get("TOCSIN_TEST_POSTGRESQL_URL", "")
    assert address, "Set TOCSIN_TEST_POSTGRESQL_URL to a server on which databases may be made."
    return address


class Instance:
    """A migrated database in a directory of its own, and processes on it."""

    def __init__(self, home: Path, database_url: str = "") -> None:
        self.environment = {
            **os.environ,
            "TOCSIN_HOME": str(home),
            "TOCSIN_DATABASE_URL": database_url,
            "TOCSIN_SECRET_KEY": "of the tests, long enough for a key",
            "DJANGO_SETTINGS_MODULE": "tocsin.site.settings",
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
        }
        self.run("from django.core.management import call_command; call_command('migrate', verbosity=0)")

    def start(self, code: str, *arguments: str) -> subprocess.Popen[str]:
        """Start a process that runs `code` with Django set up."""
        return subprocess.Popen(
            [sys.executable, "-W", "error::RuntimeWarning", "-c", PREAMBLE + textwrap.dedent(code), *arguments],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, code: str, *arguments: str) -> str:
        """Run `code` to its end; return what it printed. Fails the test when it fails."""
        return finish(self.start(code, *arguments))


def finish(process: subprocess.Popen[str], timeout_s: float = 60) -> str:
    """Wait for a process; return what it printed. Fails the test when it failed."""
    out, err = process.communicate(timeout=timeout_s)
    assert process.returncode == 0, err
    return out


@contextmanager
def instance_on(vendor: str, home: Path) -> Iterator[Instance]:
    """An instance on SQLite or on a fresh database of the tests' PostgreSQL server."""
    if vendor == "sqlite":
        yield Instance(home)
        return
    import psycopg

    parsed = dj_database_url.parse(postgresql_address())
    server = {
        "host": parsed["HOST"], "port": parsed["PORT"], "user": parsed["USER"], "password": parsed["PASSWORD"],
    }  # fmt: skip
    name = f"tocsin_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(**{k: v for k, v in server.items() if v}, dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield Instance(home, postgresql_address().rsplit("/", 1)[0] + f"/{name}")
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
