"""What every test may use, and what the suite demands of itself.

- Tests that touch the database are marked `database` by themselves: the second half of `make test` runs just these,
  on PostgreSQL.
- In CI no test is skipped in silence: the only reason that counts is a folder from outside that was not given.
"""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS_FROM_OUTSIDE = ("TOCSIN_TEST_FEEDS", "TOCSIN_TEST_SCHEMA")
DATABASE_FIXTURES = {"db", "transactional_db", "live_server", "django_db_setup"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses the database."""
    for item in items:
        if item.get_closest_marker("django_db") or DATABASE_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.database)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the tests that CI does not allow to be skipped."""
    for name, reason in _forbidden_skips(terminalreporter):
        terminalreporter.write_line(f"SKIPPED IN CI {name}: {reason}", red=True)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail the run in CI when a test was skipped for another reason than a folder from outside."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if exitstatus == pytest.ExitCode.OK and reporter and _forbidden_skips(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _forbidden_skips(reporter: pytest.TerminalReporter) -> list[tuple[str, str]]:
    if os.environ.get("CI") != "true":
        return []
    skips = [(report.nodeid, str(report.longrepr)) for report in reporter.stats.get("skipped", [])]
    return [(name, reason) for name, reason in skips if not any(folder in reason for folder in FOLDERS_FROM_OUTSIDE)]


def _folder(variable: str) -> Path:
    if variable not in os.environ:
        pytest.skip(f"{variable} names no folder")
    return Path(os.environ[variable])


@pytest.fixture(scope="session")
def outside_feeds() -> Path:
    """The folder of TOCSIN_TEST_FEEDS: in each sub-folder `reports/`, `constituents.json` and `truth.json`."""
    return _folder("TOCSIN_TEST_FEEDS")


@pytest.fixture(scope="session")
def outside_schema() -> Path:
    """The folder of TOCSIN_TEST_SCHEMA: `intelmq.json` and `reports.json` as Shadowserver publishes them."""
    return _folder("TOCSIN_TEST_SCHEMA")


@pytest.fixture
def postgresql_address() -> Iterator[str]:
    """The address of an empty PostgreSQL database, whatever the database of this run is."""
    server = os.environ.get("TOCSIN_TEST_POSTGRESQL")
    if not server:
        pytest.fail("This test needs PostgreSQL. Run it as: tools/with-postgres .venv/bin/python -m pytest …")
    import psycopg

    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield server.rsplit("/", 1)[0] + "/" + name
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data directory that is not there yet."""
    return tmp_path / "home"


@pytest.fixture
def tocsin(home: Path) -> Command:
    """Run `tocsin ARGUMENTS…` in a process of its own on `home`; keyword arguments are TOCSIN_ settings."""

    def run(*arguments: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tocsin", *map(str, arguments)],
            env=environment(home, **settings),
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


def environment(home: Path, **settings: str) -> dict[str, str]:
    """Return the environment in which a command works on `home` with its own SQLite and these settings."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("TOCSIN_", "DJANGO_"))}
    named = {f"TOCSIN_{name.upper()}": value for name, value in settings.items()}
    return {**inherited, "PYTHONPATH": str(ROOT / "src"), "TOCSIN_HOME": str(home), **named}
