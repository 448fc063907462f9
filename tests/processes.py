"""Run Python in real processes of their own on a database of their own, as web and worker do."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path

from tests import forking

ROOT = Path(__file__).resolve().parents[1]
STRICT = "import warnings; warnings.simplefilter('error', RuntimeWarning)\n"
PREAMBLE = "import django; django.setup()\n"


class Instance:
    """A database in a directory of its own, and processes on it."""

    def __init__(self, home: Path, database_url: str = "") -> None:
        self.environment = {
            **os.environ,
            "TOCSIN_HOME": str(home),
            "TOCSIN_DATABASE_URL": database_url,
            "TOCSIN_SECRET_KEY": "of the tests, long enough for a key",
            "DJANGO_SETTINGS_MODULE": "tocsin.site.settings",
            "PYTHONPATH": str(ROOT / "src"),
        }

    def migrate(self) -> Instance:
        """Make the tables."""
        self.run("from django.core.management import call_command; call_command('migrate', verbosity=0)")
        return self

    def start(self, code: str, *arguments: str) -> forking.Process:
        """Start a process that runs `code` with Django set up."""
        return forking.Process(["-c", STRICT + PREAMBLE + textwrap.dedent(code), *arguments], self.environment)

    def run(self, code: str, *arguments: str) -> str:
        """Run `code` to its end; return what it printed. Fails the test when it fails."""
        done = forking.run(["-c", STRICT + PREAMBLE + textwrap.dedent(code), *arguments], self.environment)
        assert done.returncode == 0, done.stderr
        return done.stdout


def finish(process: forking.Process, timeout_s: float = 60) -> str:
    """Wait for a process; return what it printed. Fails the test when it failed."""
    out, err = process.communicate(timeout=timeout_s)
    assert process.returncode == 0, err
    return out
