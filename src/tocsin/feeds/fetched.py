"""How the fetching of reports stands, for the page of feeds and for `doctor`. Light enough for a web process."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.conf import settings
from django.db.models import Max

from tocsin.feeds.choices import DownloadState
from tocsin.feeds.models import Download
from tocsin.jobs.choices import State
from tocsin.jobs.models import Job
from tocsin.kernel.clock import Instant

FETCH_JOB = "feeds.fetch"
SHOWN = 20


@dataclasses.dataclass(frozen=True)
class Fetching:
    """What became of the last try, and what is lacking."""

    last_at: Instant | None
    """When all was last fetched, or a report came, as far as is remembered."""
    problem: str
    """Why the last try failed, in a sentence; empty when it did not."""
    next_at: Instant | None
    """When it is tried again; None while it works, and when the hour decides."""
    lacking: tuple[Download, ...]
    """Reports that are not imported, newest first."""

    @property
    def look(self) -> str:
        """How the design system calls its state."""
        if self.problem:
            return "failed"
        return "done" if self.last_at else "waiting"


def is_by_itself(config: Any) -> bool:
    """Say whether reports are fetched every hour: key and secret are set. Never in a demonstration or an exercise."""
    unreal = config.exercise or (config.home / "demo").exists()
    return bool(config.shadowserver_key and config.shadowserver_secret) and not unreal


def fetching() -> Fetching | None:
    """Return how it stands; None when nothing is fetched by itself."""
    if not is_by_itself(settings.TOCSIN):
        return None
    jobs = Job.objects.filter(kind=FETCH_JOB)
    done = jobs.filter(state=State.DONE).order_by("-finished_at").first()
    came = Download.objects.filter(state=DownloadState.IMPORTED).aggregate(last=Max("at"))["last"]
    last = jobs.order_by("-made_at", "-pk").first()
    if last and last.state == State.WAITING and not last.last_error:  # a new turn, not begun: the one before counts
        last = jobs.exclude(pk=last.pk).order_by("-made_at", "-pk").first()
    return Fetching(
        last_at=max(filter(None, (done and done.finished_at, came)), default=None),
        problem=last.last_error if last else "",
        next_at=last.run_after if last and last.last_error and last.state == State.WAITING else None,
        lacking=tuple(lacking()[:SHOWN]),
    )


def lacking() -> list[Download]:
    """Return the reports that were offered and are not imported, newest first."""
    wanting = (DownloadState.REFUSED, DownloadState.BROKEN)
    return list(Download.objects.filter(state__in=wanting).order_by("-on", "file"))
