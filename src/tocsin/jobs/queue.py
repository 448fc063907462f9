"""Jobs in and out of the table. Works the same on SQLite (one writer at a time) and PostgreSQL (SKIP LOCKED)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet

from tocsin.jobs import bell
from tocsin.jobs.choices import State
from tocsin.jobs.models import Job
from tocsin.jobs.registry import Schedule
from tocsin.kernel.clock import Instant

FIRST_WAIT = dt.timedelta(seconds=15)
LONGEST_WAIT = dt.timedelta(hours=1)
DEFAULT_LEASE = dt.timedelta(seconds=60)


def enqueue(
    kind: str,
    payload: dict[str, Any] | None = None,
    *,
    at: Instant,
    key: str | None = None,
    after: Instant | None = None,
) -> Job:
    """Make a job, or return the one that was made with the same `key` before.

    Made within a transaction, the job exists if and only if that is committed.
    """
    values = {"kind": kind, "payload": payload or {}, "made_at": at, "run_after": after or at}
    if key is None:
        return Job.objects.create(**values)
    Job.objects.bulk_create([Job(key=key, **values)], ignore_conflicts=True)
    return Job.objects.get(key=key)


def hurry(kind: str, payload: dict[str, Any], *, at: Instant) -> Job:
    """Make a job that is due now, and wake a worker for it."""
    made = enqueue(kind, payload, at=at)
    transaction.on_commit(bell.ring)
    return made


def ensure(kind: str, *, at: Instant, after: Instant) -> None:
    """Make a job of a kind that begins by `after`, unless one waits that does; wake a worker when that is now.

    One that runs does not count: it may have looked before there was what it is to see.
    """
    if not Job.objects.filter(kind=kind, state=State.WAITING, run_after__lte=max(at, after)).exists():
        enqueue(kind, at=at, after=max(at, after))
    if after <= at:
        bell.ring()


def claim(worker: str, *, at: Instant, lease: dt.timedelta = DEFAULT_LEASE, kind: str = "") -> Job | None:
    """Return the next job that is due (of one kind, when it is named), leased to `worker`, or None.

    No two workers get the same one.
    """
    if not _due(at, kind).exists():  # a look takes no lock; idle workers must not hold up SQLite's only writer
        return None
    with transaction.atomic():
        job = _due(at, kind).select_for_update(skip_locked=True).order_by("run_after", "id").first()
        if job is None:
            return None
        job.state, job.leased_by, job.lease_until = State.RUNNING, worker, at + lease
        job.attempts += 1
        job.progress, job.progress_text = 0.0, ""
        job.save(update_fields=["state", "leased_by", "lease_until", "attempts", "progress", "progress_text"])
        return job


def _due(at: Instant, kind: str) -> QuerySet[Job]:
    due = Job.objects.filter(state=State.WAITING, run_after__lte=at)
    return due.filter(kind=kind) if kind else due


def reclaim(*, at: Instant) -> int:
    """Take back the jobs whose workers have died; return how many. Each lost lease is taken back once."""
    lost = Job.objects.filter(state=State.RUNNING, lease_until__lt=at)
    if not lost.exists():
        return 0
    return lost.update(
        state=State.WAITING, run_after=at, leased_by="", lease_until=None, last_error="The worker was lost."
    )


def _held(job: Job) -> QuerySet[Job]:
    """Return the job's row if this very lease still holds."""
    return Job.objects.filter(pk=job.pk, state=State.RUNNING, leased_by=job.leased_by, attempts=job.attempts)


def renew(job: Job, *, at: Instant, lease: dt.timedelta) -> bool:
    """Hold a job for longer; False when the lease was lost."""
    return bool(_held(job).update(lease_until=at + lease))


def note_progress(job: Job, share: float, text: str) -> bool:
    """Note how far a job is; False when the lease was lost."""
    return bool(_held(job).update(progress=min(max(share, 0.0), 1.0), progress_text=text[:400]))


def finish(job: Job, *, at: Instant) -> bool:
    """Note that a job is done; False when the lease was lost."""
    return bool(
        _held(job).update(state=State.DONE, progress=1.0, finished_at=at, lease_until=None, leased_by="", last_error="")
    )


def answer(jobs: Collection[int], *, at: Instant) -> int:
    """Note that what these jobs (their numbers) wait to do was done by somebody else; return how many still waited."""
    waiting = Job.objects.filter(pk__in=jobs, state=State.WAITING)
    return waiting.update(state=State.DONE, progress=1.0, finished_at=at, last_error="") if jobs else 0


def put_back(job: Job, *, at: Instant) -> bool:
    """Let a job that stopped early be run again, as if it had not been tried."""
    return bool(
        _held(job).update(state=State.WAITING, run_after=at, lease_until=None, leased_by="", attempts=F("attempts") - 1)
    )


def fail(job: Job, error: str, *, at: Instant, for_good: bool) -> bool:
    """Note a failure: to be tried again later, each time after twice as long, or for good."""
    lost: dict[str, Any] = {"lease_until": None, "leased_by": "", "last_error": error}
    if for_good:
        return bool(_held(job).update(state=State.FAILED, finished_at=at, **lost))
    return bool(_held(job).update(state=State.WAITING, run_after=at + wait_before_try(job.attempts + 1), **lost))


def wait_before_try(attempt: int) -> dt.timedelta:
    """Return how long to wait before the `attempt`-th try (the second is the first that waits)."""
    wait: dt.timedelta = FIRST_WAIT * 2 ** min(attempt - 2, 20)
    return min(wait, LONGEST_WAIT)


def retry(job: Job, *, at: Instant) -> bool:
    """Try a job that has failed for good once more."""
    return bool(
        Job.objects.filter(pk=job.pk, state=State.FAILED).update(
            state=State.WAITING, run_after=at, attempts=0, finished_at=None
        )
    )


def forget(job: Job) -> bool:
    """Delete a job that has failed for good."""
    return bool(Job.objects.filter(pk=job.pk, state=State.FAILED).delete()[0])


def make_scheduled(schedule: Schedule, *, at: Instant) -> Job | None:
    """Make the job of the present turn of a schedule, unless it was made or an earlier one is still to be done."""
    turn = int(at.timestamp() // schedule.interval.total_seconds())
    key = f"every:{schedule.kind}:{turn}"
    unfinished = Q(state__in=(State.WAITING, State.RUNNING), key__startswith=f"every:{schedule.kind}:")
    if Job.objects.filter(Q(key=key) | unfinished).exists():
        return None
    return enqueue(schedule.kind, at=at, key=key)


def sweep(*, at: Instant, done_for: dt.timedelta, failed_for: dt.timedelta) -> int:
    """Delete jobs that were finished that long ago; return how many. Their keys are then forgotten."""
    old = Q(state=State.DONE, finished_at__lt=at - done_for) | Q(state=State.FAILED, finished_at__lt=at - failed_for)
    return Job.objects.filter(old).delete()[0]
