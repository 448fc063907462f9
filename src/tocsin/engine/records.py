"""From the bytes of a report to batches of records, losing none.

A reader cuts the stream into chunks at line ends; each chunk is parsed on its
own, so several threads can work. PyArrow parses a chunk block by block; it is
believed only when it found exactly one record for each line that is not blank.
The lines of a block that it cannot vouch for (a short row, a line end inside a
cell, a stray quote, a NUL) are sorted by `triage`. For every chunk: good + bad =
physical records.

Cells are bytes: a cell that is not UTF-8 must not cost its row. Empty cells are
null. Column order is never assumed: the header rules.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from pyarrow import csv

from tocsin.engine.opening import BrokenReport, Stream, refuse_packed
from tocsin.engine.resync import Resynchroniser
from tocsin.engine.shapes import Shape, separated_by
from tocsin.engine.triage import BadRecords, blank_lines, sort_lines
from tocsin.kernel.encodings import SAVE_AS_UTF_8, UTF_16, is_utf_16

BLOCK_BYTES = 1 << 20
"""What PyArrow parses at a time; measured best between 1 and 2 MiB."""
CHUNK_BYTES = 32 << 20
CHUNK_ROWS = 65_536
LINE_END, QUOTE = ord("\n"), ord('"')
Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
NO_LINES: Numbers = np.zeros(0, np.int64)
MAX_COLUMNS = 2_000
MAX_RECORD_BYTES = 32 << 20
_NO_TEXT = b" \t\r\x1a"
"""What a last line may hold that is none: some programs for DOS end a file with 1A."""
_OPEN_QUOTE_BYTES = 4 << 20
"""How far a block is lengthened in search of the end of a quoted cell."""


@dataclasses.dataclass(frozen=True)
class Chunk:
    """Consecutive lines of a report, not yet parsed."""

    number: int
    """Order in the file, from 0."""
    first_line: int
    """Number of the first line in the file, from 1 for the header."""
    blocks: tuple[tuple[bytes, int], ...]
    """Each with its number of line ends. It ends with one and, as far as can be told, not inside a quoted cell."""
    lacks_end: bool = False
    """Whether the file ends with it and the last line end is none of the file's."""


@dataclasses.dataclass(frozen=True)
class Batch:
    """The records of one chunk."""

    table: pa.Table
    """One binary column for each column of the header; empty cells are null."""
    lines: Numbers
    """Line number of each row of `table`."""
    bad: BadRecords
    cut: bool = False
    """Whether the file ends in the middle of its last record, which is among the bad ones."""

    @property
    def records(self) -> int:
        """Physical records: good and bad."""
        return int(self.table.num_rows) + len(self.bad)


class Reader:
    """Reads one report: its header at once, its chunks as they are asked for."""

    def __init__(self, stream: Stream, *, name: str, shape: Shape = Shape()) -> None:  # noqa: B008  frozen value
        self._stream, self.name, self.shape = stream, name, shape
        self._digest = hashlib.sha256()
        self._line = 1
        self._rest = b""
        self._lacks_end = False
        self.columns = self._header()

    @property
    def digest(self) -> bytes:
        """SHA-256 of the unpacked bytes read so far; of the whole report once the chunks are used up."""
        return self._digest.digest()

    def bytes_per_row(self) -> float:
        """Return how long rows are, by those that were read with the header; 0 when there is none among them.

        To be asked before the chunks are.
        """
        rows = count_byte(self._rest, LINE_END)
        return (self._rest.rfind(b"\n") + 1) / rows if rows else 0.0

    def chunks(self) -> Iterator[Chunk]:
        """Return the chunks of the report, in order. Raises BrokenReport."""
        number, blocks, first, rows, size = 0, [], self._line, 0, 0
        for block in self._blocks():
            ends = count_byte(block, LINE_END)
            blocks.append((block, ends))
            rows, size = rows + ends, size + len(block)
            if rows >= CHUNK_ROWS or size >= CHUNK_BYTES:
                yield Chunk(number, first, tuple(blocks), self._lacks_end)
                number, blocks, first, rows, size = number + 1, [], first + rows, 0, 0
        if blocks:
            yield Chunk(number, first, tuple(blocks), self._lacks_end)

    def batch(self, chunk: Chunk) -> Batch:
        """Parse one chunk. Raises AssertionError when a record would be lost, which is a defect of ours."""
        return parse(chunk, self.columns, self.shape)

    def _read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._digest.update(data)
        return data

    def _blocks(self) -> Iterator[bytes]:
        """Cut the stream at line ends, outside quoted cells as far as can be told from the number of quotes."""
        held = self._rest
        self._rest = b""
        while data := self._read(BLOCK_BYTES):
            cut = data.rfind(b"\n") + 1
            # The ordinary case copies the bytes once; a buffer that only grows would copy them three times.
            block, rest = (b"".join((held, memoryview(data)[:cut])), data[cut:]) if cut else _cut(held + data)
            if not block and len(rest) > MAX_RECORD_BYTES:
                raise BrokenReport(f"line {self._line} is longer than {MAX_RECORD_BYTES >> 20} MiB.", where=self.name)
            if block and (len(block) + len(rest) > _OPEN_QUOTE_BYTES + BLOCK_BYTES or quotes_close(block)):
                yield block
                held = rest
            else:
                held = block + rest
        if held.strip(b"\r\n"):
            self._lacks_end = bool(held.rpartition(b"\n")[2].strip(_NO_TEXT))
            yield held if held.endswith(b"\n") else held + b"\n"

    def _header(self) -> tuple[str, ...]:
        line = self._header_line()
        if self.shape.header:
            return self.shape.header
        if b"\0" in line:
            raise BrokenReport("it is not a text file.", where=self.name)
        try:
            text = line.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
        except UnicodeDecodeError:
            raise BrokenReport("its header is not UTF-8 text.", where=self.name) from None
        cells = Resynchroniser(0, self.shape.delimiter.encode()).cells(text.rstrip("\r\n").encode())
        if cells is None:
            raise BrokenReport("a quote in its header is not closed.", where=self.name)
        return _column_names([cell.decode().strip() for cell in cells], self.name)

    def _header_line(self) -> bytes:
        """Return the header line (or, where the shape gives the header, nothing), leaving the rest to `_blocks`."""
        head = self._read(BLOCK_BYTES)
        refuse_packed(head, self.name)
        if is_utf_16(head):
            raise BrokenReport(UTF_16, where=self.name, remedy=SAVE_AS_UTF_8)
        if not head.strip(b"\xef\xbb\xbf\r\n\t "):
            raise BrokenReport("it is empty: there is not even a header.", where=self.name)
        if self.shape.header:
            self._rest = head
            return b""
        line, end, self._rest = head.partition(b"\n")
        if not end and len(head) >= BLOCK_BYTES:
            if b"\r" in head:
                raise _with_cr_alone(self.name)
            raise BrokenReport("its header is longer than 1 MiB.", where=self.name)
        self._line += 1
        return line


def _with_cr_alone(file: str) -> BrokenReport:
    return BrokenReport(
        "its lines end with CR alone, as old Macintosh programs write them; only LF and CR LF are read.", where=file
    )


def _column_names(names: list[str], file: str) -> tuple[str, ...]:
    """Return the header's names, each once: a second `x` is kept as `x.2`, since nothing may be lost."""
    if any("\r" in name for name in names):  # before they are counted: each row is taken for more columns
        raise _with_cr_alone(file)
    if len(names) > MAX_COLUMNS:
        raise BrokenReport(f"it has {len(names)} columns; no report has more than {MAX_COLUMNS}.", where=file)
    if any("\t" in name for name in names):
        problem, remedy = separated_by("\t")
        raise BrokenReport(problem, where=file, remedy=remedy)
    if not all(name.isprintable() for name in names):
        raise BrokenReport("its header holds characters that are no text.", where=file)
    unique: dict[str, None] = {}
    written = set(names)
    for position, name in enumerate(names, 1):
        name = name or f"column.{position}"
        free = (copy for n in itertools.count(2) if (copy := f"{name}.{n}") not in unique and copy not in written)
        unique[next(free) if name in unique else name] = None
    return tuple(unique)


def _cut(data: bytes) -> tuple[bytes, bytes]:
    """Return what ends with a line end, and what follows."""
    cut = data.rfind(b"\n") + 1
    return data[:cut], data[cut:]


def quotes_close(block: bytes) -> bool:
    """Tell whether the number of quotes in `block` is even: whether its end can be outside a quoted cell."""
    return count_byte(block, QUOTE) % 2 == 0


def count_byte(block: bytes, byte: int) -> int:
    """Return how often a byte occurs; some ten times faster than `bytes.count` where it is frequent."""
    return int(np.count_nonzero(np.frombuffer(block, np.uint8) == byte))


def parse(chunk: Chunk, columns: tuple[str, ...], shape: Shape) -> Batch:
    """Parse the blocks of a chunk, all at once where that is exact, else each fast where that is, else line by line."""
    if (table := _all_fast(chunk, columns, shape)) is not None:
        return Batch(table, np.arange(table.num_rows, dtype=np.int64) + chunk.first_line, BadRecords.joined([]))
    tables, lines, bad = [], [], []
    line = chunk.first_line
    for block, ends in chunk.blocks:
        table, numbers = _fast(block, ends, columns, shape)
        if table is None:
            table, numbers, refused = _sorted(block, ends, columns, shape)
            bad.append(dataclasses.replace(refused, lines=refused.lines + line))
        tables.append(table)
        lines.append(numbers + line)
        line += ends
    refused = BadRecords.joined(bad)
    # What a line end is lacking for is whole when it is a record; when it is none, the rest of it did not arrive.
    cut = chunk.lacks_end and bool((refused.lines == line - 1).any())
    return Batch(pa.concat_tables(tables), np.concatenate(lines), refused, cut)


class _Blocks:
    """Blocks as a file that gives one of them at each reading, so that PyArrow parses it as one block of its own."""

    closed = False

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)

    def read(self, _size: int) -> bytes:
        return next(self._blocks, b"")

    def close(self) -> None:
        """Do nothing: there is nothing to give back."""


def _all_fast(chunk: Chunk, columns: tuple[str, ...], shape: Shape) -> pa.Table | None:
    """Return the records of a chunk when each line end closed one of them, by the proof of `_fast` for each block.

    One call costs a fifth less than one for each block. None where it cannot be told.
    """
    blocks, ends = zip(*chunk.blocks, strict=True)
    if len(blocks) == 1 or any(map(_is_doubtful, blocks)):
        return None
    try:
        options = _options(columns, shape.delimiter, max(map(len, blocks)))
        table = csv.read_csv(pa.PythonFile(_Blocks(blocks), mode="r"), *options)
    except pa.ArrowInvalid:
        return None
    pieces = table[-1].chunks
    if tuple(map(len, pieces)) != ends or any(map(_ends_with_block, pieces)):
        return None
    return table.combine_chunks()  # once, not anew by all who look at a column


def _is_doubtful(block: bytes) -> bool:
    """Tell whether a block holds what PyArrow reads otherwise than we do: a NUL, or a carriage return alone."""
    return b"\0" in block or (b"\r" in block and block.count(b"\r") != block.count(b"\r\n"))


def _ends_with_block(last: pa.Array | pa.ChunkedArray) -> bool:
    """Tell whether the last of all cells of a block took in its line end."""
    return len(last) > 0 and (last[-1].as_py() or b"").endswith(b"\n")


def _fast(block: bytes, ends: int, columns: tuple[str, ...], shape: Shape) -> tuple[pa.Table | None, Numbers]:
    """Return the records of `block` and their lines, when each line end closed one of them or a blank line.

    None where it cannot be told. A line end inside a cell, or a short or long
    row, leaves fewer records than that; a lone carriage return, which PyArrow
    takes for a line end, is looked for first. So equality proves that none was
    swallowed: in a cell, one line end more is swallowed than lines are blank.
    Save in the last cell of all, which PyArrow lets end with the block.
    """
    if _is_doubtful(block):
        return None, NO_LINES
    if not block.strip(b"\r\n"):
        return _no_records(columns), NO_LINES
    try:
        table = csv.read_csv(pa.BufferReader(block), *_options(columns, shape.delimiter, len(block)))
    except pa.ArrowInvalid:
        return None, NO_LINES
    if _ends_with_block(table[-1]):
        return None, NO_LINES
    if table.num_rows == ends:
        return table, np.arange(ends, dtype=np.int64)
    lines = np.flatnonzero(~blank_lines(block))
    return (table, lines) if table.num_rows == len(lines) else (None, NO_LINES)


def _options(columns: tuple[str, ...], delimiter: str, size: int) -> tuple[Any, Any, Any]:
    return (
        csv.ReadOptions(column_names=columns, use_threads=False, block_size=size + 1),
        csv.ParseOptions(delimiter=delimiter),
        csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.binary()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    )


def _conserve(covered: int, lines: int) -> None:
    """Insist that every line of a block is part of exactly one record, or blank."""
    if covered != lines:
        raise AssertionError(f"{lines} lines, but records and blank lines cover {covered}")


def _sorted(block: bytes, ends: int, columns: tuple[str, ...], shape: Shape) -> tuple[pa.Table, Numbers, BadRecords]:
    """Return the records of a block that could not be read at once, their lines in it, and the bad ones."""
    found = sort_lines(block, len(columns), shape.delimiter)
    table, numbers = _whole(found.whole, found.whole_lines, columns, shape), found.whole_lines
    _conserve(table.num_rows + len(found.mended) + len(found.bad) + found.others, ends)
    if found.mended:
        table = pa.concat_tables([table, as_table([record.cells or [] for record in found.mended], columns)])
        numbers = np.concatenate((numbers, [record.line for record in found.mended]))
        order = np.argsort(numbers)
        table, numbers = table.take(pa.array(order)), numbers[order]
    return table, numbers, found.bad


def _whole(lines: bytes, numbers: Numbers, columns: tuple[str, ...], shape: Shape) -> pa.Table:
    """Return the records in lines of which each is one, every quote in its place."""
    table, _ = _fast(lines, len(numbers), columns, shape)
    if table is not None and table.num_rows == len(numbers):
        return table
    cells = Resynchroniser(len(columns), shape.delimiter.encode()).cells
    return as_table([cells(line.removesuffix(b"\r")) or [] for line in lines.split(b"\n")[:-1]], columns)


def as_table(rows: Sequence[list[bytes]], columns: tuple[str, ...]) -> pa.Table:
    """Return rows of cells as columns; empty cells are null."""
    cells = zip(*rows, strict=True) if rows else ([] for _ in columns)
    arrays = [pa.array([cell or None for cell in column], pa.binary()) for column in cells]
    return pa.table(arrays, names=list(columns))


def _no_records(columns: tuple[str, ...]) -> pa.Table:
    return as_table([], columns)
