"""The worker process: background work and schedules of the jobs room, until told to stop.

With `--only KIND` it does the jobs of one kind that wait, and ends: a page that
waits for such work starts it when no worker is free.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tocsin.kernel.disk import is_full
from tocsin.site import unusable
from tocsin.site.serving.supervisor import say
from tocsin.site.starting import set_up_django

LOOK_AGAIN_S = 5.0
WORKED_S = 60.0
"""Who has worked for so long had room: it is said again when the disk is full anew."""


def main(arguments: Sequence[str]) -> int:
    """Work until SIGTERM or SIGINT; finish the job in hand first."""
    if arguments[:1] == ["--only"]:
        return help_with(arguments[1])
    stop = threading.Event()
    for kind in (signal.SIGTERM, signal.SIGINT):
        signal.signal(kind, lambda _number, _frame: stop.set())
    set_up_django()
    from tocsin.jobs.worker import work

    _while_there_is_room(stop, work)
    return 0


def _while_there_is_room(stop: threading.Event, work: Callable[[threading.Event], None]) -> None:
    """Work; when the disk is full, or database or files cannot be used, say so once and go on when that is over."""
    from django.conf import settings
    from django.db import Error, connection

    home: Path = settings.TOCSIN.home
    told = False
    while not stop.is_set():
        began = time.monotonic()
        try:
            work(stop)
        except (Error, OSError) as error:
            why = _why_wait(error, home)
            if not why:
                raise
            connection.close()
            if not told or time.monotonic() - began >= WORKED_S:
                say(why)
                told = True
            stop.wait(LOOK_AGAIN_S)


def _why_wait(error: Exception, home: Path) -> str:
    """Return the sentence about something that somebody mends; empty for an error of the software."""
    if is_full(error, home):
        return f"the disk of {home} is full: background work waits until there is room."
    said = unusable.sentence(error, home)
    return f"{said} Background work waits until then." if said else ""


def help_with(kind: str) -> int:
    """Do the jobs of one kind that wait. Counts as a running server: nobody restores meanwhile."""
    from tocsin.site import instance
    from tocsin.site.config import load

    home = load().home
    with instance.serving_lock(home, alone=False):
        set_up_django()
        from tocsin.jobs.helping import lend_a_hand

        return _once(lambda: lend_a_hand(kind), home)


def _once(work: Callable[[], None], home: Path) -> int:
    """Work; when the disk is full, or database or files cannot be used, say so and leave it to the next."""
    from django.db import Error

    try:
        work()
    except (Error, OSError) as error:
        why = _why_wait(error, home)
        if not why:
            raise
        say(why)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
