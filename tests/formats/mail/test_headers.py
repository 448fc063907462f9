"""Headers: found, bounded, decoded."""

from __future__ import annotations

from email.header import Header

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.formats.mail import charsets, headers
from tocsin.formats.mail.message import LONGEST_HEADER, MOST_HEADERS, Cap


def block(raw: bytes) -> headers.Block:
    return headers.read_block(raw, 0, len(raw))


@pytest.mark.parametrize(
    ("raw", "fields", "body", "is_broken"),
    [
        (b"A: 1\r\nB: 2\r\n\r\nbody", [("a", b"1"), ("b", b"2")], b"body", False),
        (b"A: 1\nB: 2\n\nbody", [("a", b"1"), ("b", b"2")], b"body", False),
        (b"A: 1\r\n folded\r\n\tagain\r\n\r\n", [("a", b"1 folded again")], b"", False),
        (b"A:1", [("a", b"1")], b"", False),
        (b"A : 1\n\n", [("a", b"1")], b"", False),
        (b"A:\n\n", [("a", b"")], b"", False),
        (b"\nbody", [], b"body", False),
        (b"A: 1\nno header\n\nbody", [("a", b"1")], b"no header\n\nbody", True),
        (b" starts folded\nA: 1\n\n", [], b" starts folded\nA: 1\n\n", True),
        (b"From me Mon\nA: 1\n\nx", [("a", b"1")], b"x", False),
        (b"A\x00B: 1\n\nx", [], b"A\x00B: 1\n\nx", True),
        (b"", [], b"", False),
    ],
)
def test_headers_end_where_something_else_begins(
    raw: bytes, fields: list[tuple[str, bytes]], body: bytes, is_broken: bool
) -> None:
    found = block(raw)
    assert (found.fields, raw[found.body :], found.is_broken) == (fields, body, is_broken)


def test_only_the_range_that_is_given_is_looked_at() -> None:
    raw = b"A: 1\n\nB: 2\n\nC: 3\n\n"
    found = headers.read_block(raw, 6, 12)
    assert found.fields == [("b", b"2")] and found.body == 12


def test_beyond_the_limit_only_who_and_what_is_looked_for_and_the_first_counts() -> None:
    many = b"X: y\n" * MOST_HEADERS
    found = block(many + b"Y: z\nSubject: first\nsubject: second\nFrom: a@x.example\n\nbody")
    assert len(found.fields) == MOST_HEADERS + 2
    assert (found.first("subject"), found.first("from"), found.first("y")) == (b"first", b"a@x.example", b"")
    assert found.over == {Cap.HEADERS}


def test_a_header_that_is_too_long_is_cut() -> None:
    found = block(b"Subject:" + b"s" * (LONGEST_HEADER + 5) + b"\nFrom: a@x.example\n\n")
    assert len(found.first("subject")) == LONGEST_HEADER and found.over == {Cap.HEADER_LENGTH}
    assert found.first("from") == b"a@x.example"


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=80))
def test_what_the_standard_library_encodes_is_decoded(text: str) -> None:
    encoded = Header(text, "utf-8").encode(linesep="\r\n")
    assert headers.decoded_words(headers.plain(block(f"Subject: {encoded}\r\n\r\n".encode()).first("subject"))) == text


@pytest.mark.parametrize(
    ("text", "value", "parameters"),
    [
        ("text/plain", "text/plain", {}),
        ("Text/HTML; charset=UTF-8", "text/html", {"charset": "UTF-8"}),
        ('multipart/mixed; boundary="a;b c"', "multipart/mixed", {"boundary": "a;b c"}),
        ("x; a=1; A=2", "x", {"a": "1"}),
        ("x; a*0=one; a*1=two", "x", {"a": "onetwo"}),
        ("x; a*1=two; a*0=one", "x", {"a": "onetwo"}),
        ("x; a*=utf-8'fr'%C3%A9t%C3%A9", "x", {"a": "été"}),
        ("x; a*=iso-8859-1''%E9", "x", {"a": "é"}),
        ("x; a*=no quotes", "x", {"a": "no"}),
        ("x; a*=utf-8''%ZZ%4", "x", {"a": "%ZZ%4"}),
        ("x;;; ; a=1", "x", {"a": "1"}),
        ("", "", {}),
        ("; a=1", "", {"a": "1"}),
    ],
)
def test_parameters_are_read_as_they_are_meant(text: str, value: str, parameters: dict[str, str]) -> None:
    assert headers.parameters(text) == (value, parameters)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a@x.example, B <b@Y.Example>; c@x.example", ["a@x.example", "b@y.example", "c@x.example"]),
        ("a@x.example, a@x.example", ["a@x.example"]),
        ("reply+abc@cirt.example", ["reply+abc@cirt.example"]),
        ("nobody", []),
        ("@x.example a@", []),
        ("a\x00b@x.example", ["b@x.example"]),  # a control character ends it
        ("a" * 100 + "@x.example", []),
        ("(comment) a@x.example.", ["a@x.example"]),
    ],
)
def test_addresses_are_found_in_any_text(text: str, found: list[str]) -> None:
    assert headers.addresses(text) == found


def test_message_ids_have_no_space_and_an_end() -> None:
    assert headers.message_ids("<a@x> junk <b@x><no space> <never") == ["<a@x>", "<b@x>"]
    assert headers.message_ids("<" + "x" * 300 + ">") == []


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("UTF-8", "utf-8"), ('"us-ascii"', "ascii"), ("latin1", "iso8859-1"), ("Windows-1252", "cp1252"),
        ("GB2312", "gb2312"), ("ISO-2022-JP", "iso2022_jp"), ("big5", "big5"), ("koi8-u", "koi8-u"),
        ("idna", ""), ("punycode", ""), ("unicode_escape", ""), ("rot13", ""), ("hex", ""), ("zlib", ""), ("utf-7", ""),
        ("undefined", ""), ("no such", ""), ("", ""), ("é", ""), ("x" * 99, ""), ("a\0b", ""),
    ],
)  # fmt: skip
def test_only_character_sets_are_asked(name: str, known: str) -> None:
    assert charsets.known(name) == known


@given(
    st.binary(max_size=60), st.sampled_from(["", "utf-8", "utf-16", "gb18030", "iso-2022-jp", "euc-kr", "hz", "cp037"])
)
def test_any_octets_are_some_text_that_can_be_stored(data: bytes, declared: str) -> None:
    text, _ = charsets.decoded(data, declared)
    text.encode()
