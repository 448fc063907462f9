"""The first page of a member: what is open, what to do next, and what became of what was said."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_GET

from tocsin.feeds.choices import Stands
from tocsin.feeds.queries import at_one_version
from tocsin.kernel.clock import day_of, now
from tocsin.notices.queries import own_notices
from tocsin.people.access import needs
from tocsin.people.policy import Ability
from tocsin.portal import queries
from tocsin.portal.views.asking import member

NOTICES_SHOWN = 3
SHOWN = (
    Stands.CONTRADICTED, Stands.REFUSED, Stands.WAITS, Stands.TO_JUDGE, Stands.CONFIRMED, Stands.HOLDS, Stands.ENDED,
)  # fmt: skip
"""What was said, by how it stands: what asks for something first."""


@needs(Ability.VIEW_OWN)
@require_GET
@at_one_version
def overview(request: HttpRequest) -> HttpResponse:
    """Everything about a member's organisations on one page."""
    person, organisations = member(request), queries.organisations_of(request.user)
    found = queries.overview(person, day_of(now()), get_language() or "en")
    shown = {
        "organisations": organisations.values(),
        "numbers": [(row, found.by_organisation.get(public, 0)) for public, row in organisations.items()],
        "found": found,
        "said": [(stands, found.said[stands]) for stands in SHOWN if found.said.get(stands)],
        "again": found.said.get(Stands.CONTRADICTED, 0),
        "not_agreed": found.said.get(Stands.REFUSED, 0),
        "notices": own_notices(person)[:NOTICES_SHOWN],
    }
    return render(request, "portal/overview.html", shown)
