"""Which run delivered which report under which name."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q

from tocsin.engine import store
from tocsin.engine.delivered import Key
from tocsin.engine.run import Delta
from tocsin.feeds.choices import ReportState
from tocsin.feeds.models import Baseline, Delivery, Report, ReportType, Run

_BATCH = 2000


def note(reports: Iterable[store.Report], run: Run) -> None:
    """Note under which names a run delivered reports, as far as something else came last under them."""
    named = [(report, name) for report in reports for name in report.names]
    types = {row.name: row for row in ReportType.objects.filter(name__in={report.type for report, _name in named})}
    rows = Delivery.objects.filter(
        is_withdrawn=False, type__in=types.values(), on__in={report.on for report, _name in named}
    )
    last: dict[Key, str] = {}
    for kind, on, name, digest in rows.values_list("type__name", "on", "name", "digest"):
        last[kind, on, name] = digest
    Delivery.objects.bulk_create(
        (
            Delivery(run=run, type=types[report.type], on=report.on, name=name, digest=report.id)
            for report, name in named
            if last.get((report.type, report.on, name)) != report.id
        ),
        batch_size=_BATCH,
    )


def to_be_taken(run: Run) -> list[Delivery]:
    """Return what a run delivered and can be taken back.

    What is of days that are no longer kept stays: nobody can say any more what would be without it.
    """
    settled = Q(pk__in=())
    for baseline in Baseline.objects.all():
        settled |= Q(type=baseline.type_id, on__lte=baseline.up_to)
    return list(run.deliveries.filter(is_withdrawn=False).exclude(settled).select_related("type"))


def withdraw(run: Run, delta: Delta) -> None:
    """Take back what a run delivered, once it counts no more: and let each report be of the run that it has left."""
    mine = to_be_taken(run)
    Delivery.objects.filter(pk__in=[row.pk for row in mine]).update(is_withdrawn=True)
    digests = {*(row.digest for row in mine), *delta.superseded, *(report.id for report in delta.restored)}
    runs: dict[str, int] = {}
    left = Delivery.objects.filter(is_withdrawn=False, digest__in=digests).order_by("pk")
    runs.update(left.values_list("digest", "run"))
    for row in Report.objects.filter(digest__in=digests):
        if row.state == ReportState.ACCEPTED:
            row.run_id = runs.get(row.digest, row.run_id)
        elif row.state == ReportState.SUPERSEDED and row.digest not in delta.superseded:
            continue  # it was read again as another
        else:
            row.state = ReportState.REPLACED if row.digest in runs else ReportState.WITHDRAWN
        row.save(update_fields=["run", "state"])
