"""What people ordered on pages and a worker does: what waits, what is being done, what was refused or failed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from tocsin.directory.events import ATTRIBUTION_JOB
from tocsin.feeds import reasons
from tocsin.jobs.choices import State
from tocsin.jobs.models import Job

JOB = "feeds.ordered"
LOOKS = {State.WAITING: "waiting", State.RUNNING: "working", State.FAILED: "failed"}
SHOWN = 20


@dataclasses.dataclass(frozen=True)
class Order:
    """One order that is not carried out."""

    job: Job

    @property
    def look(self) -> str:
        """How the design system calls its state."""
        return LOOKS[State(self.job.state)]

    @property
    def failed(self) -> bool:
        """Whether nobody will try it again by themselves."""
        return self.job.state == State.FAILED

    @property
    def what(self) -> str:
        """What was ordered, in words, with days as machines write them: for commands and the trail."""
        return _in_words(self.job.payload, str)

    @property
    def what_said(self) -> str:
        """The same as a page says it."""
        return _in_words(self.job.payload, reasons.said_day)

    @property
    def by(self) -> str:
        """Who ordered it."""
        return str(self.job.payload.get("by", ["", ""])[1])

    @property
    def reason(self) -> str:
        """Why it is not done: the sentence of the refusal, or of the last try."""
        return self.job.last_error

    @property
    def reason_said(self) -> str:
        """The same in the reader's language."""
        return reasons.said_of_order(self.job.last_error)


def _in_words(payload: dict[str, Any], day: Callable[[str], str]) -> str:
    words = {
        "withdraw": _("Withdraw run {run}"),
        "replay": _("Read run {run} again"),
        "confirmed": _("Confirm the report {type} of {on}"),
        "discarded": _("Discard the report {type} of {on}"),
        "empty": _("Nothing to report: {type} of {on}"),
    }
    said = words.get(payload.get("what", ""), _("Attribute open findings anew"))
    return said.format(run=payload.get("run"), type=payload.get("type"), on=day(str(payload.get("on", ""))))


def orders(run: int | None = None) -> list[Order]:
    """Return the orders that are not carried out, of one run or of all, the latest first."""
    of_kind = Q(kind=JOB) if run is None else Q(kind=JOB, payload__run=run)
    if run is None and (failed := _attribution_that_failed()):
        of_kind |= Q(pk=failed.pk)
    rows = Job.objects.filter(of_kind, state__in=list(LOOKS)).order_by("-made_at", "-pk")
    return [Order(job) for job in rows[:SHOWN]]


def is_ordered(what: str, run: int) -> bool:
    """Say whether this waits or is being done for a run: somebody pressed a button twice."""
    under_way = Q(state=State.WAITING) | Q(state=State.RUNNING)
    return Job.objects.filter(under_way, kind=JOB, payload__what=what, payload__run=run).exists()


def order_numbered(pk: int) -> Job | None:
    """Return an order that failed; None when there is none of that number."""
    return Job.objects.filter(pk=pk, kind__in=(JOB, ATTRIBUTION_JOB), state=State.FAILED).first()


def _attribution_that_failed() -> Job | None:
    """Return the last attribution of open findings if it failed: a later one makes good what an earlier one left."""
    last = Job.objects.filter(kind=ATTRIBUTION_JOB).order_by("-made_at", "-pk").first()
    return last if last and last.state == State.FAILED else None
