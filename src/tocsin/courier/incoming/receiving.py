"""Take a message in: keep it, say so, and only then look into it."""

from __future__ import annotations

import contextlib
import datetime as dt
from pathlib import Path

from django.conf import settings

from tocsin.audit.actors import Actor
from tocsin.courier.incoming import actions, dissecting, keeping, meaning, queries
from tocsin.courier.incoming.actions import POSTMAN, Findings
from tocsin.courier.incoming.choices import Quarantine, State
from tocsin.courier.incoming.received import ReceivedMessage
from tocsin.kernel import legible
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Conflict, InvalidInput

LONGEST_ADDRESS = 320
LEFT_AFTER = dt.timedelta(minutes=2)
"""A message that nobody has looked into for so long was left by a process that was ended."""


def receive(
    raw: bytes, *, envelope_sender: str = "", envelope_recipient: str = "", by: Actor = POSTMAN, at: Instant
) -> ReceivedMessage:
    """Take a message in and return its row; the same one when it came before.

    When this returns the message is on the disk and in the database. What it
    means is found out after that; where that fails it is in quarantine.
    """
    message = keep(raw, envelope_sender=envelope_sender, envelope_recipient=envelope_recipient, by=by, at=at)
    return look_into(message, by=by, at=at)


def keep(
    raw: bytes, *, envelope_sender: str = "", envelope_recipient: str = "", by: Actor = POSTMAN, at: Instant
) -> ReceivedMessage:
    """Make a message durable as it came, without looking into it. Raises InvalidInput for nothing, OSError."""
    if not raw.strip():
        raise InvalidInput("No message came.", remedy="Give one on standard input, as a mail server does.")
    recipient = _stored(envelope_recipient)
    sha256 = keeping.keep(_home(), raw[: keeping.MOST_KEPT])
    known = ReceivedMessage.objects.filter(sha256=sha256, envelope_recipient=recipient)
    if (row := known.first()) is None:
        with contextlib.suppress(Conflict):  # the same delivery, twice at once
            actions.keep_message(
                sha256=sha256,
                size_bytes=len(raw),
                envelope_sender=_stored(envelope_sender),
                envelope_recipient=recipient,
                by=by,
                at=at,
            )
        row = known.get()
    return row


def look_into(message: ReceivedMessage, *, by: Actor = POSTMAN, at: Instant) -> ReceivedMessage:
    """Find out what a message is that is kept, have it noted, and return its row. One that was looked into stays."""
    if message.state == State.KEPT:
        with contextlib.suppress(Conflict):  # somebody else was faster
            actions.record(message, _found(message), by=by, at=at)
        message.refresh_from_db()
    return message


def look_into_left(*, at: Instant) -> int:
    """Look into what was left by processes that were ended; return how many."""
    left = list(queries.not_looked_into(at=at, after=LEFT_AFTER)[:100])
    for message in left:
        look_into(message, at=at)
    return len(left)


def _found(message: ReceivedMessage) -> Findings:
    envelope = (message.envelope_recipient,)
    try:
        if not keeping.is_whole(_home(), message.sha256):
            raise dissecting.NotRead(Quarantine.LOST)
        path = keeping.path_of(_home(), message.sha256)
        understood = dissecting.dissect(path, envelope_sender=message.envelope_sender)
    except dissecting.NotRead as failure:
        proof = meaning.proof_in(envelope)
        return Findings(meaning.kind_unread(proof), proof, None, failure.why)
    proof = meaning.proof_in((*envelope, *understood.mail.addressed_to))
    over = next((Quarantine(cap.value) for cap in understood.mail.over), None)
    return Findings(meaning.kind_of(understood, proof), proof, understood, over)


def _stored(address: str) -> str:
    return legible.shown(address.encode("utf-8", "replace").decode().strip())[:LONGEST_ADDRESS]


def _home() -> Path:
    home: Path = settings.TOCSIN.home
    return home
