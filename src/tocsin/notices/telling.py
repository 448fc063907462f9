"""Who was told of findings before, and when: the next one to act reads it, and the first contact in its weekly list."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Min
from django.utils import timezone

from tocsin.directory.models import Constituent
from tocsin.kernel.clock import Instant
from tocsin.notices.choices import OF_ONES_OWN, WENT_OUT, NoticeState, Whom
from tocsin.notices.models import LedgerEntry, Notice, Told
from tocsin.notices.writing import ToldBefore

AT_ONCE = 10_000


def told_before(
    constituent: Constituent, findings: Sequence[str], *, besides: int | None = None
) -> tuple[ToldBefore, ...]:
    """Return who was told of any of a constituent's findings since they were first told, the earliest first.

    Each addressee once, with the first day. `besides` is the key of a notice that is not looked at.
    """
    since, notices = None, set()
    for first in range(0, len(findings), AT_ONCE):
        some = findings[first : first + AT_ONCE]
        told = Told.objects.filter(finding__in=some, constituent=constituent.public_id)
        began = told.aggregate(at=Min("first_at"))["at"]
        since = min(filter(None, (since, began)), default=None)
        about = Notice.objects.filter(constituent=constituent, state__in=WENT_OUT, lines__finding__in=some)
        notices |= set(
            about.exclude(pk__in=[besides] if besides else []).order_by().values_list("pk", flat=True).distinct()
        )
    if since is None or not notices:
        return ()
    return _each_once(sorted(notices), since)


def _each_once(notices: Sequence[int], since: Instant) -> tuple[ToldBefore, ...]:
    found: dict[tuple[str, str], ToldBefore] = {}
    for first in range(0, len(notices), AT_ONCE):
        sent = LedgerEntry.objects.filter(what=NoticeState.SENT, at__gte=since, notice__in=notices[first:][:AT_ONCE])
        for entry in sent.select_related("notice__contact__constituent").order_by("at", "pk"):
            notice = entry.notice
            found.setdefault((notice.whom, notice.to.lower()), _told(notice, entry.at))
    return tuple(sorted(found.values(), key=lambda each: each.on))


def _told(notice: Notice, at: Instant) -> ToldBefore:
    is_other = notice.whom not in OF_ONES_OWN and notice.contact is not None
    name = notice.contact.constituent.local_name if is_other and notice.contact else notice.to
    return ToldBefore(timezone.localdate(at), Whom(notice.whom), name)
