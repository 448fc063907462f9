"""From bytes to records: the fast and the slow reading agree, and none is ever lost."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import tracemalloc
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from pyarrow import csv as arrow_csv

from tocsin.engine import quotes, records, resync, triage
from tocsin.engine.opening import BrokenReport
from tocsin.engine.records import Batch, Chunk, Reader, Shape
from tocsin.engine.resync import Resynchroniser
from tocsin.engine.triage import BadRecord

PLAIN = Shape()


def reader(data: bytes, shape: Shape = PLAIN) -> Reader:
    return Reader(io.BytesIO(data), name="report.csv", shape=shape)


def batches(data: bytes, shape: Shape = PLAIN) -> list[Batch]:
    made = reader(data, shape)
    return [made.batch(chunk) for chunk in made.chunks()]


def rows(data: bytes, shape: Shape = PLAIN) -> list[tuple[bytes, ...]]:
    """Return the good rows, null as empty."""
    found: list[tuple[bytes, ...]] = []
    for batch in batches(data, shape):
        columns = [[cell or b"" for cell in column.to_pylist()] for column in batch.table.columns]
        found += zip(*columns, strict=True)
    return found


def bad(data: bytes) -> list[tuple[int, str, bytes]]:
    return [(record.line, record.reason, record.raw) for batch in batches(data) for record in batch.bad]


def test_a_report_is_read() -> None:
    (batch,) = batches(b'timestamp,ip,tag\n2026-11-16,192.0.2.1,"a,b"\n2026-11-16,192.0.2.2,\n')
    assert batch.table.to_pydict() == {
        "timestamp": [b"2026-11-16", b"2026-11-16"],
        "ip": [b"192.0.2.1", b"192.0.2.2"],
        "tag": [b"a,b", None],
    }
    assert batch.lines.tolist() == [2, 3]
    assert (batch.records, list(batch.bad)) == (2, [])


def test_the_header_rules_the_order_of_columns() -> None:
    assert reader(b'"ip","timestamp", port\nx,y,z\n').columns == ("ip", "timestamp", "port")
    assert reader(b"\xef\xbb\xbfip,port\r\n").columns == ("ip", "port")


def test_a_report_may_be_nothing_but_a_header() -> None:
    for data in (b"a,b\n", b"a,b", b"a,b\r\n", b"a,b\n\n\n", b"a,b\n\r\n"):
        assert batches(data) == []


def test_every_column_has_a_name_of_its_own() -> None:
    assert reader(b"x,x,,x,\n").columns == ("x", "x.2", "column.3", "x.3", "column.5")
    assert len(set(reader(b"x,x,x.2,column.5,\n").columns)) == 5


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "there is not even a header"),
        (b"\n\n \t\n", "there is not even a header"),
        (b"a,\0b\n", "not a text file"),
        (b"PK\x03\x04\x14\0", "it is packed as zip within another archive, which is not read here"),
        (b"7z\xbc\xaf\x27\x1c\0", "it is packed as 7z, which is not read here; only plain text is, and gz, zip or zst"),
        (b"a,\xffb\n", "not UTF-8"),
        (b'a,"b\nc,d\n', "a quote in its header is not closed"),
        (b"a,b\x07\n", "characters that are no text"),
        (b"a,b\r1,2\r3,4\r", "its lines end with CR alone"),
        (b"a,b,c,d,e,f,g,h\r" + b"1,2,3,4,5,6,7,8\r" * 300, "its lines end with CR alone"),
        (b"a,b\r" + b"1,2\r" * 300_000, "its lines end with CR alone"),
        (b",".join([b"c"] * 10_000) + b"\n", "10000 columns"),
        (b"a" * 2_000_000, "header is longer than 1 MiB"),
    ],
)
def test_a_file_without_a_usable_header_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(BrokenReport, match=reason) as refusal:
        reader(data)
    assert "report.csv" in str(refusal.value)


def test_a_record_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "BLOCK_BYTES", 1 << 10)
    monkeypatch.setattr(records, "MAX_RECORD_BYTES", 1 << 14)
    with pytest.raises(BrokenReport, match="is longer than"):
        batches(b"a,b\n1,2\n" + b"x" * (1 << 15))


def test_a_shape_says_how_the_file_is_written() -> None:
    semicolons = Shape(delimiter=";")
    assert rows(b'a;b\n1,5;"x;y"\n', semicolons) == [(b"1,5", b"x;y")]
    headless = Shape(header=("ip", "port"))
    assert reader(b"192.0.2.1,80\n", headless).columns == ("ip", "port")
    assert rows(b"192.0.2.1,80\n", headless) == [(b"192.0.2.1", b"80")]


def test_the_digest_is_that_of_the_whole_file() -> None:
    data = b"a,b\n" + b"1,2\n" * 1000
    made = reader(data)
    list(made.chunks())
    assert made.digest == hashlib.sha256(data).digest()


def test_a_bad_record_keeps_line_reason_and_text() -> None:
    assert bad(b'a,b\n1,2\n3\n4,"5\n6,7\n8,9,10\n') == [
        (3, "1 cells where the header has 2", b"3"),
        (4, "a quote is not closed", b'4,"5'),
        (6, "3 cells where the header has 2", b"8,9,10"),
    ]


@pytest.mark.parametrize("data", [b'a,b\n1,2\n3,"cut of', b'a,b\n1,2\n\n3,"cut of\n', b'a,b\n1,2\n3,"cut of\n\n'])
def test_a_quote_that_is_open_at_the_end_of_the_file_is_not_closed_by_it(data: bytes) -> None:
    assert rows(data) == [(b"1", b"2")]
    assert [(reason, raw) for _, reason, raw in bad(data)] == [("a quote is not closed", b'3,"cut of')]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_blank_lines_are_passed_over_at_once_and_counted(end: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_details: Any) -> None:
        raise AssertionError("blank lines need no second look")

    monkeypatch.setattr(records, "sort_lines", slow)
    data = b"a,b" + end + end * 70_000 + b"1,2" + end + end * 3 + b'"3","4"' + end + end * 70_000
    assert rows(data) == [(b"1", b"2"), (b"3", b"4")]
    assert [line for batch in batches(data) for line in batch.lines.tolist()] == [70_002, 70_006]


def test_broken_lines_are_judged_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has no quotes, or each in its place, is never looked at one by one."""

    def slow(self: Resynchroniser, lines: Any, doubtful: Any) -> Any:
        assert not list(doubtful)
        return iter(())

    monkeypatch.setattr(Resynchroniser, "records", slow)
    data = b"a,b\n" + b'x\n1,2\n,,\n  \n"3","4,5"\n\0\n6\r,7\n' * 1_000
    assert rows(data) == [(b"1", b"2"), (b"3", b"4,5"), (b"6\r", b"7")] * 1_000
    found = bad(data)
    assert found[:4] == [
        (2, "1 cells where the header has 2", b"x"),
        (4, "3 cells where the header has 2", b",,"),
        (5, "1 cells where the header has 2", b"  "),
        (7, "1 cells where the header has 2", b"\0"),
    ]
    assert len(found) == 4_000 and found[-1][0] == 7_000


@pytest.mark.parametrize("line", [b'"a', b'x,"a', b'"', b'1,2,"', b'"a""', b'a,"","'], ids=bytes.decode)
def test_open_quotes_that_lead_nowhere_are_judged_all_at_once(line: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(self: Resynchroniser, lines: Any, doubtful: Any) -> Any:
        assert not list(doubtful)
        return iter(())

    monkeypatch.setattr(Resynchroniser, "records", slow)
    found = bad(b"a,b\n" + (line + b"\r\n") * 5_000)
    assert found == [(number, "a quote is not closed", line) for number in range(2, 5_002)]


def test_a_line_end_inside_a_cell_moves_the_numbers_of_what_follows() -> None:
    (batch,) = batches(b'a,b\n"x\ny",1\n\nz,2\n')
    assert batch.lines.tolist() == [2, 5]


def test_a_lone_carriage_return_is_part_of_its_cell() -> None:
    assert rows(b"a,b\nx\ry,1\nz,2\n") == [(b"x\ry", b"1"), (b"z", b"2")]


def test_large_files_come_in_chunks_that_together_are_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "CHUNK_ROWS", 100)
    monkeypatch.setattr(records, "BLOCK_BYTES", 512)
    data = b"a,b\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(1_000))
    found = batches(data)
    assert len(found) > 5
    assert [line for batch in found for line in batch.lines.tolist()] == list(range(2, 1_002))
    assert [int(a) for a, _ in rows(data)] == list(range(1_000))


def test_losing_a_line_is_a_defect_that_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(*details: Any) -> triage.Sorted:
        found = triage.sort_lines(*details)
        return dataclasses.replace(found, bad=triage.BadRecords.of())

    monkeypatch.setattr(records, "sort_lines", forgetful)
    with pytest.raises(AssertionError, match="lines"):
        records.parse(Chunk(0, 2, ((b"1,2\n3\n4,5\n", 3),)), ("a", "b"), PLAIN)


# Laws

WIDTH = 3
HEADER = b"a,b,c\n"


@st.composite
def reports(draw: st.DrawFn, letters: str = 'ab",é; \n', fewest: int = 0) -> tuple[list[list[str]], bytes]:
    """A table and the report that `csv.writer` makes of it."""
    quoting = draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    cell = st.text(st.sampled_from(letters), max_size=8)
    table = draw(st.lists(st.lists(cell, min_size=WIDTH, max_size=WIDTH), min_size=fewest, max_size=20))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=end, quoting=quoting)
    writer.writerows(table)
    written = text.getvalue().encode()
    return table, HEADER + (written if draw(st.booleans()) else written.removesuffix(end.encode()))


@given(reports(), st.sampled_from([16, 50, 1 << 20]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_table_written_by_csv_is_read_back(made: tuple[list[list[str]], bytes], block: int) -> None:
    table, data = made
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "BLOCK_BYTES", block)
        patch.setattr(records, "CHUNK_ROWS", 5)
        assert rows(data) == [tuple(cell.encode() for cell in cells) for cells in table]


@given(reports())
def test_well_formed_input_is_read_as_pythons_csv_reads_it(made: tuple[list[list[str]], bytes]) -> None:
    _, data = made
    expected = [tuple(cells) for cells in csv.reader(io.StringIO(data.decode(), newline="")) if cells][1:]
    assert [tuple(cell.decode() for cell in cells) for cells in rows(data)] == expected


ANY_LINE = st.text(st.sampled_from('ab",;\r\0 é'), max_size=12).map(str.encode) | st.binary(max_size=8)


BLANK = st.sampled_from([b"", b"\r", b"1,2,3", b'"1","2","3"\r'])


def one_line(text: bytes) -> bytes:
    return text.replace(b"\n", b"")


@given(st.lists(ANY_LINE.map(one_line) | BLANK, max_size=12), st.integers(1, 3))
def test_however_a_block_is_read_its_records_are_those_of_reading_line_by_line(lines: list[bytes], width: int) -> None:
    columns = ("a", "b", "c")[:width]
    chunk = Chunk(0, 7, ((b"".join(line + b"\n" for line in lines), len(lines)),))
    resync = Resynchroniser(width)
    doubtful = [at for at, line in enumerate(lines) if line not in (b"", b"\r")]
    expected = list(resync.records(lines, doubtful))
    batch = records.parse(chunk, columns, Shape())
    assert batch.lines.tolist() == [7 + one.line for one in expected if one.cells is not None]
    assert batch.table.to_pylist() == [
        dict(zip(columns, (cell or None for cell in one.cells), strict=True))
        for one in expected
        if one.cells is not None
    ]
    assert list(batch.bad) == [BadRecord(7 + one.line, one.reason, one.raw) for one in expected if one.cells is None]


@given(st.lists(st.lists(ANY_LINE.map(one_line) | BLANK, min_size=1, max_size=4), max_size=5), st.integers(1, 3))
@example([[b'1,"x'], [b'2,3"']], 2)  # a cell that is open where its block ends
@example([[b"1,2"], [b"3,4", b"5,6"]], 2)
def test_blocks_of_a_chunk_are_read_together_as_one_by_one(blocks: list[list[bytes]], width: int) -> None:
    columns = ("a", "b", "c")[:width]
    chunk = Chunk(0, 7, tuple((b"".join(line + b"\n" for line in lines), len(lines)) for lines in blocks))
    assume(chunk.blocks)
    together = records.parse(chunk, columns, Shape())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "_all_fast", lambda *_: None)
        one_by_one = records.parse(chunk, columns, Shape())
    assert together.lines.tolist() == one_by_one.lines.tolist()
    assert together.table.equals(one_by_one.table)
    assert list(together.bad) == list(one_by_one.bad)


def test_a_chunk_in_order_is_parsed_by_one_call_and_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    read_csv = arrow_csv.read_csv

    def counted(*details: Any) -> Any:
        calls.append(details)
        return read_csv(*details)

    monkeypatch.setattr(arrow_csv, "read_csv", counted)
    batch = records.parse(Chunk(0, 2, ((b"1,2\n", 1), (b"3,4\n5,6\n", 2))), ("a", "b"), PLAIN)
    assert (len(calls), batch.table["b"].num_chunks) == (1, 1)
    assert batch.table["b"].to_pylist() == [b"2", b"4", b"6"]


QUOTED = st.text(st.sampled_from('a"",\r'), max_size=9).map(str.encode)


@given(st.lists(QUOTED, min_size=1, max_size=16), st.integers(1, 4), st.integers(1, 20), st.integers(1, 60))
@settings(max_examples=400)
def test_lines_are_sorted_as_reading_each_of_them_would(lines: list[bytes], width: int, piece: int, most: int) -> None:
    """However few lines are looked at together, and however short a record may be at most."""
    doubtful = [at for at, line in enumerate(lines) if line not in (b"", b"\r")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quotes, "_PIECE_BYTES", piece)
        patch.setattr(resync, "MAX_BYTES", most)
        expected = list(Resynchroniser(width, b",").records(lines, doubtful))
        found = triage.sort_lines(b"".join(line + b"\n" for line in lines), width, ",")
    good = [one for one in expected if one.cells is not None]
    mended = {one.line for one in found.mended}
    assert sorted([*found.whole_lines.tolist(), *mended]) == [one.line for one in good]
    assert found.mended == [one for one in good if one.line in mended]
    assert list(found.bad) == [BadRecord(one.line, one.reason, one.raw) for one in expected if one.cells is None]


def test_a_block_of_very_short_odd_lines_takes_little_memory() -> None:
    count = 300_000
    block = b'"a\n' * count
    triage.sort_lines(block[:3000], 3, ",")
    tracemalloc.start()
    try:
        found = triage.sort_lines(block, 3, ",")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found.bad) == count
    assert peak < 130 * count, "a list of all lines, or of their numbers, would take 30 bytes a line more"


@given(st.lists(ANY_LINE, max_size=12), st.sampled_from([8, 40, 1 << 20]))
def test_random_bytes_lose_no_line_and_raise_nothing_but_a_broken_report(lines: list[bytes], block: int) -> None:
    data = HEADER + b"\n".join(lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "BLOCK_BYTES", block)
        patch.setattr(records, "_OPEN_QUOTE_BYTES", block)
        patch.setattr(records, "CHUNK_ROWS", 4)
        found = batches(data)
    refused = [record.line for batch in found for record in batch.bad]
    numbers = sorted([line for batch in found for line in batch.lines.tolist()] + refused)
    assert len(numbers) == len(set(numbers))
    assert all(1 < number <= data.count(b"\n") + 1 for number in numbers)


@given(reports(letters="ab,é; ", fewest=1), st.data())
def test_damage_to_a_byte_costs_records_near_it_only(made: tuple[list[list[str]], bytes], data: st.DataObject) -> None:
    table, written = made
    at = data.draw(st.integers(len(HEADER), max(len(written) - 1, len(HEADER))))
    assume(written[at : at + 1] not in (b"\n", b"\r"))
    damaged = written[:at] + data.draw(st.sampled_from([b'"', b",", b"\0", b"\xff", b"x", b"\r"])) + written[at + 1 :]
    before = written[:at].count(b"\n") - 1
    after = len(table) - before - 1
    expected = [tuple(cell.encode() for cell in cells) for cells in table]
    found = rows(damaged)
    assert len(found) + len(bad(damaged)) == len(table)
    assert found[:before] == expected[:before]
    assert found[len(found) - after :] == expected[len(expected) - after :]


@given(st.binary(min_size=1, max_size=300))
def test_a_file_of_junk_is_read_or_refused(data: bytes) -> None:
    try:
        found = batches(data)
    except BrokenReport as refusal:
        assert str(refusal)
        return
    assert all(batch.records > 0 for batch in found) or not data.strip()
