"""What is not told for a while, and why."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tocsin.directory.models import Constituent
from tocsin.engine.public_ids import words_of
from tocsin.kernel.clock import day_of, now
from tocsin.kernel.questions import Question
from tocsin.kernel.refusals import Refusal, refuse
from tocsin.notices import actions, mistakes, queries
from tocsin.notices.forms import SuppressionForm
from tocsin.notices.models import Suppression
from tocsin.notices.sentences import suppression_title
from tocsin.notices.views.asking import acting
from tocsin.people.access import needs
from tocsin.people.answering import accepted
from tocsin.people.policy import Ability, may


@needs(Ability.VIEW_NOTICES)
@require_GET
def suppressions(request: HttpRequest) -> HttpResponse:
    """All that is not told today."""
    rows = [(row, suppression_title(row)) for row in queries.suppressions(day_of(now()), request.user)]
    shown = {"suppressions": rows, "may_send": may(request.user, Ability.SEND_NOTICES)}
    return render(request, "notices/suppressions.html", shown)


@needs(Ability.SEND_NOTICES)
@require_http_methods(["GET", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """Keep something quiet. Before it is saved the page says how many open findings that is."""
    by, question = acting(request), Question(request.GET.copy())
    form = SuppressionForm(
        request.POST if request.method == "POST" else None,
        initial=_suggested(question),
        constituents=Constituent.objects.all(),
        open_now=queries.open_by_class(by),
    )

    def is_confirmed() -> bool:
        return request.POST.get("confirmed") == _what(form.cleaned_data)

    def act() -> None:
        facts = form.cleaned_data
        refuse(mistakes.of_suppression(facts, day_of(now())))
        actions.refuse_unseen(facts["finding"], by)
        if is_confirmed():
            actions.add_suppression(**facts, by=by, at=now())

    def found(facts: dict[str, Any]) -> Any:
        return mistakes.of_suppression(facts, day_of(now()))

    is_good = request.method == "POST" and accepted(form, act, found)
    if is_good and is_confirmed():
        messages.success(request, _("It is not told until the end of that day."))
        return redirect("notices:suppressions")
    shown = {"form": form, "question": question}
    if is_good:
        shown |= {"covered": queries.covered(by, form.cleaned_data), "what": _what(form.cleaned_data)}
    return render(request, "notices/suppression.html", shown, status=422 if form.errors else 200)


def _what(facts: dict[str, Any]) -> str:
    """Return what was counted: when something else is saved in the end, it is counted anew."""
    parts = (mistakes.scope_of(facts.get("constituent")), *(facts.get(name) or "" for name in PARTS))
    return " ".join(part or "-" for part in parts)


PARTS = ("category", "network", "finding")


def _suggested(question: Any) -> dict[str, str]:
    """Return what the address fills in: the page of a finding knows its id."""
    named = [text for text in question.read("finding", _known) if text]
    return {"finding": named[0]} if named else {}


def _known(text: str) -> str:
    words_of(text)
    return text


@needs(Ability.SEND_NOTICES)
@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """Tell it again."""
    row = get_object_or_404(Suppression, pk=pk)
    if not queries.suppressions_visible_to(request.user, [row]):
        raise Http404
    try:
        actions.end_suppression(row, by=acting(request), at=now())
        messages.success(request, _("It is told again."))
    except Refusal as refused:
        messages.error(request, str(refused))
    return redirect("notices:suppressions")
