"""What counts when the deliveries of a run are taken back."""

from __future__ import annotations

from django.conf import settings

from tocsin.engine.delivered import Delivered, Recount, without
from tocsin.engine.wholeness import lost_files
from tocsin.feeds import deciding
from tocsin.feeds.choices import ReportState
from tocsin.feeds.deliveries import to_be_taken
from tocsin.feeds.manifest import engine_report
from tocsin.feeds.models import Delivery, Report, Run


def recount_without(run: Run) -> Recount:
    """Return what counts when the deliveries of a run are taken back. Raises Conflict when there is nothing of it.

    Those of days that are no longer kept stay: nobody can say any more what would be without them.
    """
    mine = to_be_taken(run)
    if not mine:
        deciding.refuse_to_withdraw(run)
    taken = {(row.type.name, row.on, row.name) for row in mine}
    days = {(row.type_id, row.on) for row in mine}
    types, on = {kind for kind, _on in days}, {on for _kind, on in days}
    others = Delivery.objects.filter(is_withdrawn=False, type__in=types, on__in=on).exclude(run=run)
    left = [Delivered(row.type.name, row.on, row.name, row.digest) for row in others.select_related("type")]
    rows = Report.objects.filter(type__in=types, on__in=on, expired_at=None).select_related("type")
    here = {row.digest: engine_report(row) for row in rows.filter(state=ReportState.ACCEPTED)}
    kept = {
        row.digest: engine_report(row)
        for row in rows.filter(
            state__in=(ReportState.REPLACED, ReportState.WITHDRAWN), digest__in={each.report for each in left}
        )
    }
    return without(taken, left, here, kept, lambda report: not lost_files(settings.TOCSIN.store, report.files))
