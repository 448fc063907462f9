"""Whether anything can be done about a cycle or a run: asked by a page that orders the work, and by the work itself.

Apart from `feeds.intake`, since a process that only shows pages does not load the engine.
"""

from __future__ import annotations

import datetime as dt

from django.db.models import Min, Q
from django.utils.translation import gettext as _

from tocsin.feeds import days
from tocsin.feeds.choices import ReportState
from tocsin.feeds.models import Baseline, Cycle, Report, ReportType, Run
from tocsin.kernel.names import day_in
from tocsin.kernel.refusals import Conflict, InvalidInput


def cycle_to_decide(report_type: str, on: dt.date, *, shall_count: bool) -> Cycle:
    """Return the cycle.

    Raises Conflict when there is none or its day is settled, InvalidInput when a day that lies ahead shall count; to
    discard it is how one is rid of it.
    """
    row = Cycle.objects.select_related("type").filter(type__name=report_type, on=on).first()
    if row is None:
        raise not_arrived(report_type, on)
    _refuse_past(report_type, on)
    if shall_count and days.is_ahead(on, _today()):
        raise _not_come(on)
    return row


def not_arrived(report_type: str, on: dt.date) -> Conflict:
    """Return the refusal to decide of a day of which nothing came."""
    return Conflict(_("no report of {type} of {day} has arrived.").format(type=report_type, day=on))


def never_arrived(report_type: str) -> Conflict:
    """Return the refusal to say anything of a type of which nothing ever came."""
    return Conflict(_("no report of {type} has ever arrived.").format(type=report_type))


def refuse_to_declare_empty(report_type: str, on: dt.date) -> None:
    """Raise Conflict when reports have come, or never one of the type; InvalidInput when the day has not come
    or lies before the first of the type.
    """
    if on > _today():
        raise _not_come(on)
    if not ReportType.objects.filter(name=report_type).exists():
        raise never_arrived(report_type)
    first = Cycle.objects.filter(type__name=report_type).aggregate(first=Min("on"))["first"]
    if first and on < first:
        words = _("{type} came first on {first}: of {day} there is nothing to say. Is the year right?")
        raise InvalidInput(words.format(type=report_type, first=first, day=on))
    _refuse_past(report_type, on)
    if Report.objects.filter(type__name=report_type, on=on, state=ReportState.ACCEPTED).exists():
        words = _("there are reports of {type} of {day}, so it was not empty. Close that day, or discard it.")
        raise Conflict(words.format(type=report_type, day=on))


def reports_that_count(run: Run) -> list[Report]:
    """Return the reports of a run that count. Raises Conflict when there is none, or none whose rows are kept."""
    reports = _counting(run)
    if not reports:
        raise Conflict(_("run {run} has no report that counts.").format(run=run.pk))
    if all(report.expired_at for report in reports):
        words = _("the rows of run {run} are no longer kept: it can neither be read again nor taken back.")
        if run.reports.filter(state=ReportState.WITHDRAWN).exists():
            words = _("run {run} was withdrawn; what still counts of it is of days whose rows are no longer kept.")
        raise Conflict(words.format(run=run.pk))
    return reports


def _counting(run: Run) -> list[Report]:
    brought = run.deliveries.filter(is_withdrawn=False).values("digest")
    rows = Report.objects.filter(Q(run=run) | Q(digest__in=brought), state=ReportState.ACCEPTED)
    return list(rows.select_related("type").order_by("on", "name", "pk"))


def reports_to_read_again(run: Run) -> list[Report]:
    """Return the reports of a run that a better mapping may place otherwise: those that count, and those in whose place
    others came under names without a day, of which they may be of another. Raises Conflict as `reports_that_count`.
    """
    undated = _undated_replaced(run)
    return [*_counting(run), *undated] if undated else reports_that_count(run)


def may_be_of_another_day(run: Run) -> bool:
    """Say whether reports of a run that count no more can be read again, since only their rows say of which day."""
    return bool(_undated_replaced(run))


def _undated_replaced(run: Run) -> list[Report]:
    brought = run.deliveries.filter(is_withdrawn=False).values_list("name", "digest")
    undated = {digest for name, digest in brought if day_in(name) is None}
    rows = Report.objects.filter(digest__in=undated, state=ReportState.REPLACED, expired_at=None)
    return list(rows.select_related("type").order_by("on", "name", "pk"))


def refuse_to_withdraw(run: Run) -> None:
    """Raise Conflict when nothing that a run brought or said of days is left."""
    if not may_withdraw(run):
        reports_that_count(run)


def may_withdraw(run: Run) -> bool:
    """Say whether anything is left of what a run brought, or of what it said of days: that they are complete, or wait.

    What is of days that are no longer kept stays: nobody can say any more what would be without it.
    """
    told = (run.deliveries, run.sayings)
    return any(rows.filter(is_withdrawn=False).exclude(settled()).exists() for rows in told)


def settled() -> Q:
    """Return a condition for what has a type and a day: that nothing of the day is kept any more."""
    found = Q(pk__in=())
    for baseline in Baseline.objects.all():
        found |= Q(type=baseline.type_id, on__lte=baseline.up_to)
    return found


def _today() -> dt.date:
    return days.today(frozenset(Cycle.objects.order_by().values_list("on", flat=True).distinct()))


def _refuse_past(report_type: str, on: dt.date) -> None:
    """Raise Conflict for a day that is settled: what was forgotten because of it cannot be had again."""
    baseline = Baseline.objects.filter(type__name=report_type).first()
    if baseline and on <= baseline.up_to:
        words = _("reports of {type} are kept from {day} on: nothing can be decided any more about days before.")
        raise Conflict(words.format(type=report_type, day=baseline.up_to + dt.timedelta(days=1)))


def _not_come(on: dt.date) -> InvalidInput:
    # All that was not seen on a day that counts goes gone, and no report of a day before it can bring it back.
    return InvalidInput(_("{day} has not come yet: what it showed cannot be said.").format(day=on))
