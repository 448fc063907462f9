"""What is written to the trail about messages: what became of them, and what people decided about them."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from tocsin.audit.action import action
from tocsin.audit.actors import Actor, System
from tocsin.audit.changes import change
from tocsin.courier import claiming, events, outbox
from tocsin.courier.choices import FAILED, State
from tocsin.courier.models import Line, OutgoingMessage
from tocsin.kernel import legible
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Conflict, InvalidInput

OUTBOX = System("outbox")
"""Who sends."""
LONGEST_REASON = 500


def _of(message: OutgoingMessage) -> dict[str, Any]:
    return {
        "message": message.key,
        "channel": message.channel,
        "recipient": message.recipient,
        "reference_room": message.reference_room,
        "reference_key": message.reference_key,
    }


def _finish(message: OutgoingMessage, state: State, answer: str, at: Instant, *, of_recipient: bool = False) -> None:
    """Note what became of a message in hand. Raises Conflict when another worker has it by now."""
    finished = {
        "state": state, "finished_at": at, "last_answer": answer, "lease_until": None, "leased_by": "",
        "fixed_at": message.fixed_at, "was_recipient_refused": of_recipient,
    }  # fmt: skip
    if not claiming.held(message).update(**finished):
        raise Conflict(_("Another worker has this message by now."))


@action("message.sent")
def record_sent(message: OutgoingMessage, *, answer: str, by: Actor, at: Instant) -> events.MessageSent:
    """Note that the other side took a message."""
    _finish(message, State.SENT, answer, at)
    return events.MessageSent(**_of(message), attempts=message.attempts)


@action("message.refused")
def record_refused(
    message: OutgoingMessage, *, answer: str, of_recipient: bool = False, by: Actor, at: Instant
) -> events.MessageRefused:
    """Note that the other side will never take a message; `of_recipient`: it was said before any content was sent."""
    _finish(message, State.REFUSED, answer, at, of_recipient=of_recipient)
    return events.MessageRefused(**_of(message), answer=answer)


@action("message.given_up")
def give_up(message: OutgoingMessage, *, answer: str, by: Actor, at: Instant) -> events.MessageGivenUp:
    """Note that a message was put off for too long."""
    _finish(message, State.GIVEN_UP, answer, at)
    return events.MessageGivenUp(**_of(message), answer=answer, attempts=message.attempts)


@action("message.dropped")
def drop_message(message: OutgoingMessage, *, why: str, by: Actor, at: Instant) -> events.MessageDropped:
    """Note that a message in hand is not sent: when its turn came there was nothing left to say."""
    _finish(message, State.DISMISSED, why, at)
    return events.MessageDropped(**_of(message), why=why)


@action("message.retried")
def retry_message(message: OutgoingMessage, *, by: Actor, at: Instant) -> events.MessageRetried:
    """Have a message tried at once that failed, or that waits for its next try. Raises Conflict for any other."""
    again = OutgoingMessage.objects.filter(pk=message.pk, state__in=(State.QUEUED, *FAILED))
    if not again.update(state=State.QUEUED, next_at=at, failing_since=None, finished_at=None):
        raise Conflict(_("This message is on its way by now, or somebody else has decided about it."))
    transaction.on_commit(lambda: outbox.wake(at))
    return events.MessageRetried(**_of(message), answer=message.last_answer)


@action("message.dismissed")
def dismiss_message(message: OutgoingMessage, *, by: Actor, at: Instant) -> events.MessageDismissed:
    """Take a message off the list that failed, waits or never leaves: it is not sent. Raises Conflict for any other."""
    found = OutgoingMessage.objects.filter(pk=message.pk, state__in=(State.QUEUED, State.HELD, *FAILED))
    if not found.update(state=State.DISMISSED, finished_at=at):
        raise Conflict(_("This message is on its way by now, or somebody else has decided about it."))
    return events.MessageDismissed(**_of(message), state=message.state)


@action("mail.stopped")
def stop_all(*, reason: str, by: Actor, at: Instant) -> events.LineChanged:
    """Let nothing leave any more, mail or webhook, until `start_all`. Raises Conflict when it is so already."""
    if not reason.strip():
        raise InvalidInput(_("Say why: whoever finds nothing leaving will ask."), where="reason")
    if len(reason) > LONGEST_REASON or legible.flaw(reason):
        words = _("Write at most {most} characters that can be read.").format(most=LONGEST_REASON)
        raise InvalidInput(words, where="reason")
    return _switch(True, reason.strip(), by, at)


@action("mail.started")
def start_all(*, by: Actor, at: Instant) -> events.LineChanged:
    """Let everything go again that waits. Raises Conflict when nothing is stopped."""
    event = _switch(False, "", by, at)
    transaction.on_commit(lambda: outbox.wake(at))
    return event


def _switch(is_stopped: bool, reason: str, by: Actor, at: Instant) -> events.LineChanged:
    line, _made = Line.objects.get_or_create(pk=Line.NUMBER)
    if line.is_stopped == is_stopped:
        raise Conflict(_("Everything that goes out is stopped already.") if is_stopped else _("Nothing is stopped."))
    before, after = change(line, is_stopped=is_stopped, reason=reason)
    change(line, changed_at=at, changed_by=by.audit_label)
    return events.LineChanged(reason=reason, before=before, after=after)
