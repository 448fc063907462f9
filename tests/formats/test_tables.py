"""Small feeds as columns: nothing is lost, whatever the bytes."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.collected import from_delimited, from_json_lines
from tocsin.formats.tables import MAX_LINE_BYTES, Refused


def test_json_objects_become_columns() -> None:
    table = from_json_lines([b'{"ip": "192.0.2.1", "geo": {"cc": "LU", "at": {"x": 1.50}}}\n', b'{"port": 80}\n'])
    assert table.columns == {
        "ip": ["192.0.2.1", ""],
        "geo.cc": ["LU", ""],
        "geo.at.x": ["1.50", ""],
        "port": ["", "80"],
    }
    assert (len(table), table.lines, table.refused) == (2, [1, 2], [])


def test_lists_truth_and_null_are_kept_as_text() -> None:
    table = from_json_lines([b'{"a": [1, "x"], "b": true, "c": null, "d": {}, "e": []}'])
    assert {name: cells[0] for name, cells in table.columns.items()} == {
        "a": '["1", "x"]', "b": "true", "c": "", "d": "{}", "e": "[]",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"[1]", "is not a JSON object."),
        (b'{"a": 1, "a": 2}', "has the key 'a' twice."),
        (b'{"a": {"b": 1}, "a.b": 2}', "has the key 'a.b' twice."),
        (b'{"a": NaN}', "holds NaN, which is not JSON."),
        (b'{"a":' * 64 + b"1" + b"}" * 64, "is nested more than 32 deep."),
        (b"{", "is not JSON"),
        (b"\xff", "is not UTF-8"),
    ],
    ids=range(7),
)
def test_a_broken_line_is_refused_and_its_neighbours_are_kept(line: bytes, reason: str) -> None:
    table = from_json_lines([b'{"a": 1}', line, b"", b'{"a": 3}'])
    assert table.columns == {"a": ["1", "3"]}
    assert table.lines == [1, 4]
    (refused,) = table.refused
    assert refused.line == 2
    assert reason in refused.reason


@given(st.lists(st.binary(max_size=60).map(lambda data: data.replace(b"\n", b"")), max_size=8))
def test_every_json_line_is_a_row_or_refused(lines: list[bytes]) -> None:
    table = from_json_lines(lines)
    records = [number for number, line in enumerate(lines, start=1) if line.strip()]
    assert sorted([*table.lines, *(refused.line for refused in table.refused)]) == records
    assert all(len(cells) == len(table) for cells in table.columns.values())


def test_delimited_text_has_its_header_in_the_first_row() -> None:
    table = from_delimited([b"\xef\xbb\xbfip,port\r\n", b'"192.0.2.1","80"\r\n', b"\r\n"])
    assert table.columns == {"ip": ["192.0.2.1"], "port": ["80"]}
    assert table.lines == [2]


def test_the_header_may_stand_in_the_last_comment() -> None:
    lines = [b"# Feed of lamps, v2", b"# id,url", b'"1","http://a.example/,x"', b"# id,nothing", b'"2","y"']
    table = from_delimited(lines, comment="#")
    assert table.columns == {"id": ["1", "2"], "url": ["http://a.example/,x", "y"]}


def test_a_comment_with_other_columns_is_no_header() -> None:
    table = from_delimited([b"# made by us", b"id,url", b"1,x"], comment="#")
    assert table.columns == {"id": ["1"], "url": ["x"]}


def test_a_comment_with_an_open_quote_is_neither_header_nor_record() -> None:
    table = from_delimited([b'# say "hello', b"id,url", b"1,x"], comment="#")
    assert (table.columns, table.refused) == ({"id": ["1"], "url": ["x"]}, [])


def test_columns_can_be_given_and_lines_skipped() -> None:
    table = from_delimited([b"Title", b"192.0.2.0/24 ; SBL1"], delimiter=";", columns=("net", "id"), skip_lines=1)
    assert table.columns == {"net": ["192.0.2.0/24"], "id": ["SBL1"]}


def test_a_plain_list_is_one_column() -> None:
    table = from_delimited([b"# list", b" a.example ", b"", b"b,c.example"], delimiter="", comment="#", columns=("n",))
    assert table.columns == {"n": ["a.example", "b,c.example"]}


def test_short_and_long_rows_are_kept() -> None:
    table = from_delimited([b"a,b", b"1", b"1,2,3,4"])
    assert table.columns == {"a": ["1", "1"], "b": ["", "2"], "rest": ["", '["3", "4"]']}


def test_every_column_gets_a_name_of_its_own() -> None:
    assert list(from_delimited([b"a,,a", b"1,2,3"]).columns) == ["a", "column_2", "a_3"]


def test_an_empty_feed_has_no_columns() -> None:
    table = from_delimited([b"# nothing today"], comment="#")
    assert (table.columns, table.lines, table.refused) == ({}, [], [])


def test_what_cannot_be_read_is_refused_with_its_line() -> None:
    table = from_delimited([b"a,b", b"\xff,1", b'"open,2', b"x" * (MAX_LINE_BYTES + 1), b"1,2"])
    assert table.columns == {"a": ["1"], "b": ["2"]}
    assert [refused.line for refused in table.refused] == [2, 3, 4]
    assert table.refused[0] == Refused(2, "is not utf-8 text (byte 0).", b"\xff,1")


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00"), max_size=8).map(str.strip)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=6))
def test_what_is_written_is_read(rows: list[tuple[str, str]]) -> None:
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([("a", "b"), *rows])
    table = from_delimited(line.encode() for line in written.getvalue().split("\n"))
    assert list(zip(table.columns["a"], table.columns["b"], strict=True)) == rows
    assert table.refused == []


@given(st.dictionaries(CELLS.filter(str.isprintable), CELLS, min_size=1, max_size=5))
def test_a_flat_object_is_its_row(row: dict[str, str]) -> None:
    table = from_json_lines([json.dumps(row).encode()])
    assert {name: cells[0] for name, cells in table.columns.items()} == row


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("a\0b", "control character"),
        ("a\nb", "control character"),
        ("\x85", "control char"),
        ("a\ud800", "half of a ch"),
    ],
)
def test_a_key_that_is_no_text_refuses_its_line(key: str, why: str) -> None:
    table = from_json_lines([json.dumps({"a": {key: "x"}}).encode(), b'{"a": "y"}'])
    assert [one.line for one in table.refused] == [1] and why in table.refused[0].reason
    assert dict(table.columns) == {"a": ["y"]}
