"""The worker process: background work and schedules of the jobs room, until told to stop."""

from __future__ import annotations

import signal
import sys
import threading

from tocsin.site.starting import set_up_django


def main() -> int:
    """Work until SIGTERM or SIGINT; finish the job in hand first."""
    stop = threading.Event()
    for kind in (signal.SIGTERM, signal.SIGINT):
        signal.signal(kind, lambda _number, _frame: stop.set())
    set_up_django()
    from tocsin.jobs.worker import work

    work(stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
