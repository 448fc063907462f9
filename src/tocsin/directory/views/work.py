"""Work lists and the import of files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from tocsin.directory import actions, attribution, holders, mistakes, queries, uploads
from tocsin.directory.forms import ConstituentForm, ImportForm, SettleForm
from tocsin.directory.history import field_names
from tocsin.directory.models import Constituent
from tocsin.directory.views.asking import actor, claim_asked_for, may_edit, reader, tell_who_holds
from tocsin.kernel.clock import day_of, now
from tocsin.kernel.questions import Question
from tocsin.kernel.refusals import Conflict, Refusal
from tocsin.people.access import needs, receives
from tocsin.people.answering import accepted
from tocsin.people.policy import Ability

LONGEST_UPLOAD = 5 * 2**20
"""Octets of a file that a page checks: some fifteen thousand organisations. The command takes more."""

OVERLAPS_SHOWN = 500
MOST_ROWS = 2**62
"""No trail is longer."""


@needs(Ability.VIEW_DIRECTORY)
@require_GET
def conflicts(request: HttpRequest) -> HttpResponse:
    """Equal claims to settle, and nested ones to know of."""
    reader(request)
    nested = queries.overlaps()
    sides = _sides(nested[:OVERLAPS_SHOWN])
    shown = {
        "conflicts": queries.conflicts(among=sides.values()),
        "overlaps": _named(nested[:OVERLAPS_SHOWN], sides),
        "overlap_count": len(nested),
        "attribution": attribution.under_way(now()),
        "may_edit": may_edit(request),
    }
    return render(request, "directory/conflicts.html", shown)


def _sides(overlaps: list[queries.Overlap]) -> dict[str, Constituent]:
    """Return whose the claims are that overlap, by public id."""
    ids = {side.constituent for overlap in overlaps for side in (overlap.inner, overlap.outer)}
    return {row.public_id: row for row in queries.constituents_with_ids(ids)}


def _named(overlaps: list[queries.Overlap], sides: Mapping[str, Constituent]) -> list[dict[str, object]]:
    """Return overlaps with the names of both constituents in the reader's language."""
    names = {public_id: row.local_name for public_id, row in sides.items()}
    return [
        {
            "inner": overlap.inner,
            "inner_name": names[overlap.inner.constituent],
            "outer": overlap.outer,
            "outer_name": names[overlap.outer.constituent],
        }
        for overlap in overlaps
    ]


@needs(Ability.VIEW_DIRECTORY)
@require_http_methods(["GET", "POST"])
def progress(request: HttpRequest) -> HttpResponse:
    """The part of a page that says how far the attribution of open findings is; sent as a form, have it done now."""
    reader(request)
    if request.method == "POST":
        actor(request)
        if attribution.try_again():
            messages.success(request, _("Open findings are attributed by the claims as they are now."))
        return redirect("directory:conflicts")
    if not request.headers.get("HX-Request"):
        return redirect("directory:conflicts")
    since = Question(request.GET.copy()).number("since", MOST_ROWS, 0)
    shown = {
        "attribution": attribution.under_way(now(), since or None),
        "attribution_is_done": holders.in_words(attribution.gained_since(since)),
        "may_edit": may_edit(request),
    }
    return render(request, "directory/parts/attribution.html", shown)


@needs(Ability.EDIT_DIRECTORY)
@require_http_methods(["GET", "POST"])
def settle(request: HttpRequest, one: int, other: int) -> HttpResponse:
    """Decide between two equal claims."""
    by = actor(request)
    first, second = claim_asked_for(request, one), claim_asked_for(request, other)
    if (first.kind, first.value) != (second.kind, second.value) or first.constituent_id == second.constituent_id:
        raise Http404
    confirm = _("Confirm {name}, end the other claim")
    decisions = [(str(claim.pk), confirm.format(name=claim.constituent.local_name)) for claim in (first, second)]
    decisions.append(("both", _("Keep both claims")))
    initial = {"ends_on": day_of(now()) - dt.timedelta(days=1)}
    form = SettleForm(request.POST or None, initial=initial, decisions=decisions)

    claims = {str(first.pk): second, str(second.pk): first}  # that end by a decision

    def act() -> None:
        reason = form.cleaned_data["reason"]
        if form.cleaned_data["decision"] == "both":
            actions.settle_keeping_both(first, second, reason=reason, by=by, at=now())
            return
        ended = claims[form.cleaned_data["decision"]]
        confirmed = second if ended == first else first
        ends_on = form.cleaned_data["ends_on"]
        actions.settle_conflict(confirmed=confirmed, ended=ended, ends_on=ends_on, reason=reason, by=by, at=now())

    def found(facts: dict[str, Any]) -> Iterable[Refusal]:
        ended = claims.get(facts.get("decision", ""))
        return mistakes.of_settled_day(ended, facts.get("ends_on"), now()) if ended else ()

    if request.method == "POST" and accepted(form, act, found):
        tell_who_holds(request, _("Settled."))
        return redirect("directory:conflicts")
    shown = {"form": form, "claims": (first, second), "value": first.label}
    return render(request, "directory/settle.html", shown, status=422 if form.errors else 200)


@needs(Ability.EDIT_DIRECTORY)
@receives(LONGEST_UPLOAD)
@require_http_methods(["GET", "POST"])
def import_files(request: HttpRequest) -> HttpResponse:
    """Choose a file, read what it would change, apply it."""
    actor(request)
    if "token" in request.POST:
        return _apply(request)
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        upload = form.cleaned_data["file"]
        return _check(request, form, upload.name, upload.read())
    return render(request, "directory/import.html", {"form": form}, status=422 if form.errors else 200)


def _folder() -> Path:
    return settings.CONFIG.home / "uploads" / "directory"


def _check(request: HttpRequest, form: ImportForm, name: str, content: bytes) -> HttpResponse:
    """Show what the file would change, or its problems."""
    end_missing = form.cleaned_data["end_missing"]
    try:
        plan = queries.plan_import(queries.read_files([(name, content)]), end_missing=end_missing)
    except queries.ImportRefused as refused:
        shown = {"form": ImportForm(), "name": name, "problems": refused.problems}
        return render(request, "directory/import.html", shown, status=422)
    token = "" if plan.is_empty else uploads.keep(content, _folder(), now())
    report = plan.as_data()
    for item in report["constituents"]:
        item["fields"] = field_names(ConstituentForm, item["fields"])
    shown = {"form": ImportForm(), "name": name, "plan": plan, "report": report, "token": token}
    return render(request, "directory/import.html", shown)


def _apply(request: HttpRequest) -> HttpResponse:
    """Import the file that was checked. Checked again: the directory may have changed since."""
    token, name = request.POST["token"], request.POST.get("name", "").replace("\0", "")[:200]
    end_missing = request.POST.get("end_missing") == "on"
    try:
        files = queries.read_files([(name, uploads.fetch(token, _folder()))])
        actions.import_directory(files, end_missing=end_missing, by=actor(request), at=now())
    except (queries.ImportRefused, Conflict) as refused:
        messages.error(request, str(refused))
        return redirect("directory:import")
    uploads.forget(token, _folder())
    tell_who_holds(request, _("{file} is imported.").format(file=name))
    return redirect("directory:list")
