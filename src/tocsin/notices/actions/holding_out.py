"""Hold some organisations out of a mild class of findings for a while, to see whether telling helps; and end it."""

from __future__ import annotations

import datetime as dt
import secrets

from django.utils.translation import gettext as _

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.directory.choices import Status
from tocsin.directory.models import Constituent
from tocsin.kernel.clock import Instant, day_of
from tocsin.kernel.refusals import Conflict, refuse
from tocsin.notices import mistakes
from tocsin.notices.events import HoldOutBegan, HoldOutEnded, HoldOutExempted
from tocsin.notices.models import HoldOut, HoldOutExemption
from tocsin.notices.rules import is_held_out

DRAWS = 50


@action("hold-out.began")
def begin_hold_out(
    *, category: str, share: int | None, until: dt.date | None, reason: str, understood: str, by: Actor, at: Instant
) -> HoldOutBegan:
    """Draw organisations by lot that are not told of a mild class until the end of a day. Whoever asks is told.

    Never without a reason, and without having said in words what it means for them.
    """
    today = day_of(at)
    facts = {"category": category, "share": share, "until": until, "reason": reason, "understood": understood}
    refuse(mistakes.of_hold_out(facts, today))
    assert share is not None and until is not None  # noqa: S101  refused above
    _end_what_is_over(category, today)
    served = served_constituents()
    key = _key(share, served)
    mildest = mistakes.mildest_told(category)
    row = HoldOut.objects.create(
        category=category,
        mildest=mildest,
        share=share,
        key=key,
        until=until,
        reason=reason.strip(),
        author_label=by.audit_label,
        began_at=at,
    )
    held = sum(is_held_out(key, share, each) for each in served)
    return HoldOutBegan(
        hold_out=row.pk,
        category=category,
        mildest=mildest,
        share=share,
        until=until,
        reason=row.reason,
        held_out=held,
        organisations=len(served),
    )


@action("hold-out.ended")
def end_hold_out(hold_out: HoldOut, *, by: Actor, at: Instant) -> HoldOutEnded:
    """Tell those who were held out, from now on."""
    hold_out.refresh_from_db(from_queryset=HoldOut.objects.select_for_update())
    if hold_out.ended_at is not None or hold_out.until < day_of(at):
        raise Conflict(_("This hold-out is over already."))
    hold_out.ended_at = at
    hold_out.save(update_fields=["ended_at"])
    return HoldOutEnded(hold_out=hold_out.pk, category=hold_out.category, until=hold_out.until)


@action("hold-out.exempted")
def exempt_from_hold_out(hold_out: HoldOut, constituent: Constituent, *, by: Actor, at: Instant) -> HoldOutExempted:
    """Tell a constituent all the same: it asked. It stays in the group that it was drawn into when effects are told."""
    hold_out.refresh_from_db(from_queryset=HoldOut.objects.select_for_update())
    if hold_out.ended_at is not None or hold_out.until < day_of(at):
        raise Conflict(_("This hold-out is over already."))
    if HoldOutExemption.objects.filter(hold_out=hold_out, constituent=constituent).exists():
        raise Conflict(_("This constituent is told already."))
    HoldOutExemption.objects.create(hold_out=hold_out, constituent=constituent, at=at, author_label=by.audit_label)
    return HoldOutExempted(hold_out=hold_out.pk, category=hold_out.category, constituent=constituent.public_id)


def served_constituents() -> list[str]:
    """Return the public ids of those among whom lots are drawn."""
    rows = Constituent.objects.filter(status=Status.ACTIVE).order_by("public_id")
    return list(rows.values_list("public_id", flat=True))


def _key(share: int, served: list[str]) -> str:
    """Return a key by which the share of organisations held out is as near to what was asked for as lots allow."""
    keys = [secrets.token_hex(32) for _draw in range(DRAWS)]
    wanted = share * len(served) / 100
    return min(keys, key=lambda key: abs(sum(is_held_out(key, share, each) for each in served) - wanted))


def _end_what_is_over(category: str, today: dt.date) -> None:
    """Let a hold-out of the class whose last day is past make room: it ended by itself on that day."""
    for row in HoldOut.objects.filter(category=category, ended_at=None, until__lt=today):
        row.ended_at = dt.datetime.combine(row.until + dt.timedelta(days=1), dt.time(), dt.UTC)
        row.save(update_fields=["ended_at"])
