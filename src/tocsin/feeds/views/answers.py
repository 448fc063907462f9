"""What constituents say of their findings: a list to work through, and the team's word on what has to be judged."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from tocsin.feeds import answers as said
from tocsin.feeds import queries, wording
from tocsin.feeds.actions.answers import judge_answer
from tocsin.feeds.answers import Stood
from tocsin.feeds.choices import JUDGED, AnswerKind, Stands, Verdict
from tocsin.feeds.forms import VerdictForm
from tocsin.feeds.models import Answer
from tocsin.feeds.queries import Finding, at_one_version
from tocsin.feeds.views.asking import worker
from tocsin.kernel.clock import day_of, now
from tocsin.kernel.questions import Question
from tocsin.kernel.refusals import InvalidInput, Refusal
from tocsin.people.access import needs
from tocsin.people.policy import Ability, may

ROWS = 50
TABS = (
    Stands.TO_JUDGE, Stands.CONTRADICTED, Stands.WAITS, Stands.HOLDS, Stands.CONFIRMED, Stands.REFUSED, Stands.ENDED,
)  # fmt: skip
PEACE_DAYS = 180
"""For so long the form leaves in peace what is agreed to, unless another day is chosen."""


@dataclasses.dataclass(frozen=True)
class Row:
    """An answer as the list shows it."""

    stood: Stood
    id: str
    what: str
    where: str
    whose: str
    constituent: str
    severity: int | None
    claim: str
    """Number of the claim that makes it theirs, where they say that it is not."""


@needs(Ability.VIEW_FINDINGS)
@require_GET
@at_one_version
def answers(request: HttpRequest) -> HttpResponse:
    """Fifty answers at a time; those to be judged unless others are asked for, the oldest first."""
    return _page(request, VerdictForm(initial={"until": _in_peace_until()}), frozenset())


def _in_peace_until() -> dt.date:
    return day_of(now()) + dt.timedelta(days=PEACE_DAYS)


def _page(request: HttpRequest, form: VerdictForm, ticked: frozenset[str]) -> HttpResponse:
    question, today = Question(request.GET.copy()), day_of(now())
    stands = question.value("stands", Stands.values, Stands.TO_JUDGE)
    kinds = question.values("kind", AnswerKind.values)
    standing = said.standing(today)
    counted = Counter(stood.stands.value for _finding, stood in standing.values())
    chosen = [
        (finding, stood)
        for finding, stood in standing.values()
        if stood.stands == stands and (not kinds or stood.answer.kind in kinds)
    ]
    chosen.sort(key=lambda each: (each[1].answer.at, each[1].answer.pk), reverse=stands != Stands.TO_JUDGE)
    pages = Paginator(chosen, ROWS)
    page = pages.page(question.number("page", pages.num_pages))
    request.GET = question.understood()  # type: ignore[assignment]  # links keep what was understood
    may_work = may(request.user, Ability.WORK_ON_FINDINGS)
    shown = {
        "question": question,
        "rows": _rows(list(page.object_list)),
        "page": page,
        "stands": Stands(stands),
        "total": len(chosen),
        "ticked": ticked,
        "form": form,
        "may_judge": may_work and stands == Stands.TO_JUDGE,
        "views": [
            {"label": f"{each.label} ({counted[each]})", "url": f"?stands={each.value}", "is_current": each == stands}
            for each in TABS
            if counted[each] or each in (stands, Stands.TO_JUDGE)
        ],
        "facets": _facets(stands, standing.values()) if stands == Stands.TO_JUDGE else [],
    }
    return render(request, "feeds/answers.html", shown, status=422 if form.errors else 200)


def _facets(stands: str, standing: Iterable[tuple[Finding, Stood]]) -> list[dict[str, Any]]:
    counted = Counter(stood.answer.kind for _finding, stood in standing if stood.stands == stands)
    values = [{"code": each.value, "label": each.label, "count": counted[each]} for each in JUDGED if counted[each]]
    return [{"name": "kind", "label": _("Answer"), "values": values}] if values else []


def _rows(chosen: Sequence[tuple[Finding, Stood]]) -> list[Row]:
    titles, names = queries.titles_of_types(), {code: row.local_name for code, row in queries.holders().items()}
    return [
        Row(
            stood,
            queries.finding_id(finding),
            wording.kind(finding.type, titles),
            queries.place_of(finding),
            names.get(stood.answer.constituent, stood.answer.constituent),
            stood.answer.constituent,
            finding.severity,
            (finding.claim or "") if stood.answer.kind == AnswerKind.NOT_OURS else "",
        )
        for finding, stood in chosen
    ]


@needs(Ability.WORK_ON_FINDINGS)
@require_POST
@at_one_version
def judge(request: HttpRequest) -> HttpResponse:
    """Agree to the ticked answers, or do not: all of them or none. What was typed stays when it is refused."""
    by, form = worker(request), VerdictForm(request.POST)
    ticked = list(dict.fromkeys(each for each in request.POST.getlist("answer") if each.isascii() and each.isdigit()))
    chosen = list(Answer.objects.filter(pk__in=[int(each) for each in ticked[:ROWS] if len(each) < 19]))
    if not chosen:
        messages.error(request, _("No answer was chosen. Tick some rows first."))
    elif form.is_valid() and _judged(form, chosen, request.POST.get("verdict", ""), by):
        number = len(chosen)
        words = ngettext(
            "{n} answer is judged: its constituent reads it.", "{n} answers are judged: whose they are read it.", number
        )
        messages.success(request, words.format(n=number))
        return redirect("answers")
    return _page(request, form, frozenset(ticked))


def _judged(form: VerdictForm, chosen: Sequence[Answer], verdict: str, by: Any) -> bool:
    facts: Mapping[str, Any] = form.cleaned_data
    at = now()
    until = facts["until"] if verdict == Verdict.UPHELD else None
    try:
        with transaction.atomic():
            for each in chosen:
                judge_answer(each, verdict=verdict, text=facts["text"], until=until, by=by, at=at)
    except Refusal as refused:
        for each_refusal in (refused, *refused.further):
            problem = each_refusal.problem if isinstance(each_refusal, InvalidInput) else str(each_refusal)
            form.add_error(each_refusal.where if each_refusal.where in form.fields else None, problem)
        return False
    return True
