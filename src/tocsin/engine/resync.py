"""The slow, exact reading of a block that the fast reader could not vouch for.

What is a record, when quotes may be wrong? One line, or several when a quoted
cell runs over line ends and the whole closes with the right number of cells. A
line whose quote never closes so is a record of its own, and a bad one: reading
goes on at the next line, so one stray quote costs one record, never the rest of
the file. Blank lines are no records.

Linear: a quote is followed over at most `MAX_LINES` lines and `MAX_BYTES`, and
never past a line that is a whole record by itself, every quote of it in its place.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

MAX_LINES = 200
MAX_BYTES = 8 * 2**20


@dataclasses.dataclass(frozen=True)
class Record:
    """One physical record: its first line's number in the block (from 0), its cells, or why it has none."""

    line: int
    cells: list[bytes] | None
    raw: bytes
    reason: str = ""
    lines: int = 1
    blank: bool = False
    """No record at all: told so that every line is accounted for."""


class Resynchroniser:
    """Reads records of `width` cells separated by `delimiter`."""

    def __init__(self, width: int, delimiter: bytes = b",") -> None:
        self.width = width
        escaped = re.escape(delimiter)
        # A cell: quoted (doubled quotes inside, stray text behind the closing one kept), or bare. No repetition stands
        # directly in another: a quote that never closes would be tried in exponentially many ways.
        quoted, bare = rb'"([^"]*(?:""[^"]*)*)"', rb'([^"%b][^%b]*|)' % (escaped, escaped)
        behind = rb'((?:[^"%b][^%b]*)?)' % (escaped, escaped)
        self._cell = re.compile(rb"(?:%b%b|%b)(%b|\Z)" % (quoted, behind, bare, escaped), re.DOTALL)
        sound = rb'(?:"[^"]*(?:""[^"]*)*"|[^"%b]*)' % escaped
        self._sound = re.compile(rb"%b(?:%b%b){%d}" % (sound, escaped, sound, max(width - 1, 0)), re.DOTALL)

    def records(self, block: bytes) -> Iterator[Record]:
        """Return every physical record of `block`, good and bad, and its blank lines, in order."""
        lines = block.split(b"\n")
        if not lines[-1]:
            lines.pop()
        at = 0
        while at < len(lines):
            blank = lines[at] in (b"", b"\r")
            record = Record(at, None, lines[at], blank=True) if blank else self._record(lines, at)
            yield record
            at += record.lines

    def _record(self, lines: list[bytes], at: int) -> Record:
        """Return the record that begins at line `at`."""
        raw = lines[at].removesuffix(b"\r")
        cells = self.cells(raw)
        if cells is None:
            joined = self._over_lines(lines, at)
            if joined is None:
                return Record(at, None, raw, "a quote is not closed")
            cells, raw, taken = joined
            return Record(at, cells, raw, lines=taken)
        if len(cells) != self.width:
            return Record(at, None, raw, f"{len(cells)} cells where the header has {self.width}")
        return Record(at, cells, raw)

    def _over_lines(self, lines: list[bytes], at: int) -> tuple[list[bytes], bytes, int] | None:
        """Follow an open quote over line ends; return cells, raw text and lines taken, or None if it leads nowhere."""
        size = len(lines[at])
        for end in range(at + 1, min(at + MAX_LINES, len(lines))):
            line = lines[end].removesuffix(b"\r")
            size += len(line) + 1
            if size > MAX_BYTES or (self.width > 1 and self._sound.fullmatch(line)):
                return None
            if b'"' not in line:
                continue
            raw = b"\n".join(lines[at : end + 1]).removesuffix(b"\r")
            cells = self.cells(raw)
            if cells is not None:
                return (cells, raw, end + 1 - at) if len(cells) == self.width else None
        return None

    def cells(self, raw: bytes) -> list[bytes] | None:
        """Return the cells of one record, or None when a quote stays open."""
        cells: list[bytes] = []
        at = 0
        while True:
            match = self._cell.match(raw, at)
            if match is None:
                return None
            quoted, behind, bare, delimiter = match.groups()
            cells.append(quoted.replace(b'""', b'"') + behind if quoted is not None else bare)
            at = match.end()
            if not delimiter:
                return cells
