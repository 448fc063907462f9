"""What waits to be told, what was told, whom nobody can tell; and one notice as its recipient reads it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from tocsin.directory.models import Constituent
from tocsin.feeds.queries import at_one_version
from tocsin.kernel.clock import now
from tocsin.kernel.questions import Question
from tocsin.kernel.refusals import Refusal
from tocsin.notices import actions, queries
from tocsin.notices.choices import NoticeState
from tocsin.notices.forms import DiscardForm
from tocsin.notices.models import Notice
from tocsin.notices.rules import may_follow
from tocsin.notices.views.asking import acting, notice_asked_for
from tocsin.people.access import needs
from tocsin.people.policy import Ability, may

ROWS = 50


@needs(Ability.VIEW_NOTICES)
@require_GET
@at_one_version
def notices(request: HttpRequest) -> HttpResponse:
    """The first page of the room."""
    plan, question = queries.current_plan(now()), Question(request.GET.copy())
    named = queries.named_plan(plan)
    rows = queries.notices_visible_to(request.user)
    states = question.values("state", NoticeState.values)
    counts = queries.counts_by_state(request.user)
    pages = _Counted(rows.filter(state__in=states) if states else rows, ROWS)
    pages.total = sum(number for state, number in counts.items() if not states or state in states)
    page = pages.page(question.number("page", pages.num_pages))
    request.GET = question.understood()  # type: ignore[assignment]  # links keep what was understood
    people = max(plan.people().values(), default=0)
    shown = {
        "question": question,
        "plan": plan,
        "due": named.notices[:ROWS],
        "due_count": len(named.notices),
        "unreached": named.unreached[:ROWS],
        "unreached_count": len(named.unreached),
        "waiting": named.waiting,
        "page": page,
        "facets": _facets(counts),
        "people": people,
        "most": settings.TOCSIN.notice_people,
        "asks": people > settings.TOCSIN.notice_people,
        "has_policies": plan.has_policies,
        "may_send": may(request.user, Ability.SEND_NOTICES),
        "may_rule": may(request.user, Ability.SET_NOTICE_POLICIES),
    }
    return render(request, "notices/notices.html", shown)


class _Counted(Paginator):  # type: ignore[type-arg]
    """Pages of a list whose length is known already."""

    total = 0

    @property
    def count(self) -> int:
        """How many rows there are."""
        return self.total


def _facets(counts: dict[str, int]) -> list[dict[str, Any]]:
    values = [
        {"code": state.value, "label": state.label, "count": counts[state.value]}
        for state in NoticeState
        if state.value in counts
    ]
    return [{"name": "state", "label": _("State"), "values": values}] if values else []


@needs(Ability.SEND_NOTICES)
@require_POST
def prepare(request: HttpRequest) -> HttpResponse:
    """Write the notices of the plan down. What has changed since the page was shown is in the plan by now."""
    at = now()
    try:
        done = actions.prepare_notices(
            queries.plan_now(at), most=settings.TOCSIN.notice_people, confirmed=request.POST.get("confirmed") == "on",
            by=acting(request), at=at,
        )  # fmt: skip
    except Refusal as refused:
        messages.error(request, str(refused))
    else:
        number = len(done.references)
        words = ngettext(
            "{n} notice is prepared. Read it before it leaves.",
            "{n} notices are prepared. Read them before they leave.",
            number,
        )
        messages.success(request, words.format(n=number))
    return redirect("notices")


@needs(Ability.VIEW_NOTICES)
@require_GET
@at_one_version
def planned(request: HttpRequest, public_id: str) -> HttpResponse:
    """What a constituent would be told now, as it would read it. Marks nothing."""
    if "\0" in public_id:
        raise Http404
    constituent = get_object_or_404(Constituent, public_id=public_id)
    plan = queries.plan_now(now(), (public_id,))
    letters = [queries.letter_of_plan(each, is_exercise=plan.is_exercise) for each in plan.notices]
    shown = {
        "constituent": constituent,
        "letters": [(queries.subject(each), queries.text(each), each) for each in letters],
        "waiting": queries.named_plan(plan).waiting,
    }
    return render(request, "notices/planned.html", shown)


@needs(Ability.VIEW_NOTICES)
@require_GET
def notice(request: HttpRequest, reference: str) -> HttpResponse:
    """One notice."""
    return _page(request, notice_asked_for(request, reference), DiscardForm())


@needs(Ability.SEND_NOTICES)
@require_POST
def read(request: HttpRequest, reference: str) -> HttpResponse:
    """Say that one has read a notice."""
    row = notice_asked_for(request, reference)
    try:
        actions.preview_notice(row, by=acting(request), at=now())
        messages.success(request, _("You have read it. It may leave."))
    except Refusal as refused:
        messages.error(request, str(refused))
    return redirect("notices:notice", reference)


@needs(Ability.SEND_NOTICES)
@require_POST
def discard(request: HttpRequest, reference: str) -> HttpResponse:
    """Do not send a notice."""
    row, form = notice_asked_for(request, reference), DiscardForm(request.POST)
    if form.is_valid():
        try:
            actions.discard_notice(row, reason=form.cleaned_data["reason"], by=acting(request), at=now())
            messages.success(request, _("It is not sent. Its findings may stand in the next notice."))
            return redirect("notices")
        except Refusal as refused:
            form.add_error("reason" if refused.where else None, getattr(refused, "problem", str(refused)))
    return _page(request, row, form)


@needs(Ability.VIEW_NOTICES)
@require_GET
def attachment(request: HttpRequest, reference: str) -> HttpResponse:
    """The attachment of a notice, as it goes out."""
    row = notice_asked_for(request, reference)
    response = HttpResponse(queries.attachment_of(row), content_type="text/csv; charset=utf-8")
    label = row.tlp.replace("+", "-")
    response["Content-Disposition"] = f'attachment; filename="notice-{row.reference}-TLP-{label}.csv"'
    return response


def _page(request: HttpRequest, row: Notice, form: DiscardForm) -> HttpResponse:
    letter, state = queries.letter_of(row), NoticeState(row.state)
    may_send = may(request.user, Ability.SEND_NOTICES)
    shown = {
        "notice": row,
        "subject": queries.subject(letter),
        "text": queries.text(letter),
        "has_attachment": letter.has_attachment,
        "ledger": row.ledger.all(),
        "form": form,
        "may_read": may_send and may_follow(NoticeState.PREVIEWED, state),
        "may_discard": may_send and may_follow(NoticeState.DISCARDED, state),
    }
    return render(request, "notices/notice.html", shown, status=422 if form.errors else 200)
