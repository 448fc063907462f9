"""Putting something into the outbox, in the transaction of the action that wants it.

No actions of their own: the row stands if and only if the caller's transaction
does, and the caller's audit row says why. What is wrong with a recipient is
refused before anything is written, so that the caller may go on with the others.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from django.conf import settings
from django.db import transaction

from tocsin.courier import composing, tokens
from tocsin.courier.choices import Channel, Held, State
from tocsin.courier.composing import Mail
from tocsin.courier.models import OutgoingMessage, Webhook
from tocsin.jobs import queue
from tocsin.kernel import clock
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Conflict, InvalidInput
from tocsin.kernel.tlp import TLP

SEND_JOB = "courier.send"
LARGEST_BODY_BYTES = 1_000_000
"""Of a webhook: it says what has happened; tables are fetched."""


@dataclasses.dataclass(frozen=True)
class Reference:
    """Whose message it is, for the room that hears what becomes of it."""

    room: str = ""
    key: str = ""


NOBODYS = Reference()


@dataclasses.dataclass(frozen=True)
class Posting:
    """How a message is to go, whatever it says."""

    key: str
    """Idempotency key: a second message with the same is not made, and the first is returned."""
    reference: Reference = NOBODYS
    severity: int = 6
    """1 goes first."""
    not_before: Instant | None = None
    is_exercise: bool = False


def put_mail(mail: Mail, posting: Posting, *, at: Instant) -> OutgoingMessage:
    """Queue a mail; its bytes, with Date and Message-ID, are made now. Raises the refusals of `composing`.

    A room may have them made anew when it leaves (see `anew`). What belongs to an exercise or stands in a demonstration
    is composed all the same, and never leaves.
    """
    if known := _known(posting):
        return known
    key = tokens.new_key()
    composed = composing.compose(mail, key=key, at=at, never_leaves=bool(_why_held(posting)))
    row = _row(posting, key, at, channel=Channel.MAIL, recipient=composed.to, tlp=mail.tlp, content=composed.content)
    row.subject, row.protection = composed.subject[:300], composed.protection
    return _put(row)


def put_webhook(webhook: Webhook, body: dict[str, Any], posting: Posting, *, tlp: TLP, at: Instant) -> OutgoingMessage:
    """Queue a posting of JSON to a webhook; its bytes are made now, the signature is made at each try.

    Raises Conflict when the webhook has ended, InvalidInput for what is too large.
    """
    if known := _known(posting):
        return known
    if webhook.ended_at is not None:
        raise Conflict(f"The webhook {webhook} has ended.")
    content, key = posted(body), tokens.new_key()
    row = _row(posting, key, at, channel=Channel.WEBHOOK, recipient=str(webhook)[:320], tlp=tlp, content=content)
    row.webhook = webhook
    return _put(row)


def posted(body: dict[str, Any]) -> bytes:
    """Return the bytes of a posting. Raises InvalidInput for what is too large."""
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    if len(content) > LARGEST_BODY_BYTES:
        raise InvalidInput(f"it has {len(content):,} bytes; {LARGEST_BODY_BYTES:,} are the most.", where="body")
    return content


def _known(posting: Posting) -> OutgoingMessage | None:
    return OutgoingMessage.objects.filter(idempotency=posting.key).first()


def _row(posting: Posting, key: str, at: Instant, **values: Any) -> OutgoingMessage:
    held = _why_held(posting)
    return OutgoingMessage(
        key=key,
        idempotency=posting.key,
        severity=posting.severity,
        is_exercise=bool(held),
        why_held=held,
        state=State.HELD if held else State.QUEUED,
        reference_room=posting.reference.room,
        reference_key=posting.reference.key,
        made_at=at,
        next_at=max(at, posting.not_before or at),
        finished_at=at if held else None,
        **values,
    )


def _why_held(posting: Posting) -> str:
    if settings.TOCSIN_IS_DEMO:
        return Held.DEMONSTRATION
    if settings.TOCSIN.exercise:
        return Held.INSTANCE
    return Held.EXERCISE if posting.is_exercise else ""


def _put(row: OutgoingMessage) -> OutgoingMessage:
    row.save()
    if row.state == State.QUEUED:
        due = row.next_at
        transaction.on_commit(lambda: wake(due))
    return row


def wake(due: Instant) -> None:
    """Have a worker look at the outbox when something is due.

    After the commit, so that whoever looks sees it. Should the process die before, the next turn of the schedule does.
    """
    queue.ensure(SEND_JOB, at=clock.now(), after=due)
