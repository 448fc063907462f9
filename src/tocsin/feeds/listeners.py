"""What the room does when others' things happen: claims decide whose open findings are."""

from __future__ import annotations

from django.conf import settings

from tocsin.audit.actors import System
from tocsin.audit.listening import listens_to
from tocsin.directory.events import ATTRIBUTION_JOB, MAY_CHANGE_ATTRIBUTION
from tocsin.feeds import holding
from tocsin.jobs import helping
from tocsin.kernel.events import Event

ATTRIBUTION = System("attribution")


def claims_may_have_changed(_event: Event) -> None:
    """Re-attribute open findings here and now. In a web process the page sees to it, which has no memory for it.

    The job for it was made in the transaction of the change, so that it is not
    lost when this process ends before it is done.
    """
    if not getattr(settings, "WORK_BY_JOBS", False):
        helping.do_here(ATTRIBUTION_JOB)


def must_wait() -> bool:
    """Say whether an import, or another change of the findings, has the store: that may take long."""
    holder = holding.holder()
    return holder is not None and holder.work not in ("", holding.ATTRIBUTION)


helping.hindered(ATTRIBUTION_JOB, must_wait)
for kind in MAY_CHANGE_ATTRIBUTION:
    listens_to(kind)(claims_may_have_changed)
