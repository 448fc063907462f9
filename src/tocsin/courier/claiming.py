"""Messages in the hands of workers: claimed with a lease, held, put back. The same on SQLite and PostgreSQL.

Every later write names worker and try, so that a worker which lost its lease changes nothing any more.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from tocsin.courier import rules
from tocsin.courier.choices import Channel, State
from tocsin.courier.models import Line, OutgoingMessage
from tocsin.kernel.clock import Instant

LEASE = dt.timedelta(minutes=10)
FRESH = 0.6
"""Share of a lease that must be left for a message to be handed over: then it outlives that."""
_FREE = {"lease_until": None, "leased_by": ""}


def claim(
    worker: str, channel: Channel, *, at: Instant, at_most: int, lease: dt.timedelta = LEASE
) -> list[OutgoingMessage]:
    """Return the next messages that are due, worst severity first, then oldest, leased to `worker`."""
    if not _due(channel, at).exists():  # a look takes no lock
        return []
    with transaction.atomic():
        due = _due(channel, at).select_for_update(skip_locked=True, of=("self",))
        found = list(due.order_by("severity", "made_at", "id")[:at_most])
        wanted = OutgoingMessage.objects.filter(pk__in=[each.pk for each in found])
        wanted.update(state=State.SENDING, leased_by=worker, lease_until=at + lease, attempts=F("attempts") + 1)
    for each in found:
        each.state, each.leased_by, each.lease_until = State.SENDING, worker, at + lease
        each.attempts += 1
    return found


def _due(channel: Channel, at: Instant) -> QuerySet[OutgoingMessage]:
    return OutgoingMessage.objects.filter(state=State.QUEUED, channel=channel, next_at__lte=at)


def reclaim(*, at: Instant) -> int:
    """Put back what workers had that have died; return how many."""
    lost = OutgoingMessage.objects.filter(state=State.SENDING, lease_until__lt=at)
    return lost.update(state=State.QUEUED, **_FREE) if lost.exists() else 0


def held(message: OutgoingMessage) -> QuerySet[OutgoingMessage]:
    """Return the row, if this worker has it still."""
    return OutgoingMessage.objects.filter(
        pk=message.pk, state=State.SENDING, leased_by=message.leased_by, attempts=message.attempts
    )


def is_held(message: OutgoingMessage, *, at: Instant, lease: dt.timedelta = LEASE) -> bool:
    """Say whether a message may be handed over now: the lease is this worker's, and outlives the handing over."""
    if message.lease_until is not None and message.lease_until - at > lease * FRESH:
        return True
    message.lease_until = at + lease
    return bool(held(message).update(lease_until=message.lease_until))


def fix(message: OutgoingMessage, made: Mapping[str, Any], *, at: Instant) -> bool:
    """Let a message in hand be what was made, at this try and every later one; False when it was lost."""
    for name, value in made.items():
        setattr(message, name, value)
    message.fixed_at = at
    return bool(held(message).update(**made, fixed_at=at))


def put_back(messages: Sequence[OutgoingMessage]) -> None:
    """Give messages back that were claimed and not tried."""
    for each in messages:
        held(each).update(state=State.QUEUED, attempts=F("attempts") - 1, fixed_at=each.fixed_at, **_FREE)


def put_off(message: OutgoingMessage, answer: str, *, at: Instant, fixed_at: Instant | None = None) -> bool:
    """Have a message tried again later, after a pause that grows; False when it was lost.

    `fixed_at` says since when its bytes stay; None where it is looked at anew.
    """
    return bool(
        held(message).update(
            state=State.QUEUED,
            next_at=at + rules.pause(message.attempts),
            failing_since=message.failing_since or at,
            last_answer=answer,
            fixed_at=fixed_at,
            **_FREE,
        )
    )


def line() -> Line:
    """Return how the way out stands."""
    return Line.objects.filter(pk=Line.NUMBER).first() or Line(pk=Line.NUMBER)


def note_failure_of_line(problem: str, *, at: Instant) -> Instant:
    """Leave the mail server alone for a while, longer each time; return until when."""
    Line.objects.get_or_create(pk=Line.NUMBER)
    Line.objects.filter(pk=Line.NUMBER, failing_since=None).update(failing_since=at)
    Line.objects.filter(pk=Line.NUMBER).update(problem=problem, tries=F("tries") + 1)
    until = at + rules.pause_of_line(line().tries)
    Line.objects.filter(pk=Line.NUMBER).update(next_at=until)
    return until


def note_that_line_works() -> None:
    """Forget that the mail server failed."""
    failing = Line.objects.filter(pk=Line.NUMBER).exclude(problem="", tries=0)
    if failing.exists():
        failing.update(problem="", failing_since=None, tries=0, next_at=None)
