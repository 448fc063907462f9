"""Which run delivered which report under which name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db.models import Q

from tocsin.engine import store
from tocsin.engine.delivered import Key
from tocsin.engine.run import Delta
from tocsin.feeds.choices import ReportState
from tocsin.feeds.models import Baseline, Delivery, Report, ReportType, Run

_BATCH = 2000


def note(delta: Delta, run: Run) -> None:
    """Note under which names a run delivered reports, as far as something else came last under them.

    What was read again as a report of another type or day was delivered by those who delivered what it was before.
    """
    named = [(report, name) for report in (*delta.accepted, *delta.renamed) for name in report.names]
    again = _delivered_before(delta)
    reports = {report.id: report for report, _name in (*named, *((report, "") for _row, report in again))}
    types = {row.name: row for row in ReportType.objects.filter(name__in={each.type for each in reports.values()})}
    last = _last(types.values(), {report.on for report in reports.values()})
    made = [(row.run_id, report, row.name) for row, report in again if last.get(_key(report, row.name)) != report.id]
    read_again = {report.id for _before, report in delta.read_as}
    made += [
        (run.pk, report, name)
        for report, name in named
        if report.id not in read_again and last.get(_key(report, name)) != report.id
    ]
    Delivery.objects.bulk_create(
        (
            Delivery(run_id=by, type=types[report.type], on=report.on, name=name, digest=report.id)
            for by, report, name in made
        ),
        batch_size=_BATCH,
    )


def _key(report: store.Report, name: str) -> Key:
    return report.type, report.on, name


def _last(types: Iterable[ReportType], days: Iterable[dt.date]) -> dict[Key, str]:
    """Return what came last under each name of some days."""
    rows = Delivery.objects.filter(is_withdrawn=False, type__in=types, on__in=set(days))
    last: dict[Key, str] = {}
    for kind, on, name, digest in rows.values_list("type__name", "on", "name", "digest"):
        last[kind, on, name] = digest
    return last


def _delivered_before(delta: Delta) -> list[tuple[Delivery, store.Report]]:
    """Return the deliveries of what was read again as another report, each with that."""
    moved = {before.id: report for before, report in delta.read_as if before.id != report.id}
    rows = Delivery.objects.filter(is_withdrawn=False, digest__in=moved) if moved else ()
    return [(row, moved[row.digest]) for row in rows]


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
    left = Delivery.objects.filter(is_withdrawn=False, digest__in=digests)
    runs.update(left.values_list("digest", "run"))
    for row in Report.objects.filter(digest__in=digests):
        if row.state == ReportState.ACCEPTED:
            row.run_id = runs.get(row.digest, row.run_id)
        elif row.state == ReportState.SUPERSEDED and row.digest not in delta.superseded:
            continue  # it was read again as another
        else:
            row.state = ReportState.REPLACED if row.digest in runs else ReportState.WITHDRAWN
        row.save(update_fields=["run", "state"])
