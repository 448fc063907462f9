"""Engine work that a person orders on a page: done at once, or in a web process by a job, which has the memory."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from tocsin.audit.actors import Actor
from tocsin.feeds import deciding
from tocsin.feeds.models import Run
from tocsin.feeds.orders import JOB, is_ordered
from tocsin.jobs import queue
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Conflict, InvalidInput

ORDERS = ("confirmed", "discarded", "empty", "withdraw", "replay")


@dataclasses.dataclass(frozen=True)
class Orderer:
    """Who ordered it, as the trail knows people."""

    audit_key: str
    audit_label: str


def order(what: str, *, by: Actor, at: Instant, **details: Any) -> bool:
    """Have work done; say whether it is done already. Raises a Refusal for what cannot be done, and for what somebody
    has ordered of a run and waits.
    """
    if what not in ORDERS:
        raise InvalidInput(_("that is nothing that can be ordered."), where=what)
    if getattr(settings, "WORK_BY_JOBS", False):
        _refuse_at_once(what, details)
        queue.enqueue(JOB, {"what": what, "by": [by.audit_key, by.audit_label], **details}, at=at)
        return False
    carry_out(what, by=by, at=at, **details)
    return True


def _refuse_at_once(what: str, details: Mapping[str, Any]) -> None:
    """Raise a Refusal for what the worker would refuse, so that it stands before whoever ordered it."""
    if what == "empty":
        deciding.refuse_to_declare_empty(details["type"], dt.date.fromisoformat(details["on"]))
    elif what in ("confirmed", "discarded"):
        on = dt.date.fromisoformat(details["on"])
        deciding.cycle_to_decide(details["type"], on, shall_count=what == "confirmed")
    else:
        refuse = deciding.refuse_to_withdraw if what == "withdraw" else deciding.reports_to_read_again
        refuse(Run.objects.get(pk=details["run"]))
        if is_ordered(what, details["run"]):
            raise Conflict(_("that is ordered already, and will be done in a minute or so."))


def carry_out(what: str, *, by: Actor, at: Instant, **details: Any) -> None:
    """Do what was ordered. Raises a Refusal."""
    from tocsin.feeds import intake  # the engine: too large for a page that only shows

    if what in ("withdraw", "replay"):
        run = Run.objects.get(pk=details["run"])
        if what == "withdraw":
            _withdraw(run, details["reason"], by=by, at=at)
        else:
            intake.replay(run, by=by, at=at)
        return
    on = dt.date.fromisoformat(details["on"])
    if what == "empty":
        intake.declare_empty(details["type"], on, by=by, at=at)
    else:
        intake.decide(details["type"], on, decision=what, by=by, at=at)


def _withdraw(run: Run, reason: str, *, by: Actor, at: Instant) -> None:
    """Withdraw a run, or see that this very order was done: its worker was killed before it could note that."""
    from tocsin.feeds import intake
    from tocsin.feeds.choices import RunState

    try:
        intake.withdraw(run, reason=reason, by=by, at=at)
    except Conflict:
        run.refresh_from_db()
        is_done = run.state == RunState.WITHDRAWN or (reason and run.state == RunState.DONE)  # the latter but in part
        if not is_done or run.note != reason[:500]:
            raise
