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

from tocsin.courier import queries as outgoing
from tocsin.directory.models import Constituent
from tocsin.feeds.clearing import for_its_reader
from tocsin.feeds.queries import at_one_version
from tocsin.kernel.clock import now
from tocsin.kernel.questions import Question
from tocsin.kernel.refusals import Refusal
from tocsin.notices import actions, queries
from tocsin.notices.choices import AS_IT_WAS, PENDING, WENT_OUT, Kept, NoticeState, Waits, Why
from tocsin.notices.coming_back import coming_back
from tocsin.notices.forms import DiscardForm
from tocsin.notices.models import Notice
from tocsin.notices.rules import may_follow
from tocsin.notices.views.asking import acting, notice_asked_for
from tocsin.notices.writing import file_name
from tocsin.people.access import needs
from tocsin.people.policy import Ability, may

ROWS = 50
REFUSALS = 10
"""So many are named one by one."""


@needs(Ability.VIEW_NOTICES)
@require_GET
@at_one_version
def notices(request: HttpRequest) -> HttpResponse:
    """The first page of the room."""
    plan, question = queries.current_plan(now(), request.user), Question(request.GET.copy())
    named = queries.named_plan(plan)
    rows = queries.notices_visible_to(request.user)
    states = question.values("state", NoticeState.values)
    counts, unsent = queries.counts_by_state(request.user, now())
    pages = _Counted(rows.filter(state__in=states) if states else rows, ROWS)
    pages.total = sum(number for state, number in counts.items() if not states or state in states)
    page = pages.page(question.number("page", pages.num_pages))
    request.GET = question.understood()  # type: ignore[assignment]  # links keep what was understood
    back = coming_back(rows, plan.at)
    people, ready = max(plan.people().values(), default=0), _ready(request.user, counts)
    shown = {
        **ready,
        "question": question,
        "plan": plan,
        "due": named.notices[:ROWS],
        "due_count": len(named.notices),
        "unread_count": counts.get(NoticeState.PLANNED, 0),
        "coming_back": back[:ROWS],
        "coming_back_count": len(back),
        "unreached": named.unreached[:ROWS],
        "unreached_count": len(named.unreached),
        "waiting": named.waiting,
        "behind": plan.waiting().get(Waits.BEHIND, 0),
        "unsent": unsent,
        "itself": named.itself,
        "queued_count": counts.get(NoticeState.QUEUED, 0),
        "page": page,
        "rows": queries.listed(page),
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
            queries.plan_for(request.user, at), most=settings.TOCSIN.notice_people,
            confirmed=request.POST.get("confirmed") == "on", by=acting(request), at=at,
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


def _ready(person: object, counts: dict[str, int]) -> dict[str, Any]:
    """Return what the page says of notices that may be sent; `counts` says how many there are of each state."""
    read, at = list(queries.ready_for(person)) if counts.get(NoticeState.PREVIEWED) else [], now()
    cannot = [(each, why) for each in queries.listed(read) if (why := queries.hindrance(each.notice, at))]
    held = {each.notice.pk for each, _why in cannot}
    rows = [row for row in read if row.pk not in held]
    people = max(queries.people_of(rows).values(), default=0)
    return {
        "ready_count": len(rows),
        "hindered": cannot[:ROWS],
        "hindered_count": len(cannot),
        "organisations": len({row.constituent_id for row in rows}),
        "ready_people": people,
        "ready_asks": people > settings.TOCSIN.notice_people,
        "never_leaves": outgoing.never_leaves(),
        "is_demo": settings.TOCSIN_IS_DEMO,
    }


@needs(Ability.SEND_NOTICES)
@require_POST
def send_all(request: HttpRequest) -> HttpResponse:
    """Send every notice that somebody has read. What one of them hinders hinders no other."""
    try:
        done = actions.send_notices(
            list(queries.ready_for(request.user)), most=settings.TOCSIN.notice_people,
            confirmed=request.POST.get("confirmed") == "on", by=acting(request), at=now(),
        )  # fmt: skip
    except Refusal as refused:
        messages.error(request, str(refused))
        return redirect("notices")
    _say(request, done)
    return redirect("notices")


@needs(Ability.SEND_NOTICES)
@require_POST
def send(request: HttpRequest, reference: str) -> HttpResponse:
    """Send one notice."""
    row = notice_asked_for(request, reference)
    _say(request, actions.send_notices([row], most=1, by=acting(request), at=now()))
    return redirect("notices:notice", reference)


def _say(request: HttpRequest, done: actions.Handed) -> None:
    number = len(done.references)
    if dropped := len(done.dropped):
        words = ngettext(
            "{n} notice is not sent: nothing of it is left to tell.",
            "{n} notices are not sent: nothing of them is left to tell.",
            dropped,
        )
        messages.info(request, words.format(n=dropped))
    if number and outgoing.never_leaves():
        messages.warning(request, _("It stands in the outbox, and nothing leaves it here."))
    elif number:
        words = ngettext("{n} notice is on its way.", "{n} notices are on their way.", number)
        messages.success(request, words.format(n=number))
    for each in done.refused[:REFUSALS]:
        words = _("{notice} to {name} is not sent: {why}")
        messages.error(request, words.format(notice=each.reference, name=each.name, why=each.why))
    if more := len(done.refused[REFUSALS:]):
        words = ngettext("{n} more notice is not sent.", "{n} more notices are not sent.", more)
        messages.error(request, words.format(n=more))


@needs(Ability.VIEW_NOTICES)
@require_GET
@at_one_version
def planned(request: HttpRequest, public_id: str) -> HttpResponse:
    """What a constituent would be told now, as it would read it. Marks nothing."""
    if "\0" in public_id:
        raise Http404
    constituent = get_object_or_404(Constituent, public_id=public_id)
    plan = queries.plan_for(request.user, now(), (public_id,))
    letters = [queries.letter_of_plan(each, is_exercise=plan.is_exercise) for each in plan.notices]
    named = queries.named_plan(plan)
    shown = {
        "constituent": constituent,
        "letters": [(queries.subject(each), queries.text(each), each) for each in letters],
        "waiting": named.waiting,
        "itself": named.itself,
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
    response = HttpResponse(queries.attachment_of(row, now()), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{file_name(row.reference, row.tlp)}"'
    return response


@for_its_reader
def _page(request: HttpRequest, row: Notice, form: DiscardForm) -> HttpResponse:
    at, state = now(), NoticeState(row.state)
    may_send = may(request.user, Ability.SEND_NOTICES)
    message = queries.message_of(row)
    is_ready = state == NoticeState.PREVIEWED
    ledger, said = list(row.ledger.all()), _read(row, state)
    shown = {
        **said,
        "sent_at": max((each.at for each in ledger if each.what == NoticeState.SENT), default=None),
        "message": message,
        "goes_in_clear": message is not None and queries.is_in_clear(message),
        "is_ready": is_ready,
        "may_go": may_send and is_ready and said["total"] > 0,
        "hindrance": queries.hindrance(row, at) if is_ready else "",
        "never_leaves": outgoing.never_leaves(),
        "is_demo": settings.TOCSIN_IS_DEMO,
        "notice": row,
        "ledger": ledger,
        "may_open_mail": may(request.user, Ability.VIEW_RECEIVED_MAIL),
        "form": form,
        "may_read": may_send and may_follow(NoticeState.PREVIEWED, state),
        "may_discard": may_send and may_follow(NoticeState.DISCARDED, state),
    }
    return render(request, "notices/notice.html", shown, status=422 if form.errors else 200)


def _read(row: Notice, state: NoticeState) -> dict[str, Any]:
    """Return the text: as it would leave now, or as it was handed over. Of one that was discarded nothing is shown."""
    letter = queries.letter_of(row, now())
    text, kept = (queries.text(letter), Kept.NOT) if state in PENDING else queries.text_as_sent(row)
    return {
        "subject": queries.subject(letter),
        "text": text,
        "is_as_sent": kept in AS_IT_WAS,
        "by": str(letter.way),
        "total": letter.total,
        "counts": {why.value: letter.count(why) if state in PENDING else getattr(row, why.value) for why in Why},
        "struck_count": row.total - letter.total,
        "has_attachment": letter.has_attachment,
        "is_pending": state in PENDING,
        "went_out": state in WENT_OUT,
        "came_back": state == NoticeState.BOUNCED,
        "is_discarded": state == NoticeState.DISCARDED,
    }
