"""Every write to mail that came in."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.utils.translation import gettext as _

from tocsin.audit.action import action
from tocsin.audit.actors import Actor, System
from tocsin.audit.changes import change
from tocsin.courier.incoming import events
from tocsin.courier.incoming.choices import CAPS, FOR_PEOPLE, Kind, Quarantine, State
from tocsin.courier.incoming.meaning import Proof
from tocsin.courier.incoming.received import ReceivedMessage
from tocsin.formats.mail.understanding import Understood
from tocsin.kernel.clock import Instant
from tocsin.kernel.events import Event, plain
from tocsin.kernel.refusals import Conflict

POSTMAN = System("incoming mail")
"""Who takes mail in."""


@action("mail.received")
def keep_message(
    *, sha256: str, size_bytes: int, envelope_sender: str, envelope_recipient: str, by: Actor, at: Instant
) -> events.MailReceived:
    """Note that a message is kept under its digest. Raises Conflict when it was noted before."""
    known = ReceivedMessage.objects.filter(sha256=sha256, envelope_recipient=envelope_recipient)
    if known.exists():
        raise Conflict(_("This message was received before."))
    row = ReceivedMessage.objects.create(
        sha256=sha256,
        size_bytes=size_bytes,
        envelope_sender=envelope_sender,
        envelope_recipient=envelope_recipient,
        received_at=at,
    )
    return events.MailReceived(
        received=row.pk,
        sha256=sha256,
        size_bytes=size_bytes,
        envelope_sender=envelope_sender,
        envelope_recipient=envelope_recipient,
    )


@dataclasses.dataclass(frozen=True)
class Findings:
    """What looking into a message found out. Without `understood` it could not be read, and `quarantine` says why."""

    kind: Kind
    proof: Proof
    understood: Understood | None
    quarantine: Quarantine | None


def record(message: ReceivedMessage, found: Findings, *, by: Actor, at: Instant) -> Event:
    """Note what a message is, by the action for it. Raises Conflict when somebody else has looked into it by now."""
    write = {
        Kind.BOUNCE: record_bounce,
        Kind.REPLY: record_reply,
        Kind.AUTOMATIC: record_automatic,
        Kind.UNKNOWN: record_unknown,
    }[found.kind]
    event: Event = write(message, found, by=by, at=at)
    return event


@action("mail.bounced")
def record_bounce(message: ReceivedMessage, found: Findings, *, by: Actor, at: Instant) -> events.MailBounced:
    """Note that a mail server gave a message of ours up."""
    row = _filled(message, found)
    return events.MailBounced(
        reference=row.reference,
        received=row.pk,
        permanent=row.outcome == "permanent",
        status=row.status,
        recipient=row.bounced_recipient,
        reason=row.bounce_reason,
        quarantine=row.quarantine,
    )


@action("mail.replied")
def record_reply(message: ReceivedMessage, found: Findings, *, by: Actor, at: Instant) -> events.ReplyReceived:
    """Note an answer to a message of ours; it is to be read."""
    row = _filled(message, found)
    return events.ReplyReceived(
        reference=row.reference, received=row.pk, sender=row.sender_address, quarantine=row.quarantine
    )


@action("mail.automatic")
def record_automatic(
    message: ReceivedMessage, found: Findings, *, by: Actor, at: Instant
) -> events.AutomaticMailReceived:
    """Note what a program wrote. Nobody has to read it, and it is never answered."""
    row = _filled(message, found)
    return events.AutomaticMailReceived(
        reference=row.reference, received=row.pk, outcome=row.outcome, quarantine=row.quarantine
    )


@action("mail.unknown")
def record_unknown(message: ReceivedMessage, found: Findings, *, by: Actor, at: Instant) -> events.UnknownMailReceived:
    """Note a message of which nothing proves what it is about; it is to be read."""
    row = _filled(message, found)
    return events.UnknownMailReceived(received=row.pk, sender=row.sender_address, quarantine=row.quarantine)


def _filled(message: ReceivedMessage, found: Findings) -> ReceivedMessage:
    """Save what was found out in the row as it is now, and return it."""
    row = ReceivedMessage.objects.select_for_update().get(pk=message.pk)
    if row.state != State.KEPT:
        raise Conflict(_("Somebody else has looked into this message by now."))
    values: dict[str, Any] = {
        "state": State.QUARANTINED if found.quarantine else State.UNDERSTOOD,
        "quarantine": found.quarantine or "",
        "kind": found.kind,
        "reference": found.proof.key,
        "is_to_be_read": found.kind in FOR_PEOPLE or found.quarantine is not None,
        **(_said(found.understood) if found.understood else {}),
    }
    change(row, **values)
    return row


def _said(understood: Understood) -> dict[str, Any]:
    mail, bounce = understood.mail, understood.bounce
    told = {
        "sender": mail.sender,
        "sender_address": mail.sender_address,
        "subject": mail.subject,
        "message_id": mail.message_id,
        "sent_at": mail.sent_at,
        "text": mail.text,
        "details": {
            "headers": plain(mail.headers),
            "attachments": [dataclasses.asdict(each) for each in mail.attachments],
            "addressed_to": plain(mail.addressed_to),
            "references": plain(mail.references),
            "defects": plain(mail.defects),
            "is_from_html": mail.is_from_html,
            "is_text_cut": mail.is_text_cut,
        },
    }
    if bounce:
        told |= {
            "outcome": bounce.outcome.value,
            "status": bounce.status,
            "bounced_recipient": bounce.recipient,
            "bounce_reason": bounce.reason,
        }
    return {name: _fitting(name, value) for name, value in told.items()}


def _fitting(name: str, value: Any) -> Any:
    """Return a value as long as its column takes it."""
    most = getattr(ReceivedMessage._meta.get_field(name), "max_length", None)
    return value[:most] if most and isinstance(value, str) else value


@action("mail.read")
def mark_read(message: ReceivedMessage, *, by: Actor, at: Instant) -> events.MailRead:
    """Note that somebody of the team has read a message. Raises Conflict when somebody has."""
    row = ReceivedMessage.objects.select_for_update().get(pk=message.pk)
    if not row.is_to_be_read:
        raise Conflict(_("Somebody has marked this message as read by now."))
    change(row, is_to_be_read=False, read_at=at, read_by=by.audit_label)
    return events.MailRead(received=row.pk)


@action("mail.put_back")
def put_back(message: ReceivedMessage, *, by: Actor, at: Instant) -> events.MailPutBack:
    """Have a message read by somebody of the team after all. Raises Conflict when it is to be read already."""
    row = ReceivedMessage.objects.select_for_update().get(pk=message.pk)
    if row.is_to_be_read:
        raise Conflict(_("This message is to be read already."))
    change(row, is_to_be_read=True)
    return events.MailPutBack(received=row.pk)


@action("mail.looked_into_again")
def look_again(message: ReceivedMessage, *, by: Actor, at: Instant) -> events.MailLookedIntoAgain:
    """Let a message be read once more that could not be. Raises Conflict where that would find no more."""
    row = ReceivedMessage.objects.select_for_update().get(pk=message.pk)
    if row.state != State.QUARANTINED or row.quarantine in CAPS:
        raise Conflict(_("This message was read as far as it can be."))
    before, after = change(row, state=State.KEPT, quarantine="")
    return events.MailLookedIntoAgain(received=row.pk, before=before, after=after)
