"""The records of a small feed, all at once, as the tests look at them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from tocsin.formats.tables import Delimited, JsonLines, Records, Refused, apart


@dataclasses.dataclass(frozen=True)
class Table:
    """Columns of one length, by name, the line of each row, and what could not be read."""

    columns: dict[str, list[str]]
    lines: list[int]
    refused: list[Refused]

    def __len__(self) -> int:
        return len(self.lines)


def table_of(records: Records) -> Table:
    """Return all records of a feed as columns."""
    rows, refused = apart(records)
    names = dict.fromkeys([*records.header, *(name for row in rows for name in row.cells)])
    columns = {name: [row.cells.get(name, "") for row in rows] for name in names}
    return Table(columns, [row.line for row in rows], refused)


def from_json_lines(lines: Iterable[bytes]) -> Table:
    return table_of(JsonLines(lines))


def from_delimited(lines: Iterable[bytes], **how: Any) -> Table:
    return table_of(Delimited(lines, **how))
