"""The notices that a member's organisations were sent. Whoever opens one has read it."""

from __future__ import annotations

import contextlib

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from tocsin.feeds import queries as feeds
from tocsin.feeds.queries import at_one_version
from tocsin.kernel.clock import day_of, now
from tocsin.kernel.questions import Question
from tocsin.kernel.refusals import Conflict
from tocsin.notices import queries as notices_queries
from tocsin.notices.actions import record_outcome
from tocsin.notices.choices import AS_IT_WAS, NoticeState
from tocsin.people.access import needs
from tocsin.people.policy import Ability
from tocsin.portal import queries
from tocsin.portal.views.asking import member

ROWS = 50


@needs(Ability.VIEW_OWN)
@require_GET
def notices(request: HttpRequest) -> HttpResponse:
    """The notices, newest first."""
    question = Question(request.GET.copy())
    pages = Paginator(notices_queries.own_notices(member(request)), ROWS)
    page = pages.page(question.number("page", pages.num_pages))
    request.GET = question.understood()  # type: ignore[assignment]  # links keep what was understood
    return render(request, "portal/notices.html", {"page": page, "rows": page.object_list, "question": question})


@needs(Ability.VIEW_OWN)
@require_GET
@at_one_version
def notice(request: HttpRequest, reference: str) -> HttpResponse:
    """One notice, as it was sent, with the findings in it as they are now."""
    by = member(request)
    if "\0" in reference:  # PostgreSQL takes no such text
        raise Http404
    row = get_object_or_404(notices_queries.own_notices(by), reference=reference)
    if notices_queries.is_unread(row):
        with contextlib.suppress(Conflict):  # opened twice at once, or moved on meanwhile
            record_outcome(row, what=NoticeState.READ, by=by, at=now())
    named = row.lines.order_by("pk").values_list("finding", flat=True)[:ROWS]
    found = [each for each in feeds.findings_named(named) if feeds.is_own(by, each)]
    text, kept = notices_queries.text_as_sent(row)
    shown = {
        "notice": row,
        "text": text,
        "is_as_sent": kept in AS_IT_WAS,
        "kept": kept,
        "rows": queries.rows(found, queries.organisations_of(by), day_of(now())),
    }
    return render(request, "portal/notice.html", shown)
