"""How long is waited between tries, and when a message is given up. Pure; the clock is an argument."""

from __future__ import annotations

import datetime as dt

from tocsin.kernel.clock import Instant

FIRST_PAUSE = dt.timedelta(minutes=5)
LONGEST_PAUSE = dt.timedelta(hours=4)
GIVEN_UP_AFTER = dt.timedelta(days=5)
"""As RFC 5321, section 4.5.4.1, has it: four to five days at least."""
FIRST_PAUSE_OF_LINE = dt.timedelta(seconds=30)
LONGEST_PAUSE_OF_LINE = dt.timedelta(minutes=10)


def pause(tries: int) -> dt.timedelta:
    """Return how long to wait after so many tries that a recipient's side put off: each three times as long."""
    times: int = 3 ** min(max(tries, 1) - 1, 10)
    return min(FIRST_PAUSE * times, LONGEST_PAUSE)


def pause_of_line(tries: int) -> dt.timedelta:
    """Return how long to leave our own mail server alone after so many tries in a row that failed."""
    times: int = 2 ** min(max(tries, 1) - 1, 10)
    return min(FIRST_PAUSE_OF_LINE * times, LONGEST_PAUSE_OF_LINE)


def is_given_up(failing_since: Instant, at: Instant) -> bool:
    """Say whether a message was put off for so long that it is not tried again."""
    return at - failing_since >= GIVEN_UP_AFTER
