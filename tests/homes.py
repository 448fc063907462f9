"""Instances that tests work on through the command line alone, as users do."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests import databases, forking, once
from tests.commands import Completed, environment

DIRECTORY = [
    {"id": "moh", "name": "Ministry of Health", "sector": "health", "networks": ["192.0.2.0/25"]},
    {"id": "bank", "name": "Island Bank", "sector": "finance", "networks": ["192.0.2.64/26"]},
]
"""Two constituents, nested; 192.0.2.128 and above is nobody's. Reports about them: `tests.feeds.reports`."""
SUMMARY_KEYS = {
    "run", "files", "rows_read", "rows_kept", "rows_quarantined", "cells_quarantined", "duplicates", "findings_new",
    "findings_still", "findings_gone", "findings_returned", "attributed_rows", "unattributed_rows", "constituents",
    "cycles", "cpu_s", "wall_s", "peak_rss_mb",
}  # fmt: skip
"""What `feed run --json` promises to scripts."""
ONE_AFTER_THE_OTHER = """
    import contextlib, io, json, sys
    from tocsin.site.cli import run
    printed = []
    for line in json.load(sys.stdin):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            assert run(line) == 0, line
        printed.append(out.getvalue())
    json.dump(printed, sys.stdout)
"""


class Home:
    """One instance and the command line on it. `settings` are TOCSIN_ settings in lower case."""

    def __init__(self, place: Path, **settings: str) -> None:
        self.place, self.settings = place, settings

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """Start `tocsin ARGUMENTS…`. It hears Ctrl-C also where whatever runs the tests does not."""
        return subprocess.Popen(
            [sys.executable, "-m", "tocsin", *map(str, arguments)],
            env=environment(self.place, **self.settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    def __call__(self, *arguments: str | Path) -> Completed:
        """Run `tocsin ARGUMENTS…` to its end."""
        return forking.run(["-m", "tocsin", *map(str, arguments)], environment(self.place, **self.settings))

    def done(self, *arguments: str | Path) -> str:
        """Run a command that must succeed; return what it printed."""
        completed = self(*arguments)
        assert completed.returncode == 0, completed.stderr
        return completed.stdout

    def prepare(self, constituents: Any = DIRECTORY) -> Home:
        """Set the instance up with a directory: a list of constituents, or a file of them."""
        if not (self.place / "version").exists():
            self.done("init")
        file = constituents
        if not isinstance(constituents, Path):
            file = self.place / "constituents.json"
            file.write_text(json.dumps(constituents), encoding="utf-8")
        self.done("directory", "import", file)
        return self

    def run(self, *paths: str | Path, gone_after: int = 1) -> dict[str, Any]:
        """Import what must succeed; return the summary."""
        printed = self.done("feed", "run", "--json", "--gone-after", str(gone_after), *paths)
        summary: dict[str, Any] = json.loads(printed.splitlines()[-1])
        return summary

    def python(self, code: str, given: str = "") -> str:
        """Run Python on this home; return what it printed. Fails the test when it fails."""
        done = forking.run(["-c", textwrap.dedent(code)], environment(self.place, **self.settings), given=given)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def many(self, *lines: Sequence[str]) -> list[str]:
        """Run several command lines one after the other in one process; return what each printed. All must succeed."""
        printed: list[str] = json.loads(self.python(ONE_AFTER_THE_OTHER, json.dumps(lines)))
        return printed

    def findings(self, *filters: str) -> list[dict[str, Any]]:
        """Return findings as scripts get them."""
        found: list[dict[str, Any]] = json.loads(self.done("finding", "list", "--json", *filters))
        return found

    def digest(self) -> str:
        """Return a digest of all findings with all that is said of them."""
        return hashlib.sha256(self.done("finding", "export").encode()).hexdigest()

    def copy(self, place: Path) -> Home:
        """Return a copy of the instance at rest."""
        shutil.copytree(self.place, place)
        place.chmod(0o700)
        return Home(place, **self.settings)

    def files(self) -> set[str]:
        """Return the files that the engine wrote and that are not about to be deleted, relative to the store."""
        store = self.place / "store"
        folders = ("observations", "state", "quarantine", "spill")
        found = (path for folder in folders for path in (store / folder).rglob("*") if path.is_file())
        leaving = store / "files.leaving"
        due = {line.partition(" ")[2] for line in leaving.read_text().splitlines()} if leaving.exists() else set()
        return {path.relative_to(store).as_posix() for path in found} - due


@pytest.fixture(scope="session")
def _first_on_postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """An instance on PostgreSQL as `tocsin init` leaves it."""

    def init(address: str) -> Home:
        make: Callable[[Path], object] = lambda place: Home(place, database_url=address).done("init")  # noqa: E731
        place = once.folder(tmp_path_factory, databases.name_of(address), make)
        return Home(place, database_url=address)

    with once.database(tmp_path_factory, "first-on-postgresql", init) as address:
        yield init(address)


@pytest.fixture
def on_postgresql(_first_on_postgresql: Home, tmp_path: Path) -> Iterator[Home]:
    """An instance on PostgreSQL as `tocsin init` leaves it."""
    home = _first_on_postgresql.copy(tmp_path / "home")
    with databases.made(databases.name_of(home.settings["database_url"])) as address:
        home.settings["database_url"] = address
        yield home


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Home:
    """An instance as `tocsin init` leaves it, on each database."""
    if request.param == "postgresql":
        home: Home = request.getfixturevalue("on_postgresql")
        return home
    return Home(request.getfixturevalue("_first_instance")).copy(tmp_path / "home")


def expected(truth: dict[str, Any]) -> dict[str, Any]:
    """Return what a summary must say, from the `truth.json` that a generator of feeds wrote."""
    lives = {f"findings_{word}": sum(day[word] for day in truth["days"]) for word in ("new", "still", "gone")}
    return {
        "rows_read": truth["rows"],
        "rows_kept": truth["rows"],
        "rows_quarantined": 0,
        "duplicates": truth["duplicates"],
        **lives,
        "findings_returned": sum(day["returned"] for day in truth["days"]),
        "attributed_rows": sum(truth["per_constituent"].values()),
        "unattributed_rows": truth["unattributed"],
        "constituents": truth["per_constituent"],
    }
