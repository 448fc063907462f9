"""Sort the lines of a block that the fast reader could not vouch for, all at once as far as that is exact.

A line without quotes is what it is whatever stands around it: blank, a record,
or a record with the wrong number of cells. So is one whose quotes are all in
their places (`quotes`), and one with an open quote that leads nowhere. Only what
is left, lines with stray quotes and those that open what a later one closes, is
looked at one by one (`resync`), and says which lines after it are part of its
record. So a file of nothing but blank or broken lines is read as fast as a good one.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from tocsin.engine import quotes, resync
from tocsin.engine.quotes import LINE_END, RETURN, Quotes
from tocsin.engine.resync import NOT_CLOSED, Record, Resynchroniser, wrong_number_reason

_Mask: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]
_Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
_AT_ONCE = 65_536
"""Bad records that are held one by one, until they are columns."""
_RECORD, _WRONG, _BLANK, _PART, _OPEN, _ODD = range(6)
"""What a line is: a record; one with too few or too many cells; blank; part of what began before; one with a quote that
nothing closes; odd."""


@dataclasses.dataclass(frozen=True)
class BadRecord:
    """A record that could not be read: where it stands, why, and its text."""

    line: int
    reason: str
    raw: bytes


@dataclasses.dataclass(frozen=True)
class BadRecords:
    """Records that could not be read, as columns: there may be as many of them as a file has lines."""

    lines: _Numbers
    reasons: pa.Array
    raws: pa.Array

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.lines)

    def __iter__(self) -> Any:
        """Yield them one by one."""
        yield from map(BadRecord, self.lines.tolist(), self.reasons.to_pylist(), self.raws.to_pylist())

    @classmethod
    def of(cls, records: Iterable[BadRecord | Record] = ()) -> BadRecords:
        """Return records as columns."""
        rows = list(records)
        lines = np.array([one.line for one in rows], np.int64)
        reasons = pa.array([one.reason for one in rows], pa.utf8())
        return cls(lines, reasons, pa.array([one.raw for one in rows], pa.binary()))

    @classmethod
    def joined(cls, several: Sequence[BadRecords]) -> BadRecords:
        """Return several one after another."""
        if len(several) < 2:
            return several[0] if several else cls.of()
        lines = np.concatenate([one.lines for one in several])
        reasons = pa.concat_arrays([one.reasons for one in several])
        return cls(lines, reasons, pa.concat_arrays([one.raws for one in several]))

    def in_order(self) -> BadRecords:
        """Return them in the order of their lines."""
        if (self.lines[1:] >= self.lines[:-1]).all():
            return self
        order = np.argsort(self.lines, kind="stable")
        at = pa.array(order)
        return BadRecords(self.lines[order], self.reasons.take(at), self.raws.take(at))


@dataclasses.dataclass(frozen=True)
class Sorted:
    """The lines of a block, each in its place. Numbers of lines count from 0, in the block."""

    whole: bytes
    """The lines that are records by themselves, every quote in its place, as they stand in the block."""
    whole_lines: _Numbers
    mended: list[Record]
    """Records with stray quotes, or that run over lines."""
    bad: BadRecords
    others: int
    """Lines that are blank, or a further line of a record."""


def blank_lines(block: bytes) -> _Mask:
    """Return which lines of a block hold nothing, not even a space. The block ends with a line end."""
    data = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(data == LINE_END)
    length = np.diff(ends, prepend=-1) - 1
    blank: _Mask = (length == 0) | ((length == 1) & (data[ends - 1] == RETURN))
    return blank


def sort_lines(block: bytes, width: int, delimiter: str) -> Sorted:
    """Sort the lines of a block that ends with a line end."""
    return _Lines(block, width, delimiter.encode()).sorted()


class _Texts:
    """The lines of a block, cut out as they are asked for: a list of them may take twenty times the block's memory."""

    def __init__(self, block: bytes, starts: _Numbers, ends: _Numbers) -> None:
        self._block, self._starts, self._ends = block, starts.data, ends.data

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, at: int) -> bytes:
        return self._block[self._starts[at] : self._ends[at]]


def _each(numbers: _Numbers) -> Iterator[int]:
    """Yield numbers one by one, not all at once: as Python's they take four times the memory."""
    for at in range(0, len(numbers), _AT_ONCE):
        yield from numbers[at : at + _AT_ONCE].tolist()


class _Lines:
    """The lines of a block and what is known of each."""

    def __init__(self, block: bytes, width: int, delimiter: bytes) -> None:
        self._block = block
        self._resync = Resynchroniser(width, delimiter)
        self._data = np.frombuffer(block, np.uint8)
        self._ends = np.flatnonzero(self._data == LINE_END)
        self._starts = np.concatenate(([0], self._ends[:-1] + 1))
        self._returns = (self._ends > self._starts) & (self._data[self._ends - 1] == RETURN)
        self._quotes = quotes.look(self._data, self._starts, ord(delimiter))
        self._cells = self._quotes.ended + 1
        self._kind = np.where(self._cells == width, _RECORD, _WRONG).astype(np.uint8)
        self._texts = _Texts(block, self._starts, self._ends)

    def sorted(self) -> Sorted:
        """Return the lines in their places."""
        records = self._resync.records(self._texts, _each(self._judge()))
        mended: list[Record] = []
        bad: list[BadRecords] = []
        while some := list(itertools.islice(records, _AT_ONCE)):
            for record in some:
                self._kind[record.line + 1 : record.line + record.lines] = _PART
            mended += [record for record in some if record.cells is not None]
            bad.append(BadRecords.of(record for record in some if record.cells is None))
        whole = self._kind == _RECORD
        bad += [self._wrong(self._kind == _WRONG), self._open(self._kind == _OPEN)]
        return Sorted(
            self._data[self._bytes_of(whole)].tobytes(),
            np.flatnonzero(whole),
            mended,
            BadRecords.joined(bad).in_order(),
            int(np.count_nonzero((self._kind == _BLANK) | (self._kind == _PART))),
        )

    def _judge(self) -> _Numbers:
        """Say of each line what it is by itself, or by where its open quote leads; return those that are left."""
        found = self._quotes
        self._kind[self._ends - self._starts == self._returns] = _BLANK
        self._kind[found.astray] = _ODD
        opening = np.flatnonzero(found.odd & ~found.astray)
        self._kind[opening] = _OPEN
        if len(opening):
            self._kind[self._leading(opening, found)] = _ODD
        return np.flatnonzero(self._kind == _ODD)

    def _leading(self, opening: _Numbers, found: Quotes) -> _Numbers:
        """Return the lines whose open quote closes in a later one, so that the record is sound and has all its cells.

        All that matters of a line between is whether it closes what is open or has a quote astray: the next that does
        either is the end.
        """
        stops = np.flatnonzero(found.odd | found.astray_inside)
        at = np.searchsorted(stops, opening + 1)
        opening, at = opening[at < len(stops)], at[at < len(stops)]
        end = stops[at]
        closed = ~found.astray_inside[end]
        opening, end = opening[closed], end[closed]
        if not len(opening):
            return opening
        lengths = self._ends - self._starts
        cells = found.ended[opening] + _between(found.ended_inside + found.odd, opening, end)
        sizes = lengths[opening] + _between(lengths - self._returns + 1, opening, end)
        leading: _Numbers = opening[(cells == self._resync.width) & (sizes <= resync.MAX_BYTES)]
        return leading

    def _wrong(self, lines: _Mask) -> BadRecords:
        """Return records with the wrong number of cells."""
        numbers = np.flatnonzero(lines)
        counts, which = np.unique(self._cells[numbers], return_inverse=True)
        reasons = [wrong_number_reason(count, self._resync.width) for count in counts.tolist()]
        return BadRecords(numbers, pa.array(reasons, pa.utf8()).take(pa.array(which)), self._raws(lines))

    def _open(self, lines: _Mask) -> BadRecords:
        """Return records with a quote that nothing closes."""
        numbers = np.flatnonzero(lines)
        return BadRecords(numbers, pa.repeat(pa.scalar(NOT_CLOSED, pa.utf8()), len(numbers)), self._raws(lines))

    def _raws(self, lines: _Mask) -> pa.Array:
        """Return lines as they stand in the block, without their line ends."""
        chosen = self._bytes_of(lines)
        chosen[self._ends] = False
        chosen[self._ends[self._returns] - 1] = False
        lengths = (self._ends - self._starts - self._returns)[lines]
        offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(self._data[chosen])]
        return pa.BinaryArray.from_buffers(pa.binary(), len(lengths), buffers)

    def _bytes_of(self, lines: _Mask) -> _Mask:
        """Return which bytes of the block stand in some of its lines, their line ends too."""
        return np.repeat(lines, self._ends - self._starts + 1)


def _between(numbers: Any, first: _Numbers, last: _Numbers) -> _Numbers:
    """Return the sums of numbers behind each `first` up to each `last`."""
    sums: _Numbers = np.cumsum(numbers, dtype=np.int64)
    return sums[last] - sums[first]
