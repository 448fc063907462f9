"""How audit rows hang together: what is hashed, in which form.

Each row's hash is SHA-256 over its fields and the hash of the row before, so
that no row can be changed, removed or put between others without every later
hash being wrong. Pure: takes values, returns values.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

GENESIS = "0" * 64
"""What the first row has for the hash of the row before it."""


class Link(NamedTuple):
    """One row of the trail, in the order in which its fields are hashed, and its hash."""

    sequence: int
    at: dt.datetime
    actor_key: str
    actor_label: str
    code: str
    data_json: str
    previous: str
    hash: str


class Verdict(NamedTuple):
    """What checking the chain found."""

    rows: int
    """How many rows are sound, counted from the first."""
    head: str
    """Hash of the last sound row."""
    broken_at: int | None = None
    """Number of the first row that is not as it was written, if there is one."""
    problem: str = ""
    """`missing`, `order` or `changed`."""


def canonical_json(data: Any) -> str:
    """Return `data` as the one text that stands for it: keys in order, no spaces, ASCII. Refuses NaN."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def row_hash(sequence: int, at: dt.datetime, *fields: str) -> str:
    """Return the hash of a row from its number, instant and the fields of `Link` up to `previous`.

    Each field is written as its length in bytes, a colon and its UTF-8 bytes, so that no two rows
    have the same text.
    """
    digest = hashlib.sha256()
    for field in (str(sequence), at.astimezone(dt.UTC).isoformat(timespec="microseconds"), *fields):
        encoded = field.encode("utf-8", "surrogatepass")
        digest.update(b"%d:%b" % (len(encoded), encoded))
    return digest.hexdigest()


def check(links: Iterable[Link]) -> Verdict:
    """Walk the chain once, in order, holding one row at a time."""
    rows, head = 0, GENESIS
    for link in links:
        if problem := _problem(link, rows + 1, head):
            return Verdict(rows, head, rows + 1 if problem == "missing" else link.sequence, problem)
        rows, head = rows + 1, link.hash
    return Verdict(rows, head)


def _problem(link: Link, expected: int, head: str) -> str:
    if link.sequence != expected:
        return "missing"
    if link.previous != head:
        return "order"
    return "" if link.hash == row_hash(*link[:-1]) else "changed"
