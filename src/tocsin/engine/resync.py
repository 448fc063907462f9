"""The exact reading, one by one, of lines that are no records by themselves.

What is a record, when quotes may be wrong? One line, or several when a quoted
cell runs over line ends and the whole closes with the right number of cells,
every quote of it in its place. A line whose quote never closes so is a record of
its own, and a bad one: reading goes on at the next line, so one stray quote costs
one record, never the rest of the file. Blank lines are no records.

What a quoted cell holds is never a record, however much it looks like one:
whoever writes a banner could forge reports about others. So nothing in the lines
that a quote is followed over ends it but its closing, within `MAX_BYTES`.

Linear: where the quotes of many lines lead is found by looking at each line once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

MAX_BYTES = 8 * 2**20
NOT_CLOSED = "a quote is not closed"


class Lines(Protocol):
    """The lines of a block, their ends cut off."""

    def __len__(self) -> int:
        """Return how many there are."""
        ...

    def __getitem__(self, at: int, /) -> bytes:
        """Return one of them."""
        ...


class Record(NamedTuple):
    """One physical record: its first line's number in the block (from 0), its cells, or why it has none."""

    line: int
    cells: list[bytes] | None
    raw: bytes
    reason: str = ""
    lines: int = 1


class Resynchroniser:
    """Reads records of `width` cells separated by `delimiter`."""

    def __init__(self, width: int, delimiter: bytes = b",") -> None:
        self.width = width
        escaped = re.escape(delimiter)
        # A cell: quoted (doubled quotes inside, stray text behind the closing one kept), or bare. No repetition stands
        # directly in another: a quote that never closes would be tried in exponentially many ways.
        inside, bare = rb'[^"]*(?:""[^"]*)*', rb'([^"%b][^%b]*|)' % (escaped, escaped)
        behind = rb'(?:[^"%b][^%b]*)?' % (escaped, escaped)
        self._cell = re.compile(rb'(?:"(%b)"(%b)|%b)(%b|\Z)' % (inside, behind, bare, escaped), re.DOTALL)
        self._end_of_cell = re.compile(rb'%b"%b(%b|\Z)' % (inside, behind, escaped), re.DOTALL)
        # Each part of these takes all that it can for good: whatever a line holds, it is looked at once.
        closed = rb'[^"]*+(?:""[^"]*+)*+'
        cell = rb'(?>"%b"|[^"%b]*+)(?![^%b])' % (closed, escaped, escaped)
        self._opens = re.compile(rb'(?:%b%b)*+"%b' % (cell, escaped, closed), re.DOTALL).fullmatch
        self._goes_on = re.compile(
            rb'%b(?:"(?:%b%b)*+(?:%b"%b)?)?' % (closed, escaped, cell, escaped, closed), re.DOTALL
        ).fullmatch
        """Whether every quote is in its place of a line that ends, or that begins, inside a quoted cell."""

    def records(self, lines: Lines, doubtful: Iterable[int]) -> Iterator[Record]:
        """Yield the records, good and bad, that begin at the `doubtful` of some lines (ascending, their ends cut off).

        A carriage return before a line end is left to `lines`. A doubtful line in the midst of a record begins none.
        """
        following = _Following(self, lines)
        free = 0
        for at in doubtful:
            if at >= free:
                record = self._record(lines, at, following)
                yield record
                free = at + record.lines

    def _record(self, lines: Lines, at: int, following: _Following) -> Record:
        raw = lines[at].removesuffix(b"\r")
        cells, is_open = self._split(raw)
        if not is_open:
            if len(cells) == self.width:
                return Record(at, cells, raw)
            return Record(at, None, raw, wrong_number_reason(len(cells), self.width))
        end = following.end(at, len(cells)) if self._opens(raw) else None
        if end is None:
            return Record(at, None, raw, NOT_CLOSED)
        raw = b"\n".join(lines[number] for number in range(at, end + 1)).removesuffix(b"\r")
        return Record(at, self.cells(raw), raw, lines=end + 1 - at)

    def cells(self, raw: bytes) -> list[bytes] | None:
        """Return the cells of one record, or None when a quote stays open."""
        cells, is_open = self._split(raw)
        return None if is_open else cells

    def _split(self, raw: bytes) -> tuple[list[bytes], bool]:
        """Return the cells of one record; or those before a quote that stays open, and True."""
        cells: list[bytes] = []
        at = 0
        while match := self._cell.match(raw, at):
            quoted, behind, bare, delimiter = match.groups()
            cells.append(bare if quoted is None else quoted.replace(b'""', b'"') + behind)
            at = match.end()
            if not delimiter:
                return cells, False
        return cells, True

    def passed(self, line: bytes) -> tuple[int, bool, bool]:
        """Return how many cells end in a line that begins inside a quote, and whether one is open at its end.

        Also whether every quote of it is in its place.
        """
        ended, is_open = self._ended(line)
        return ended, is_open, self._goes_on(line) is not None

    def _ended(self, line: bytes) -> tuple[int, bool]:
        match = self._end_of_cell.match(line)
        ended = 0
        while match:
            ended += 1
            if not match[match.re.groups]:
                return ended, False
            match = self._cell.match(line, match.end())
        return ended, True


class _Following:
    """Finds where open quotes lead.

    What becomes of a quote that is open at the beginning of a line does not depend on where it was opened.
    So each line is looked at once, however many quotes before it are open.
    """

    def __init__(self, resynchroniser: Resynchroniser, lines: Lines) -> None:
        self._resync, self._lines = resynchroniser, lines
        self._ends_at = -1
        """The line at which the lines walked over end: a quote that is open before it closes in it."""
        self._begin(0)

    def _begin(self, at: int) -> None:
        self._first, self._next = at, at
        self._ended, self._bytes, self._astray = [0], [0], [0]
        """Cells that ended, bytes, and lines with a quote out of place, in the lines from the first up to each."""

    def end(self, opened: int, before: int) -> int | None:
        """Return the line at which a quote opened in a line closes, so that its record is sound and has all its cells.

        `before` are the cells before the open one. None when it leads nowhere.
        """
        first = opened + 1
        if not self._first <= first <= self._next or self._first <= self._ends_at < first:
            self._begin(first)
        self._walk()
        end, since = self._ends_at, first - self._first
        if end < first or self._astray[end + 1 - self._first] != self._astray[since]:
            return None
        size = len(self._lines[opened]) + self._bytes[end + 1 - self._first] - self._bytes[since]
        cells = before + self._ended[end + 1 - self._first] - self._ended[since]
        return end if size <= MAX_BYTES and cells == self._resync.width else None

    def _walk(self) -> None:
        """Look at the lines up to the one in which the quote closes, or to the last."""
        while self._ends_at < self._first and self._next < len(self._lines):
            line = self._lines[self._next].removesuffix(b"\r")
            ended, is_open, is_in_place = self._resync.passed(line) if b'"' in line else (0, True, True)
            self._ended.append(self._ended[-1] + ended)
            self._bytes.append(self._bytes[-1] + len(line) + 1)
            self._astray.append(self._astray[-1] + (not is_in_place))
            if not is_open:
                self._ends_at = self._next
            self._next += 1


def wrong_number_reason(found: int, width: int) -> str:
    """Say that a record has another number of cells than the header."""
    return f"{found} cells where the header has {width}"
