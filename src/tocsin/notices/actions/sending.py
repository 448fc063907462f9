"""Let notices leave: each is put into the outbox in the transaction that says so.

One that cannot be sent is refused alone; the others go.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Sequence

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.courier import outbox
from tocsin.courier.models import OutgoingMessage
from tocsin.courier.queries import never_leaves
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Refusal
from tocsin.notices import mails
from tocsin.notices.actions.ledger import move, record_outcome
from tocsin.notices.actions.preparing import ask_first
from tocsin.notices.actions.revising import bring_up_to_date, drop_notice
from tocsin.notices.choices import Channel, Happening, NoticeState, Whom
from tocsin.notices.events import NoticeQueued
from tocsin.notices.letters import letter_of
from tocsin.notices.models import LedgerEntry, Notice, PageText
from tocsin.notices.noted import NO_WEBHOOK, sentence
from tocsin.notices.striking import NothingIsLeft
from tocsin.notices.writing import text


@action("notice.queued")
def queue_notice(notice: Notice, *, by: Actor, at: Instant) -> NoticeQueued:
    """Put a notice that somebody has read into the outbox, which sends it; or onto the constituent's own pages at once.

    What is not so any more is struck off. Raises NothingIsLeft when that is all of it, Conflict for one that may not
    leave, and what `mails.check` and the outbox refuse.
    """
    told = mails.told_by(notice)
    is_instead = told.way != notice.policy.channel and notice.whom == Whom.SECURITY
    move(notice, NoticeState.QUEUED, "", by, at, said=sentence(NO_WEBHOOK) if is_instead else None)
    bring_up_to_date(notice, by=by, at=at)
    message = _put(notice, told, at)
    if message is not None and mails.is_in_clear(message):
        LedgerEntry.objects.create(notice=notice, at=at, what=Happening.IN_CLEAR, actor_label=by.audit_label)
    if message is None and not (never_leaves() or notice.is_exercise):
        for what in (NoticeState.SENT, NoticeState.DELIVERED):
            record_outcome(notice, what=what, by=by, at=at)
    return NoticeQueued(
        notice=notice.reference,
        constituent=notice.constituent.public_id,
        not_before=notice.not_before,
        is_exercise=notice.is_exercise,
        message=message.key if message else "",
        protection=message.protection if message else "",
    )


def _put(notice: Notice, told: mails.Told, at: Instant) -> OutgoingMessage | None:
    """Put a notice into the outbox by its way; None where it stands on the constituent's own pages from now on."""
    posting = mails.posting_of(notice)
    if told.way == Channel.MAIL:
        return outbox.put_mail(mails.mail_of(notice, at), posting, at=at)
    mails.check(told, at)
    if told.way == Channel.PORTAL or told.hook is None:
        PageText.objects.create(notice=notice, text=text(letter_of(notice, at, is_revised=True)))
        return None
    return outbox.put_webhook(told.hook, mails.body_of(notice, at), posting, tlp=told.tlp, at=at)


@dataclasses.dataclass(frozen=True)
class Refused:
    """A notice that could not be sent, and why."""

    reference: str
    constituent: str
    """Public id."""
    name: str
    to: str
    way: Channel
    why: str


@dataclasses.dataclass(frozen=True)
class Handed:
    """What came of sending several."""

    references: tuple[str, ...]
    refused: tuple[Refused, ...]
    dropped: tuple[str, ...] = ()
    """References of those of which nothing is left to tell."""


def people_of(notices: Iterable[Notice]) -> dict[int, int]:
    """Return how many addresses each policy writes to by these notices."""
    found: dict[int, set[str]] = defaultdict(set)
    for notice in notices:
        found[notice.policy_id].add(notice.to.lower())
    return {policy: len(addresses) for policy, addresses in found.items()}


def send_notices(notices: Sequence[Notice], *, most: int, confirmed: bool = False, by: Actor, at: Instant) -> Handed:
    """Put each of several notices into the outbox that can be sent; those of which nothing is left are dropped.

    Raises AsksFirst, unless it is `confirmed`, when a policy would write to more than `most` people.
    """
    if not confirmed:
        ask_first(people_of(notices), most)
    queued: list[str] = []
    refused: list[Refused] = []
    dropped: list[str] = []
    for notice in notices:
        try:
            queue_notice(notice, by=by, at=at)
        except NothingIsLeft as nothing:
            drop_notice(notice, reason=str(nothing), struck=nothing.struck, by=by, at=at)
            dropped.append(notice.reference)
        except Refusal as refusal:
            whose, told = notice.constituent, mails.told_by(notice)
            refused.append(
                Refused(notice.reference, whose.public_id, whose.local_name, told.to, told.way, mails.why(refusal))
            )
        else:
            queued.append(notice.reference)
    return Handed(tuple(queued), tuple(refused), tuple(dropped))
