"""How an answer to a finding stands, from the finding as the reports show it now. Pure.

Nothing of this is stored: whatever reports come, are withdrawn or read again,
an answer stands as the findings say. What re-opens a finding that was said to
be fixed is when it was *seen*, not when its report came: a report of yesterday
says nothing against an answer of today.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from tocsin.feeds.choices import AnswerKind, Stands, Verdict

QUIET = frozenset({Stands.WAITS, Stands.HOLDS, Stands.TO_JUDGE})
"""While an answer stands so, nobody is told of its finding."""
OVER = frozenset({Stands.ENDED, Stands.REFUSED})
"""Such an answer leaves the word to the one before it."""
_DAY = dt.timedelta(days=1)


class Said(NamedTuple):
    """An answer, with the verdict on it where there is one."""

    kind: str
    constituent: str
    at: dt.datetime
    until: dt.date | None = None
    verdict: str = ""
    quiet_until: dt.date | None = None


class Seen(NamedTuple):
    """A finding as the reports show it."""

    constituent: str
    is_gone: bool
    last_seen: dt.datetime
    """Time of the latest observation, by the report's own word."""
    last_cycle: dt.date
    """Day of the latest report that shows it."""
    counts: bool
    """Whether that report counts: one that is held for repeating another day's file shows nothing new."""
    opened_on: dt.date
    """The day on which it was found, or came back last."""


def stands(said: Said, seen: Seen | None, today: dt.date) -> Stands:
    """Return how an answer stands. A finding that is known no more, or is somebody else's, has no answer left."""
    if said.kind == AnswerKind.TAKEN_BACK:
        return Stands.TAKEN_BACK
    if seen is None or seen.constituent != said.constituent:
        return Stands.ENDED
    if said.kind == AnswerKind.FIXED:
        return Stands.CONTRADICTED if was_seen_since(said, seen) else _gone_or_not(seen)
    if said.kind == AnswerKind.ACCEPTED:
        is_over = said.until is None or said.until < today or came_back_since(said, seen)
        return Stands.ENDED if is_over else Stands.HOLDS
    return _judged(said, today)


def _gone_or_not(seen: Seen) -> Stands:
    return Stands.CONFIRMED if seen.is_gone else Stands.WAITS


def _judged(said: Said, today: dt.date) -> Stands:
    if said.verdict == Verdict.REFUSED:
        return Stands.REFUSED
    if said.verdict == Verdict.UPHELD:
        return Stands.HOLDS if said.quiet_until is not None and today <= said.quiet_until else Stands.ENDED
    return Stands.TO_JUDGE


def was_seen_since(said: Said, seen: Seen) -> bool:
    """Say whether a finding was seen on a later day (UTC) than that of the answer.

    Seen is what an observation says of its own time. Lists that stand still by nature say when a host was listed
    first: of those, a report that counts and is of two days later speaks for itself, since rows are of the day of
    their report or of the day before.
    """
    day = said.at.astimezone(dt.UTC).date()
    return seen.last_seen.astimezone(dt.UTC).date() > day or (seen.counts and seen.last_cycle > day + _DAY)


def came_back_since(said: Said, seen: Seen) -> bool:
    """Say whether a finding had gone and was found again on a later day than that of the answer."""
    return seen.opened_on > said.at.astimezone(dt.UTC).date()


def holding(answers: Sequence[Said], seen: Seen | None, today: dt.date) -> tuple[int, Stands] | None:
    """Return which of the answers has the word, given oldest first, and how it stands; None where nobody spoke.

    The last one that is not over has it; where all are over, the last one.
    """
    all_of_them = [stands(each, seen, today) for each in answers]
    if not all_of_them:
        return None
    last = len(all_of_them) - 1
    at = next((number for number in range(last, -1, -1) if all_of_them[number] not in OVER), last)
    return at, all_of_them[at]
