"""Whether open findings are held by the claims as they are: that is done above this room, by a job known here by name.

A web process has no memory for it, so what a page says about it must come from
the job: it waits, it is being done, or nobody is there to do it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt

from tocsin.directory.events import ATTRIBUTION_JOB
from tocsin.jobs.choices import State
from tocsin.jobs.queries import unfinished_jobs
from tocsin.kernel.clock import Instant

TAKEN_UP_WITHIN = dt.timedelta(seconds=20)
"""A worker that has nothing else to do takes a job up after a second."""


@dataclasses.dataclass(frozen=True)
class UnderWay:
    """Attribution that has been ordered and is not done."""

    is_running: bool
    is_overdue: bool
    """No worker has taken it up, though it has had the time."""


def under_way(at: Instant) -> UnderWay | None:
    """Return how far attribution is; None when it is done."""
    jobs = list(unfinished_jobs(ATTRIBUTION_JOB))
    if not jobs:
        return None
    overdue = all(job.state == State.WAITING and job.run_after < at - TAKEN_UP_WITHIN for job in jobs)
    return UnderWay(is_running=any(job.state == State.RUNNING for job in jobs), is_overdue=overdue)
