"""Small feeds as records of text: JSON lines, delimited text with comments, plain lists.

For shapes that the engine's own reader does not know. Everything is text, a
missing cell is empty, and every record is either a row or refused with its
line and reason: rows + refused = records.
"""

from __future__ import annotations

import contextlib
import csv
import json
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from tocsin.formats import strict_json
from tocsin.kernel.refusals import InvalidInput

MAX_LINE_BYTES = 4 * 2**20
MAX_DEPTH = 32
REST = "rest"
"""Column for the cells of a row that is longer than its header."""


class Row(NamedTuple):
    """A record: its line in the file, from 1, and its cells by the names of their columns."""

    line: int
    cells: dict[str, str]


class Refused(NamedTuple):
    """A record that is no row."""

    line: int
    reason: str
    raw: bytes
    """The whole line, without its end: nothing of it may be lost."""


class Records(Protocol):
    """The records of a feed, one by one."""

    @property
    def header(self) -> Sequence[str]:
        """Columns that the feed names apart from its rows, once a row has been read."""
        ...

    def __iter__(self) -> Iterator[Row | Refused]:
        """Yield each record: a row, or why it is none."""
        ...


def apart(records: Iterable[Row | Refused]) -> tuple[list[Row], list[Refused]]:
    """Return the rows, and the records that are none."""
    rows: list[Row] = []
    refused: list[Refused] = []
    for record in records:
        if isinstance(record, Row):
            rows.append(record)
        else:
            refused.append(record)
    return rows, refused


class JsonLines:
    """JSON objects, one a line: nested objects under dotted names, lists as JSON text."""

    header: Sequence[str] = ()

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = lines

    def __iter__(self) -> Iterator[Row | Refused]:
        """Yield each record."""
        for number, line in enumerate(self._lines, start=1):
            if not line.strip():
                continue
            try:
                yield Row(number, _flat(line))
            except InvalidInput as problem:
                yield Refused(number, problem.problem, line.rstrip(b"\r\n"))


class Delimited:
    """Delimited text; without `columns` the first row is the header, commented out or not.

    An empty `delimiter` makes each line one cell. A row with too few cells or
    too many is kept: missing cells are left out, further ones stand in `rest`.
    """

    def __init__(
        self,
        lines: Iterable[bytes],
        *,
        delimiter: str = ",",
        columns: tuple[str, ...] = (),
        comment: str = "",
        skip_lines: int = 0,
        encoding: str = "utf-8",
    ) -> None:
        self.delimiter, self.comment, self.encoding, self.header = delimiter, comment, encoding, list(columns)
        self._lines, self._skip_lines = lines, skip_lines
        self._refused: list[Refused] = []

    def __iter__(self) -> Iterator[Row | Refused]:
        """Yield each record."""
        for number, cells in self._rows():
            yield from self._taken()
            if cells is not None:
                yield Row(number, self._named(cells))

    def _taken(self) -> list[Refused]:
        taken, self._refused = self._refused, []
        return taken

    def _rows(self) -> Iterator[tuple[int, list[str] | None]]:
        """Yield the cells of each line; None for one that has none, or is no row."""
        remark = ""
        for number, line in enumerate(self._lines, start=1):
            text = self._text(number, line)
            if number <= self._skip_lines or text is None or not text.strip():
                yield number, None
                continue
            if self.comment and text.lstrip().startswith(self.comment):
                remark = text.lstrip()[len(self.comment) :]
                continue
            try:
                cells: list[str] | None = self._cells(text)
            except csv.Error as error:
                self._refuse(number, f"is not delimited text: {error}.", line)
                cells = None
            if cells is not None and not self.header:
                cells = self._without_header(cells, remark)
            yield number, cells

    def _without_header(self, cells: list[str], remark: str) -> list[str] | None:
        """Take the header from the first row, or from the remark before it; return the row that is left."""
        commented: list[str] = []
        with contextlib.suppress(csv.Error):  # a remark may hold any quotes
            commented = self._cells(remark) if remark.strip() else []
        is_named = len(commented) == len(cells) > 1
        self.header = self._header(commented if is_named else cells)
        return cells if is_named else None

    def _refuse(self, number: int, reason: str, line: bytes) -> None:
        self._refused.append(Refused(number, reason, line.rstrip(b"\r\n")))

    def _text(self, number: int, line: bytes) -> str | None:
        if len(line) > MAX_LINE_BYTES:
            self._refuse(number, f"is longer than {MAX_LINE_BYTES:,} bytes.", line)
            return None
        try:
            return line.decode(self.encoding).lstrip("\ufeff").rstrip("\r\n")
        except UnicodeDecodeError as error:
            self._refuse(number, f"is not {self.encoding} text (byte {error.start}).", line)
            return None

    def _cells(self, text: str) -> list[str]:
        """Return the cells of a line. Raises csv.Error."""
        if not self.delimiter:
            return [text.strip()]
        row = next(csv.reader([text], delimiter=self.delimiter, skipinitialspace=True, strict=True))
        return [cell.strip() for cell in row]

    @staticmethod
    def _header(cells: list[str]) -> list[str]:
        """Every column gets a name of its own, so that no cell hides another."""
        names: list[str] = []
        for position, cell in enumerate(cells, start=1):
            name = cell.strip() or f"column_{position}"
            names.append(name if name not in names else f"{name}_{position}")
        return names

    def _named(self, cells: list[str]) -> dict[str, str]:
        row = dict(zip(self.header, cells, strict=False))
        if further := cells[len(self.header) :]:
            row[REST] = json.dumps(further, ensure_ascii=False)
        return row


def _flat(line: bytes) -> dict[str, str]:
    value = strict_json.read(line, where="", max_bytes=MAX_LINE_BYTES, max_depth=MAX_DEPTH, numbers_as_text=True)
    if not isinstance(value, dict):
        raise InvalidInput("is not a JSON object.")
    flat: dict[str, str] = {}
    for key, cell in _leaves(value, ""):
        if any(unicodedata.category(character) in ("Cc", "Cs") for character in key):
            raise InvalidInput(f"has the key {key[:80]!r}, with a control character in it.")
        if key in flat:
            raise InvalidInput(f"has the key {key[:80]!r} twice.")
        flat[key] = cell
    return flat


def _leaves(value: dict[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, item in value.items():
        if isinstance(item, dict) and item:
            yield from _leaves(item, f"{prefix}{key}.")
        else:
            yield prefix + key, _cell(item)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
