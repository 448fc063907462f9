"""Names of files as text: whatever bytes a file is named with, they can be stored, printed and searched for."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import re

from tocsin.kernel import legible

WITHIN = "/"
"""Stands in a report's name between that of its archive and its own. No name of a file holds it."""
_WRITTEN = re.compile(r"\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|[nrt])")
"""How `readable` writes what is no text, or is not seen."""
_DAY = re.compile(r"(?<!\d)\d{4}-\d{2}-\d{2}(?!\d)")


def readable(name: str) -> str:
    r"""Return a file's name on one line, in its own order: bytes that are no UTF-8 as `\xff`, a line end as `\n`."""
    return legible.shown(name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))


def spoken(name: str) -> str:
    """Return a `readable` name without what stands in it for bytes and characters that nobody can read."""
    return _WRITTEN.sub("", name)


def day_in(name: str) -> dt.date | None:
    """Return the first day that a name says anywhere, as `2026-11-16`; None when it says none that there is."""
    for found in _DAY.findall(name):
        with contextlib.suppress(ValueError):
            return dt.date.fromisoformat(found)
    return None


def shortened(name: str, most: int) -> str:
    """Return a name of at most `most` characters, that of no other name: what is left out of its middle is hashed.

    The beginning says what it is of, the end which part of it. `most` is at least 20.
    """
    if len(name) <= most:
        return name
    mark = f"~{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}~"
    end = (most - len(mark)) // 4
    return f"{name[: most - len(mark) - end]}{mark}{name[-end:]}"
