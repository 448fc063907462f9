"""Small feeds as columns of text: JSON lines, delimited text with comments, plain lists.

For shapes that the engine's own reader does not know. Everything is text, a
missing cell is empty, and every record is either a row or refused with its
line and reason: rows + refused = records.
"""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Iterable, Iterator
from typing import Any

from tocsin.formats import strict_json
from tocsin.kernel.refusals import InvalidInput

MAX_LINE_BYTES = 4 * 2**20
MAX_DEPTH = 32
REST = "rest"
"""Column for the cells of a row that is longer than its header."""


@dataclasses.dataclass(frozen=True)
class Refused:
    """A record that is no row."""

    line: int
    reason: str
    raw: str


@dataclasses.dataclass(frozen=True)
class Table:
    """Columns of one length, by name, and what could not be read."""

    columns: dict[str, list[str]]
    lines: list[int]
    """Line of each row in the file, from 1."""
    refused: list[Refused]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.lines)


def from_json_lines(lines: Iterable[bytes]) -> Table:
    """Return JSON objects, one a line, as columns: nested objects under dotted names, lists as JSON text."""
    rows: list[tuple[int, dict[str, str]]] = []
    refused: list[Refused] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            rows.append((number, _flat(line)))
        except InvalidInput as problem:
            refused.append(Refused(number, problem.problem, _shown(line)))
    return _table(rows, refused)


def from_delimited(
    lines: Iterable[bytes],
    *,
    delimiter: str = ",",
    columns: tuple[str, ...] = (),
    comment: str = "",
    skip_lines: int = 0,
    encoding: str = "utf-8",
) -> Table:
    """Return delimited text as columns; without `columns` the first row is the header, commented out or not.

    An empty `delimiter` makes each line one cell. A row with too few cells or
    too many is kept: missing cells are empty, further ones stand in `rest`.
    """
    reading = _Delimited(delimiter, comment, encoding, list(columns))
    rows = list(reading.rows(lines, skip_lines))
    if not reading.header:
        return Table({}, [], reading.refused)
    return _table([(number, reading.named(cells)) for number, cells in rows], reading.refused, reading.header)


class _Delimited:
    def __init__(self, delimiter: str, comment: str, encoding: str, header: list[str]) -> None:
        self.delimiter, self.comment, self.encoding, self.header = delimiter, comment, encoding, header
        self.refused: list[Refused] = []

    def rows(self, lines: Iterable[bytes], skip_lines: int) -> Iterator[tuple[int, list[str]]]:
        remark = ""
        for number, line in enumerate(lines, start=1):
            text = self._text(number, line)
            if number <= skip_lines or text is None or not text.strip():
                continue
            if self.comment and text.lstrip().startswith(self.comment):
                remark = text.lstrip()[len(self.comment) :]
                continue
            cells = self._cells(number, text)
            if cells is None:
                continue
            if not self.header:
                commented = self._cells(number, remark) if remark.strip() else None
                self.header = self._header(commented if commented and len(commented) == len(cells) > 1 else cells)
                if not commented or len(commented) != len(cells) or len(cells) == 1:
                    continue
            yield number, cells

    def _text(self, number: int, line: bytes) -> str | None:
        if len(line) > MAX_LINE_BYTES:
            self.refused.append(Refused(number, f"is longer than {MAX_LINE_BYTES:,} bytes.", _shown(line)))
            return None
        try:
            return line.decode(self.encoding).lstrip("\ufeff").rstrip("\r\n")
        except UnicodeDecodeError as error:
            self.refused.append(Refused(number, f"is not {self.encoding} text (byte {error.start}).", _shown(line)))
            return None

    def _cells(self, number: int, text: str) -> list[str] | None:
        if not self.delimiter:
            return [text.strip()]
        try:
            return [
                cell.strip()
                for cell in next(csv.reader([text], delimiter=self.delimiter, skipinitialspace=True, strict=True))
            ]
        except csv.Error as error:
            self.refused.append(Refused(number, f"is not delimited text: {error}.", text[:200]))
            return None

    @staticmethod
    def _header(cells: list[str]) -> list[str]:
        """Every column gets a name of its own, so that no cell hides another."""
        names: list[str] = []
        for position, cell in enumerate(cells, start=1):
            name = cell.strip() or f"column_{position}"
            names.append(name if name not in names else f"{name}_{position}")
        return names

    def named(self, cells: list[str]) -> dict[str, str]:
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


def _table(rows: list[tuple[int, dict[str, str]]], refused: list[Refused], header: Iterable[str] = ()) -> Table:
    names = dict.fromkeys([*header, *(name for _number, row in rows for name in row)])
    columns = {name: [row.get(name, "") for _number, row in rows] for name in names}
    return Table(columns, [number for number, _row in rows], refused)


def _shown(line: bytes) -> str:
    return line[:200].decode("utf-8", "backslashreplace").rstrip("\r\n")
