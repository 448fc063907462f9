"""Reading jobs, for screens and for `doctor`."""

from __future__ import annotations

import datetime as dt

from django.db.models import Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from tocsin.audit.models import AuditRow
from tocsin.jobs.choices import State
from tocsin.jobs.models import Job
from tocsin.kernel.clock import Instant


def running_jobs(kind: str) -> QuerySet[Job]:
    """Return the jobs of a kind that run now, for their progress."""
    return Job.objects.filter(kind=kind, state=State.RUNNING).order_by("made_at")


def unfinished_jobs(kind: str) -> QuerySet[Job]:
    """Return the jobs of a kind that wait or run."""
    return Job.objects.filter(kind=kind, state__in=(State.WAITING, State.RUNNING)).order_by("made_at")


def last_job(kind: str) -> Job | None:
    """Return the job of a kind that was made last, whatever became of it."""
    return Job.objects.filter(kind=kind).order_by("-made_at", "-pk").first()


def unfinished_or_last(kind: str) -> tuple[list[Job], Job | None]:
    """Return the jobs of a kind that wait or run, oldest first, and the one that was made last: in one question.

    Each says as `trail` how long the audit trail was when it was asked for; 0 for an empty one.
    """
    last = Job.objects.filter(kind=kind).order_by("-made_at", "-pk").values("pk")[:1]
    wanted = Q(state__in=(State.WAITING, State.RUNNING)) | Q(pk=Subquery(last))
    trail = Coalesce(Subquery(AuditRow.objects.order_by("-sequence").values("sequence")[:1]), 0)
    rows = list(Job.objects.filter(wanted, kind=kind).annotate(trail=trail).order_by("made_at", "pk"))
    return [job for job in rows if job.state in (State.WAITING, State.RUNNING)], rows[-1] if rows else None


def failed_jobs() -> QuerySet[Job]:
    """Return the jobs that failed for good, last first."""
    return Job.objects.filter(state=State.FAILED).order_by("-finished_at")


def kinds_that_fail() -> list[Job]:
    """Return, of each kind that comes by itself, the last job when that failed for good."""
    scheduled = Job.objects.filter(key__startswith="every:", finished_at__isnull=False)
    failing = scheduled.filter(state=State.FAILED).order_by().values_list("kind", flat=True).distinct()
    lasts = [scheduled.filter(kind=kind).order_by("-finished_at").first() for kind in sorted(failing)]
    return [last for last in lasts if last and last.state == State.FAILED]


def overdue_jobs(*, at: Instant, by: dt.timedelta) -> QuerySet[Job]:
    """Return the jobs that should have begun at least so long ago, or whose worker died: none runs, or too few do."""
    waiting = Q(state=State.WAITING, run_after__lt=at - by)
    lost = Q(state=State.RUNNING, lease_until__lt=at - by)
    return Job.objects.filter(waiting | lost).order_by("run_after")
