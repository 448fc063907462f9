"""The one DuckDB of a process: in memory, without extensions, and with a memory limit."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from tocsin.engine import digests
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
        self._compared = digests.Compared()

    def require(self, files: Iterable[str]) -> None:
        """Raise LostFile when a file is missing or damaged: DuckDB takes a changed byte for what was written.

        Questions to findings do so by themselves. Of observations there may be a hundred times as much: who asks them
        for something that a page shows has them compared first.
        """
        self._compared.require(files)

    def ask(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> Answer:
        """Run one query to its end when no other runs. Raises LostFile."""
        files = _files_in(parameters)
        self.require(file for file in files if _FINDINGS in file)
        cursor = getattr(self._local, "cursor", None)
        if cursor is None:
            cursor = self._local.cursor = self._connection.cursor()
        with self._turn, losses_told(files):
            rows = cursor.execute(sql, parameters).fetchall()
            return Answer(rows, tuple(column[0] for column in cursor.description or ()))

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> duckdb.DuckDBPyConnection:
        """Begin one query when no other runs, and return a cursor of its own, which is read while others ask.

        Raises LostFile.
        """
        files = _files_in(parameters)
        self.require(file for file in files if _FINDINGS in file)
        with self._turn, losses_told(files):
            return self._connection.cursor().execute(sql, parameters)

    @staticmethod
    def fetched(cursor: duckdb.DuckDBPyConnection, batch: int, files: Sequence[str]) -> list[tuple[Any, ...]]:
        """Return the next rows of a cursor that `stream` gave for a question to some files. Raises LostFile."""
        with losses_told(files):
            return cursor.fetchmany(batch)

    def forget(self, table: str) -> None:
        """Drop a table of this database. Called by the collector of garbage, at any moment: so it waits for nobody."""
        self._connection.cursor().execute(f"DROP TABLE IF EXISTS {table}")


_FILE = re.compile(r"""['"]([^'"]+\.parquet)['"]""")
_GONE = ("No files found", "No such file", "Input/output error")
_GARBLED = ("don't know what type", "TProtocolException")
"""What the reader of Parquet's own headers says; it names no file."""


_FINDINGS = "/state/"


def _files_in(parameters: Sequence[Any] | Mapping[str, Any]) -> list[str]:
    """Return the files of the store among the parameters of a query."""
    values = parameters.values() if isinstance(parameters, Mapping) else parameters
    lists = [value for value in values if isinstance(value, list)]
    return [each for value in lists for each in value if isinstance(each, str) and each.endswith(".parquet")]


@contextlib.contextmanager
def losses_told(files: Sequence[str] = ()) -> Iterator[None]:
    """Turn what DuckDB says of a file that is missing or damaged into LostFile. Any other error goes on.

    `files` are those that are read.
    """
    try:
        yield
    except duckdb.Error as error:
        if file := _lost(error, files):
            raise LostFile(file) from error
        raise


def _lost(error: duckdb.Error, files: Sequence[str]) -> str:
    """Return the file that an error comes of; empty for none."""
    said, file = str(error), _FILE.search(str(error))
    is_damaged = isinstance(error, duckdb.InvalidInputException) and file
    is_gone = isinstance(error, duckdb.IOException) and file and any(words in said for words in _GONE)
    if file and (is_damaged or is_gone):
        return named(file[1])
    if isinstance(error, duckdb.ProgrammingError | duckdb.OutOfMemoryException | duckdb.InterruptException):
        return ""  # of the question, or of too little memory
    if other := next((each for each in files if _is_lost(Path(each))), ""):
        return named(other)
    is_garbled = any(words in said for words in _GARBLED) or type(error) is duckdb.Error
    if is_garbled and files:
        return named(files[0]) if len(files) == 1 else "A file of the store"
    return "A file of the store" if is_garbled else ""


def _is_lost(file: Path) -> bool:
    return not file.is_file() or digests.is_other(file)
