"""Move one notice on, and write each step into its ledger. What is sent becomes known of its findings.

`sending` lets notices leave; `record_outcome` and `note_on_notice` say what
became of them and what came back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.courier import queries as outgoing
from tocsin.courier.actions import dismiss_message
from tocsin.courier.choices import State
from tocsin.kernel import legible
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Conflict, InvalidInput
from tocsin.notices.choices import ROOM, Happening, NoticeState
from tocsin.notices.events import NoticeDiscarded, NoticeMoved, NoticeNoted, NoticePreviewed
from tocsin.notices.models import LedgerEntry, Notice, NoticeFinding, Told
from tocsin.notices.noted import sentence
from tocsin.notices.planning import begins_anew
from tocsin.notices.rules import may_follow

BATCH = 2_000
AT_ONCE = 10_000
"""So many values in one question."""
LONGEST_NOTE = 500


@action("notice.previewed")
def preview_notice(notice: Notice, *, by: Actor, at: Instant) -> NoticePreviewed:
    """Note that somebody of the team has read it as its recipient will."""
    move(notice, NoticeState.PREVIEWED, "", by, at)
    return NoticePreviewed(notice=notice.reference, constituent=notice.constituent.public_id)


@action("notice.discarded")
def discard_notice(notice: Notice, *, reason: str, is_ours: bool = False, by: Actor, at: Instant) -> NoticeDiscarded:
    """Do not send it. Its findings may stand in the next one. The reason `is_ours` when it is a sentence of `noted`."""
    reason = reason.strip()
    if not reason:
        raise InvalidInput(_("Say why: others will rely on it."), where="reason")
    if len(reason) > LONGEST_NOTE:
        raise InvalidInput(_("{most} characters are the most.").format(most=LONGEST_NOTE), where="reason")
    if said := legible.flaw(reason):
        raise InvalidInput(_(said), where="reason")
    ours = sentence(reason) if is_ours else None
    move(notice, NoticeState.DISCARDED, "" if ours else reason, by, at, said=ours)
    waiting = outgoing.messages_of(ROOM, notice.reference).exclude(state__in=(State.SENT, State.DISMISSED))
    for message in waiting:  # refused while one is on its way
        dismiss_message(message, by=by, at=at)
    return NoticeDiscarded(notice=notice.reference, constituent=notice.constituent.public_id, reason=reason)


@action("notice.moved")
def record_outcome(
    notice: Notice, *, what: NoticeState, note: str = "", received: int | None = None, by: Actor, at: Instant
) -> NoticeMoved:
    """Write down what became of a notice, and which received message says so, if one does.

    Once it is sent its findings are told; when it came back they are not; once somebody has reacted no step follows.
    """
    move(notice, what, note[:LONGEST_NOTE], by, at, received=received)
    if what == NoticeState.SENT:
        _now_told(notice, at)
    if what == NoticeState.BOUNCED:
        _not_told(notice)
    if what in (NoticeState.READ, NoticeState.ACTED):
        _reacted(notice, at)
    return NoticeMoved(
        notice=notice.reference, constituent=notice.constituent.public_id, what=what.value, note=note[:LONGEST_NOTE]
    )


@action("notice.noted")
def note_on_notice(
    notice: Notice, *, what: Happening, note: str = "", received: int, by: Actor, at: Instant
) -> NoticeNoted:
    """Write into the ledger what came back about a notice. Raises Conflict when it stands there.

    Who replies has reacted: nobody else is told of these findings then.
    """
    if LedgerEntry.objects.filter(received=received).exists():
        raise Conflict(_("This message stands in the ledger already."))
    note = note[:LONGEST_NOTE]
    LedgerEntry.objects.create(
        notice=notice, at=at, what=what, note=note, actor_label=by.audit_label, received=received
    )
    if what == Happening.REPLIED:
        _reacted(notice, at)
    return NoticeNoted(
        notice=notice.reference,
        constituent=notice.constituent.public_id,
        what=what.value,
        note=note,
        received=received,
    )


def move(
    notice: Notice, to: NoticeState, note: str, by: Actor, at: Instant, *, received: int | None = None,
    said: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Bring a notice into its next state and write that into its ledger. Raises Conflict where it may not follow.

    `said` is what the software says of it, as `noted` keeps it.
    """
    notice.refresh_from_db(from_queryset=Notice.objects.select_for_update())
    was = NoticeState(notice.state)
    if not may_follow(to, was):
        words = _("This notice is in another state by now ({state}). Look again, then decide.")
        raise Conflict(words.format(state=was.label))
    notice.state = to
    notice.save(update_fields=["state"])
    LedgerEntry.objects.create(
        notice=notice, at=at, what=to, note=note, said=said or {}, actor_label=by.audit_label, received=received
    )


def _findings(notice: Notice) -> list[list[str]]:
    named = list(notice.lines.order_by("pk").values_list("finding", flat=True))
    return [named[at : at + AT_ONCE] for at in range(0, len(named), AT_ONCE)]


def _now_told(notice: Notice, at: Instant) -> None:
    """Write what the recipient knows of each finding: as `planning.told_after` says it."""
    rows = {row.finding: row for some in _findings(notice) for row in Told.objects.filter(finding__in=some)}
    new: list[Told] = []
    changed: list[Told] = []
    for line in notice.lines.order_by("pk"):
        row = rows.get(line.finding) or Told(finding=line.finding, times=0)
        (new if row.pk is None else changed).append(row)
        _tell(row, line, notice, at)
    Told.objects.bulk_create(new, batch_size=BATCH)
    fields = [
        "constituent",
        "first_at",
        "last_at",
        "security_at",
        "stepped_at",
        "times",
        "step",
        "returns",
        "reacted_at",
    ]
    Told.objects.bulk_update(changed, fields, batch_size=BATCH // 4)


def _tell(row: Told, line: NoticeFinding, notice: Notice, at: Instant) -> None:
    if begins_anew(line.why, notice.step) or row.pk is None:
        row.constituent, row.first_at, row.reacted_at = notice.constituent.public_id, at, None
        row.step, row.stepped_at = 0, None
    row.last_at, row.times, row.returns = at, row.times + 1, line.returns
    if notice.step:
        row.step, row.stepped_at = max(row.step, notice.step), at
    else:
        row.security_at = at


def _not_told(notice: Notice) -> None:
    """Forget what this notice alone told: nobody has read it, and whoever is reached next is told anew."""
    sent = notice.ledger.filter(what=NoticeState.SENT).last()
    if sent is not None:
        for some in _findings(notice):
            Told.objects.filter(finding__in=some, first_at=sent.at, last_at=sent.at).delete()


def _reacted(notice: Notice, at: Instant) -> None:
    for some in _findings(notice):
        Told.objects.filter(finding__in=some, reacted_at=None).update(reacted_at=at)
