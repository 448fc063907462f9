"""One finding of a member's own: what is wrong, how to mend it, how it went, and the answer to it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from tocsin.feeds import answers, queries_finding, wording
from tocsin.feeds import queries as feeds
from tocsin.feeds.actions.answers import answer_findings, mistakes_in_answer
from tocsin.feeds.choices import Stands
from tocsin.feeds.queries import Finding, at_one_version
from tocsin.kernel.clock import day_of, now
from tocsin.notices.queries import remedy_for, sayings_of
from tocsin.people.access import needs
from tocsin.people.answering import accepted
from tocsin.people.policy import Ability, may
from tocsin.portal import queries
from tocsin.portal.forms import AnswerForm
from tocsin.portal.views.asking import facts_of, member

SEEN_SHOWN = 6
OVER = (Stands.ENDED, Stands.REFUSED, Stands.TAKEN_BACK)


@needs(Ability.VIEW_OWN)
@require_http_methods(["GET", "POST"])
@at_one_version
def finding(request: HttpRequest, public: str) -> HttpResponse:
    """Show a finding; sent as a form, answer it."""
    by = member(request)
    found = feeds.own_finding(by, public)
    if found is None:
        raise Http404
    said = answers.current([found], day_of(now())).get(feeds.finding_id(found))
    may_take_back = said is not None and said.stands not in OVER
    form = AnswerForm(request.POST if request.method == "POST" else None, may_take_back=may_take_back)

    def act() -> None:
        answer_findings([feeds.finding_id(found)], **facts_of(form.cleaned_data), by=by, at=now())

    def mistakes(facts: dict[str, Any]) -> Any:
        return mistakes_in_answer(**facts_of(facts), today=day_of(now()))

    if request.method == "POST" and accepted(form, act, mistakes):
        messages.success(request, _("Thank you. Your answer stands here, and the team sees it."))
        return redirect("my:finding", feeds.finding_id(found))
    return _page(request, found, said, form)


def _page(request: HttpRequest, found: Finding, said: answers.Stood | None, form: AnswerForm) -> HttpResponse:
    today, kind = day_of(now()), queries_finding.kind(found)
    life = queries_finding.life(found, kind)
    given = answers.given(found, today)
    shown = {
        "finding": found,
        "id": feeds.finding_id(found),
        "what": wording.kind(found.type, feeds.titles_of_types()),
        "where": feeds.place_of(found),
        "detail": feeds.detail_of(found),
        "asn": f"AS{found.asn}" if found.asn else "",
        "whose": queries.organisations_of(request.user).get(found.constituent or ""),
        "tlp": kind.feed.tlp,
        "terms": kind.feed.terms_shown,
        "remedy": remedy_for(found.type, found.category or "").text(get_language() or "en"),
        "sayings": sayings_of(found, get_language() or "en"),
        "turns": list(reversed(life.turns)),
        "life": life,
        "rows": queries_finding.observations(found, life)[:SEEN_SHOWN],
        "said": said,
        "given": [each for each in given if each.answer.constituent == found.constituent],
        "form": form,
        "may_answer": may(request.user, Ability.ANSWER_OWN),
    }
    return render(request, "portal/finding.html", shown, status=422 if form.errors else 200)
