"""The slow, exact reading: every line is part of exactly one record, and one stray quote costs one record."""

from __future__ import annotations

import csv
import io
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.engine import resync
from tocsin.engine.resync import Record, Resynchroniser


def lines_of(block: bytes) -> list[bytes]:
    lines = block.split(b"\n")
    return lines if lines[-1] else lines[:-1]


def read(block: bytes, width: int = 3, delimiter: bytes = b",") -> list[Record]:
    """Return the records of a block, looking at every line that is not blank."""
    lines = lines_of(block)
    doubtful = [at for at, line in enumerate(lines) if line not in (b"", b"\r")]
    return list(Resynchroniser(width, delimiter).records(lines, doubtful))


def test_records_are_read() -> None:
    assert read(b'a,b,c\n"d","e,f","g""h"\n') == [
        Record(0, [b"a", b"b", b"c"], b"a,b,c"),
        Record(1, [b"d", b"e,f", b'g"h'], b'"d","e,f","g""h"'),
    ]


@pytest.mark.parametrize(
    ("raw", "cells"),
    [
        (b"", [b""]),
        (b",", [b"", b""]),
        (b'""', [b""]),
        (b'"",', [b"", b""]),
        (b'"a"b,c', [b"ab", b"c"]),
        (b'"a"b"c,d', [b'ab"c', b"d"]),
        (b'a"b,c', [b'a"b', b"c"]),
        (b'a"b"c', [b'a"b"c']),
        (b'"a""b"', [b'a"b']),
        (b'""""', [b'"']),
        (b' "a"', [b' "a"']),
        (b'"a', None),
        (b'"a""', None),
        (b'b,"a', None),
        (b'"', None),
    ],
)
def test_a_record_has_these_cells(raw: bytes, cells: list[bytes] | None) -> None:
    assert Resynchroniser(3).cells(raw) == cells


def test_a_cell_may_run_over_lines() -> None:
    (one, two) = read(b'a,"b\nmore\nend",c\nd,e,f\n')
    assert (one.line, one.lines, one.cells) == (0, 3, [b"a", b"b\nmore\nend", b"c"])
    assert (two.line, two.lines, two.cells) == (3, 1, [b"d", b"e", b"f"])


def test_an_open_quote_costs_one_line() -> None:
    (one, two, three) = read(b'a,"b,c\nd,e,f\ng,h,i\n')
    assert (one.cells, one.reason, one.raw) == (None, "a quote is not closed", b'a,"b,c')
    assert two.cells == [b"d", b"e", b"f"]
    assert three.line == 2


def test_a_wrong_number_of_cells_is_told_with_both_numbers() -> None:
    reasons = [record.reason for record in read(b"a,b\na,b,c,d\n")]
    assert reasons == ["2 cells where the header has 3", "4 cells where the header has 3"]


def test_a_doubtful_line_inside_a_record_begins_none() -> None:
    lines = [b'a,"b', b'more"', b'",c', b"d,e,f"]
    assert [record.line for record in Resynchroniser(3).records(lines, [0, 1, 2])] == [0, 1, 2]
    lines = [b'a,"b', b'""more', b'",c', b"d,e,f"]
    assert [(one.line, one.lines) for one in Resynchroniser(3).records(lines, [0, 1, 2, 3])] == [(0, 3), (3, 1)]


def test_either_line_end_is_left_out_of_the_last_cell() -> None:
    assert [record.cells for record in read(b'a,b,c\r\nd,e,"f"\r\n"x\r\ny",z,w\r\n')] == [
        [b"a", b"b", b"c"], [b"d", b"e", b"f"], [b"x\r\ny", b"z", b"w"],
    ]  # fmt: skip


def test_what_stands_in_a_quoted_cell_is_no_record_however_much_it_looks_like_one() -> None:
    banner = b'198.18.0.1,80,"HTTP/1.1 200\n203.0.113.66,80,forged\n' + b"x\n" * 5_000 + b'end"\n'
    (only,) = read(banner)
    assert (only.lines, only.cells and only.cells[:2]) == (5_003, [b"198.18.0.1", b"80"])
    assert [record.cells for record in read(b'a,"b,c\nd,e,f\ng,h",i\n')] == [[b"a", b"b,c\nd,e,f\ng,h", b"i"]]
    assert [record.lines for record in read(b'a,"b\n""c"",d,e\n""f"",g,h\n",i\n')] == [4]


@pytest.mark.parametrize(
    "block",
    [b'a,"b,c\nd,e,f\ng,h"x,i\n', b'a,"b,c\nd,e,f\nh",i",j\n', b'a",b"x,"c\nd,e,f\n",\n', b'a"x,"c\nd,e,f\nz",y\n'],
)
def test_a_quote_is_followed_only_when_each_of_the_record_is_in_its_place(block: bytes) -> None:
    found = read(block)
    assert found[0].reason == "a quote is not closed"
    assert found[1].cells == [b"d", b"e", b"f"]


def test_the_end_of_a_first_cell_is_no_record_although_it_has_enough_cells() -> None:
    assert [record.cells for record in read(b'"a\nb",c,d\n')] == [[b"a\nb", b"c", b"d"]]
    assert [record.cells for record in read(b'"a\nb","c","d"\n')] == [[b"a\nb", b"c", b"d"]]


def test_another_delimiter_is_obeyed() -> None:
    assert read(b"a|b,c|d\n", 3, b"|")[0].cells == [b"a", b"b,c", b"d"]
    assert read(b'a\t"b\tc"\td\n', 3, b"\t")[0].cells == [b"a", b"b\tc", b"d"]


HOSTILE = {
    "an open quote": b'x,"' + b"a" * 2_000_000,
    "doubled quotes that never close": b'x,"' + b'a""' * 600_000,
    "a text after a closed quote": b'"a"' + b"b" * 2_000_000,
    "open quotes on every line": b'x,"abc\n' * 100_000,
    "cells without end": b"," * 500_000,
    "quotes within quotes": b'"""\n' * 100_000,
    "quotes that close only to open again": b'z","\n' * 100_000,
    "open quotes before lines that lead nowhere": (b'a,"b\n' + b"x\n" * 200) * 500,
    "doubled quotes before lines that close": (b'"",' * 200 + b'"\n') * 2_000,
    "more and more cells before the open one": b"".join(b"," * (n % 200) + b',"\n' for n in range(10_000)),
}


@pytest.mark.parametrize("block", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_read_in_linear_time(block: bytes) -> None:
    began = time.process_time()
    found = read(block)
    assert sum(record.lines for record in found) == len(lines_of(block))
    assert time.process_time() - began < 8


class Counted(list[bytes]):
    """Lines that count how often one was looked at."""

    looks = 0

    def __getitem__(self, at: Any) -> Any:
        self.looks += 1
        return super().__getitem__(at)


@pytest.mark.parametrize("line", [b'z","', b'x,"abc', b'"', b'"""', b'a"b","c'], ids=bytes.decode)
def test_each_line_is_looked_at_a_few_times_however_many_quotes_before_it_are_open(line: bytes) -> None:
    lines = Counted([line] * 5_000)
    found = list(Resynchroniser(3).records(lines, range(5_000)))
    assert sum(record.lines for record in found) == 5_000
    assert lines.looks <= 4 * 5_000


def plainly(lines: list[bytes], width: int) -> list[tuple[int, int, list[bytes] | None]]:
    """Return line, number of lines and cells of each record, following each quote by parsing all of it at each line."""
    resync = Resynchroniser(width)
    found: list[tuple[int, int, list[bytes] | None]] = []
    while (at := sum(taken for _, taken, _ in found)) < len(lines):
        taken, cells = 1, resync.cells(lines[at].removesuffix(b"\r"))
        if cells is None:
            for end in range(at + 1, len(lines)):
                raw = b"\n".join(lines[at : end + 1]).removesuffix(b"\r")
                joined = resync.cells(raw)
                if joined is not None:
                    cells, taken = (joined, end + 1 - at) if whole(raw.decode(), width) else (None, 1)
                    break
        found.append((at, taken, cells if cells is not None and len(cells) == width else None))
    return found


@given(st.lists(st.text(st.sampled_from('a",\r'), max_size=7).map(str.encode), max_size=12), st.integers(1, 4))
def test_quotes_are_followed_as_if_all_was_parsed_again_at_each_line(lines: list[bytes], width: int) -> None:
    found = Resynchroniser(width).records(lines, range(len(lines)))
    assert [(one.line, one.lines, one.cells) for one in found] == plainly(lines, width)


def test_a_quote_is_followed_to_the_last_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    block = b'a,"b\n' + b"x\n" * 198 + b'",c\n'
    for most, lines in ((len(block) - 1, 200), (len(block) - 2, 1)):
        monkeypatch.setattr(resync, "MAX_BYTES", most)
        assert read(block)[0].lines == lines


SOUND = '(?:"(?:[^"]|"")*"|[^",]*)'


def whole(line: str, width: int) -> bool:
    """Tell whether a line is a record by itself, with every quote in its place."""
    return bool(re.fullmatch(f"{SOUND}(?:,{SOUND}){{{width - 1}}}", line))


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[list[str]], int]:
    """A table and how to quote it. A lone carriage return at the end of a bare cell would be a line end."""
    quoting = draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
    cell = st.text(st.sampled_from('ab",\n ' + "\r" * (quoting == csv.QUOTE_ALL)), max_size=6)
    width = draw(st.integers(2, 4))
    return draw(st.lists(st.lists(cell, min_size=width, max_size=width), min_size=1, max_size=8)), quoting


def as_text(table: list[list[str]], quoting: int) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=quoting).writerows(table)
    return text.getvalue()


@given(tables())
def test_what_a_csv_writer_wrote_is_read_back(made: tuple[list[list[str]], int]) -> None:
    table, quoting = made
    width = len(table[0])
    found = read(as_text(table, quoting).encode(), width)
    assert [record.cells for record in found] == [[cell.encode() for cell in cells] for cells in table]


@given(st.binary(max_size=200), st.integers(1, 4))
def test_every_line_is_part_of_exactly_one_record(block: bytes, width: int) -> None:
    lines = lines_of(block)
    found = list(Resynchroniser(width).records(lines, range(len(lines))))
    assert sum(record.lines for record in found) == len(lines)
    assert [record.line for record in found] == [sum(r.lines for r in found[:at]) for at in range(len(found))]
    for record in found:
        assert record.raw == b"\n".join(lines[record.line : record.line + record.lines]).removesuffix(b"\r")
        assert (record.cells is None) == bool(record.reason)
        assert record.cells is None or len(record.cells) == width
