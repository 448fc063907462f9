"""One run: how far it is, what came of it, and taking it back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from tocsin.feeds import deciding, ordering, reasons
from tocsin.feeds.choices import ReportState
from tocsin.feeds.clearing import for_its_reader
from tocsin.feeds.forms import WithdrawForm
from tocsin.feeds.models import Run
from tocsin.feeds.orders import orders
from tocsin.feeds.queries import at_one_version, runs_visible_to, titles_of_types
from tocsin.feeds.run_reports import groups_of
from tocsin.feeds.standing import shown
from tocsin.feeds.views.asking import sentence, worker
from tocsin.kernel.clock import now
from tocsin.kernel.questions import Question
from tocsin.kernel.refusals import Refusal
from tocsin.people.access import needs
from tocsin.people.models import Person
from tocsin.people.policy import Ability, may

TYPES = 40
"""Types of report on one page."""
FILES_SHOWN = 200
"""Files whose days are to be looked at."""
OPEN_AT_MOST = 12
"""Reports that are listed without being folded by type."""


@needs(Ability.VIEW_FEEDS)
@require_GET
@at_one_version
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a run."""
    return _page(request, _asked_for(request, pk), WithdrawForm())


@needs(Ability.VIEW_FEEDS)
@require_GET
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the page that changes while a run goes on; when it is over the page is asked for anew.

    With `as=row` its line in the list of runs, which asks no more when the run is over.
    """
    row = _asked_for(request, pk)
    if not request.headers.get("HX-Request"):
        return redirect("feeds:run", pk)
    if request.GET.get("as") == "row":
        return render(request, "feeds/parts/run_row.html", {"each": shown([row])[0]})
    context = _progress(row)
    response = render(request, "feeds/parts/progress.html", context)
    if not context["shown"].is_running:
        response["HX-Refresh"] = "true"
    return response


@needs(Ability.RUN_FEEDS)
@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Let the reports of a run count no more."""
    by, row = worker(request, Ability.RUN_FEEDS), _asked_for(request, pk)
    form = WithdrawForm(request.POST)
    if not form.is_valid():
        return _page(request, row, form)
    ordered(request, "withdraw", by, run=pk, reason=form.cleaned_data["reason"])
    return redirect("feeds:run", pk)


@needs(Ability.RUN_FEEDS)
@require_POST
def replay(request: HttpRequest, pk: int) -> HttpResponse:
    """Read the reports of a run again under the mappings in force."""
    by, row = worker(request, Ability.RUN_FEEDS), _asked_for(request, pk)
    ordered(request, "replay", by, run=row.pk)
    return redirect("feeds:run", pk)


def ordered(request: HttpRequest, what: str, by: Person, **details: Any) -> None:
    """Have the engine do something, and say whether it is done."""
    try:
        is_done = ordering.order(what, by=by, at=now(), **details)
    except Refusal as refused:
        messages.error(request, sentence(refused))
        return
    messages.success(
        request,
        _("Done. Findings stand as they follow from it.")
        if is_done
        else _("It is being done. Findings stand as they follow from it in a minute or so."),
    )


def _asked_for(request: HttpRequest, pk: int) -> Run:
    return get_object_or_404(runs_visible_to(request.user), pk=pk)


@for_its_reader
def _page(request: HttpRequest, row: Run, form: WithdrawForm) -> HttpResponse:
    groups = groups_of(row, titles_of_types())
    lines = sum(len(group.lines) for group in groups)
    elsewhere = sorted({run for group in groups for run in group.elsewhere})
    counting = row.reports.filter(state=ReportState.ACCEPTED, expired_at=None).exists()
    question, pages = Question(request.GET.copy()), Paginator(groups, TYPES)
    page = pages.page(question.number("page", pages.num_pages))
    request.GET = question.understood()  # type: ignore[assignment]  # links keep what was understood
    context = {
        **_progress(row),
        "summary": row.summary,
        "broken": [
            {
                "name": reasons.file_called(each["name"], each["reason"]),
                "reason": _begun(reasons.said_of_file(each["name"], each["reason"])),
            }
            for each in row.summary.get("broken", ())
        ],
        "misnamed": _dated(row.summary.get("misnamed", ())),
        "ahead": _dated(row.summary.get("ahead", ())),
        "question": question,
        "page": page,
        "held": [(group, line) for group in groups for line in group.held],
        "report_count": sum(group.reports for group in groups),
        "folded": lines > OPEN_AT_MOST,
        "counting": counting,
        "may_replay": counting or deciding.may_be_of_another_day(row),
        "may_withdraw": counting or deciding.may_withdraw(row),
        "past": (past := row.reports.exclude(expired_at=None).count()),
        "quarantine_of": row.pk if counting or past else elsewhere[-1] if elsewhere else None,
        "form": form,
        "orders": orders(row.pk),
        "may_run": may(request.user, Ability.RUN_FEEDS),
    }
    return render(request, "feeds/run.html", context, status=422 if form.errors else 200)


def _begun(sentence: str) -> str:
    """Return a sentence that stands alone in its cell; elsewhere it follows the name of the file."""
    return sentence[:1].upper() + sentence[1:]


def _dated(listed: Sequence[dict[str, str]]) -> list[dict[str, Any]]:
    return [{**each, "date": dt.date.fromisoformat(each["date"])} for each in listed[:FILES_SHOWN]]


def _progress(row: Run) -> dict[str, Any]:
    return {
        "run": row,
        "shown": (each := shown([row])[0]),
        "percent": each.percent,
    }
