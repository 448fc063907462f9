"""The one DuckDB of a process: in memory, without extensions, and with a memory limit."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def instant(microseconds: int) -> dt.datetime:
    """Return an instant. DuckDB would need a library of time zones to do it."""
    return _EPOCH + dt.timedelta(microseconds=microseconds)


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came of a question."""

    rows: list[tuple[Any, ...]]
    columns: tuple[str, ...]

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return all rows, as a cursor would."""
        return self.rows


class Database:
    """A DuckDB of this process; each thread asks through a cursor of its own, one after the other.

    Its threads are as many as the machine has cores for it: questions that run side by side would take as long, and
    share the memory limit, which holds one of them and not four.
    """

    def __init__(self, memory_mb: int = 128, threads: int = 2, scratch: Path | None = None) -> None:
        settings: dict[str, Any] = {
            "memory_limit": f"{memory_mb}MB",
            "threads": threads,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "enable_object_cache": True,
            # Half the memory of a sort; whoever needs an order asks for it.
            "preserve_insertion_order": False,
        }
        if scratch is not None:
            settings["temp_directory"] = str(scratch)
        self._connection = duckdb.connect(config=settings)
        self._local, self._turn = threading.local(), threading.Lock()

    def ask(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> Answer:
        """Run one query to its end when no other runs."""
        cursor = getattr(self._local, "cursor", None)
        if cursor is None:
            cursor = self._local.cursor = self._connection.cursor()
        with self._turn:
            rows = cursor.execute(sql, parameters).fetchall()
            return Answer(rows, tuple(column[0] for column in cursor.description or ()))

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> duckdb.DuckDBPyConnection:
        """Begin one query when no other runs, and return a cursor of its own, which is read while others ask."""
        with self._turn:
            return self._connection.cursor().execute(sql, parameters)

    def forget(self, table: str) -> None:
        """Drop a table of this database. Called by the collector of garbage, at any moment: so it waits for nobody."""
        self._connection.cursor().execute(f"DROP TABLE IF EXISTS {table}")
