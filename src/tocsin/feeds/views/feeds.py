"""How feeds arrive, what waits for a decision, under which terms, and the list of runs."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tocsin.engine.query import Filter
from tocsin.feeds import deciding, keeping, queries, reported, wording
from tocsin.feeds import queries_situation as situation
from tocsin.feeds.actions.findings import change_terms
from tocsin.feeds.actions.orders import dismiss_order, retry_order
from tocsin.feeds.choices import SHADOWSERVER
from tocsin.feeds.fetched import fetching
from tocsin.feeds.forms import TermsForm
from tocsin.feeds.models import Cycle, Feed
from tocsin.feeds.orders import order_numbered
from tocsin.feeds.queries import at_one_version
from tocsin.feeds.queries_situation import OPEN, Health
from tocsin.feeds.standing import shown
from tocsin.feeds.views.asking import sentence, worker
from tocsin.feeds.views.runs import ordered
from tocsin.kernel.clock import day, now
from tocsin.kernel.questions import Question
from tocsin.kernel.refusals import Conflict
from tocsin.people.access import needs
from tocsin.people.policy import Ability, may

RUNS = 25
HELD_SHOWN = 20


@needs(Ability.VIEW_FEEDS)
@require_GET
@at_one_version
def feeds(request: HttpRequest) -> HttpResponse:
    """How each type of report arrives, and the last runs."""
    health, titles = situation.health(), queries.titles_of_types()
    listed = [_row(each, titles) for each in health]
    held = [(each, cycle) for each in health for cycle in each.held]
    question, pages = Question(request.GET.copy()), Paginator(queries.runs_visible_to(request.user), RUNS)
    page = pages.page(question.number("page", pages.num_pages))
    request.GET = question.understood()  # type: ignore[assignment]  # links keep what was understood
    context = {
        "types": listed,
        "waiting": [row for row in listed if row["state"] == "held"],
        "silent": [row for row in listed if row["state"] == "silent"],
        "arriving": sum(row["state"] == "arrives" for row in listed),
        "held": [_held(each, cycle, titles) for each, cycle in held[:HELD_SHOWN]],
        "ahead": [_ahead(each, cycle, titles) for each in health for cycle in each.ahead],
        "broken": [(wording.kind(e.type.name, titles), cycle) for e in health for cycle in e.broken],
        "unmapped": [row for row in listed if row["health"].needs_mapping],
        "odd": [row for row in listed if row["health"].type.unknown_columns and not row["health"].needs_mapping],
        "orders": queries.orders_visible_to(request.user),
        **_feeds(request.user),
        "question": question,
        "page": page,
        "runs": shown(list(page)),
        "may_run": may(request.user, Ability.RUN_FEEDS),
    }
    return render(request, "feeds/feeds.html", context)


def _feeds(person: object) -> dict[str, Any]:
    """Return each feed that a person is cleared for with how long its rows are kept, and how the fetched one stands."""
    every, hidden = list(Feed.objects.order_by("name")), queries.feeds_hidden_from(person)
    visible = [feed for feed in every if feed.pk not in hidden]
    kept = keeping.kept_by_feed(visible)
    is_shown = all(feed in visible for feed in every if feed.code == SHADOWSERVER)
    return {"feeds": [(feed, kept[feed.pk]) for feed in visible], "fetching": fetching() if is_shown else None}


STATES = {"ok": "arrives", "broken": "broken", "held": "held", "late": "late", "silent": "silent"}
"""Of a feed → how the design system calls it."""


def _row(health: Health, titles: dict[str, str]) -> dict[str, Any]:
    rows = [cycle.rows for cycle in health.cycles[-30:]]
    return {
        "health": health,
        "name": health.type.name,
        "what": wording.kind(health.type.name, titles),
        "state": STATES[health.state],
        "rows": rows,
        "usual": health.usual_rows,
        "tlp": health.type.feed.tlp,
        "next_day": health.last.on + dt.timedelta(days=health.gap_days),
    }


def _held(health: Health, cycle: Cycle, titles: dict[str, str]) -> dict[str, Any]:
    """Return a held cycle with what confirming it would make gone."""
    return {
        "what": wording.kind(health.type.name, titles),
        "type": health.type.name,
        "cycle": cycle,
        "why": wording.why_held(cycle, is_known=health.is_usual_known(cycle)),
        "goes": _would_go(health.type.pk, health.type.name, cycle.on),
    }


def _ahead(health: Health, cycle: Cycle, titles: dict[str, str]) -> dict[str, Any]:
    """Return a day that has not come, and the runs that brought it."""
    runs = sorted(set(situation.reports_of_day(health.type.name, cycle.on).values_list("run", flat=True)))
    return {"what": wording.kind(health.type.name, titles), "on": cycle.on, "runs": runs}


def _would_go(type_pk: int, name: str, on: dt.date) -> int:
    """Return how many open findings go gone when the cycle counts."""
    known = reported.types().get(type_pk)
    if known is None or known.state is None:
        return 0
    state = known.state
    counted = sorted({*map(dt.date.fromisoformat, state.counted), on})
    if len(counted) < state.gone_after:
        return 0
    asked = Filter(states=OPEN, types=(name,), last_cycle_before=counted[-state.gone_after])
    return queries.findings().count(asked)


@needs(Ability.RUN_FEEDS)
@require_POST
def decide(request: HttpRequest) -> HttpResponse:
    """Confirm or discard a held cycle, or say that a silent type had nothing to report."""
    by, wanted = worker(request, Ability.RUN_FEEDS), request.POST.get("decision", "")
    name, day = request.POST.get("type", ""), request.POST.get("on", "")
    if wanted not in ("confirmed", "discarded", "empty") or not _is_day(day) or "\0" in name:
        messages.error(request, _("Choose a report, and to confirm or to discard it."))
    elif queries.is_type_hidden_from(by, name):
        on = dt.date.fromisoformat(day)
        refused = deciding.never_arrived(name) if wanted == "empty" else deciding.not_arrived(name, on)
        messages.error(request, sentence(refused))
    else:
        ordered(request, wanted, by, type=name, on=day)
    return redirect("feeds")


@needs(Ability.RUN_FEEDS)
@require_POST
def order(request: HttpRequest, pk: int) -> HttpResponse:
    """Have an order tried again that came to nothing, or take it off the list."""
    by, failed = worker(request, Ability.RUN_FEEDS), order_numbered(pk)
    if failed is None or not queries.is_order_visible_to(by, failed):
        raise Http404
    try:
        if request.POST.get("wanted") == "retry":
            retry_order(failed, by=by, at=now())
            messages.success(request, _("It is tried again."))
        else:
            dismiss_order(failed, by=by, at=now())
            messages.success(request, _("Taken off the list."))
    except Conflict as refusal:
        messages.error(request, str(refusal))
    return redirect("feeds")


def _is_day(text: str) -> bool:
    try:
        day(text)
    except ValueError:
        return False
    return True


@needs(Ability.RUN_FEEDS)
@require_http_methods(["GET", "POST"])
def terms(request: HttpRequest, code: str) -> HttpResponse:
    """Change the label and the terms of a feed."""
    by, feed = worker(request, Ability.RUN_FEEDS), get_object_or_404(queries.feeds_visible_to(request.user), code=code)
    form = TermsForm(request.POST or None, initial={"tlp": feed.tlp, "terms": feed.terms_shown})
    if request.method == "POST" and form.is_valid():
        # What is shown in the reader's language stays what it is until somebody writes it otherwise.
        terms = form.cleaned_data["terms"] if "terms" in form.changed_data else feed.terms
        change_terms(feed, tlp=form.cleaned_data["tlp"], terms=terms, by=by, at=now())
        messages.success(request, _("Changed. Pages and exports carry it from now on."))
        return redirect("feeds")
    shown = {"form": form, "feed": feed}
    return render(request, "feeds/terms.html", shown, status=422 if form.errors else 200)
