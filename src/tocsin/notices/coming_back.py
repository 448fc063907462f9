"""Whom notices do not reach though nothing is wrong with the address: refused for what stands in them, or given up.

The contact is not marked for that, since one rule of a mail server would take the whole register off the list. So the
same address is tried with every sending, and somebody has to look.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any, NamedTuple

from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet, Subquery

from tocsin.formats import mail
from tocsin.kernel.clock import Instant
from tocsin.notices.choices import WENT_OUT, NoticeState
from tocsin.notices.models import LedgerEntry, Notice

LATELY = dt.timedelta(days=14)


class ComingBack(NamedTuple):
    """An address from which the last notices came back, one after the other."""

    notice: Notice
    """The last one."""
    answer: str
    """What a mail server said of it."""
    times: int
    since: Instant
    """When the first of them came back."""


def coming_back(among: QuerySet[Notice], at: Instant) -> list[ComingBack]:
    """Return the addresses from which notices came back lately, and none has gone through since; the worst first."""
    is_back = Q(ledger__what=NoticeState.BOUNCED)
    said = LedgerEntry.objects.filter(notice=OuterRef("pk"), what=NoticeState.BOUNCED).order_by("-at", "-pk")
    gone_through = Notice.objects.filter(to__iexact=OuterRef("to"), state__in=WENT_OUT, made_at__gt=OuterRef("made_at"))
    rows = (
        among.filter(state=NoticeState.BOUNCED, is_exercise=False, made_at__gte=at - LATELY)
        .filter(contact__is_active=True, contact__undelivered_since=None, contact__email__iexact=F("to"))
        .exclude(Exists(gone_through))
        .annotate(back_at=Max("ledger__at", filter=is_back), answer=Subquery(said.values("note")[:1]))
        .select_related("contact__constituent", "policy")
        .order_by("-made_at", "-pk")
    )
    found: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.to.lower()].append(row)
    several = [
        ComingBack(those[0], those[0].answer or "", len(those), min(each.back_at for each in those))
        for those in found.values()
        if not mail.is_of_address(those[0].answer or "")  # that contact was verified anew since
    ]
    return sorted(several, key=lambda each: (-each.times, each.notice.severity, each.notice.to))
