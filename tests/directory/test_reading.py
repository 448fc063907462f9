"""Forms in which a table or a list arrives: all mean the same, and what cannot be read says where."""

from __future__ import annotations

import json

import pytest

from tests.directory.conftest import problems_of
from tocsin.directory import queries
from tocsin.directory.imports import reading

TABLE = """id,name,name_fr,sector,networks,asns,domains,contact
moh,Health,Ministère de la Santé,health,192.0.2.0/25;192.0.2.128/25,AS64496,moh.example,a@moh.example;b@moh.example
bank,Island Bank,Banque de l’île,finance,2001:db8::/48 198.51.100.0/24,,,soc@bank.example
"""


def values(content: bytes, name: str = "table.csv") -> list[tuple[str, dict, list[str], list[str]]]:
    """Return what the file says, without places."""
    return [
        (record.public_id, record.given, [c.value for c in record.claims], [c.email for c in record.contacts])
        for record in queries.read_files([(name, content)]).records
    ]


def test_a_table_is_read() -> None:
    moh, bank = values(TABLE.encode())
    assert moh == (
        "moh",
        {"name": "Health", "names": {"fr": "Ministère de la Santé"}, "sector": "health"},
        ["192.0.2.0/25", "192.0.2.128/25", "64496", "moh.example"],
        ["a@moh.example", "b@moh.example"],
    )
    assert bank[2:] == (["2001:db8::/48", "198.51.100.0/24"], ["soc@bank.example"])


SEMICOLON = TABLE.replace(";", " ").replace(",", ";")


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode("utf-8-sig"),
        TABLE.replace("\n", "\r\n").encode(),
        TABLE.replace("\n", "\n\n").encode(),
        TABLE.replace(";", " ").replace(",", "\t").encode("utf-16"),
        SEMICOLON.encode(),
        ("sep=;\r\n" + SEMICOLON.replace("\n", "\r\n")).encode("utf-8-sig"),
        TABLE.replace("id,name,name_fr", '"ID",Name ,name_FR').encode(),
        TABLE.rstrip("\n").encode(),
    ],
    ids=["mark", "crlf", "empty lines", "utf-16 tabs", "semicolons", "excel", "header case", "no last line end"],
)
def test_the_same_table_in_other_clothes(content: bytes) -> None:
    assert values(content) == values(TABLE.encode())


def test_an_old_encoding_is_read_and_remarked() -> None:
    files = queries.read_files([("old.csv", TABLE.encode("cp1252"))])
    assert files.records[0].given["names"] == {"fr": "Ministère de la Santé"}
    assert files.remarks == ("old.csv is not UTF-8: it was read as Windows-1252.",)


def test_an_object_with_the_list_inside_is_read_as_the_list() -> None:
    item = {"id": "a", "name": "A"}
    assert values(json.dumps({"constituents": [item]}).encode()) == values(json.dumps([item]).encode())


def test_rows_are_numbered_as_a_spreadsheet_shows_them() -> None:
    text = 'id,name,note,sector\na,A,"two\nlines",\n\nb,B,,nonsense\n'
    assert [(row, column) for row, column, _text in problems_of(text.encode(), "t.csv")] == [(5, "sector")]
    assert [row for row, _column, _text in problems_of(b"sep=,\n" + text.encode(), "t.csv")] == [6]


@pytest.mark.parametrize(
    ("content", "row", "column", "sentence"),
    [
        (b"", 0, "", "It is empty"),
        (b"\xef\xbb\xbf  \n", 0, "", "It is empty"),
        (b"\x00\x01\x02\xff\xfe", 1, "", "Save it as UTF-8"),
        (b'[{"id": "a", "name": "A"}', 0, "", "line 1, character"),
        (b'[{"id": "a", "name": "A", "name": "B"}]', 0, "", "key 'name' twice"),
        (b'[{"id": "a", "name": NaN}]', 0, "", "NaN is not a value"),
        (b'[{"id": "a", "name": -Infinity}]', 0, "", "-Infinity is not a value"),
        (b'[{"id": "a", "asns": [64496.0]}]', 0, "", "64496.0 is one"),
        (b"[" * 100_000, 0, "", "nested too deeply"),
        (b'[{"id": "a", "asns": [' + b"9" * 5_000 + b"]}]", 0, "", "digits"),
        (b'{"id": "a"}', 0, "", "must be a list"),
        (b'[{"id": "a", "name": "A"}, 7]', 2, "", "must be an object"),
        (b"id,name,colour\na,A,red\n", 1, "colour", "no such column"),
        (b"id,name,id\na,A,a\n", 1, "id", "stands there twice"),
        (b"id,sector\na,health\n", 1, "name", "column is missing"),
        (b"id,name\na,A\nb\n", 3, "", "1 cell where the header has 2"),
        (b"id,name\na,A\nb,B,C\n", 3, "", "3 cells where the header has 2"),
        (b'id,name\na,"A\nb,B\n', 2, "", "quotation mark missing"),
        (b'id,name\na,"A"B\n', 2, "", "quotation mark missing"),
    ],
)
def test_what_cannot_be_read_says_where_and_why(content: bytes, row: int, column: str, sentence: str) -> None:
    found = problems_of(content, "file")
    assert (row, column) in {(r, c) for r, c, _sentence in found}
    assert any(sentence in text for _r, _c, text in found)


def test_a_file_that_is_too_large_is_not_even_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_FILE_BYTES", 2**20)
    assert "larger than 1 MB" in problems_of(b"\xff" * (2**20 + 1))[0][2]


def test_a_file_with_too_many_constituents_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_ITEMS", 2)
    assert "more than 2 constituents" in problems_of(b"id,name\na,A\nb,B\nc,C\n")[0][2]


def test_a_cell_may_hold_thousands_of_networks() -> None:
    networks = [f"10.{high}.{low}.0/24" for high in range(40) for low in range(256)]
    content = f"id,name,networks\na,A,{' '.join(networks)}\n".encode()
    assert values(content)[0][2] == networks


@pytest.mark.parametrize(
    ("content", "name", "ours"),
    [
        (b'[{"id": "a" "b": 1}]', "t.json", "a comma, or the end of a list, is missing"),
        (b'id,name,sector\na,"b,c\n', "t.csv", "a quote is not closed"),
    ],
)
def test_what_a_library_says_is_said_in_the_language_of_the_reader(
    content: bytes, name: str, ours: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ours in problems_of(content, name)[0][2]

    monkeypatch.setattr(reading, "_", lambda text: "« ours »" if text == ours else text)
    assert "« ours »" in problems_of(content, name)[0][2]
