"""What becomes of orders that were refused or failed: tried again, or taken off the list."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.feeds.events import OrderDismissed, OrderRetried
from tocsin.feeds.orders import Order
from tocsin.jobs import queue
from tocsin.jobs.models import Job
from tocsin.kernel.refusals import Conflict


@action("order.retried")
def retry_order(job: Job, *, by: Actor, at: dt.datetime) -> OrderRetried:
    """Have an order tried once more. Raises Conflict when somebody else has decided about it."""
    if not queue.retry(job, at=at):
        raise _decided()
    return OrderRetried(order=Order(job).what, reason=job.last_error)


@action("order.dismissed")
def dismiss_order(job: Job, *, by: Actor, at: dt.datetime) -> OrderDismissed:
    """Take an order that came to nothing off the list. Raises Conflict when somebody else has decided about it."""
    if not queue.forget(job):
        raise _decided()
    return OrderDismissed(order=Order(job).what, reason=job.last_error)


def _decided() -> Conflict:
    return Conflict(_("Somebody else has just had this order tried again, or taken it off the list."))
