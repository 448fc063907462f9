"""What was said of a day: that its reports are all here, that a file could not be read, what a person decided.

Each is kept with who said it, in the order in which it was said, as is what was
delivered. How a day stands follows from what is left of it; so when a run is
withdrawn, its days are as if it had never spoken, and what a person said before
it stands again. A decision is about the reports that were here: it holds
whenever these are here and no others.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import hashlib
from collections.abc import Collection, Iterable

from tocsin.engine.cycles import Decision
from tocsin.kernel.names import day_in

THIS_RUN = 0
"""Who says what the run at work says."""


LATER = "later"
"""What a run says to be complete is so because it brought something of a later day: while any such day is left."""


class What(enum.StrEnum):
    """What may be said of a day."""

    COMPLETE = "complete"
    """No more reports of it will come."""
    LACKS = "lacks"
    """A file of it was set aside: while it has not come whole, the day is not complete."""
    CAME = "came"
    """What it lacked has come."""
    CLOSED = "closed"
    """A person lets it count with what is here, whatever it lacks."""
    CONFIRMED = "confirmed"
    DISCARDED = "discarded"
    EMPTY = "empty"
    """A person says that nothing was reported, and rightly so. Says nothing while there are reports."""


CLOSING = frozenset({What.COMPLETE, What.CLOSED})
"""What lets a day count with the reports that are here, and says nothing of those that come when all these are gone."""


@dataclasses.dataclass(frozen=True)
class Said:
    """One of these, of one type's day."""

    type: str
    on: dt.date
    what: What
    about: str = ""
    """Which file, as `told_by` has it; of what was confirmed or discarded, `digest_of` the contents of the day's
    reports, which are the same when they are read again as of another type. Older versions wrote that of their ids.
    Of what is complete, `LATER` where that is why."""
    by: int | None = THIS_RUN
    """The number of the run; None for a person, or a watch whose time has come."""

    @property
    def is_because_of_later(self) -> bool:
        """Whether it holds only while a later day of the type is here."""
        return self.what is What.COMPLETE and self.about == LATER


@dataclasses.dataclass(frozen=True)
class Stand:
    """How a day stands by what was said of it."""

    closed: bool
    decision: Decision
    broken: tuple[str, ...]
    """What it lacks."""
    is_spoken_of: bool
    """Whether there is such a day even without a report."""


UNREAD = "?"
"""The content of a file that nobody could read."""


def told_by(name: str, content: str = "") -> str:
    """Return what a file is told by: its name; where another of that name is here, its place and its content too."""
    return f"{name}\n{content}" if content else name


def name_in(about: str) -> str:
    """Return the name of a file, or its place, from what it is told by."""
    return about.partition("\n")[0]


def content_in(about: str) -> str:
    """Return the content of a file from what it is told by; empty where its name alone tells it."""
    return about.partition("\n")[2]


def digest_of(reports: Iterable[str]) -> str:
    """Return a digest of reports, by what tells them apart, in any order."""
    return hashlib.sha256("\n".join(sorted(reports)).encode()).hexdigest()


def stand(
    said: Iterable[Said], names: Collection[str], contents: Collection[str], ids: Collection[str] | None = None
) -> Stand:
    """Return how a day stands that has reports of these names, contents and ids. `said` is all of that day, in order.

    What counts is here: a damaged copy of it takes nothing from the day, whichever of them came first. Where nothing
    is, what does not say itself of which day it is lacks nowhere: a day waited for it because of what was beside it.
    """
    closed, decision = False, Decision.NONE
    here = {digest_of(contents), digest_of(contents if ids is None else ids)}
    lacks: set[str] = set()
    is_overruled = False
    for one in said:
        if one.what is What.LACKS:
            lacks.add(one.about)
        elif one.what is What.CAME:
            lacks.discard(one.about)
        elif one.what is What.EMPTY:
            if not contents:
                closed, decision, lacks, is_overruled = True, Decision.CONFIRMED, set(), True
        elif one.what in (What.CONFIRMED, What.DISCARDED):
            decision = Decision(one.what.value) if one.about in here else decision
        else:
            closed = True
            is_overruled |= one.what is What.CLOSED and bool(lacks)
            lacks = set() if one.what is What.CLOSED else lacks
    away = {about for about in lacks if (content_in(about) or about) not in (contents if content_in(about) else names)}
    broken = tuple(sorted({name_in(about) for about in away}))
    return Stand(closed, decision, broken, any(map(day_in, broken)) or is_overruled)
