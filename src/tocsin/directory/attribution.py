"""Open findings belong to whom the claims say now: ordered here, done above this room by a job known by name.

What changes claims orders it in its own transaction. A web process has no
memory for the work, so a page has it done by others and waits a moment for
them: then it says who got how many findings, or how far it is.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping

from django.conf import settings

from tocsin.audit.actors import Actor
from tocsin.audit.models import AuditRow
from tocsin.audit.queries import rows_of
from tocsin.directory.events import ATTRIBUTION_JOB, WAITS_FOR_THE_STORE
from tocsin.jobs import helping, queue
from tocsin.jobs.choices import State
from tocsin.jobs.models import Job
from tocsin.jobs.queries import last_job, unfinished_jobs, unfinished_or_last
from tocsin.kernel import clock
from tocsin.kernel.clock import Instant

HANDED_OVER = "finding.reattributed"
"""The row of the trail that says how many findings whoever got."""
TAKEN_UP_WITHIN = dt.timedelta(seconds=2)
"""Whoever is there to do it has begun by then."""


def order(at: Instant) -> None:
    """Have open findings attributed anew. Called within the transaction that changes claims."""
    queue.enqueue(ATTRIBUTION_JOB, at=at)


# ---- how far it is


@dataclasses.dataclass(frozen=True)
class UnderWay:
    """Attribution that was ordered and is not done."""

    since: int
    """Number of the row of the trail after which findings have changed hands by it."""
    is_running: bool = False
    is_held: bool = False
    """It waits for an import, or another change of the findings, to end."""
    percent: int = 0
    is_overdue: bool = False
    """Nobody has taken it up, though they have had the time."""
    is_worker_there: bool = False
    failed: str = ""
    """Why it came to nothing; empty when it did not."""


def under_way(at: Instant, since: int | None = None) -> UnderWay | None:
    """Return how far attribution is; None when it is done. `since` is what an earlier answer said."""
    jobs, last = unfinished_or_last(ATTRIBUTION_JOB)
    since = getattr(last, "trail", 0) if since is None else since
    if not jobs:
        return UnderWay(since, failed=last.last_error) if last and last.state == State.FAILED else None
    if running := next((job for job in jobs if _is_in_hand(job, at)), None):
        held = running.progress_text == WAITS_FOR_THE_STORE
        return UnderWay(since, is_running=not held, is_held=held, percent=int(running.progress * 100))
    if helping.is_hindered(ATTRIBUTION_JOB):
        return UnderWay(since, is_held=True)
    overdue = all(job.run_after < at - TAKEN_UP_WITHIN for job in jobs)
    there = helping.is_anybody_there()
    return UnderWay(since, is_overdue=overdue, is_worker_there=there)


def _is_in_hand(job: Job, at: Instant) -> bool:
    return job.state == State.RUNNING and job.lease_until is not None and job.lease_until >= at


# ---- what came of it


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of a change of claims."""

    is_done: bool
    gained: Mapping[str, int]
    """Open findings by the public id of whoever got them, empty for nobody."""
    reason: str = ""
    """Why it is not done, as far as is known."""
    is_held: bool = False
    """It waits for an import, or another change of the findings, to end."""

    @property
    def findings(self) -> int:
        """How many changed hands."""
        return sum(self.gained.values())


def outcome(by: Actor) -> Outcome:
    """Return what came of what `by` did last."""
    left = unfinished_jobs(ATTRIBUTION_JOB).last() or last_job(ATTRIBUTION_JOB)
    done = left is None or left.state == State.DONE
    last = rows_of(by.audit_key).first()
    reason = "" if done or left is None else left.last_error
    held = not done and helping.is_hindered(ATTRIBUTION_JOB)
    return Outcome(done, gained_since(last.sequence if last else 0), reason, held)


def see_done(by: Actor) -> Outcome:
    """Have it done now, wait for it a moment, and return what came of what `by` did last."""
    if getattr(settings, "WORK_BY_JOBS", False):  # else it was done here when the change was committed
        helping.see_done(ATTRIBUTION_JOB)
    return outcome(by)


def finish_here() -> bool:
    """Do in this process what an earlier change left undone, whose process was ended; say whether there was any."""
    if not unfinished_jobs(ATTRIBUTION_JOB).exists():
        return False
    helping.do_here(ATTRIBUTION_JOB)
    return True


def try_again() -> bool:
    """Have done what is left undone or has failed; say whether it is done in time."""
    if (last := last_job(ATTRIBUTION_JOB)) and last.state == State.FAILED:
        order(clock.now())
    return helping.see_done(ATTRIBUTION_JOB)


def gained_since(sequence: int) -> dict[str, int]:
    """Return how many open findings whoever got after a row of the trail, most first."""
    gained: dict[str, int] = {}
    for row in AuditRow.objects.filter(sequence__gt=sequence, code=HANDED_OVER):
        for constituent, findings in row.data["by_constituent"].items():
            gained[constituent] = gained.get(constituent, 0) + findings
    return dict(sorted(gained.items(), key=lambda item: (-item[1], item[0])))
