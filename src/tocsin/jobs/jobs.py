"""The room's own periodic work."""

from __future__ import annotations

import datetime as dt
from typing import Any

from tocsin.jobs import queue
from tocsin.jobs.registry import Running, every, job
from tocsin.kernel import clock

KEEP_DONE = dt.timedelta(days=7)
KEEP_FAILED = dt.timedelta(days=90)


@job("jobs.sweep")
def sweep(payload: dict[str, Any], running: Running) -> None:
    """Forget jobs that were finished long ago."""
    queue.sweep(at=clock.now(), done_for=KEEP_DONE, failed_for=KEEP_FAILED)


every("jobs.sweep", seconds=3600)
