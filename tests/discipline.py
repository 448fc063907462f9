"""What the suite demands of itself.

- Tests that touch the database are marked `database` by themselves: the second half of `make test` runs just these,
  on PostgreSQL.
- In CI no test is skipped in silence: the only reason that counts is a folder from outside that was not given.
- What is collected, and lives as long as the run, is not looked through for garbage again and again.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Generator

import pytest

FOLDERS_FROM_OUTSIDE = ("TOCSIN_TEST_FEEDS", "TOCSIN_TEST_SCHEMA")
WITHOUT_DATABASE = ("tests/architecture", "tests/language", "tests/docs", "tests/faults")
"""Folders that are not looked into for the second half of `make test`."""
DATABASE_FIXTURES = {"db", "transactional_db", "live_server", "django_db_setup"}


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    """Leave out of the collector's sight what is collected: thousands of tests, for each of them to walk through."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses the database."""
    for item in items:
        if item.get_closest_marker("django_db") or DATABASE_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.database)
            if item.nodeid.startswith(WITHOUT_DATABASE):
                raise pytest.UsageError(f"{item.nodeid} uses the database: tools/run-tests would leave it out")


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
