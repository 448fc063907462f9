"""Mail that came in, for pages and for whoever looks after it."""

from __future__ import annotations

import datetime as dt
from collections import Counter

from django.db.models import Count, QuerySet

from tocsin.courier.incoming.choices import State
from tocsin.courier.incoming.received import ReceivedMessage
from tocsin.kernel.clock import Instant

LONG = ("text", "details")
"""Columns that no list needs."""


def received() -> QuerySet[ReceivedMessage]:
    """Return all messages, the newest first, without what they say."""
    return ReceivedMessage.objects.defer(*LONG)


def to_be_read() -> QuerySet[ReceivedMessage]:
    """Return those that wait for somebody of the team."""
    return received().filter(is_to_be_read=True)


def about(reference: str) -> QuerySet[ReceivedMessage]:
    """Return what came back about a message of ours, the newest first."""
    return received().filter(reference=reference) if reference else received().none()


def not_looked_into(*, at: Instant, after: dt.timedelta) -> QuerySet[ReceivedMessage]:
    """Return, the oldest first, those that were kept so long ago and still say nothing: whoever looked was ended."""
    return ReceivedMessage.objects.filter(state=State.KEPT, received_at__lte=at - after).order_by("received_at", "pk")


def counts() -> tuple[Counter[str], Counter[str], int]:
    """Return how many there are by kind and by state, and how many are to be read."""
    kinds: Counter[str] = Counter()
    states: Counter[str] = Counter()
    unread = 0
    grouped = ReceivedMessage.objects.order_by().values_list("kind", "state", "is_to_be_read").annotate(Count("pk"))
    for kind, state, is_to_be_read, number in grouped:
        kinds[kind] += number
        states[state] += number
        unread += number if is_to_be_read else 0
    return kinds, states, unread
