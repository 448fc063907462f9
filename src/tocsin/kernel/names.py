"""Names of files as text: whatever bytes a file is named with, they can be stored, printed and searched for."""

from __future__ import annotations


def readable(name: str) -> str:
    r"""Return a file's name with bytes that are no UTF-8 written as `\xff`. Of any other name, the name."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
