"""Names of files as text."""

from __future__ import annotations

import datetime as dt
import os

import pytest

from tocsin.kernel.names import day_in, readable, spoken


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (b"scan.csv", "scan.csv"),
        ("réseau.csv".encode(), "réseau.csv"),
        (b"a\xff\xfe.csv", "a\\xff\\xfe.csv"),
        (b"foo\nbar\x1b[2J.csv", "foo\\nbar\\x1b[2J.csv"),
        ("a\u2028b\x85c\u200d.csv".encode(), "a\\u2028b\\x85c\u200d.csv"),
        ("fdp.\u202evsc.nacs\u2066".encode(), "fdp.\\u202evsc.nacs\\u2066"),
        ("bill\u202egnp.exe\u200b".encode(), "bill\\u202egnp.exe\\u200b"),
        (b"", ""),
    ],
)
def test_a_name_is_text_whatever_its_bytes(name: bytes, said: str) -> None:
    assert readable(os.fsdecode(name)) == said
    assert readable(said) == said
    said.encode()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (b"a\xff\xfe.csv", "a.csv"),
        (b"re\nport\x1b.csv", "report.csv"),
        ("ré\u2028seau.csv".encode(), "réseau.csv"),
        (b"\xff", ""),
    ],
)
def test_of_a_name_that_is_no_text_the_rest_can_be_spoken(name: bytes, said: str) -> None:
    assert spoken(readable(os.fsdecode(name))) == said


@pytest.mark.parametrize("name", ["2026-11-16-scan_rdp-xx.csv", "rdp_2026-11-16.csv", "v2026-13-45_2026-11-16.zip"])
def test_a_name_says_its_day_wherever_it_stands(name: str) -> None:
    assert day_in(name) == dt.date(2026, 11, 16)


@pytest.mark.parametrize(
    "name", ["scan.csv", "2026-02-30.csv", "12026-11-16.csv", "2026-11-165.csv", "20261116.csv", ""]
)
def test_what_is_no_day_is_none(name: str) -> None:
    assert day_in(name) is None
