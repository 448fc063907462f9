"""Which day it is for the instance, and which days lie ahead.

A report carries the day that its publisher's clock said; ours may say another.
What lies ahead (`engine.bounds` says how far it may) is kept, and counts and is
shown when its day has come: it must not pass for the latest, with which
everything is compared, nor make anything go gone before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from django.conf import settings

from tocsin.kernel.clock import Instant, now

SKEW_DAYS = 1
"""So many are not worth a word: it is tomorrow already where the publisher is."""


def is_ahead(on: dt.date, today: dt.date) -> bool:
    """Tell whether a report is dated ahead of a day by more than clocks differ."""
    return on > today + dt.timedelta(days=SKEW_DAYS)


def last_come(at: Instant | None = None) -> dt.date:
    """Return the last day that has come, for the engine: what was said of a later one holds when it has.

    That of the clock, of the instant of an import, or on which a demonstration stands; and tomorrow, which it is
    already where the publisher is.
    """
    stands: dt.date = settings.TOCSIN_TODAY or dt.date.min
    return max(now().date(), (at or now()).date(), stands) + dt.timedelta(days=SKEW_DAYS)


def today(reported: Collection[dt.date], at: Instant | None = None) -> dt.date:
    """Return the day it is for the instance that holds reports of these days, at an instant; now for None.

    That is the day of the clock. A demonstration stands still on its last day, until later reports are imported.
    """
    clock = (at or now()).date()
    stands: dt.date | None = settings.TOCSIN_TODAY
    return clock if stands is None else max([stands, *(on for on in reported if on <= clock)])


def lies_ahead(name: str, on: str, run: int) -> str:
    """Say of a report that its day has not come, and what to do where that day is wrong, in English."""
    return (
        f"{name} is dated {on}, which lies ahead: it counts when that day has come. If it is "
        f"wrong, take it back (tocsin feed withdraw {run}) and correct the name of the file or the clock."
    )


def newest(reported: Collection[dt.date]) -> dt.date | None:
    """Return the latest of these days that is not ahead; of all when the clock is before them, None for no day."""
    until = today(reported)
    return max([on for on in reported if on <= until] or reported, default=None)
