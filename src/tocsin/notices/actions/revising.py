"""Bring a notice up to date before it leaves: what is not so any more is struck off, and not told.

A notice of which nothing is left does not leave.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.kernel.clock import Instant
from tocsin.kernel.tlp import TLP
from tocsin.notices.actions.ledger import BATCH, move
from tocsin.notices.choices import Happening, NoticeState, Struck, Why
from tocsin.notices.events import NoticeDropped, NoticeRevised
from tocsin.notices.models import LedgerEntry, Notice
from tocsin.notices.noted import sentence, struck_off
from tocsin.notices.rules import may_follow
from tocsin.notices.striking import NothingIsLeft, Standing, standing


def bring_up_to_date(notice: Notice, *, by: Actor, at: Instant) -> None:
    """Let a notice say only what is so. Raises NothingIsLeft, and changes nothing, when it has nothing to say."""
    found = standing(notice, at)
    if not found.found:
        raise NothingIsLeft(found.struck)
    if found.struck or found.label != TLP.read(notice.tlp) or found.returns or found.changed:
        revise_notice(notice, found, by=by, at=at)


@action("notice.revised")
def revise_notice(notice: Notice, found: Standing, *, by: Actor, at: Instant) -> NoticeRevised:
    """Strike findings off a notice that has not left: they are not told by it, and may stand in another.

    Those that are left are told as what they have become.
    """
    named = list(found.struck)
    for first in range(0, len(named), BATCH):
        notice.lines.filter(finding__in=named[first : first + BATCH]).delete()
    for line in notice.lines.filter(finding__in=[*found.returns, *found.changed]):
        line.returns, line.why = found.returns.get(line.finding, line.returns), found.why[line.finding]
        line.save(update_fields=["returns", "why"])
    _count_anew(notice, found)
    if named:
        said = struck_off(found.struck)
        LedgerEntry.objects.create(notice=notice, at=at, what=Happening.STRUCK, said=said, actor_label=by.audit_label)
    return NoticeRevised(notice=notice.reference, constituent=notice.constituent.public_id, struck=_plain(found.struck))


def _count_anew(notice: Notice, found: Standing) -> None:
    counts = Counter(notice.lines.values_list("why", flat=True))
    for why in Why:
        setattr(notice, why.value, counts[why.value])
    notice.severity, notice.tlp = found.severity, found.label.value
    notice.save(update_fields=["severity", "tlp", *Why.values])


@action("notice.dropped")
def drop_notice(
    notice: Notice, *, reason: str, struck: Mapping[str, Struck] | None = None, by: Actor, at: Instant
) -> NoticeDropped:
    """Do not send a notice: nothing of it is left, or it may not go to whom it should. Nothing of it is told.

    `reason` is a sentence in English, of which the trail and the ledger make the reader's own.
    """
    said = struck_off(struck, is_all=True) if struck else sentence(reason)
    notice.refresh_from_db(from_queryset=Notice.objects.select_for_update())
    if may_follow(NoticeState.DISCARDED, NoticeState(notice.state)):
        move(notice, NoticeState.DISCARDED, "", by, at, said=said)
    else:  # it came back, and somebody had it sent once more
        LedgerEntry.objects.create(notice=notice, at=at, what=Happening.STRUCK, said=said, actor_label=by.audit_label)
    return NoticeDropped(
        notice=notice.reference, constituent=notice.constituent.public_id, reason=reason, struck=_plain(struck or {})
    )


def _plain(struck: Mapping[str, Struck]) -> dict[str, Any]:
    return {finding: why.value for finding, why in struck.items()}
