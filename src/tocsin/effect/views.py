"""Whether telling helps: all figures on one page, one figure with its curve, and the curve as a file."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from io import StringIO
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_GET

from tocsin.effect import queries, sentences
from tocsin.effect.choices import SPLITS, By, Comparison, Verdict
from tocsin.effect.models import Figure, Measurement
from tocsin.kernel.questions import Question
from tocsin.kernel.spreadsheets import harmless
from tocsin.people.access import needs
from tocsin.people.policy import Ability

ROWS = 200
LABEL = "TLP:AMBER"
"""Of files: how soon named organisations mend is theirs and ours to know."""
MEDIA = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
POINTS = ("group", "day", "at_risk", "gone", "left", "left_low", "left_high")


@needs(Ability.VIEW_EFFECT)
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """All figures of a split, with what can be said of all findings on top."""
    question, measurement = Question(request.GET.copy()), queries.latest()
    if measurement is None:
        return render(request, "effect/nothing.html", {"question": question})
    known = queries.comparisons(measurement)
    comparison = _comparison(question, known)
    by = By(question.value("by", [each.value for each in SPLITS[comparison] if each is not By.ALL], By.CLASS))
    whole = queries.figure(measurement, comparison, By.ALL, "")
    rows = queries.figures(measurement, comparison, by)
    shown = {
        "question": question,
        "measurement": measurement,
        "tabs": [_tab(each, comparison, {"against": each.value}) for each in known] if len(known) > 1 else [],
        "splits": [_tab(each, by, {"against": comparison.value, "by": each.value}) for each in SPLITS[comparison][1:]],
        "comparison": comparison,
        "whole": _figure(whole, comparison) if whole else None,
        "groups": sentences.groups(comparison),
        "by": by,
        "rows": _rows(rows[:ROWS], comparison, by),
        "more": max(len(rows) - ROWS, 0),
    }
    return render(request, "effect/overview.html", shown)


def _comparison(question: Question[QueryDict], known: list[Comparison]) -> Comparison:
    """Return the comparison that is asked for; without one the first that can be split as is asked."""
    by = question.value("by", By.values, By.ALL)
    default = next((each for each in known if By(by) in SPLITS[each]), Comparison.BEFORE)
    return Comparison(question.value("against", [each.value for each in known], default.value))


def _tab(each: Comparison | By, current: Comparison | By, asked: dict[str, str]) -> dict[str, Any]:
    return {"label": each.label, "url": f"?{urlencode(asked)}", "is_current": each is current}


def _rows(rows: list[Figure] | Any, comparison: Comparison, by: By) -> list[dict[str, Any]]:
    named = sentences.names(by, [row.key for row in rows])
    return [
        {
            "name": named.get(row.key, row.key),
            "url": _address(comparison, by, row.key),
            "facts": row.facts,
            "cells": [_cells(row.facts[name]) for name in ("told", "natural")],
            "ratio": sentences.ratio(row.facts),
            "said": Verdict(row.facts["verdict"]).label,
            "back": sentences.came_back(row.facts, 30),
        }
        for row in rows
    ]


def _cells(facts: Any) -> dict[str, Any]:
    is_half_gone = bool(facts["median"])
    return {**facts, "is_half_gone": is_half_gone, "median": sentences.median(facts), "within": sentences.within(facts)}


def _address(comparison: Comparison, by: By, key: str) -> str:
    return f"{reverse('effect:one')}?{_asked(comparison, by, key)}"


def _asked(comparison: Comparison, by: By, key: str) -> str:
    return urlencode({"against": comparison.value, "by": by.value, "key": key})


@needs(Ability.VIEW_EFFECT)
@require_GET
def one(request: HttpRequest) -> HttpResponse:
    """One figure with its curves."""
    question = Question(request.GET.copy())
    measurement, row = _asked_for(question)
    by, comparison = By(row.by), Comparison(row.comparison)
    shown = {
        "question": question,
        "measurement": measurement,
        "figure": _figure(row, comparison),
        "name": sentences.names(by, [row.key]).get(row.key, row.key),
        "by": by,
        "list": _list_of(by, row.key),
        "comparison": comparison,
        "back_url": f"{reverse('effect')}?{urlencode({'against': comparison.value, 'by': by.value})}",
    }
    return render(request, "effect/one.html", shown)


def _asked_for(question: Question[QueryDict]) -> tuple[Measurement, Figure]:
    """Return the figure that an address asks for; 404 where there is none."""
    measurement = queries.latest()
    if measurement is None:
        raise Http404
    comparison = _comparison(question, queries.comparisons(measurement))
    by = By(question.value("by", By.values, By.ALL))
    row = queries.figure(measurement, comparison, by, question.text("key", 64))
    if row is None:
        raise Http404
    return measurement, row


def _list_of(by: By, key: str) -> str:
    """Return the address of the open findings of a group; empty where there is no such list."""
    names = {By.CLASS: "class", By.CONSTITUENT: "whose", By.SECTOR: "sector"}
    return f"{reverse('findings')}?{urlencode({names[by]: key})}" if by in names else ""


def _figure(row: Figure, comparison: Comparison) -> dict[str, Any]:
    """Return a figure as a page shows it: its words, its curve, and the lines beside it."""
    facts, labels = row.facts, sentences.groups(comparison)
    return {
        "facts": facts,
        "headline": sentences.headline(facts),
        "explained": sentences.explained(facts, comparison),
        "chart": _chart(row, comparison),
        "groups": [
            {"label": label, **_cells(facts[name])} for label, name in zip(labels, ("told", "natural"), strict=True)
        ],
        "back": [(days, sentences.came_back(facts, days)) for days in (30, 90)],
        "asked": _asked(comparison, By(row.by), row.key),
    }


def _chart(row: Figure, comparison: Comparison) -> dict[str, Any] | None:
    labels = sentences.groups(comparison)
    named = [
        (label, row.curves[name], look)
        for label, name, look in zip(labels, ("told", "natural"), ("ours", ""), strict=True)
        if row.curves[name]["lives"]
    ]
    if not named:
        return None
    day = formats.date_format(row.measurement.at.date(), pgettext("date format", "j M Y"))
    return {
        "name": _("Share of findings still there after so many days"),
        "caption": _(
            "Findings still there, by days since they were first seen; the bands hold 95 %. As of {day}."
        ).format(day=day),
        "head": [_("Days"), *(f"{label}: {head}" for label, _c, _l in named for head in (_("left"), _("at risk")))],
        "rows": _table([curve for _label, curve, _look in named]),
        "days": row.curves["ticks"],
        "groups": [
            {
                "label": label,
                **{name: curve[name] for name in ("days", "left", "low", "high", "watched_to")},
                "at_risk": curve["at_risk_at"],
                "look": look,
            }
            for label, curve, look in named
        ],
    }


def _table(curves: list[dict[str, Any]]) -> list[list[str]]:
    """Return a row for each day on which anything ended: what is left of each group, and how many were at risk."""
    days = sorted({day for curve in curves for day in curve["days"]})
    rows = [[sentences.number(day)] for day in days]
    for curve in curves:
        at = {day: place for place, day in enumerate(curve["days"])}
        for row, day in zip(rows, days, strict=True):
            place = at.get(day)
            row += ["", ""] if place is None else [_share(curve, place), sentences.number(curve["at_risk"][place])]
    return rows


def _share(curve: dict[str, Any], place: int) -> str:
    return sentences.share([curve[name][place] for name in ("left", "low", "high") if curve[name]])


DEFINITIONS = {
    "day": "Days since the finding was first seen, or seen again after it had gone.",
    "at_risk": "Findings watched and still there just before that day.",
    "gone": "Findings whose first counted cycle without them was that day, of those that are gone.",
    "left": "Kaplan-Meier share still there after that day, with late entry.",
    "left_low": "Lower bound of its 95 % interval, by organisations; none of fewer than ten of them.",
    "left_high": "Upper bound of the same.",
    "ratio": "How many times as fast told findings go, each class beside itself (Cox), with its 95 % interval.",
    "came_back": "Of findings gone and watched for so many days since: how many were seen again, and of how many.",
    "median": "Days after which half were gone, with its 95 % interval; null while more than half are left.",
    "within": "Share gone in the first 14 days, with its 95 % interval.",
}
"""In English, as the names of columns are."""


@needs(Ability.VIEW_EFFECT)
@require_GET
def curve(request: HttpRequest, form: str) -> HttpResponse:
    """Send the points of the curves of one figure."""
    if form not in MEDIA:
        raise Http404
    question = Question(request.GET.copy())
    measurement, row = _asked_for(question)
    if question.left_out:  # a file would hold something else than was asked for, and could not say so
        raise Http404
    body = _as_csv(row) if form == "csv" else _as_json(measurement, row)
    response = HttpResponse(body, content_type=MEDIA[form])
    name = f"tocsin-effect-{row.comparison}-{row.by}-{measurement.at:%Y%m%d}-TLP-AMBER.{form}"
    response["Content-Disposition"], response["X-TLP"] = f'attachment; filename="{name}"', LABEL
    return response


def _points(row: Figure) -> Iterator[tuple[Any, ...]]:
    for name in ("told", "natural"):
        its = row.curves[name]
        none = [None] * len(its["days"])
        columns = (its[each] or none for each in ("days", "at_risk", "ended", "left", "low", "high"))
        yield from ((name, *point) for point in zip(*columns, strict=True))


def _as_csv(row: Figure) -> str:
    file = StringIO()
    lines = csv.writer(file)
    lines.writerow(POINTS)
    lines.writerows([harmless(cell) for cell in point] for point in _points(row))
    return f"\ufeff{file.getvalue()}"


def _as_json(measurement: Measurement, row: Figure) -> str:
    about = {
        "tlp": LABEL,
        "as_of": measurement.at.isoformat(),
        "watched_to": measurement.watched_to.isoformat() if measurement.watched_to else None,
        "comparison": row.comparison,
        "by": row.by,
        "key": row.key,
        "definitions": DEFINITIONS,
        **row.facts,
        "points": [dict(zip(POINTS, point, strict=True)) for point in _points(row)],
    }
    return json.dumps(about, ensure_ascii=False)
