"""What could not be taken: which line and column of which report, why, and the text itself."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from tocsin.engine import query as engine
from tocsin.engine.query import Fault
from tocsin.feeds import queries, reasons, wording
from tocsin.feeds.choices import ReportState
from tocsin.feeds.models import Report
from tocsin.feeds.queries import at_one_version
from tocsin.feeds.views.asking import PAGES_AT_MOST, ROWS, Page, pages_of
from tocsin.kernel.questions import Question
from tocsin.people.access import needs
from tocsin.people.policy import Ability

REPORTS_AT_MOST = 400
RAW_SHOWN = 400
RUNS_AT_MOST = 999_999_999


@needs(Ability.VIEW_FEEDS)
@require_GET
@at_one_version
def quarantine(request: HttpRequest) -> HttpResponse:
    """Fifty lines at a time; filters by type, run, reason and column stand in the address."""
    question, titles = Question(request.GET.copy()), queries.titles_of_types()
    reports, total, run = _reports(question, titles)
    by_file = {str(settings.TOCSIN.store / report.quarantine): report for report in reports}
    faults = engine.faults(queries.database(), list(by_file))
    reason, column = question.text("reason"), question.text("column")
    if reason and not reasons.known(reason) and all(fault.reason != reason for fault in faults):
        question.refuse("reason", reason)
        reason = ""
    counted = sum(f.whole_rows + f.cells for f in faults if reason in ("", f.reason) and column in ("", f.column))
    number = question.number("page", min(pages_of(counted), PAGES_AT_MOST))
    request.GET = question.understood()  # type: ignore[assignment]  # links keep what was understood
    found = engine.quarantined(
        queries.database(), list(by_file), limit=ROWS, offset=(number - 1) * ROWS, reason=reason, column=column
    )
    context = {
        "rows": [_row(row, by_file, titles) for row in found],
        "page": Page(number, len(found), counted),
        "facets": _facets(faults, reports, titles, reason, column),
        "whole_rows": sum(fault.whole_rows for fault in faults),
        "bad_cells": sum(fault.cells for fault in faults),
        "is_empty": not reports,
        "why_empty": "" if reports else _why_empty(request.user, run, request.GET.getlist("type")),
        "question": question,
        "run": run or "",
        "left_out": total - len(reports),
    }
    return render(request, "feeds/quarantine.html", context)


def _reports(question: Question[QueryDict], titles: dict[str, str]) -> tuple[list[Report], int, int]:
    """Return the newest reports with something in quarantine as the question restricts them, how many, of which run."""
    found = queries.reports_shown().filter(state=ReportState.ACCEPTED).exclude(quarantine="").select_related("type")
    if types := question.values("type", titles):
        found = found.filter(type__name__in=types)
    if run := question.number("run", RUNS_AT_MOST, default=0):
        found = found.filter(run=run)
    reports = list(found.order_by("-on", "name")[:REPORTS_AT_MOST])
    return reports, found.count() if len(reports) == REPORTS_AT_MOST else len(reports), run


def _why_empty(person: object, run: int, types: list[str]) -> str:
    """Return why nothing is there: `unknown` or `past` run, nothing of the `run`, of these `types`, or `all`."""
    if run and not queries.runs_visible_to(person).filter(pk=run).exists():
        return "unknown"
    if _is_past(run):
        return "past"
    return "types" if types else "run" if run else "all"


def _is_past(run: int) -> bool:
    """Whether something of a run was in quarantine that is no longer kept."""
    past = Report.objects.filter(run=run).exclude(expired_at=None)
    return past.filter(Q(rows_quarantined__gt=0) | Q(cells_quarantined__gt=0)).exists()


def _row(row: tuple[Any, ...], by_file: dict[str, Report], titles: dict[str, str]) -> dict[str, Any]:
    file, line, column, reason, raw, whole = row
    report, why = by_file[file], reasons.said(reason)
    return {
        "report": report,
        "what": wording.kind(report.type.name, titles),
        "line": line,
        "column": column,
        "reason": why[:1].upper() + why[1:],
        "raw": raw[:RAW_SHOWN],
        "is_cut": len(raw) > RAW_SHOWN,
        "is_row": whole,
    }


def _facets(
    faults: list[Fault], reports: list[Report], titles: dict[str, str], reason: str, column: str
) -> list[dict[str, Any]]:
    """Return the filter bar. What is chosen stands in it though nothing is like that: to be taken away."""
    by_reason = {reason: 0} if reason else {}
    columns = {column: 0} if column else {}
    for fault in faults:
        count = fault.whole_rows + fault.cells
        by_reason[fault.reason] = by_reason.get(fault.reason, 0) + count
        columns[fault.column] = columns.get(fault.column, 0) + count
    types: dict[str, int] = {}
    for report in reports:
        types[report.type.name] = types.get(report.type.name, 0) + report.rows_quarantined + report.cells_quarantined
    words = {name: wording.kind(name, titles) for name in types}
    return [
        {"name": "type", "label": _("Report"), "values": _values(types, words)},
        {
            "name": "reason",
            "label": _("Reason"),
            "values": _values(by_reason, {each: reasons.said(each) for each in by_reason}, reason),
        },
        {
            "name": "column",
            "label": _("Column"),
            "values": _values({n: c for n, c in columns.items() if n}, chosen=column),
        },
    ]


def _values(counted: dict[str, int], words: dict[str, str] | None = None, chosen: str = "") -> list[dict[str, Any]]:
    order = sorted(counted, key=lambda name: (-counted[name], name))
    shown = [name for name in order if name == chosen or name in order[:12]]
    return [{"code": name, "label": (words or {}).get(name, name), "count": counted[name]} for name in shown]
