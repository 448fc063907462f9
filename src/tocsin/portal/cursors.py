"""Where a program stands that reads all its findings: an opaque, signed word.

It holds whose it is, which question it belongs to, behind which finding it goes
on, how the types stood when the reading began, and, where only changes are
read, since when. It is good for its reader and question alone. Nothing is
stored for it, so it is good for as long as the instance keeps its secret.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import Any

from django.core import signing
from django.utils.translation import gettext as _

from tocsin.engine.public_ids import words_of
from tocsin.feeds.sweeps import Mark
from tocsin.kernel.refusals import InvalidInput

LONGEST = 4_000
"""Characters: an address must hold it beside the question."""
_SALT = "tocsin.portal.cursor"
_FIRST = dt.date(2000, 1, 1).toordinal()
Marks = Mapping[str, Mark]


@dataclasses.dataclass(frozen=True)
class Cursor:
    """Where a reading stands."""

    began: Marks
    """How the types stood when it began: what the next reading of changes goes by."""
    since: Marks | None = None
    """Only what has changed since then is read; everything where it is None."""
    past: str = ""
    """Id of the last finding that was got; empty at the beginning."""

    @property
    def place(self) -> tuple[int, int] | None:
        """The key of that finding."""
        return words_of(self.past) if self.past else None


@dataclasses.dataclass(frozen=True)
class Question:
    """What a cursor belongs to."""

    reader: int
    """Number of the person whose keys read."""
    asked: str
    """The filter, in words of our own."""
    sees: str
    """What the reader may see: whose findings, of which labels."""

    def digests(self) -> list[str]:
        """Return what a cursor holds of it."""
        return [_digest(f"{self.reader} {self.asked}"), _digest(self.sees)]


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=9).hexdigest()


def written(cursor: Cursor, question: Question) -> str:
    """Return a cursor as a word. Types that have no room in it are read whole the next time."""
    most = len(cursor.began) + len(cursor.since or {})
    while True:
        packed = [_packed(cursor.began, most), None if cursor.since is None else _packed(cursor.since, most)]
        text = signing.dumps([*question.digests(), cursor.past, *packed], salt=_SALT, compress=True)
        if len(text) <= LONGEST:
            return text
        most //= 2


def read(text: str, question: Question) -> Cursor:
    """Return the cursor that a word stands for. Raises InvalidInput for one of another reader or question.

    Who sees more than when it was made, or less, reads everything the next time.
    """
    try:
        reader, sees, past, began, since = signing.loads(text, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise InvalidInput(_("This is no cursor of ours, or not all of it."), where="cursor") from error
    mine, seen = question.digests()
    if reader != mine:
        words = _("This cursor belongs to another question, or another reader. Ask with it as you asked before.")
        raise InvalidInput(words, where="cursor")
    if sees != seen:
        return Cursor({}, None, past)
    return Cursor(_unpacked(began), None if since is None else _unpacked(since), past)


def _packed(marks: Marks, most: int) -> list[Any]:
    """Return marks as JSON holds them in little room: days as numbers, and pairs of days once."""
    kept = dict(list(marks.items())[:most])
    days = sorted({_days(mark) for mark in kept.values()})
    return [days, {name: [days.index(_days(mark)), mark.past] for name, mark in kept.items()}]


def _days(mark: Mark) -> tuple[int, int]:
    """Return latest day and horizon, counted from 2000; -1 stands for none."""
    return mark.latest.toordinal() - _FIRST, mark.horizon.toordinal() - _FIRST if mark.horizon else -1


def _unpacked(packed: list[Any]) -> dict[str, Mark]:
    days, kept = packed
    pairs = [(_day(latest), None if horizon < 0 else _day(horizon)) for latest, horizon in days]
    return {name: Mark(pairs[number][0], pairs[number][1], past) for name, (number, past) in kept.items()}


def _day(number: int) -> dt.date:
    return dt.date.fromordinal(number + _FIRST)
