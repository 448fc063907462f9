"""What became of notices that left: brought from the outbox, from received mail and from answers into their ledgers.

Listeners follow each message as it moves, and each answer as it is given; a job looks at all of them, so that
nothing is lost when a process dies between what has happened and its listener.
Both do the same, and doing it twice changes nothing.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from tocsin.audit.actors import Actor, Known
from tocsin.courier import queries as outgoing
from tocsin.courier.actions import OUTBOX
from tocsin.courier.choices import FAILED, Channel, State
from tocsin.courier.incoming.actions import POSTMAN
from tocsin.courier.incoming.choices import Kind, Outcome
from tocsin.courier.incoming.received import ReceivedMessage
from tocsin.courier.models import OutgoingMessage
from tocsin.directory.actions import note_undelivered
from tocsin.feeds.choices import AnswerKind
from tocsin.feeds.models import Answer
from tocsin.formats import mail
from tocsin.kernel import legible
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Conflict
from tocsin.notices import actions
from tocsin.notices.choices import ROOM, Happening, NoticeState
from tocsin.notices.models import LedgerEntry, Notice, NoticeFinding
from tocsin.notices.noted import OFF_THE_LIST
from tocsin.notices.rules import may_follow

LOOKS_BACK = dt.timedelta(days=30)
"""Received mail that is older was followed by now."""
FINAL = (State.SENT, State.DISMISSED, *FAILED)
_AT_ONCE = 1_000


def settle(*, at: Instant) -> int:
    """Follow all messages whose notices do not know yet what became of them; return how many there were."""
    number = 0
    for message in _not_followed():
        follow_message(message, at=at)
        number += 1
    for received in list(_received_not_followed(at)):
        follow_received(received, at=at)
        number += 1
    return number + follow_answers(Answer.objects.filter(at__gte=at - LOOKS_BACK), at=at)


def _not_followed() -> Iterator[OutgoingMessage]:
    """Yield messages that are done with, of notices that wait, or that came back and were sent once more."""
    sent = LedgerEntry.objects.filter(notice=OuterRef("pk"), what=NoticeState.SENT)
    waits = Q(state=NoticeState.QUEUED) | Q(Q(state=NoticeState.BOUNCED), ~Exists(sent))
    references = list(Notice.objects.filter(waits).order_by().values_list("reference", flat=True))
    for first in range(0, len(references), _AT_ONCE):
        some = references[first : first + _AT_ONCE]
        yield from list(outgoing.listed(frozenset(FINAL)).filter(reference_room=ROOM, reference_key__in=some))


def _received_not_followed(at: Instant) -> Iterator[ReceivedMessage]:
    ours = OutgoingMessage.objects.filter(reference_room=ROOM, key=OuterRef("reference"))
    known = LedgerEntry.objects.filter(received=OuterRef("pk"))
    found = ReceivedMessage.objects.filter(kind__in=(Kind.REPLY, Kind.BOUNCE, Kind.AUTOMATIC))
    recent = found.filter(received_at__gte=at - LOOKS_BACK).exclude(reference="")
    return iter(recent.filter(Exists(ours), ~Exists(known)).order_by("pk"))


def follow_message(message: OutgoingMessage, *, at: Instant) -> None:
    """Write down what became of a message of a notice. Nothing while it waits, or when it is known."""
    notice = _notice(message)
    if notice is None:
        return
    with contextlib.suppress(Conflict), transaction.atomic():  # somebody else was faster
        if message.state == State.SENT and not _was_sent(notice):
            actions.record_outcome(notice, what=NoticeState.SENT, note=_said(message.last_answer), by=OUTBOX, at=at)
            if message.channel == Channel.WEBHOOK:  # what took it is the organisation's own program
                actions.record_outcome(notice, what=NoticeState.DELIVERED, by=OUTBOX, at=at)
        elif message.state in FAILED and notice.state == NoticeState.QUEUED:
            _came_back(notice, _said(message.last_answer), at, is_of_address=_is_address_refused(message))
        elif message.state == State.DISMISSED and notice.state == NoticeState.QUEUED:
            actions.discard_notice(notice, reason=OFF_THE_LIST, is_ours=True, by=OUTBOX, at=at)


def _was_sent(notice: Notice) -> bool:
    return notice.ledger.filter(what=NoticeState.SENT).exists()


def follow_received(received: ReceivedMessage, *, at: Instant) -> None:
    """Write down what came back about a notice. Nothing when it is known or about something else."""
    message = outgoing.message_keyed(received.reference) if received.reference else None
    if message is None or _notice(message) is None:
        return
    follow_message(message, at=at)  # first that it was sent, then that it came back
    notice = _notice(message)
    assert notice is not None  # noqa: S101  looked for above
    with contextlib.suppress(Conflict), transaction.atomic():
        _follow(notice, received, at)


def _follow(notice: Notice, received: ReceivedMessage, at: Instant) -> None:
    if LedgerEntry.objects.filter(received=received.pk).exists():
        return
    state, answer = NoticeState(notice.state), _said(f"{received.status} {received.bounce_reason}".strip())
    is_bounce = received.kind == Kind.BOUNCE
    is_of_address = is_bounce and received.outcome == Outcome.PERMANENT and mail.is_of_address(answer)
    has_replied = notice.ledger.filter(what=Happening.REPLIED).exists()
    is_delivered = received.kind == Kind.AUTOMATIC and received.outcome == Outcome.DELIVERED
    if is_bounce and not has_replied and may_follow(NoticeState.BOUNCED, state):
        _came_back(notice, answer, at, is_of_address=is_of_address, received=received.pk)
    elif is_delivered and may_follow(NoticeState.DELIVERED, state):
        what = NoticeState.DELIVERED
        actions.record_outcome(notice, what=what, note=answer, received=received.pk, by=POSTMAN, at=at)
    else:
        what_else = Happening.REPLIED if received.kind == Kind.REPLY else Happening.AUTOMATIC
        note = answer or _said(received.sender_address)
        actions.note_on_notice(notice, what=what_else, note=note, received=received.pk, by=POSTMAN, at=at)
        if is_of_address:  # it was read, on the own pages say: the next one would come back all the same
            _mark(notice, answer, by=POSTMAN, at=at)


def _is_address_refused(message: OutgoingMessage) -> bool:
    is_mail_refused = message.channel == Channel.MAIL and message.state == State.REFUSED
    return is_mail_refused and mail.is_of_address(message.last_answer, of_recipient=message.was_recipient_refused)


def _came_back(notice: Notice, answer: str, at: Instant, *, is_of_address: bool, received: int | None = None) -> None:
    """Write down that a notice was not delivered, and, where its address is why, that nothing reaches its contact.

    What was refused for its content, or given up, says nothing of the address: one rule of a mail server would take
    the whole register off the list.
    """
    by = OUTBOX if received is None else POSTMAN
    actions.record_outcome(notice, what=NoticeState.BOUNCED, note=answer, received=received, by=by, at=at)
    if is_of_address:
        _mark(notice, answer, by=by, at=at)


def _mark(notice: Notice, answer: str, *, by: Actor, at: Instant) -> None:
    """Note that nothing reaches the contact of a notice, where its address is still the one that was written to."""
    contact = notice.contact
    if contact is not None and contact.email.lower() == notice.to.lower():
        with contextlib.suppress(Conflict):  # it is known
            note_undelivered(contact, answer=answer, by=by, at=at)


def _notice(message: OutgoingMessage) -> Notice | None:
    if message.reference_room != ROOM:
        return None
    return Notice.objects.select_related("constituent", "contact").filter(reference=message.reference_key).first()


def follow_answers(answers: QuerySet[Answer], *, at: Instant) -> int:
    """Note that notices were acted on whose findings were answered after they were sent; return how many these were."""
    done = 0
    for notice, answer in _acted_on(answers).items():
        by = Known(answer.author_key, answer.author_label)
        with contextlib.suppress(Conflict), transaction.atomic():  # somebody else was faster
            actions.record_outcome(notice, what=NoticeState.ACTED, by=by, at=at)
            done += 1
    return done


def _acted_on(answers: QuerySet[Answer]) -> dict[Notice, Answer]:
    """Return notices that may still be acted on, each with the first answer to a finding in it."""
    of_theirs = _lines(OuterRef("finding"), OuterRef("constituent"), OuterRef("at"))
    found: dict[Notice, Answer] = {}
    for answer in answers.exclude(kind=AnswerKind.TAKEN_BACK).filter(Exists(of_theirs)).order_by("at", "pk"):
        lines = _lines(answer.finding, answer.constituent, answer.at)
        for line in lines.select_related("notice__constituent", "notice__contact"):
            found.setdefault(line.notice, answer)
    return found


def _lines(finding: Any, constituent: Any, at: Any) -> QuerySet[NoticeFinding]:
    """Ask for the lines about a finding in notices that had been sent to a constituent before an instant."""
    return NoticeFinding.objects.filter(
        finding=finding,
        notice__constituent__public_id=constituent,
        notice__state__in=_MAY_BE_ACTED_ON,
        notice__ledger__what=NoticeState.SENT,
        notice__ledger__at__lte=at,
    )


_MAY_BE_ACTED_ON = [state for state in NoticeState if may_follow(NoticeState.ACTED, state)]


def _said(answer: str) -> str:
    return legible.shown(" ".join(answer.split()))[:500]
