"""What members of constituents ask for: the list of it, one request with what it would do, the decision."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tocsin.directory import actions, asked, rules, wishes
from tocsin.directory.choices import ChangeKind, ChangeState
from tocsin.directory.effects import effects_of
from tocsin.directory.forms import DecideForm
from tocsin.directory.models import ChangeRequest
from tocsin.directory.queries import changes_waiting, constituents_visible_to
from tocsin.directory.views.asking import actor, may_edit, reader, tell_who_holds
from tocsin.kernel.clock import now
from tocsin.kernel.refusals import Refusal
from tocsin.people.access import needs
from tocsin.people.answering import accepted
from tocsin.people.models import Person
from tocsin.people.policy import Ability

SHOWN = 200
LATELY = dt.timedelta(days=30)
OF_CLAIMS = (ChangeKind.CLAIM, ChangeKind.END_OF_CLAIM)


@needs(Ability.VIEW_DIRECTORY)
@require_GET
def changes(request: HttpRequest) -> HttpResponse:
    """What waits, oldest first, and what was decided lately or done by members themselves."""
    reader(request)
    waiting = changes_waiting().filter(constituent__in=constituents_visible_to(request.user))
    decided = ChangeRequest.objects.exclude(state=ChangeState.WAITS).filter(decided_at__gte=now() - LATELY)
    decided = decided.select_related("constituent", "claim", "contact", "asked_by").order_by("-decided_at", "-pk")
    shown = {
        "waiting": [_row(each) for each in waiting[:SHOWN]],
        "number": waiting.count(),
        "decided": [_row(each) for each in decided[:SHOWN]],
        "may_edit": may_edit(request),
    }
    return render(request, "directory/changes.html", shown)


def _row(change: ChangeRequest) -> dict[str, Any]:
    is_harmless = change.waits and rules.is_harmless(change.kind, change.facts)
    return {"change": change, "title": asked.title(change), "is_harmless": is_harmless}


@needs(Ability.VIEW_DIRECTORY)
@require_http_methods(["GET", "POST"])
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """One request: what is and what is to be, what it would take from whom, and the decision."""
    reader(request)
    by = actor(request) if request.method == "POST" else None
    row = _asked_for(request, pk)
    is_outdated = row.waits and wishes.is_outdated(row)
    decisions = [("refuse", _("Refuse it"))] if is_outdated else [("approve", _("Do it")), ("refuse", _("Refuse it"))]
    is_claim = row.kind == ChangeKind.CLAIM
    form = DecideForm(request.POST if request.method == "POST" else None, decisions=decisions, is_claim=is_claim)
    if by and accepted(form, lambda: _decide(row, form.cleaned_data, by), lambda _facts: ()):
        _tell(request, row)
        return redirect("directory:changes")
    if form.errors and not row.waits:  # somebody was faster: the form is gone, and says nothing
        messages.error(request, _("This is decided already."))
    wish = wishes.wish_of(row)
    shown = {
        "change": row,
        "form": form if row.waits and may_edit(request) else None,
        "title": asked.title(row),
        "lines": asked.compared(row),
        "is_new": row.kind in (ChangeKind.CLAIM, ChangeKind.NEW_CONTACT),
        "is_outdated": is_outdated,
        "effects": effects_of(wish) if row.waits else None,
        "value": str(wish.facts["value"]) if is_claim else "",
    }
    return render(request, "directory/change.html", shown, status=422 if form.errors else 200)


def _asked_for(request: HttpRequest, pk: int) -> ChangeRequest:
    """Return the request of a visible constituent."""
    rows = ChangeRequest.objects.select_related("constituent", "claim", "contact", "asked_by")
    return get_object_or_404(rows.filter(constituent__in=constituents_visible_to(request.user)), pk=pk)


def _decide(row: ChangeRequest, facts: dict[str, Any], by: Person) -> None:
    if facts["decision"] == "refuse":
        actions.refuse_change(row, answer=facts["answer"], by=by, at=now())
        return
    is_confirmed = facts.get("is_confirmed", False)
    actions.approve_change(row, is_confirmed=is_confirmed, answer=facts["answer"], by=by, at=now())


def _tell(request: HttpRequest, row: ChangeRequest) -> None:
    """Say what was done, and who holds which findings where claims were changed by it."""
    name = str(row.asked_by)
    if row.state != ChangeState.APPROVED:
        messages.success(request, _("It is refused, and {name} is told why.").format(name=name))
        return
    done = _("It is done, and {name} is told.").format(name=name)
    if row.kind in OF_CLAIMS:
        tell_who_holds(request, done)
    else:
        messages.success(request, done)


@needs(Ability.EDIT_DIRECTORY)
@require_POST
def approve_several(request: HttpRequest) -> HttpResponse:
    """Approve the chosen requests that harm nobody; each by itself, so that one that is refused stops none."""
    by, done = actor(request), 0
    chosen = [int(each) for each in request.POST.getlist("change")[:SHOWN] if each.isascii() and each.isdigit()]
    visible = changes_waiting().filter(constituent__in=constituents_visible_to(request.user))
    for row in visible.filter(pk__in=[each for each in chosen if each < 2**63]):
        if not rules.is_harmless(row.kind, row.facts):
            continue
        try:
            actions.approve_change(row, by=by, at=now())
            done += 1
        except Refusal as refusal:
            messages.error(request, _("{wish}: {problem}").format(wish=asked.title(row), problem=refusal))
    if done:
        said = ngettext("{number} request is done.", "{number} requests are done.", done)
        messages.success(request, said.format(number=done))
    elif not chosen:
        messages.error(request, _("Nothing was chosen."))
    return redirect("directory:changes")
