"""Which run delivered which report under which name: what counts follows from what is left of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping

from tocsin.engine import store
from tocsin.engine.delivered import ReadAs, read_now
from tocsin.engine.run import Delta
from tocsin.feeds.choices import ReportState
from tocsin.feeds.deciding import settled
from tocsin.feeds.models import Delivery, Report, ReportType, Run

_BATCH = 2000


def of_days(days: Collection[store.CycleKey], without: Run | None = None) -> list[store.Delivered]:
    """Return what was delivered for days and is not withdrawn, in the order in which it came; of all runs but one."""
    rows = Delivery.objects.filter(is_withdrawn=False, type__name__in=_types(days), on__in=_on(days))
    rows = rows.exclude(run=without) if without else rows
    found = (store.Delivered(*values) for values in rows.values_list("type__name", "on", "name", "digest", "run"))
    return [one for one in found if (one.type, one.on) in days]


def replaced(days: Collection[store.CycleKey]) -> list[Report]:
    """Return the reports of days that were delivered and do not count, and whose rows are kept."""
    rows = Report.objects.filter(
        type__name__in=_types(days),
        on__in=_on(days),
        expired_at=None,
        state__in=(ReportState.REPLACED, ReportState.WITHDRAWN),
        digest__in={one.report for one in of_days(days)},
    )
    return [row for row in rows.select_related("type") if (row.type.name, row.on) in days]


def _types(days: Collection[store.CycleKey]) -> set[str]:
    return {kind for kind, _on in days}


def _on(days: Collection[store.CycleKey]) -> set[dt.date]:
    return {on for _kind, on in days}


def note(came: Iterable[store.Delivered], types: Mapping[str, ReportType], run: Run) -> None:
    """Note under which names a run delivered reports that did not count under them."""
    made = (
        Delivery(run_id=run.pk, type=types[each.type], on=each.on, name=each.name, digest=each.report) for each in came
    )
    Delivery.objects.bulk_create(made, batch_size=_BATCH)


def move(read_as: Iterable[ReadAs], types: Mapping[str, ReportType]) -> None:
    """Let reports that were read again as others have been delivered as these, by the same runs in the same order."""
    moved = read_now(read_as)
    digests = {digest for digest, _name in moved}
    rows = list(Delivery.objects.filter(is_withdrawn=False, digest__in=digests)) if moved else []
    rows = [row for row in rows if (row.digest, row.name) in moved]
    for row in rows:
        report = moved[row.digest, row.name]
        row.type, row.on, row.digest = types[report.type], report.on, report.id
    Delivery.objects.bulk_update(rows, ["type", "on", "digest"], batch_size=_BATCH)


def own(digests: Collection[str]) -> None:
    """Let each report be of the run that delivered it last."""
    left = Delivery.objects.filter(is_withdrawn=False, digest__in=digests)
    for digest, run in dict(left.values_list("digest", "run")).items():
        Report.objects.filter(digest=digest).exclude(run=run).update(run=run)


def to_be_taken(run: Run) -> list[Delivery]:
    """Return what a run delivered and can be taken back.

    What is of days that are no longer kept stays: nobody can say any more what would be without it.
    """
    return list(run.deliveries.filter(is_withdrawn=False).exclude(settled()).select_related("type"))


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
