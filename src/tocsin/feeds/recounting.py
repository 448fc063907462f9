"""What counts when the deliveries of a run are taken back."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings

from tocsin.engine.delivered import Recount, decided
from tocsin.engine.store import Report as StoredReport
from tocsin.engine.wholeness import lost_files
from tocsin.feeds import deciding
from tocsin.feeds.choices import ReportState, RunState
from tocsin.feeds.deliveries import of_days, replaced, to_be_taken
from tocsin.feeds.manifest import engine_report
from tocsin.feeds.models import Report, Run
from tocsin.kernel.names import day_in


def recount_without(run: Run) -> Recount:
    """Return what counts when the deliveries of a run are taken back. Raises Conflict when there is nothing of it.

    Those of days that are no longer kept stay: nobody can say any more what would be without them.
    """
    deciding.refuse_to_withdraw(run)
    mine = to_be_taken(run)
    taken = {(row.type.name, row.on, row.name) for row in mine}
    days = {(kind, on) for kind, on, _name in taken}
    left = of_days(days, without=run)
    rows = Report.objects.filter(type__in={row.type_id for row in mine}, on__in={row.on for row in mine})
    here = rows.filter(expired_at=None, state=ReportState.ACCEPTED).select_related("type")
    return decided(
        taken,
        left,
        {row.digest: engine_report(row) for row in here},
        {row.digest: engine_report(row) for row in replaced(days)},
        lambda report: not lost_files(settings.TOCSIN.store, report.files),
    )


def repeated_in(run: Run, gone: Iterable[StoredReport]) -> tuple[tuple[str, int], ...]:
    """Return names of reports that count no more, each with the last run after `run` for which it was here already.

    A name that says no day may be that of any day's: of these nothing is returned.
    """
    names = {name for report in gone for name in report.names if day_in(name)}
    if not names:
        return ()
    later = Run.objects.filter(pk__gt=run.pk, state=RunState.DONE).order_by("pk")
    found = {
        name: number
        for number, summary in later.values_list("pk", "summary").iterator()
        for name in names.intersection(summary.get("unchanged", ()))
    }
    return tuple(sorted(found.items()))
