"""The worker process: background work and schedules of the jobs room, until told to stop.

With `--only KIND` it does the jobs of one kind that wait, and ends: a page that
waits for such work starts it when no worker is free.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Sequence

from tocsin.site.starting import set_up_django


def main(arguments: Sequence[str]) -> int:
    """Work until SIGTERM or SIGINT; finish the job in hand first."""
    if arguments[:1] == ["--only"]:
        return help_with(arguments[1])
    stop = threading.Event()
    for kind in (signal.SIGTERM, signal.SIGINT):
        signal.signal(kind, lambda _number, _frame: stop.set())
    set_up_django()
    from tocsin.jobs.worker import work

    work(stop)
    return 0


def help_with(kind: str) -> int:
    """Do the jobs of one kind that wait. Counts as a running server: nobody restores meanwhile."""
    from tocsin.site import instance
    from tocsin.site.config import load

    with instance.serving_lock(load().home, alone=False):
        set_up_django()
        from tocsin.jobs.helping import lend_a_hand

        lend_a_hand(kind)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
