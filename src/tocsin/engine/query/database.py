"""The one DuckDB of a process: in memory, without extensions, and with a memory limit."""

from __future__ import annotations

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


class Database:
    """A DuckDB of this process; each thread asks through a cursor of its own."""

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
        self._local = threading.local()

    def ask(
        self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = (), *, fresh: bool = False
    ) -> duckdb.DuckDBPyConnection:
        """Run one query and return its cursor; a `fresh` one is read while others ask."""
        if fresh:
            return self._connection.cursor().execute(sql, parameters)
        cursor = getattr(self._local, "cursor", None)
        if cursor is None:
            cursor = self._local.cursor = self._connection.cursor()
        return cursor.execute(sql, parameters)

    def forget(self, table: str) -> None:
        """Drop a table of this database."""
        self._connection.cursor().execute(f"DROP TABLE IF EXISTS {table}")
