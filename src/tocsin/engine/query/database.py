"""The one DuckDB of a process: in memory, without extensions, and with a memory limit."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from tocsin.engine.lost import LostFile, named

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
        with self._turn, losses_told():
            rows = cursor.execute(sql, parameters).fetchall()
            return Answer(rows, tuple(column[0] for column in cursor.description or ()))

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> duckdb.DuckDBPyConnection:
        """Begin one query when no other runs, and return a cursor of its own, which is read while others ask."""
        with self._turn, losses_told():
            return self._connection.cursor().execute(sql, parameters)

    @staticmethod
    def fetched(cursor: duckdb.DuckDBPyConnection, batch: int) -> list[tuple[Any, ...]]:
        """Return the next rows of a cursor that `stream` gave."""
        with losses_told():
            return cursor.fetchmany(batch)

    def forget(self, table: str) -> None:
        """Drop a table of this database. Called by the collector of garbage, at any moment: so it waits for nobody."""
        self._connection.cursor().execute(f"DROP TABLE IF EXISTS {table}")


_FILE = re.compile(r"""['"]([^'"]+\.parquet)['"]""")
_GONE = ("No files found", "No such file", "Input/output error")
_GARBLED = ("don't know what type", "TProtocolException")
"""What the reader of Parquet's own headers says; it names no file."""


@contextlib.contextmanager
def losses_told() -> Iterator[None]:
    """Turn what DuckDB says of a file that is missing or damaged into LostFile. Any other error goes on."""
    try:
        yield
    except duckdb.Error as error:
        said, file = str(error), _FILE.search(str(error))
        is_damaged = isinstance(error, duckdb.InvalidInputException) and file
        is_gone = isinstance(error, duckdb.IOException) and file and any(words in said for words in _GONE)
        if is_damaged or is_gone or any(words in said for words in _GARBLED):
            raise LostFile(named(file[1]) if file else "A file of the store") from error
        raise
