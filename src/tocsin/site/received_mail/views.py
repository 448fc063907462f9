"""The list of mail that came in, and one message of it as text.

Whoever writes to us chooses what stands here: it is shown as text alone, and a
message as it came is only ever downloaded.
"""

from __future__ import annotations

import functools
import operator
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_GET, require_POST

from tocsin.courier.incoming import actions, keeping, queries, receiving
from tocsin.courier.incoming.choices import CAPS, Kind, State
from tocsin.courier.incoming.received import ReceivedMessage
from tocsin.kernel.clock import now
from tocsin.kernel.questions import Question
from tocsin.kernel.refusals import Refusal
from tocsin.people.access import needs
from tocsin.people.models import Person
from tocsin.people.policy import Ability, may

ROWS = 50
UNREAD, QUARANTINED = "unread", "quarantined"
_STANDING = {UNREAD: Q(is_to_be_read=True), QUARANTINED: Q(state=State.QUARANTINED)}
RAW_TYPE = "application/octet-stream"
FIRST_HEADERS = (
    "return-path", "delivered-to", "from", "sender", "reply-to", "to", "cc", "date", "message-id", "in-reply-to",
    "auto-submitted", "x-failed-recipients", "authentication-results",
)  # fmt: skip
"""Headers that matter to whoever asks where a message comes from; the others are folded away."""


@needs(Ability.VIEW_RECEIVED_MAIL)
@require_GET
def received(request: HttpRequest) -> HttpResponse:
    """Fifty messages at a time; what they are and how they stand is asked for in the address."""
    question = Question(request.GET.copy())
    found = _chosen(question)
    pages = Paginator(found, ROWS)
    page = pages.page(question.number("page", pages.num_pages))
    request.GET = question.understood()  # type: ignore[assignment]  # links keep what was understood
    kinds, states, unread = queries.counts()
    context = {
        "page": page,
        "rows": [(row, *_standing(row)) for row in page],
        "unread": unread,
        "total": sum(states.values()),
        "facets": _facets(kinds, states, unread),
        "question": question,
    }
    return render(request, "received/list.html", context)


def _chosen(question: Question[QueryDict]) -> QuerySet[ReceivedMessage]:
    found = queries.received()
    if kinds := question.values("kind", Kind.values):
        found = found.filter(kind__in=kinds)
    standing = question.values("state", _STANDING)
    wanted = [_STANDING[each] for each in standing]
    return found.filter(functools.reduce(operator.or_, wanted)) if wanted else found


def _facets(kinds: dict[str, int], states: dict[str, int], unread: int) -> list[dict[str, Any]]:
    standing = [
        {"code": UNREAD, "label": pgettext("state of a received message", "To be read"), "count": unread},
        {"code": QUARANTINED, "label": State.QUARANTINED.label, "count": states[State.QUARANTINED]},
    ]
    sorts = [{"code": kind.value, "label": kind.label, "count": kinds[kind.value]} for kind in Kind]
    return [
        {"name": "state", "label": _("State"), "values": standing},
        {"name": "kind", "label": _("What it is"), "values": sorts},
    ]


def _standing(row: ReceivedMessage) -> tuple[str, str]:
    """Return how a message stands: the code of a state that pages know, and its word."""
    if row.state == State.KEPT:
        return "waiting", row.get_state_display()
    if row.state == State.QUARANTINED:
        return "failed", row.get_state_display()
    if row.is_to_be_read:
        return "waiting", pgettext("state of a received message", "To be read")
    if row.read_at:
        return "done", pgettext("state of a received message", "Read")
    return "done", pgettext("state of a received message", "Noted")


@needs(Ability.VIEW_RECEIVED_MAIL)
@require_GET
def message(request: HttpRequest, pk: int) -> HttpResponse:
    """One message: who it claims to be from, what it says, and what can be done about it."""
    row = get_object_or_404(ReceivedMessage, pk=pk)
    details = row.details
    headers = [(name, value) for name, value in details.get("headers", ())]
    context = {
        "row": row,
        "standing": _standing(row),
        "matter": [each for each in headers if each[0].lower() in FIRST_HEADERS],
        "others": [each for each in headers if each[0].lower() not in FIRST_HEADERS],
        "attachments": details.get("attachments", ()),
        "details": details,
        "is_here": keeping.path_of(settings.TOCSIN.home, row.sha256).is_file(),
        "may_retry": row.state == State.KEPT or (row.state == State.QUARANTINED and row.quarantine not in CAPS),
        "may_work": may(request.user, Ability.WORK_ON_RECEIVED_MAIL),
        "question": Question(request.GET.copy()),
    }
    return render(request, "received/message.html", context)


@needs(Ability.VIEW_RECEIVED_MAIL)
@require_GET
def raw(request: HttpRequest, pk: int) -> HttpResponse:
    """The message as it came, to be saved and never to be shown by the browser."""
    row = get_object_or_404(ReceivedMessage, pk=pk)
    try:
        content = keeping.path_of(settings.TOCSIN.home, row.sha256).read_bytes()
    except OSError:
        raise Http404 from None
    answer = HttpResponse(content, content_type=RAW_TYPE)
    answer["Content-Disposition"] = f'attachment; filename="mail-{row.pk}.eml"'
    return answer


@needs(Ability.WORK_ON_RECEIVED_MAIL)
@require_POST
def work(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark a message as read, have it read after all, or have it looked into once more."""
    by, row = request.user, get_object_or_404(ReceivedMessage, pk=pk)
    if not isinstance(by, Person):
        raise PermissionDenied
    try:
        messages.success(request, _done(request.POST.get("do", ""), row, by))
    except Refusal as refused:
        messages.error(request, str(refused))
    return redirect("received:message", pk)


def _done(what: str, row: ReceivedMessage, by: Person) -> str:
    if what == "read":
        actions.mark_read(row, by=by, at=now())
        return _("Marked as read.")
    if what == "put-back":
        actions.put_back(row, by=by, at=now())
        return _("It is to be read again.")
    if what != "look":
        raise Http404
    if row.state == State.QUARANTINED:
        actions.look_again(row, by=by, at=now())
        row.refresh_from_db()
    receiving.look_into(row, by=by, at=now())
    if row.state == State.QUARANTINED:
        return _("It could not be read this time either.")
    return _("It was looked into.")
