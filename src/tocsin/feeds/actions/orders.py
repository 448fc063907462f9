"""What becomes of orders that were refused or failed: tried again, or taken off the list."""

from __future__ import annotations

import datetime as dt

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.feeds.events import OrderDismissed, OrderRetried
from tocsin.feeds.orders import Order
from tocsin.jobs import queue
from tocsin.jobs.models import Job


@action("order.retried")
def retry_order(job: Job, *, by: Actor, at: dt.datetime) -> OrderRetried:
    """Have an order tried once more."""
    queue.retry(job, at=at)
    return OrderRetried(order=Order(job).what, reason=job.last_error)


@action("order.dismissed")
def dismiss_order(job: Job, *, by: Actor, at: dt.datetime) -> OrderDismissed:
    """Take an order that came to nothing off the list."""
    queue.forget(job)
    return OrderDismissed(order=Order(job).what, reason=job.last_error)
