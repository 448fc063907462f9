"""The trail, one row of it, and the trail as a file."""

from __future__ import annotations

import itertools
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from tocsin.audit import actions, queries, wording
from tocsin.audit.models import AuditRow
from tocsin.kernel.clock import now
from tocsin.kernel.collation import collated
from tocsin.kernel.questions import Question
from tocsin.people.access import needs
from tocsin.people.models import Person
from tocsin.people.policy import Ability
from tocsin.site.trail import exporting
from tocsin.site.trail.asking import ROWS, Asked, asked_for
from tocsin.site.trail.shown import changes, shown, standing, whole_text

UNCUT = 10**9
"""On its own page a row shows everything."""


@needs(Ability.READ_AUDIT)
@require_GET
def trail(request: HttpRequest) -> HttpResponse:
    """Fifty rows, newest first; the filters stand in the address."""
    question, actors = Question(request.GET.copy()), queries.actors()
    asked = asked_for(question, actors)
    rows, newer, older = _page(asked)
    request.GET = question.understood()  # type: ignore[assignment]  # links keep what was understood
    context = {
        "rows": shown(rows),
        "newer": newer,
        "older": older,
        "standing": standing(),
        "facets": [_facet(request.GET.getlist("what"))],
        "actors": _named(actors),
        "kinds": [(kind.name, kind.label) for kind in wording.kinds().values()],
        "asked": {name: request.GET.get(name, "") for name in ("who", "about", "key", "from", "to")},
        "about": _about(asked),
        "forms": (("csv", "CSV"), ("jsonl", _("JSON lines"))),
        "is_empty": not rows and not asked.is_narrowed,
        "question": question,
    }
    return render(request, "trail/trail.html", context)


def _page(asked: Asked) -> tuple[list[AuditRow], int, int]:
    """Return the rows of a page; the number above which newer ones are, and the one below which older are, or 0."""
    if asked.above is not None:
        found = list(itertools.islice(queries.rows_like(asked.filter, oldest=asked.above + 1), ROWS + 1))
        rows, is_more = found[:ROWS][::-1], len(found) > ROWS
        return rows, rows[0].sequence if rows and is_more else 0, rows[-1].sequence if rows else asked.above + 1
    newest = asked.below - 1 if asked.below else queries.last_number()
    found = list(itertools.islice(queries.rows_like(asked.filter, newest=newest), ROWS + 1))
    rows = found[:ROWS]
    newer = (rows[0].sequence if rows else newest) if asked.below else 0
    return rows, newer, rows[-1].sequence if len(found) > ROWS else 0


def _named(actors: dict[str, str]) -> list[tuple[str, str]]:
    """Return who has acted by name, people by the one that they have now."""
    people = {key: key.partition(":")[2] for key in actors if key.startswith("person:")}
    names = wording.kinds()["person"].names(people.values())
    now_called = {key: names.get(people.get(key, ""), label) for key, label in actors.items()}
    return sorted(now_called.items(), key=lambda each: collated(each[1]))


def _facet(chosen: list[str]) -> dict[str, Any]:
    """Return the groups of codes, and the single codes that were asked for, so that they can be taken away."""
    groups = wording.groups()
    values: list[dict[str, Any]] = [{"code": group.name, "label": group.label} for group in groups.values()]
    values.sort(key=lambda value: collated(str(value["label"])))
    values += [{"code": code, "label": code} for code in chosen if code not in groups]
    return {"name": "what", "label": _("What"), "values": values}


def _about(asked: Asked) -> str:
    """Return the name of the thing that is asked for; empty when none is."""
    if asked.filter.about is None:
        return ""
    kind, key = asked.filter.about
    known = wording.kinds()[kind]
    return known.names([key]).get(key) or _("{kind} {key}").format(kind=known.label, key=key)


@needs(Ability.READ_AUDIT)
@require_GET
def row(request: HttpRequest, sequence: int) -> HttpResponse:
    """All that a row holds."""
    if sequence > 2**63 - 1:
        raise Http404
    found = get_object_or_404(AuditRow, sequence=sequence)
    context = {
        "each": shown([found], UNCUT)[0],
        "changes": list(changes(found, UNCUT)),
        "text": whole_text(found),
        "recorded_as": f"{found.actor_key} {found.actor_label}",
        "previous": sequence - 1,
        "next": sequence + 1 if queries.hash_of(sequence + 1) else 0,
    }
    return render(request, "trail/row.html", context)


@needs(Ability.READ_AUDIT)
@require_POST
def export(request: HttpRequest, form: str) -> HttpResponse | StreamingHttpResponse:
    """Send the rows that the page shows, all of them. A file that was taken is put on record before it goes."""
    if form not in exporting.MEDIA:
        raise Http404
    if not isinstance(request.user, Person):
        raise PermissionDenied
    question: Question[QueryDict] = Question(request.GET.copy())
    asked = asked_for(question, queries.actors())
    if question.left_out:  # a file would hold more than was asked for, and could not say so
        words = _("Nothing is exported: this part of the address was not understood: {parts}.")
        said = words.format(parts=", ".join(question.left_out))
        return HttpResponseBadRequest(f"{said}\n", content_type="text/plain; charset=utf-8")
    up_to = queries.last_number()
    actions.record_export(form=form, filters=asked.as_data(), up_to=up_to, by=request.user, at=now())
    response = StreamingHttpResponse(exporting.lines(asked.filter, form, up_to), content_type=exporting.MEDIA[form])
    response["Content-Disposition"] = f'attachment; filename="{exporting.file_name(now(), form)}"'
    response["X-TLP"] = exporting.TLP_LABEL
    return response
