"""Who belongs to a constituent: added by address, given or taken the entry to administer, ended."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from tocsin.directory import actions
from tocsin.directory.forms import MemberForm, MembershipForm
from tocsin.directory.models import Constituent, Membership
from tocsin.directory.queries import can_view, constituents_visible_to, memberships_of
from tocsin.directory.views.asking import actor, constituent_asked_for
from tocsin.kernel import refusals
from tocsin.kernel.clock import now
from tocsin.people import links
from tocsin.people.access import needs
from tocsin.people.answering import accepted
from tocsin.people.models import Person
from tocsin.people.policy import Ability
from tocsin.people.queries import is_mail_offered, person_by_email


@needs(Ability.EDIT_DIRECTORY)
@never_cache
@require_http_methods(["GET", "POST"])
def add_member(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Add a member by e-mail address; where an account is opened, it is invited by mail, or its link is shown once."""
    by, row = actor(request), constituent_asked_for(request, public_id)
    form = MemberForm(request.POST or None)
    token, base = links.new_token(), links.base_of(request) if is_mail_offered() else ""
    was_there = person_by_email(form.data.get("email", "")) is not None
    made: list[int] = []

    def act() -> None:
        made.append(actions.add_member(row, **form.cleaned_data, token=token, base=base, by=by, at=now()).person)

    if request.method == "POST" and accepted(form, act, _none_further):
        if was_there:
            messages.success(request, _said_of_account(request, row, made[0]))
            return redirect("directory:relations", public_id)
        person = Person.objects.get(pk=made[0])
        if not base:
            return _show_link(request, row, person, token)
        words = _("The member is added, and invited by a mail to {email}. The link in it works for a week.")
        messages.success(request, words.format(email=person.email))
        return redirect("directory:relations", public_id)
    title = _("Who belongs to {name}?").format(name=row.local_name)
    shown = {"form": form, "heading": title, "button": _("Add"), "constituent": row}
    return render(request, "directory/form.html", shown, status=422 if form.errors else 200)


def _said_of_account(request: HttpRequest, row: Constituent, pk: int) -> str:
    """Return of whom a member is besides, as far as whoever adds may see that."""
    others = memberships_of(Person.objects.get(pk=pk)).exclude(constituent=row)
    names = [each.constituent.local_name for each in others if can_view(request.user, each.constituent)]
    if not names:
        return _("The member is added. The account was there already.")
    words = _("The member is added. The account was there already, and sees what belongs to these, too: {names}.")
    return words.format(names=", ".join(names))


def _none_further(facts: dict[str, Any]) -> Iterable[refusals.Refusal]:
    return ()


def _show_link(request: HttpRequest, row: Constituent, person: Person, token: str) -> HttpResponse:
    shown = {
        "constituent": row,
        "person": person,
        "link": links.enrolment_address(request, token),
        "expires_at": now() + links.ENROLMENT_LASTS,
        "onward": reverse("directory:relations", args=[row.public_id]),
    }
    return render(request, "directory/member_link.html", shown)


@needs(Ability.EDIT_DIRECTORY)
@require_http_methods(["GET", "POST"])
def change_membership(request: HttpRequest, public_id: str, pk: int) -> HttpResponseBase:
    """Let a member administer the entry, or no longer. A membership that has ended is not found."""
    by, membership = actor(request), _asked_for(request, public_id, pk)
    if membership.ended_at is not None:
        raise Http404
    form = MembershipForm(request.POST or None, initial={"is_administrator": membership.is_administrator})
    if request.method == "POST":
        # An unticked box sends nothing: that is an answer, too.
        form = MembershipForm(request.POST)
        if accepted(
            form, lambda: actions.change_membership(membership, **form.cleaned_data, by=by, at=now()), _none_further
        ):
            return redirect("directory:relations", public_id)
    row = membership.constituent
    title = _("What may {name} do?").format(name=membership.person)
    shown = {"form": form, "heading": title, "button": _("Save"), "constituent": row}
    return render(request, "directory/form.html", shown, status=422 if form.errors else 200)


@needs(Ability.EDIT_DIRECTORY)
@require_POST
def end_membership(request: HttpRequest, public_id: str, pk: int) -> HttpResponseBase:
    """End a membership."""
    by, membership = actor(request), _asked_for(request, public_id, pk)
    try:
        actions.end_membership(membership, by=by, at=now())
    except refusals.NotPermitted:
        raise PermissionDenied from None
    except refusals.Conflict as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("{name} is no longer a member.").format(name=membership.person))
    return redirect("directory:relations", public_id)


def _asked_for(request: HttpRequest, public_id: str, pk: int) -> Membership:
    """Return the membership of this constituent, which must be visible; any other is not found."""
    if "\0" in public_id:  # PostgreSQL takes no such text
        raise Http404
    visible = constituents_visible_to(request.user).filter(public_id=public_id)
    rows = Membership.objects.select_related("constituent", "person")
    return get_object_or_404(rows.filter(constituent__in=visible), pk=pk)
