"""One finding: what it is, what to do, why it is whose it is, what became of it, and the rows behind it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from tocsin.engine.query import Finding
from tocsin.feeds import answers, queries, queries_finding, wording
from tocsin.feeds import queries_situation as situation
from tocsin.feeds.actions.answers import answer_findings
from tocsin.feeds.actions.findings import add_note, give_finding
from tocsin.feeds.clearing import for_its_reader
from tocsin.feeds.episodes import strip
from tocsin.feeds.forms import OWNER_NOBODY, AnswerForm, NoteForm, OwnerForm, team
from tocsin.feeds.queries import at_one_version
from tocsin.feeds.views.asking import sentence, worker
from tocsin.kernel.clock import day_of, now
from tocsin.kernel.questions import Question
from tocsin.kernel.refusals import Conflict, Refusal
from tocsin.people.access import needs
from tocsin.people.policy import Ability, may


@needs(Ability.VIEW_FINDINGS)
@require_GET
@at_one_version
def finding(request: HttpRequest, public: str) -> HttpResponse:
    """Show a finding."""
    return _page(request, _asked_for(request, public), NoteForm())


@needs(Ability.WORK_ON_FINDINGS)
@require_POST
def note(request: HttpRequest, public: str) -> HttpResponse:
    """Write about a finding."""
    by, found = worker(request), _asked_for(request, public)
    form = NoteForm(request.POST)
    if form.is_valid():
        try:
            add_note(queries.finding_id(found), text=form.cleaned_data["text"], by=by, at=now())
            return redirect("feeds:finding", queries.finding_id(found))
        except Refusal as refused:
            form.add_error("text", sentence(refused))
    return _page(request, found, form)


@needs(Ability.WORK_ON_FINDINGS)
@require_POST
def give(request: HttpRequest, public: str) -> HttpResponse:
    """Give a finding to a member of the team, or to nobody."""
    by, found = worker(request), _asked_for(request, public)
    people = team()
    form = OwnerForm(request.POST, people=people)
    if not form.is_valid():
        messages.error(request, _("Choose somebody of the team."))
        return redirect("feeds:finding", queries.finding_id(found))
    wanted = form.cleaned_data["owner"]
    owner = None if wanted == OWNER_NOBODY else next(each for each in people if str(each.pk) == wanted)
    try:
        give_finding(queries.finding_id(found), owner=owner, seen=request.POST.get("seen"), by=by, at=now())
    except Conflict as refused:
        messages.error(request, sentence(refused))
    return redirect("feeds:finding", queries.finding_id(found))


@needs(Ability.WORK_ON_FINDINGS)
@require_POST
def answer(request: HttpRequest, public: str) -> HttpResponse:
    """Write down what its constituent says of a finding."""
    by, found, at = worker(request), _asked_for(request, public), now()
    form = AnswerForm(request.POST)
    if form.is_valid():
        try:
            answer_findings([queries.finding_id(found)], **form.cleaned_data, by=by, at=at)
            messages.success(request, _("The answer stands here, and on the pages of its constituent."))
            return redirect("feeds:finding", queries.finding_id(found))
        except Refusal as refused:
            for each in (refused, *refused.further):
                form.add_error(each.where if each.where in form.fields else None, getattr(each, "problem", str(each)))
    return _page(request, found, NoteForm(), form)


def _asked_for(request: HttpRequest, public: str) -> Finding:
    found = queries.finding_asked_for(request.user, public)
    if found is None:
        raise Http404
    return found


@for_its_reader
def _page(request: HttpRequest, found: Finding, form: NoteForm, answering: AnswerForm | None = None) -> HttpResponse:
    titles = queries.titles_of_types()
    kind = queries_finding.kind(found)
    names = {code: row.local_name for code, row in queries.holders().items()}
    owner, life = queries_finding.owner(found), queries_finding.life(found, kind)
    claim = queries_finding.claim(found)
    people, question = team(), Question(request.GET.copy())
    pages = Paginator(range(sum(life.rows.values())), queries_finding.OBSERVATIONS)
    page = pages.page(question.number("page", pages.num_pages))
    rows = {row.key: row for row in queries_finding.observations(found, life, after=page.start_index() - 1)}
    chosen = rows.get(question.value("row", rows, next(iter(rows), "")))
    question.query.pop("row", None)  # no row stands on two pages
    request.GET = question.understood()  # type: ignore[assignment]  # links keep what was understood
    until = max(queries.latest_day() or found.last_cycle, found.last_cycle)
    context: dict[str, Any] = {
        "finding": found,
        "id": queries.finding_id(found),
        "what": wording.kind(found.type, titles),
        "where": queries.place_of(found),
        "asn": f"AS{found.asn}" if found.asn else "",
        "class_label": wording.class_label(found.category),
        "remedy": wording.remedy(wording.meaning(found.type, titles).remedy),
        "kind": kind,
        "whose": names.get(found.constituent or "", found.constituent),
        "claim": claim,
        "claim_kind": queries_finding.claim_kind(claim),
        "owner": owner,
        "is_mine": owner is not None and owner.owner_key == getattr(request.user, "audit_key", ""),
        "life": life,
        "question": question,
        "page": page,
        "rows": rows.values(),
        "chosen": chosen,
        "cells": queries_finding.cells(found, chosen) if chosen else (),
        "days": strip(found.recent, found.last_cycle, found.opened_on, until),
        "history": _history(found, life, names),
        "answers": [
            (each, names.get(each.answer.constituent, each.answer.constituent))
            for each in answers.given(found, day_of(now()))
        ],
        "answer_form": answering or AnswerForm(),
        "not_checked_since": found.last_cycle if _is_silent(found) else None,
        "note_form": form,
        "people": people,
        "me": str(getattr(request.user, "pk", "")),
        "may_work": may(request.user, Ability.WORK_ON_FINDINGS),
    }
    return render(
        request, "feeds/finding.html", context, status=422 if form.errors or (answering and answering.errors) else 200
    )


def _is_silent(found: Finding) -> bool:
    """Whether its type has stopped arriving, so that nobody knows whether it is still there."""
    return any(each.type.name == found.type and each.state == "silent" for each in situation.health())


def _history(found: Finding, life: queries_finding.Life, names: dict[str, str]) -> list[dict[str, Any]]:
    """Return what happened, newest first: turns of its life, hand-overs, owners and notes."""
    turned = [{"at": turn.on, "what": turn.what} for turn in life.turns]
    told = [_told(each, names) for each in queries_finding.notes_and_handovers(found)]
    owned = [
        {"at": each.at, "what": "owner", "before": each.before, "after": each.after, "by": each.by}
        for each in queries_finding.changes_of_owner(found)
    ]
    return sorted([*turned, *owned, *told], key=lambda entry: _instant(entry["at"]), reverse=True)


def _told(each: queries_finding.Note | queries_finding.HandedOver, names: dict[str, str]) -> dict[str, Any]:
    if isinstance(each, queries_finding.Note):
        return {"at": each.at, "what": "note", "text": each.text, "by": each.by}
    before, after = (names.get(code, code) for code in (each.before, each.after))
    return {"at": each.at, "what": "handed", "before": before, "after": after}


def _instant(at: dt.date | dt.datetime) -> dt.datetime:
    return at if isinstance(at, dt.datetime) else dt.datetime.combine(at, dt.time(), dt.UTC)
