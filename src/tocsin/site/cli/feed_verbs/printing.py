"""How events are printed: one by one as lines, or as tables.

Which columns a table has, and of which type, is known when the last event has
come. Until then events wait in a file that vanishes with the process, not in
memory: a report may hold millions of them.
"""

from __future__ import annotations

import abc
import csv
import io
import itertools
import json
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from tocsin.kernel.spreadsheets import harmless

_TOGETHER = 10_000
"""Events of a table that are held at a time."""
Event = dict[str, Any]


class Lines:
    """Writes each event as one line of JSON."""

    def __init__(self) -> None:
        self._out = sys.stdout

    def __call__(self, event: Event) -> None:
        self._out.write(json.dumps(event, ensure_ascii=False, sort_keys=True) + "\n")

    def close(self) -> None:
        self._out.flush()


class NestedLines(Lines):
    """Writes each event as one line of JSON, with an object for each part of a dotted key."""

    def __call__(self, event: Event) -> None:
        nested: Event = {}
        for key, value in sorted(event.items()):
            *path, last = key.split(".")
            place = nested
            for part in path:
                inner = place.setdefault(part, {})
                if not isinstance(inner, dict):  # `extra.tag` beside `extra.tag.color`
                    inner = place[part] = {"": inner}
                place = inner
            place[last] = value
        super().__call__(nested)


class _Waiting(abc.ABC):
    """Events that wait for the last of them, and what their columns hold."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed by `close`
        self.kinds: dict[str, set[type]] = {}

    def __call__(self, event: Event) -> None:
        for key, value in event.items():
            self.kinds.setdefault(key, set()).add(_kind(value))
        self._file.write(json.dumps(event).encode() + b"\n")

    def batches(self) -> Iterator[list[Event]]:
        """Yield the events in order, a bounded number at a time."""
        self._file.seek(0)
        while some := [json.loads(line) for line in itertools.islice(self._file, _TOGETHER)]:
            yield some

    def close(self) -> None:
        """Print all, and forget them."""
        with self._file:
            self.print(sys.stdout.buffer)
        sys.stdout.buffer.flush()

    @abc.abstractmethod
    def print(self, out: Any) -> None:
        """Print all."""


def _kind(value: Any) -> type:
    """Return the type of a value; text for a whole number that is longer than 64 bits."""
    return str if type(value) is int and not -(2**63) <= value < 2**63 else type(value)


class Parquet(_Waiting):
    """Writes one Parquet table, a column for each key; text where types differ from row to row."""

    def print(self, out: Any) -> None:
        """Print all."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        types = {str: pa.utf8(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
        whole = {key: types[next(iter(kinds))] if len(kinds) == 1 else pa.utf8() for key, kinds in self.kinds.items()}
        schema = pa.schema(sorted(whole.items()))
        with pq.ParquetWriter(out, schema, compression="zstd") as writer:
            for events in self.batches():
                columns = [
                    pa.array(_column(events, field.name, field.type == pa.utf8()), field.type) for field in schema
                ]
                writer.write_table(pa.table(columns, schema=schema))


def _column(events: list[Event], key: str, is_text: bool) -> list[Any]:
    values = [event.get(key) for event in events]
    return [None if value is None else str(value) for value in values] if is_text else values


class Table(_Waiting):
    """Writes comma-separated text with a column for each key, safe to open in a spreadsheet."""

    def print(self, out: Any) -> None:
        """Print all."""
        text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
        try:
            rows = csv.DictWriter(text, [harmless(key) for key in sorted(self.kinds)])
            rows.writeheader()
            for events in self.batches():
                rows.writerows({harmless(key): _cell(value) for key, value in event.items()} for event in events)
        finally:
            text.detach()  # standard output stays open


def _cell(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else harmless(value)


WRITERS: dict[str, Any] = {"idf": Lines, "jsonl": NestedLines, "parquet": Parquet, "csv": Table}
"""By the name of the format."""
