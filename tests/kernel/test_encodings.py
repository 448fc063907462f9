"""UTF-16 is known by its first bytes; nothing else is taken for it."""

from __future__ import annotations

import pytest

from tocsin.kernel.encodings import is_utf_16

HEADER = "timestamp,ip,port\n2026-11-22 01:00:00,192.0.2.1,22\n"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_known_with_and_without_its_mark(encoding: str) -> None:
    assert is_utf_16(HEADER.encode(encoding))


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\0",
        b"\0" * 64,
        b"a\0",
        HEADER.encode(),
        HEADER.encode("utf-8-sig"),
        "\u65e5\u4ed8,ip\n".encode(),
        HEADER.encode("utf-32-le"),
        b"timestamp,ip\n\0\0\0\0\0",
    ],
)
def test_nothing_else_is_taken_for_it(head: bytes) -> None:
    assert not is_utf_16(head)
