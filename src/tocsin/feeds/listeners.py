"""What the room does when others' things happen: claims decide whose open findings are."""

from __future__ import annotations

from django.conf import settings

from tocsin.audit.actors import System
from tocsin.audit.listening import listens_to
from tocsin.directory.events import ATTRIBUTION_JOB, MAY_CHANGE_ATTRIBUTION
from tocsin.jobs import queue
from tocsin.kernel import clock
from tocsin.kernel.events import Event

ATTRIBUTION = System("attribution")


def claims_may_have_changed(_event: Event) -> None:
    """Re-attribute open findings: here and now, or in a web process by a job, which has the memory for it."""
    if getattr(settings, "WORK_BY_JOBS", False):
        queue.enqueue(ATTRIBUTION_JOB, at=clock.now())
        return
    from tocsin.feeds import reattribution  # the engine is loaded only where it works

    reattribution.bring_up_to_date(by=ATTRIBUTION)


for kind in MAY_CHANGE_ATTRIBUTION:
    listens_to(kind)(claims_may_have_changed)
