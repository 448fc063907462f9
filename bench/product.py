"""The product as a user runs it: an instance in a folder, and `tocsin` in a process of its own each time."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.machine import CORES
from bench.processes import Cost, measured

ROOT = Path(__file__).resolve().parents[1]


def environment(home: Path | None = None, database_url: str = "") -> dict[str, str]:
    """Return the variables of a measured process: nothing of the caller's settings reaches the product.

    Nor Python: who forbids it to keep what it compiled would have changed modules compiled again in each round.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TOCSIN_", "DJANGO_", "PYTHON"))}
    kept["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    kept["TOCSIN_THREADS"] = str(CORES)
    if home is not None:
        kept["TOCSIN_HOME"] = str(home)
    if database_url:
        kept["TOCSIN_DATABASE_URL"] = database_url
    return kept


def python(*arguments: str | Path, home: Path | None = None, database_url: str = "") -> tuple[Cost, str]:
    """Run this interpreter with arguments. Raises bench.processes.Failed."""
    return measured([sys.executable, *map(str, arguments)], environment(home, database_url))


@dataclasses.dataclass(frozen=True)
class Instance:
    """A data directory that `tocsin init` made."""

    home: Path
    database_url: str = ""
    """Its PostgreSQL database; SQLite in the directory when empty."""

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables of a process that works on it."""
        return environment(self.home, self.database_url)

    def tocsin(self, *arguments: str | Path) -> tuple[Cost, str]:
        """Run one command. Raises bench.processes.Failed."""
        return self.python("-m", "tocsin", *arguments)

    def python(self, *arguments: str | Path) -> tuple[Cost, str]:
        """Run this interpreter on it. Raises bench.processes.Failed."""
        return python(*arguments, home=self.home, database_url=self.database_url)

    def run(self, files: Sequence[Path]) -> tuple[Cost, dict[str, Any]]:
        """Import report files; return what it cost and the summary. Findings are gone after one cycle."""
        cost, said = self.tocsin("feed", "run", *files, "--json", "--gone-after", "1")
        summary: dict[str, Any] = json.loads(said)
        return cost, summary

    def copy(self, home: Path) -> Instance:
        """Return an instance with the same content, in place of what is in `home`."""
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(self.home, home)
        return Instance(home)


def instance(home: Path, constituents: Path, schema: Path | None = None) -> Instance:
    """Make an instance with a directory and, if given, the published schema."""
    made = Instance(home)
    prepare(made, constituents)
    if schema is not None:
        (home / "schema").mkdir()
        for path in sorted(schema.glob("*.json")):
            shutil.copy(path, home / "schema")
    return made


def prepare(made: Instance, constituents: Path) -> None:
    """Set an instance up with a directory, in place of what is in its folder."""
    shutil.rmtree(made.home, ignore_errors=True)
    made.tocsin("init")
    made.tocsin("directory", "import", constituents, "--json")
