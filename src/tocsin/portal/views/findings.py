"""A member's own findings: the list, an answer to several at once, and the list as a file."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from tocsin.directory.models import Constituent
from tocsin.engine.public_ids import words_of
from tocsin.feeds import exports, wording
from tocsin.feeds import queries as feeds
from tocsin.feeds.actions.answers import answer_findings, mistakes_in_answer
from tocsin.feeds.choices import FindingState, Stands
from tocsin.feeds.leases import Leased
from tocsin.feeds.queries import STATES_OPEN, Filter, at_one_version
from tocsin.feeds.queries_findings import misread, worded
from tocsin.kernel.clock import day_of, now
from tocsin.kernel.questions import Question
from tocsin.kernel.tlp import TLP, strictest
from tocsin.people.access import needs
from tocsin.people.answering import accepted
from tocsin.people.policy import Ability
from tocsin.portal import queries
from tocsin.portal.forms import AnswerForm
from tocsin.portal.views.asking import facts_of, member

ROWS = 50
UNANSWERED = "none"
OPEN = "open"
MEDIA = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


@dataclasses.dataclass(frozen=True)
class Asked:
    """What the address of the list asks for."""

    filter: Filter
    question: Question[QueryDict]
    text: str
    organisations: Mapping[str, Constituent]


@needs(Ability.VIEW_OWN)
@require_GET
@at_one_version
def findings(request: HttpRequest) -> HttpResponse:
    """Fifty findings at a time, worst first; the open ones unless others are asked for."""
    return _page(request, AnswerForm(), frozenset())


def _page(request: HttpRequest, form: AnswerForm, ticked: frozenset[str], status: int = 200) -> HttpResponse:
    asked = _asked_for(request)
    found = feeds.findings()
    tally = found.tally(asked.filter, ("state", "type", "constituent"))
    pages = Paginator(range(tally.total), ROWS)
    page = pages.page(asked.question.number("page", pages.num_pages))
    request.GET = asked.question.understood()  # type: ignore[assignment]  # links keep what was understood
    offset = (page.number - 1) * ROWS
    shown = found.page(asked.filter, sort="severity", descending=False, limit=ROWS, offset=offset)
    rows = queries.rows(shown, asked.organisations, day_of(now()))
    context = {
        "question": asked.question,
        "rows": rows,
        "ticked": ticked,
        "page": page,
        "total": tally.total,
        "is_open": set(asked.filter.states) == set(STATES_OPEN),
        "facets": _facets(asked, tally.by_facet),
        "text": asked.text,
        "misread": misread(asked.text) if not rows else "",
        "form": form,
        "query": request.GET.urlencode(),
        "exports": [(name.upper(), reverse("my:export", args=[name])) for name in MEDIA],
        "many_organisations": len(asked.organisations) > 1,
        "tlp": str(strictest(TLP.read(row.tlp) for row in rows)) if rows else "",
    }
    return render(request, "portal/findings.html", context, status=status)


def _asked_for(request: HttpRequest) -> Asked:
    person, question = member(request), Question(request.GET.copy())
    organisations = queries.organisations_of(person)
    own, text = feeds.own(person), question.text("q")
    states = question.values("state", (*FindingState.values, OPEN))
    if not states or OPEN in states:
        states = tuple(dict.fromkeys((*STATES_OPEN, *(each for each in states if each != OPEN))))
    types = question.values("type", _types(own))
    found = dataclasses.replace(
        own,
        states=states,
        types=types or own.types,
        constituents=question.values("whose", organisations),
    )
    stands = question.values("answer", (*Stands.values, UNANSWERED))
    if stands:
        said = queries.own_answers(person, day_of(now()))
        found = queries.narrowed_by_answer(found, stands, said, UNANSWERED)
    return Asked(worded(found, text) if own.keys is None else found, question, text, organisations)


def _types(own: Filter) -> frozenset[str]:
    """Return the types of report that may be asked for."""
    return frozenset(own.types) if own.types else frozenset(feeds.feeds_of_types())


def _facets(asked: Asked, counted: Mapping[str, Mapping[str, int]]) -> list[dict[str, Any]]:
    """Return the filter bar: few lines, and only what can be chosen."""
    states, types, whose = counted["state"], counted["type"], counted["constituent"]
    titles = feeds.titles_of_types()
    is_open = sum(states.get(each, 0) for each in STATES_OPEN)
    bar: list[dict[str, Any]] = [
        {
            "name": "state",
            "label": _("State"),
            "values": [
                {"code": OPEN, "label": _("Open"), "count": is_open},
                {"code": "gone", "label": _("Gone"), "count": states.get("gone", 0)},
            ],
        },
        {
            "name": "answer",
            "label": _("Answer"),
            "values": [
                {"code": UNANSWERED, "label": _("None yet")},
                *(
                    {"code": each.value, "label": each.label}
                    for each in (Stands.WAITS, Stands.CONTRADICTED, Stands.CONFIRMED, Stands.HOLDS, Stands.TO_JUDGE)
                ),
            ],
        },
        {
            "name": "type",
            "label": _("What"),
            "values": [
                {"code": name, "label": wording.kind(name, titles), "count": types[name]}
                for name in sorted(types, key=lambda each: (-types[each], each))
            ],
        },
    ]
    if len(asked.organisations) > 1:
        values = [
            {"code": public, "label": row.local_name, "count": whose.get(public, 0)}
            for public, row in asked.organisations.items()
        ]
        bar.append({"name": "whose", "label": _("Whose"), "values": values})
    return bar


@needs(Ability.ANSWER_OWN)
@require_POST
@at_one_version
def answer(request: HttpRequest) -> HttpResponse:
    """Say the same of several findings at once. What was ticked and typed stays when it is refused."""
    by, form = member(request), AnswerForm(request.POST)
    named = list(dict.fromkeys(request.POST.getlist("finding")))[:ROWS]
    own = [each for each in feeds.findings_named(filter(_is_id, named)) if feeds.is_own(by, each)]
    request.GET = QueryDict(request.POST.get("query", "")[:2_000], mutable=True)  # type: ignore[assignment]
    by_whose: dict[str, list[str]] = defaultdict(list)
    for finding in own:
        by_whose[finding.constituent or ""].append(feeds.finding_id(finding))

    def act() -> None:
        at = now()
        with transaction.atomic():
            for several in by_whose.values():
                answer_findings(several, **facts_of(form.cleaned_data), by=by, at=at)

    if not own:
        messages.error(request, _("No finding was chosen. Tick some rows first."))
    elif accepted(form, act, lambda facts: mistakes_in_answer(**facts_of(facts), today=day_of(now()))):
        number = len(own)
        words = ngettext(
            "Thank you. Your answer stands at {n} finding.", "Thank you. Your answer stands at {n} findings.", number
        )
        messages.success(request, words.format(n=number))
        return redirect(f"{reverse('my:findings')}?{request.GET.urlencode()}")
    return _page(request, form, frozenset(named), HTTPStatus.UNPROCESSABLE_ENTITY)


def _is_id(text: str) -> bool:
    try:
        words_of(text)
    except ValueError:
        return False
    return True


@needs(Ability.VIEW_OWN)
@require_GET
@at_one_version
def export(request: HttpRequest, form: str) -> HttpResponseBase:
    """Send the findings that the list shows, all pages of it, with the label and the terms of each."""
    if form not in MEDIA:
        raise Http404
    asked = _asked_for(request)
    if asked.question.left_out:  # a file would hold more than was asked for, and could not say so
        return render(request, "portal/not_exported.html", {"parts": asked.question.left_out}, status=400)
    found, of_types = feeds.findings(), feeds.feeds_of_types()
    counted = {name: number for (name, number) in found.counts(("type",), asked.filter) if number}
    held = {of_types[name] for name in counted}
    tlp = strictest(TLP.read(feed.tlp) for feed in held).label if held else TLP.CLEAR.label
    about = {
        "tlp": tlp,
        "as_of": now().isoformat(timespec="seconds"),
        "count": sum(counted.values()),
        "terms": {feed.name: feed.terms for feed in sorted(held, key=lambda feed: feed.name)},
    }
    records = feeds.exported(found.stream(asked.filter), of_types)
    lines = exports.as_csv(records, feeds.EXPORTED) if form == "csv" else exports.as_json(records, about)
    name = exports.file_name(now(), tlp, form)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-TLP": tlp}
    return StreamingHttpResponse(Leased(lines), content_type=MEDIA[form], headers=headers)
