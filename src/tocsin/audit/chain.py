"""How audit rows hang together: what is hashed, in which form.

Each row's hash is SHA-256 over its fields and the hash of the row before, so
that no row can be changed, removed or put between others without every later
hash being wrong. Pure: takes values, returns values.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Container, Iterable, Mapping
from typing import Any, NamedTuple

GENESIS = "0" * 64
"""What the first row has for the hash of the row before it."""


class Link(NamedTuple):
    """One row of the trail as it is stored, in the order in which its fields are hashed, and its hash.

    Texts are UTF-8; `at` is `2026-03-01T09:30:00.000000+00:00`. They are bytes, and not what they mean, so that a
    million rows are checked in seconds, and a cell that is no longer an instant or a text is found changed.
    """

    sequence: int
    at: bytes
    actor_key: bytes
    actor_label: bytes
    code: bytes
    data_json: bytes
    previous: bytes
    hash: bytes


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
    marked: Mapping[int, str] = {}
    """Hashes of the sound rows whose numbers were marked."""


def canonical_json(data: Any) -> str:
    """Return `data` as the one text that stands for it: keys in order, no spaces, ASCII. Refuses NaN."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def written(at: dt.datetime) -> str:
    """Return an instant as it is hashed."""
    return at.astimezone(dt.UTC).isoformat(timespec="microseconds")


def row_hash(sequence: int, at: dt.datetime, *fields: str) -> str:
    """Return the hash of a row from its number, instant and the fields of `Link` up to `previous`.

    Each field is written as its length in bytes, a colon and its UTF-8 bytes, so that no two rows
    have the same text.
    """
    digest = hashlib.sha256()
    for field in (str(sequence), written(at), *fields):
        encoded = field.encode("utf-8", "surrogatepass")
        digest.update(b"%d:%b" % (len(encoded), encoded))
    return digest.hexdigest()


def check(links: Iterable[Link], marked: Container[int] = ()) -> Verdict:
    """Walk the chain once, in order, holding one row at a time. Of `marked` rows the hashes are kept.

    The loop calls as little as it can: it has a million turns.
    """
    rows, head, sha256 = 0, GENESIS.encode(), hashlib.sha256
    found: dict[int, str] = {}
    for sequence, at, key, label, code, data, previous, stored in links:
        if sequence != rows + 1:
            return _out_of_turn(sequence, rows, head, found)
        if previous != head:
            return Verdict(rows, head.decode(), rows + 1, "order", found)
        number = b"%d" % sequence
        text = b"%d:%b%d:%b%d:%b%d:%b%d:%b%d:%b%d:%b" % (
            len(number), number, len(at), at, len(key), key, len(label), label, len(code), code, len(data), data,
            len(previous), previous,
        )  # fmt: skip
        head = sha256(text).hexdigest().encode()
        if head != stored:
            return Verdict(rows, previous.decode(), rows + 1, "changed", found)
        rows += 1
        if rows in marked:
            found[rows] = head.decode()
    return Verdict(rows, head.decode(), marked=found)


def _out_of_turn(sequence: object, rows: int, head: bytes, found: Mapping[int, str]) -> Verdict:
    """Return the verdict on a row whose number is not the next: later ones are missing, or it never was written."""
    is_later = isinstance(sequence, int) and sequence > rows + 1
    return Verdict(rows, head.decode(), rows + 1, "missing" if is_later else "order", found)
