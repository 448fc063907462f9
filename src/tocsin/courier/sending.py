"""One turn of sending: what is due is claimed, handed over and noted, until nothing is due or the turn is over.

Before each message is asked whether somebody has stopped everything, whether the message is this worker's still, and
whether what it says is so still (see `leaving`).
Killed at any point, a worker leaves messages whose lease runs out, and at most the one in hand is sent once more, with
the same bytes and Message-ID.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
import ssl
import time
from collections.abc import Callable

from django.conf import settings

from tocsin.courier import actions, claiming, composing, leaving, mail_servers, queries, rules, webhooks
from tocsin.courier.choices import Channel, State
from tocsin.courier.mailer import Delivery, LineBroke, LineFailed, Mailer, Outcome
from tocsin.courier.models import OutgoingMessage
from tocsin.kernel import clock
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Conflict, Refusal

BATCH = 20
"""Messages claimed at once: so many may stand before one that is worse."""
LONGEST_S = 30.0
"""A turn ends after so long, that other work gets its own."""

SILENT = "Not tried: another posting to this webhook was not taken just now."
log = logging.getLogger(__name__)


def _never() -> bool:
    return False


@dataclasses.dataclass(frozen=True)
class Turn:
    """Who sends, for how long, and with what."""

    worker: str
    should_stop: Callable[[], bool] = _never
    now: Callable[[], Instant] = clock.now
    longest_s: float = LONGEST_S
    lease: dt.timedelta = claiming.LEASE
    context: ssl.SSLContext | None = None
    """What certificates are believed; the system's when None."""
    post: webhooks.Poster = webhooks.post
    silent: set[int] = dataclasses.field(default_factory=set)
    """Webhooks that did not answer in this turn: nothing else is tried there, for one that is slow holds up all."""
    began_s: float = dataclasses.field(default_factory=time.monotonic)

    @property
    def is_over(self) -> bool:
        """Whether the worker ends or other work is due."""
        return self.should_stop() or time.monotonic() - self.began_s >= self.longest_s

    def claimed(self, channel: Channel) -> list[OutgoingMessage]:
        """Return the next messages to send; none when the turn is over or nothing may leave."""
        if self.is_over or not may_leave():
            return []
        return claiming.claim(self.worker, channel, at=self.now(), at_most=BATCH, lease=self.lease)


def may_leave() -> bool:
    """Say whether anything leaves this instance now."""
    return not (queries.never_leaves() or queries.line().is_stopped)


def drain(turn: Turn) -> Instant | None:
    """Send what is due; return when the next is, None when nothing waits that may leave."""
    claiming.reclaim(at=turn.now())
    if may_leave():
        _send_mail(turn)
        _send_each(turn, Channel.WEBHOOK, lambda message: _posted(turn, message))
    return next_due()


def next_due() -> Instant | None:
    """Return when there is something to do next; None when nothing waits, or nothing may leave."""
    if not may_leave():
        return None
    waiting = OutgoingMessage.objects.filter(state=State.QUEUED).order_by("next_at").values_list("next_at", flat=True)
    hook = waiting.filter(channel=Channel.WEBHOOK).first()
    mail = waiting.filter(channel=Channel.MAIL).first() if settings.TOCSIN.smtp_url else None
    lost = OutgoingMessage.objects.filter(state=State.SENDING).order_by("lease_until")
    if mail is not None:
        mail = max(mail, claiming.line().next_at or mail)
    found = [each for each in (hook, mail, lost.values_list("lease_until", flat=True).first()) if each is not None]
    return min(found, default=None)


def _send_mail(turn: Turn) -> None:
    """Send what is due by mail, on one connection, unless the mail server is left alone for now."""
    pause_ends = claiming.line().next_at
    due = OutgoingMessage.objects.filter(state=State.QUEUED, channel=Channel.MAIL, next_at__lte=turn.now())
    if not settings.TOCSIN.smtp_url or (pause_ends and pause_ends > turn.now()) or not due.exists():
        return
    server = mail_servers.read(settings.TOCSIN.smtp_url)
    try:
        with Mailer(server, name=composing.domain(), context=turn.context) as mailer:
            claiming.note_that_line_works()
            _send_each(turn, Channel.MAIL, lambda message: _mailed(mailer, message))
    except LineFailed as failure:
        until = claiming.note_failure_of_line(failure.problem, at=turn.now())
        log.warning("%s It is tried again at %s UTC.", failure, f"{until:%H:%M:%S}")


def _mailed(mailer: Mailer, message: OutgoingMessage) -> Delivery:
    return mailer.deliver(bytes(message.content), sender=composing.envelope_sender(message.key), to=message.recipient)


def _posted(turn: Turn, message: OutgoingMessage) -> Delivery:
    """Post a message to its webhook, unless another to the same was not taken in this turn."""
    hook = message.webhook_id or 0
    if hook in turn.silent:
        return Delivery(Outcome.PUT_OFF, SILENT)
    delivery = turn.post(message, turn.now())
    if delivery.outcome is Outcome.PUT_OFF:
        turn.silent.add(hook)
    return delivery


def _send_each(turn: Turn, channel: Channel, hand_over: Callable[[OutgoingMessage], Delivery]) -> None:
    """Claim and hand over until nothing is due. What is claimed and not tried is put back, whatever happens."""
    while waiting := turn.claimed(channel):
        try:
            while waiting and not turn.is_over and may_leave():
                message = waiting.pop(0)
                if claiming.is_held(message, at=turn.now(), lease=turn.lease):
                    _try(turn, message, hand_over)
        finally:
            claiming.put_back(waiting)


def _try(turn: Turn, message: OutgoingMessage, hand_over: Callable[[OutgoingMessage], Delivery]) -> None:
    was_loose = leaving.is_loose(message)
    try:
        if not leaving.made_ready(message, at=turn.now()):
            return
    except Refusal as refusal:  # what cannot be looked at is not sent as it was, and hinders no other
        _note(message, Delivery(Outcome.PUT_OFF, str(refusal)), turn.now())
        return
    try:
        delivery = hand_over(message)
    except LineBroke as broke:
        # Perhaps this very message breaks it: others go before it is tried again.
        _note(message, Delivery(Outcome.PUT_OFF, broke.problem, is_unsure=True), turn.now())
        raise
    except LineFailed:
        message.fixed_at = None if was_loose else message.fixed_at
        claiming.put_back([message])
        raise
    if was_loose and not delivery.is_unsure and delivery.outcome is not Outcome.SENT:
        message.fixed_at = None  # it was not taken: when it is tried again, it says what is so then
    _note(message, delivery, turn.now())


def _note(message: OutgoingMessage, delivery: Delivery, at: Instant) -> None:
    """Write down what came of a try. Nothing is written when another worker has the message by now."""
    answer, by = delivery.answer, actions.OUTBOX
    try:
        if delivery.outcome is Outcome.SENT:
            actions.record_sent(message, answer=answer, by=by, at=at)
        elif delivery.outcome is Outcome.REFUSED:
            actions.record_refused(message, answer=answer, of_recipient=delivery.of_recipient, by=by, at=at)
            if delivery.is_gone and message.webhook is not None:
                webhooks.end_webhook(message.webhook, is_gone=True, by=by, at=at)
        elif message.failing_since and rules.is_given_up(message.failing_since, at):
            actions.give_up(message, answer=answer, by=by, at=at)
        else:
            claiming.put_off(message, answer, at=at, fixed_at=message.fixed_at)
    except Conflict as lost:
        log.warning("%s: %s", message, lost)
