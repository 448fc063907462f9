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
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Refusal
from tocsin.notices import mails
from tocsin.notices.actions.ledger import move
from tocsin.notices.actions.preparing import ask_first
from tocsin.notices.choices import Happening, NoticeState
from tocsin.notices.events import NoticeQueued
from tocsin.notices.models import LedgerEntry, Notice


@action("notice.queued")
def queue_notice(notice: Notice, *, by: Actor, at: Instant) -> NoticeQueued:
    """Put a notice that somebody has read into the outbox, which sends it.

    Raises Conflict for one that may not leave, and what `mails.check` and the outbox refuse.
    """
    move(notice, NoticeState.QUEUED, "", by, at)
    message = outbox.put_mail(mails.mail_of(notice, at), mails.posting_of(notice), at=at)
    if mails.is_in_clear(message):
        LedgerEntry.objects.create(notice=notice, at=at, what=Happening.IN_CLEAR, actor_label=by.audit_label)
    return NoticeQueued(
        notice=notice.reference,
        constituent=notice.constituent.public_id,
        not_before=notice.not_before,
        is_exercise=notice.is_exercise,
        message=message.key,
        protection=message.protection,
    )


@dataclasses.dataclass(frozen=True)
class Refused:
    """A notice that could not be sent, and why."""

    reference: str
    constituent: str
    """Public id."""
    name: str
    to: str
    why: str


@dataclasses.dataclass(frozen=True)
class Handed:
    """What came of sending several."""

    references: tuple[str, ...]
    refused: tuple[Refused, ...]


def people_of(notices: Iterable[Notice]) -> dict[int, int]:
    """Return how many addresses each policy writes to by these notices."""
    found: dict[int, set[str]] = defaultdict(set)
    for notice in notices:
        found[notice.policy_id].add(notice.to.lower())
    return {policy: len(addresses) for policy, addresses in found.items()}


def send_notices(notices: Sequence[Notice], *, most: int, confirmed: bool = False, by: Actor, at: Instant) -> Handed:
    """Put each of several notices into the outbox that can be sent.

    Raises AsksFirst, unless it is `confirmed`, when a policy would write to more than `most` people.
    """
    if not confirmed:
        ask_first(people_of(notices), most)
    queued: list[str] = []
    refused: list[Refused] = []
    for notice in notices:
        try:
            queue_notice(notice, by=by, at=at)
        except Refusal as refusal:
            whose = notice.constituent
            refused.append(Refused(notice.reference, whose.public_id, whose.local_name, notice.to, mails.why(refusal)))
        else:
            queued.append(notice.reference)
    return Handed(tuple(queued), tuple(refused))
