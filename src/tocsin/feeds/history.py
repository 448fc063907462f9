"""What was done, in sentences: audit rows of the room in the reader's language."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any

from django.urls import reverse
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tocsin.audit.models import AuditRow
from tocsin.feeds import clearing
from tocsin.feeds.queries import runs_visible_to
from tocsin.feeds.reasons import said_day, said_of_end

ROWS = 8
LOOKED_AT = 200
"""Rows among which those are looked for that may be told."""


def _count(number: int) -> str:
    return formats.number_format(number, force_grouping=True)


def _committed(data: dict[str, Any]) -> str:
    summary = data.get("summary", {})
    words = {name: _count(summary.get(f"findings_{name}", 0)) for name in ("new", "gone", "returned")}
    said = ngettext(
        "Run {run}: {new} finding new, {returned} came back, {gone} gone",
        "Run {run}: {new} findings new, {returned} came back, {gone} gone",
        int(summary.get("findings_new", 0)),
    )
    return said.format(run=data.get("run"), **words)


def _reattributed(data: dict[str, Any]) -> str:
    number = int(data.get("findings", 0))
    return ngettext("%(n)s finding changed hands", "%(n)s findings changed hands", number) % {"n": _count(number)}


def _decided(data: dict[str, Any]) -> str:
    words = {
        "confirmed": _("Report of {type} of {on} confirmed as complete"),
        "discarded": _("Report of {type} of {on} discarded"),
    }
    sentence = words.get(data.get("decision", ""), _("Report of {type} of {on} closed"))
    return sentence.format(type=data.get("type"), on=said_day(str(data.get("on", ""))))


def _expired(data: dict[str, Any]) -> str:
    rows = sum(int(each.get("rows", 0)) for each in data.get("types", ()))
    return ngettext(
        "%(n)s row is no longer kept: it is as old as the settings allow",
        "%(n)s rows are no longer kept: they are as old as the settings allow",
        rows,
    ) % {"n": _count(rows)}


_SENTENCES: dict[str, Callable[[dict[str, Any]], str]] = {
    "run.committed": _committed,
    "run.failed": lambda data: _("Run {run} failed: {reason}").format(
        run=data.get("run"), reason=said_of_end(str(data.get("reason", "")))
    ),
    "run.withdrawn": lambda data: _("Run {run} withdrawn: {reason}").format(
        run=data.get("run"), reason=data.get("reason")
    ),
    "observations.expired": _expired,
    "cycle.decided": _decided,
    "finding.reattributed": _reattributed,
    "feed.terms_changed": lambda data: _("Label and terms of {feed} changed").format(feed=data.get("feed")),
    "feed.schema_loaded": lambda data: ngettext(
        "The publisher's schema was loaded: {types} type of report",
        "The publisher's schema was loaded: {types} types of report",
        int(data.get("types", 0)),
    ).format(types=_count(int(data.get("types", 0)))),
    "directory.imported": lambda data: _("Directory imported"),
    "conflict.settled": lambda data: _("A conflict of claims was settled"),
}


_OF_RUNS = frozenset({"run.committed", "run.failed", "run.withdrawn"})
_OF_NO_LABEL = frozenset({"feed.schema_loaded", "directory.imported", "conflict.settled"})


def sentence(code: str, data: dict[str, Any]) -> str:
    """Return what a row says. Raises KeyError for a code that is not told here."""
    return _SENTENCES[code](data)


def since(at: dt.datetime, person: object) -> list[tuple[AuditRow, str, str]]:
    """Return what was done since then, newest first: the row, its sentence, and an address or nothing.

    Whoever is not cleared for every label is told what bears none, and of the runs that may be seen.
    """
    rows = AuditRow.objects.filter(at__gt=at).order_by("-sequence")
    if clearing.is_restricted(person):
        shown = _visible_to(person, rows.filter(code__in=[*_OF_RUNS, *_OF_NO_LABEL])[:LOOKED_AT])
    else:
        shown = list(rows.filter(code__in=list(_SENTENCES))[:ROWS])
    return [(row, _SENTENCES[row.code](row.data), _address(row)) for row in shown]


def _visible_to(person: object, rows: Iterable[AuditRow]) -> list[AuditRow]:
    looked_at = list(rows)
    named = {int(row.data["run"]) for row in looked_at if row.code in _OF_RUNS}
    visible = set(runs_visible_to(person).filter(pk__in=named).values_list("pk", flat=True)) if named else ()
    return [row for row in looked_at if row.code in _OF_NO_LABEL or row.data.get("run") in visible][:ROWS]


def _address(row: AuditRow) -> str:
    run = row.data.get("run")
    return reverse("feeds:run", args=[run]) if isinstance(run, int) else ""
