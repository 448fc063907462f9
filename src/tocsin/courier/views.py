"""The outbox for staff: how sending goes, what waits, what failed and why, and the one switch.

Who may open a page the site says, which stands above both this room and the people; so it takes whoever is let in for
one who may.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from tocsin.courier import actions, queries
from tocsin.courier.choices import FAILED, UNDER_WAY, State
from tocsin.courier.models import OutgoingMessage
from tocsin.kernel.clock import now
from tocsin.kernel.questions import Question
from tocsin.kernel.refusals import Refusal

ROWS = 50
FIRST_SHOWN = FAILED | UNDER_WAY
"""What is listed where the address names no state: what somebody may have to do something about."""
LOOKS = {
    State.QUEUED: "waiting",
    State.SENDING: "working",
    State.SENT: "done",
    State.REFUSED: "failed",
    State.GIVEN_UP: "failed",
    State.HELD: "withdrawn",
    State.DISMISSED: "withdrawn",
}
"""Of a message → how the design system calls its state."""
MAY_BE_RETRIED = FAILED | {State.QUEUED}
MAY_BE_DISMISSED = FAILED | {State.QUEUED, State.HELD}


@require_GET
def outbox(request: HttpRequest) -> HttpResponse:
    """How sending goes, and the messages, fifty at a time."""
    question, health = Question(request.GET.copy()), queries.health(at=now())
    states = frozenset(map(State, question.values("state", State.values)))
    pages = Paginator(queries.listed_in_outbox(states or FIRST_SHOWN), ROWS)
    page = pages.page(question.number("page", pages.num_pages))
    request.GET = question.understood()  # type: ignore[assignment]  # links keep what was understood
    context = {
        "health": health,
        "says": queries.in_words(health),
        "never_leaves": queries.never_leaves(),
        "facets": [_facet(health)],
        "page": page,
        "rows": [_row(each) for each in page],
        "question": question,
        "has_any": bool(sum(health.counts.values())),
    }
    return render(request, "courier/outbox.html", context)


def _facet(health: queries.Health) -> dict[str, Any]:
    counted = [
        {"code": state.value, "label": state.label, "count": health.counts[state]}
        for state in State
        if health.counts.get(state)
    ]
    return {"name": "state", "label": _("State"), "values": counted}


def _row(message: OutgoingMessage) -> dict[str, Any]:
    state = State(message.state)
    return {
        "message": message,
        "look": LOOKS[state],
        "may_be_retried": state in MAY_BE_RETRIED,
        "may_be_dismissed": state in MAY_BE_DISMISSED,
        "is_put_off": state is State.QUEUED and message.failing_since is not None,
        "why": message.get_why_held_display() if state is State.HELD else message.last_answer,
    }


@require_POST
def decide(request: HttpRequest, key: str) -> HttpResponse:
    """Have a message tried again, or take it off the list."""
    message = None if "\0" in key else queries.message_keyed(key)
    if message is None:
        raise Http404
    again = request.POST.get("wanted") == "retry"
    act = actions.retry_message if again else actions.dismiss_message
    said = _("It is tried again.") if again else _("Taken off the list.")
    _done(request, lambda: act(message, by=request.user, at=now()), said)  # type: ignore[arg-type]
    return redirect("outbox")


@require_POST
def switch(request: HttpRequest) -> HttpResponse:
    """Stop everything that goes out, or let it go again."""
    by: Any = request.user
    if request.POST.get("wanted") == "start":
        _done(request, lambda: actions.start_all(by=by, at=now()), _("What waits is sent from now on."))
    else:
        reason = request.POST.get("reason", "")
        said = _("Everything is stopped: nothing leaves until somebody starts it again.")
        _done(request, lambda: actions.stop_all(reason=reason, by=by, at=now()), said)
    return redirect("outbox")


def _done(request: HttpRequest, act: Any, said: str) -> None:
    """Act, and say what came of it."""
    try:
        act()
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, said)
