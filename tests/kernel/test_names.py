"""Names of files as text."""

from __future__ import annotations

import os

import pytest

from tocsin.kernel.names import readable


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (b"scan.csv", "scan.csv"),
        ("réseau.csv".encode(), "réseau.csv"),
        (b"a\xff\xfe.csv", "a\\xff\\xfe.csv"),
        (b"foo\nbar\x1b[2J.csv", "foo\\nbar\\x1b[2J.csv"),
        ("a\u2028b\x85c\u200d.csv".encode(), "a\\u2028b\\x85c\u200d.csv"),
        (b"", ""),
    ],
)
def test_a_name_is_text_whatever_its_bytes(name: bytes, said: str) -> None:
    assert readable(os.fsdecode(name)) == said
    assert readable(said) == said
    said.encode()
