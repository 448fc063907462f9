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
from tocsin.notices.choices import ROOM, Happening, NoticeState, Whom, Why
from tocsin.notices.courses import Before, Telling, after, known
from tocsin.notices.events import NoticeDiscarded, NoticeMoved, NoticeNoted, NoticePreviewed
from tocsin.notices.history import AT_ONCE, entries_of
from tocsin.notices.models import LedgerEntry, Notice, Told
from tocsin.notices.noted import sentence
from tocsin.notices.reading import told_of
from tocsin.notices.rules import may_follow

BATCH = 2_000
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

    Once it is sent its findings are told; when it came back they are not, unless it was read all the same; once
    somebody has reacted no step follows.
    """
    was = move(notice, what, note[:LONGEST_NOTE], by, at, received=received)
    if NoticeState.BOUNCED in (what, was):
        _reckon_anew(notice)
    elif what == NoticeState.SENT:
        _now_told(notice, at)
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

    Who replies has reacted: nobody else is told of these findings then. Who replies to what came back has read it.
    """
    if LedgerEntry.objects.filter(received=received).exists():
        raise Conflict(_("This message stands in the ledger already."))
    note = note[:LONGEST_NOTE]
    if what == Happening.REPLIED and notice.state == NoticeState.BOUNCED:
        move(notice, NoticeState.READ, "", by, at)
        _reckon_anew(notice)
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
) -> NoticeState:  # fmt: skip
    """Bring a notice into its next state and write that into its ledger; return the one that it was in.

    Raises Conflict where it may not follow.
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
    return was


def _findings(notice: Notice) -> list[list[str]]:
    named = list(notice.lines.order_by("pk").values_list("finding", flat=True))
    return [named[at : at + AT_ONCE] for at in range(0, len(named), AT_ONCE)]


def _now_told(notice: Notice, at: Instant) -> None:
    """Write what is known of each finding now that its notice has left."""
    of = notice.constituent.public_id
    telling = Telling(at, of, notice.step, Whom(notice.whom), notice.to, Why.NEW, 0)
    for some in _findings(notice):
        before = told_of(some)
        lines = notice.lines.filter(finding__in=some).values_list("finding", "why", "returns")
        _keep(
            {
                finding: after(before.get(finding), telling._replace(why=Why(why), returns=returns))
                for finding, why, returns in lines
            }
        )


def _reckon_anew(notice: Notice) -> None:
    """Write what is known of each finding by all that stands in ledgers: what came back told nobody.

    Whoever is reached next is told as if it had not been sent.
    """
    for some in _findings(notice):
        history = entries_of(some)
        found = {each: before for each in some if (before := known(history.get(each, [])))}
        _keep(found)
        Told.objects.filter(finding__in=[each for each in some if each not in found]).delete()


def _keep(found: Mapping[str, Before]) -> None:
    """Write what is known of some findings, instead of what was known of them."""
    rows = [Told(finding=finding, **_columns(before)) for finding, before in found.items()]
    names = list(Before._fields)
    Told.objects.bulk_create(
        rows, batch_size=BATCH // 4, update_conflicts=True, update_fields=names, unique_fields=["finding"]
    )


def _columns(before: Before) -> dict[str, Any]:
    return {**before._asdict(), "lost": list(before.lost), "people": list(before.people)}


def _reacted(notice: Notice, at: Instant) -> None:
    for some in _findings(notice):
        Told.objects.filter(finding__in=some, reacted_at=None).update(reacted_at=at)
