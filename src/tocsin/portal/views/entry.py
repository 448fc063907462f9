"""What the team knows of a member's organisation: shown, said to be right, and who signs in for it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tocsin.courier import openpgp
from tocsin.directory import actions, asked
from tocsin.directory.models import Constituent, Contact, Membership
from tocsin.directory.queries import can_edit, changes_of, constituents_of, members_of
from tocsin.kernel.clock import Instant, day_of, now
from tocsin.kernel.questions import Question
from tocsin.kernel.refusals import Conflict
from tocsin.notices.queries import addressees_of
from tocsin.people.access import needs
from tocsin.people.answering import accepted
from tocsin.people.models import Person
from tocsin.people.policy import Ability
from tocsin.portal.entry_forms import MemberWish
from tocsin.portal.views.asking import member, organisation_asked_for

CLAIMS = 50
REQUESTS = 20
SOON = dt.timedelta(days=60)
"""So long before the end of a key its holder is warned."""


@needs(Ability.VIEW_OWN)
@require_GET
def entries(request: HttpRequest) -> HttpResponse:
    """The entries of a member's organisations; of one alone at once."""
    own = list(constituents_of(member(request)).order_by("name", "public_id"))
    if len(own) == 1 and not request.GET:
        return redirect("my:entry-of", own[0].public_id)
    return render(request, "portal/entries.html", {"organisations": own})


@needs(Ability.VIEW_OWN)
@require_GET
def entry(request: HttpRequest, public_id: str) -> HttpResponse:
    """All that the team knows of an organisation, what was asked for, and who signs in for it."""
    by, row = member(request), organisation_asked_for(request, public_id)
    question, today = Question(request.GET.copy()), day_of(now())
    holding = row.claims.filter(Q(valid_to=None) | Q(valid_to__gte=today))
    pages = Paginator(holding, CLAIMS)
    page = pages.page(question.number("page", pages.num_pages))
    request.GET = question.understood()  # type: ignore[assignment]  # links keep what was understood
    administers, contacts = can_edit(by, row), _contacts(row, now())
    shown = {
        "question": question,
        "organisation": row,
        "administers": administers,
        "claims": list(page),
        "page": page,
        "contacts": contacts,
        "is_somebody_told_first": any(each.order == 1 for each in contacts),
        "requests": [
            {"row": each, "title": asked.title(each), "may_take_back": each.waits and _may(by, each, administers)}
            for each in changes_of(row)[:REQUESTS]
        ],
        "members": members_of(row),
        "me": by,
    }
    return render(request, "portal/entry.html", shown)


def _may(by: Person, change: Any, administers: bool) -> bool:
    """Whether a button to take back stands beside a request; the action asks again."""
    return administers or change.asked_by_id == by.pk


@dataclasses.dataclass(frozen=True)
class Told:
    """A contact as a member sees it."""

    row: Contact
    order: int
    """1 for who is told first, 2 for who is told when nobody reacts; 0 for others."""
    key_ends_at: Instant | None
    key_ends_soon: bool
    key_problem: str
    """Why nothing can be encrypted to the key now."""


def _contacts(row: Constituent, at: Instant) -> list[Told]:
    """Return the contacts that are told, those first who are told first, then the others."""
    order = {pk: number for number, pk in enumerate(addressees_of(row), start=1)}
    found = [_told(each, order.get(each.pk, 0), at) for each in row.contacts.select_related("deputy_of")]
    return sorted(found, key=lambda each: (not each.row.is_active, each.order or 3))


def _told(contact: Contact, order: int, at: Instant) -> Told:
    key = contact.openpgp_key
    ends_at = openpgp.ends_at(key) if key else None
    problem = openpgp.hindrance(key, at=at) if key else ""
    return Told(contact, order, ends_at, bool(ends_at and at < ends_at < at + SOON), problem)


@needs(Ability.EDIT_OWN)
@require_POST
def is_right(request: HttpRequest, public_id: str) -> HttpResponse:
    """Note that a member has looked through the entry."""
    by, row = member(request), organisation_asked_for(request, public_id)
    actions.say_entry_is_right(row, by=by, at=now())
    messages.success(request, _("Thank you. The team sees that you looked through it today."))
    return redirect("my:entry-of", public_id)


# ---- who signs in


def _administered(request: HttpRequest, public_id: str) -> tuple[Person, Constituent]:
    """Return who asks and the organisation. Raises PermissionDenied for who does not administer its entry."""
    by, row = member(request), organisation_asked_for(request, public_id)
    if not can_edit(by, row):
        raise PermissionDenied
    return by, row


@never_cache
@needs(Ability.EDIT_OWN)
@require_http_methods(["GET", "POST"])
def add_member(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Add again, by e-mail address, somebody who was a member before. The team adds all others."""
    by, row = _administered(request, public_id)
    form = MemberWish(request.POST if request.method == "POST" else None)

    def act() -> None:
        actions.add_member(row, **form.cleaned_data, by=by, at=now())

    if request.method == "POST" and accepted(form, act, lambda _facts: ()):
        messages.success(request, _("The member is added again, and signs in as before."))
        return redirect("my:entry-of", public_id)
    title = _("Who signs in again for {name}?").format(name=row.local_name)
    lead = _("Here you add who was a member before. Ask the team to add anybody else: it opens the account.")
    shown = {"form": form, "heading": title, "lead": lead, "button": _("Add"), "organisation": row}
    return render(request, "portal/entry_form.html", shown, status=422 if form.errors else 200)


@needs(Ability.EDIT_OWN)
@require_POST
def end_membership(request: HttpRequest, public_id: str, pk: int) -> HttpResponse:
    """End a membership. One that has ended, or of another organisation, is not found."""
    by, row = _administered(request, public_id)
    membership = get_object_or_404(Membership.objects.select_related("constituent", "person"), constituent=row, pk=pk)
    try:
        actions.end_membership(membership, by=by, at=now())
    except Conflict as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("{name} is no longer a member.").format(name=membership.person))
    return redirect("my:entry-of", public_id)
