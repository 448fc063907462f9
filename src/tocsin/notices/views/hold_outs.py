"""Who is held out of what, to see whether telling helps: the list, its beginning, its end, and whoever asked."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tocsin.directory.models import Constituent
from tocsin.feeds.wording import class_label
from tocsin.kernel.clock import day_of, now
from tocsin.kernel.refusals import Refusal
from tocsin.notices import actions, mistakes, queries
from tocsin.notices.forms import HoldOutForm
from tocsin.notices.models import HoldOut
from tocsin.notices.views.asking import acting
from tocsin.people.access import needs
from tocsin.people.answering import accepted
from tocsin.people.policy import Ability, may


@dataclasses.dataclass(frozen=True)
class Shown:
    """A hold-out as the page shows it."""

    row: HoldOut
    what: str
    is_over: bool
    constituents: list[Constituent]
    """Who is held out."""
    asked: list[Constituent]
    """Who was exempted."""


@needs(Ability.VIEW_NOTICES)
@require_GET
def hold_outs(request: HttpRequest) -> HttpResponse:
    """All hold-outs, those that hold with whom they are about."""
    today = day_of(now())
    rows = [_shown(row, today) for row in queries.hold_outs()]
    shown = {
        "standing": [each for each in rows if not each.is_over],
        "over": [each for each in rows if each.is_over],
        "may_hold": may(request.user, Ability.HOLD_OUT),
        "may_tell": may(request.user, Ability.SEND_NOTICES),
    }
    return render(request, "notices/hold_outs.html", shown)


def _shown(row: HoldOut, today: dt.date) -> Shown:
    is_over = row.ended_at is not None or row.until < today
    held = [] if is_over else queries.held_out_of(row)
    return Shown(row, class_label(row.category), is_over, held, [each.constituent for each in row.exemptions.all()])


@needs(Ability.HOLD_OUT)
@require_http_methods(["GET", "POST"])
def begin(request: HttpRequest) -> HttpResponse:
    """Hold organisations out of a class."""
    form, by = HoldOutForm(request.POST if request.method == "POST" else None), acting(request)

    def act() -> None:
        actions.begin_hold_out(**form.cleaned_data, by=by, at=now())

    def found(facts: dict[str, Any]) -> Any:
        return mistakes.of_hold_out(facts, day_of(now()))

    if request.method == "POST" and accepted(form, act, found):
        messages.success(request, _("The lots are drawn. Who is held out stands below; end it at any time."))
        return redirect("notices:hold-outs")
    shown = {"form": form, "words": mistakes.understood_words()}
    return render(request, "notices/hold_out.html", shown, status=422 if form.errors else 200)


@needs(Ability.HOLD_OUT)
@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """Tell those who were held out."""
    try:
        actions.end_hold_out(get_object_or_404(HoldOut, pk=pk), by=acting(request), at=now())
        messages.success(request, _("It is over. They are told with the next notices."))
    except Refusal as refused:
        messages.error(request, str(refused))
    return redirect("notices:hold-outs")


@needs(Ability.SEND_NOTICES)
@require_POST
def tell(request: HttpRequest, pk: int) -> HttpResponse:
    """Tell a constituent all the same."""
    public_id = request.POST.get("constituent", "").replace("\0", "")
    row, constituent = get_object_or_404(HoldOut, pk=pk), get_object_or_404(Constituent, public_id=public_id)
    try:
        actions.exempt_from_hold_out(row, constituent, by=acting(request), at=now())
        messages.success(request, _("{name} is told with the next notice.").format(name=constituent.local_name))
    except Refusal as refused:
        messages.error(request, str(refused))
    return redirect("notices:hold-outs")
