"""What all tests share: the cast, and a database whose audit trail can be emptied between tests.

Nothing of Django is imported before a test asks for the database: the pure rooms are tested without it.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests import once

pytest_plugins = ["tests.discipline", "tests.commands", "tests.homes", "tests.small_disks"]
# How long a drawn example takes says nothing on a busy machine.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from pytest_django import DjangoDbBlocker

    from tests.cast import Cast
    from tests.processes import Instance


@pytest.fixture(scope="session")
def _copying() -> Iterator[pytest.MonkeyPatch]:
    """What is otherwise while the database of this process is made."""
    patch = pytest.MonkeyPatch()
    yield patch
    patch.undo()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings: None, request: pytest.FixtureRequest, _copying: pytest.MonkeyPatch
) -> None:
    """Let the database of this process be a copy of one that has its tables: to make them takes seconds."""
    from django.core import management
    from django.db import connection

    plainly = management.call_command
    if connection.vendor == "postgresql":
        template = request.getfixturevalue("_migrated_postgresql")
        _copying.setitem(connection.settings_dict["TEST"], "TEMPLATE", template)
        tables = Path()
    else:
        (tables,) = request.getfixturevalue("_migrated").glob("*.sqlite3")

    def copied(command: str, *arguments: object, **options: object) -> object:
        if command != "migrate":
            return plainly(command, *arguments, **options)
        if connection.vendor == "sqlite":
            connection.ensure_connection()
            with contextlib.closing(sqlite3.connect(tables)) as source:
                source.backup(connection.connection)
        return None

    _copying.setattr(management, "call_command", copied)


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, _copying: pytest.MonkeyPatch
) -> Iterator[None]:
    """Tests with real transactions empty all tables afterwards; lift the trail's triggers for that moment."""
    from django.db import connection

    from tocsin.audit import append_only

    _copying.undo()

    operations = type(connection.ops)
    original = operations.execute_sql_flush

    def flush(self: object, sql_list: list[str]) -> None:
        append_only.permit(connection)
        original(self, sql_list)
        append_only.forbid(connection)

    operations.execute_sql_flush = flush
    yield
    operations.execute_sql_flush = original
    with django_db_blocker.unblock():
        _end_other_sessions(connection)


def _end_other_sessions(connection: BaseDatabaseWrapper) -> None:
    """End the sessions that a served request has left, which would hinder PostgreSQL from dropping the database."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state, query, pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        for state, query, _ in cursor.fetchall():
            print(f"A session was left open, {state}, after: {query[:200]}", file=sys.stderr)


@pytest.fixture(autouse=True)
def _language_of_the_tests() -> Iterator[None]:
    """A request activates its reader's language in the thread that tests share: let it go with the test."""
    yield
    if "django.utils.translation" in sys.modules:
        sys.modules["django.utils.translation"].deactivate()


@pytest.fixture
def cast(db: None) -> Cast:
    """The people of the tests."""
    from tests.cast import Cast

    return Cast()


@pytest.fixture(scope="session")
def _migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database that has its tables and nothing else."""
    return once.folder(tmp_path_factory, "migrated", _make_tables)


def _make_tables(place: Path) -> None:
    from tests.processes import Instance

    place.mkdir()
    Instance(place).migrate()


@pytest.fixture(scope="session")
def _migrated_postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database of PostgreSQL that has its tables and nothing else."""
    from tests import databases
    from tests.processes import Instance

    elsewhere = tmp_path_factory.mktemp("migrated")
    with once.database(tmp_path_factory, "migrated", lambda address: Instance(elsewhere, address).migrate()) as address:
        yield databases.name_of(address)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def instance(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Instance]:
    """A database that real processes share, once on SQLite and once on PostgreSQL.

    Without a PostgreSQL server (TOCSIN_DATABASE_URL or TOCSIN_TEST_POSTGRESQL_URL) the second one fails.
    """
    from tests import databases
    from tests.processes import Instance

    if request.param == "sqlite":
        shutil.copytree(request.getfixturevalue("_migrated"), tmp_path, dirs_exist_ok=True)
        yield Instance(tmp_path)
    else:
        with databases.made(request.getfixturevalue("_migrated_postgresql")) as address:
            yield Instance(tmp_path, address)
