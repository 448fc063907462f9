"""The list as a file: the same filter, all its rows, streamed."""

from __future__ import annotations

from http import HTTPStatus

from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseBase,
    QueryDict,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from tocsin.feeds import exports, queries
from tocsin.feeds import queries_situation as situation
from tocsin.feeds.leases import Lease, Leased
from tocsin.feeds.queries import at_one_version
from tocsin.feeds.views.asking import Known, asked_for, open_unless_named
from tocsin.kernel.clock import now
from tocsin.kernel.questions import Question
from tocsin.kernel.tlp import TLP, strictest
from tocsin.people.access import needs
from tocsin.people.policy import Ability


def _number(value: int) -> str:
    return formats.number_format(value, force_grouping=True)


MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@needs(Ability.VIEW_FINDINGS)
@require_GET
@at_one_version
def export(request: HttpRequest, form: str) -> HttpResponseBase:
    """Send the findings that the list shows, all pages of it."""
    if form not in MEDIA:
        raise Http404
    question = Question(request.GET.copy())
    open_unless_named(question)
    asked = asked_for(request, question, Known(queries.holders(), situation.labels())).filter
    if question.left_out:  # a file would hold more than was asked for, and could not say so
        return refused(request, left_out(question), request.GET)
    # The label, the number and the rows are of one version: the file goes out when this view has ended and another
    # import may have been committed. The types are read after it, so that none of its rows has an unknown one.
    found = queries.findings()
    counted = {name: n for (name, n) in found.counts(("type",), asked) if n}
    total = sum(counted.values())
    if form == "xlsx" and total > exports.XLSX_ROWS_AT_MOST:
        words = _("An XLSX file holds at most {most} findings, and these are {n}. Narrow the list, or take CSV.")
        said = words.format(most=_number(exports.XLSX_ROWS_AT_MOST), n=_number(total))
        return refused(request, said, question.understood())
    feeds = queries.feeds_of_types()
    held = {feeds[name] for name in counted}
    tlp = strictest(TLP.read(feed.tlp) for feed in held).label if held else TLP.CLEAR.label
    about = {
        "tlp": tlp,
        "as_of": now().isoformat(timespec="seconds"),
        "count": total,
        "terms": {feed.name: feed.terms for feed in sorted(held, key=lambda feed: feed.name)},
    }
    records = queries.exported(found.stream(asked), feeds)
    name = exports.file_name(now(), tlp, form)
    response: FileResponse | StreamingHttpResponse
    if form == "xlsx":
        with Lease():
            book = exports.as_xlsx(records, queries.EXPORTED, about)
        response = FileResponse(book, as_attachment=True, filename=name)
    else:
        lines = exports.as_csv(records, queries.EXPORTED) if form == "csv" else exports.as_json(records, about)
        response = StreamingHttpResponse(
            Leased(lines), headers={"Content-Disposition": f'attachment; filename="{name}"'}
        )
    response["Content-Type"], response["X-TLP"] = MEDIA[form], tlp
    return response


def refused(request: HttpRequest, why: str, asked: QueryDict) -> HttpResponse:
    """Say why no file is sent. Not by way of a page with status 200: a script would keep that as its CSV.

    A browser shows a page, with the way to the list; whatever else asks gets the sentence as plain text.
    """
    if request.get_preferred_type(["text/plain", "text/html"]) != "text/html":
        return HttpResponseBadRequest(f"{why}\n", content_type="text/plain; charset=utf-8")
    shown = {"why": why, "list": f"{reverse('findings')}?{asked.urlencode()}"}
    return render(request, "feeds/not_exported.html", shown, status=HTTPStatus.BAD_REQUEST)


def left_out(question: Question[QueryDict]) -> str:
    """Return the sentence on what is not understood of an address, for where it cannot be passed over."""
    number = len(question.left_out)
    words = ngettext(
        "Nothing is exported: one part of the address was not understood: {parts}.",
        "Nothing is exported: {number} parts of the address were not understood: {parts}.",
        number,
    )
    return words.format(number=_number(number), parts=", ".join(question.left_out))
