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
MOST_BREAKS = 20
"""So many are named: whoever has changed a thousand rows has done one thing."""


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


class Break(NamedTuple):
    """Rows side by side that are not as they were written, all in the same way."""

    problem: str
    """`missing`, `order` or `changed`."""
    row: int
    """Number of the first."""
    until: int
    """Number of the last."""


class Verdict(NamedTuple):
    """What checking the chain found."""

    rows: int
    """So many rows are sound, counted from the first."""
    head: str
    """Hash of the last of them."""
    last: int
    """Number of the last row that is there, sound or not."""
    marked: Mapping[int, str] = {}
    """Hashes of the rows whose numbers were marked, where they fit what the rows hold."""
    breaks: tuple[Break, ...] = ()
    """In the order of the rows; MOST_BREAKS at most."""
    more_breaks: int = 0
    """So many more there are."""

    @property
    def broken_at(self) -> int | None:
        """Number of the first row that is not as it was written, if there is one."""
        return self.breaks[0].row if self.breaks else None

    @property
    def problem(self) -> str:
        """What is wrong with it."""
        return self.breaks[0].problem if self.breaks else ""


class _Found:
    """Breaks as they are found, those of rows side by side as one, and what was sound before the first."""

    def __init__(self) -> None:
        self.breaks: list[Break] = []
        self.more = 0
        self.sound: tuple[int, bytes] | None = None
        self._last: Break | None = None

    def add(self, problem: str, row: int, until: int, head: bytes) -> None:
        """Note a break; `head` is the hash of the row before it."""
        if self.sound is None:
            self.sound = row - 1, head
        if self._last and self._last.problem == problem and self._last.until >= row - 1:
            row, until = self._last.row, max(until, self._last.until)
            if not self.more:
                self.breaks.pop()
        elif len(self.breaks) == MOST_BREAKS:
            self.more += 1
        self._last = Break(problem, row, until)
        if not self.more:
            self.breaks.append(self._last)


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

    After a row that is not as it was written the walk goes on: what follows is held against what that row says of
    itself, and against what it should say, so that one change is one break. The loop calls as little as it can: it has
    a million turns.
    """
    number, head, kept, sha256 = 0, GENESIS.encode(), b"", hashlib.sha256
    hashes, found = dict[int, str](), _Found()
    for sequence, at, key, label, code, data, previous, stored in links:
        if sequence != number + 1:
            if not isinstance(sequence, int) or sequence <= number:  # it never was written
                found.add("order", number + 1, number + 1, head)
                continue
            found.add("missing", number + 1, sequence - 1, head)
            head = previous  # whatever was before it is gone
        number, text = sequence, b"%d" % sequence
        follows = previous in (head, kept)
        if not follows:
            found.add("order", number, number, head)
        text = b"%d:%b%d:%b%d:%b%d:%b%d:%b%d:%b%d:%b" % (
            len(text), text, len(at), at, len(key), key, len(label), label, len(code), code, len(data), data,
            len(previous), previous,
        )  # fmt: skip
        head, kept = sha256(text).hexdigest().encode(), stored
        if head != stored:
            if follows:
                found.add("changed", number, number, previous)
        elif number in marked:
            hashes[number] = head.decode()
    rows, sound = found.sound or (number, head)
    return Verdict(rows, sound.decode(), number, hashes, tuple(found.breaks), found.more)
