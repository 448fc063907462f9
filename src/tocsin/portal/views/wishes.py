"""What members ask for in their entry. Where they administer it, much is done at once; the rest waits for the team."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from tocsin.courier import queries as outgoing
from tocsin.directory import actions, wishes
from tocsin.directory.choices import ChangeKind
from tocsin.directory.models import ChangeRequest, Claim, Constituent, Contact
from tocsin.directory.queries import can_edit
from tocsin.directory.wishes import Wish
from tocsin.kernel.clock import day_of, now
from tocsin.kernel.refusals import Conflict, NotPermitted
from tocsin.people.access import needs
from tocsin.people.answering import accepted
from tocsin.people.policy import Ability
from tocsin.portal.entry_forms import ClaimWish, ContactWish, EndWish, FactsWish, NewContactWish
from tocsin.portal.views.asking import member, organisation_asked_for


@dataclasses.dataclass(frozen=True)
class _Page:
    """A page with the form of a wish."""

    heading: str
    form: Any
    constituent: Constituent
    kind: ChangeKind
    claim: Claim | None = None
    contact: Contact | None = None
    is_at_once: bool = False
    """Whether the word of this member is enough."""
    lead: str = ""

    def wish(self) -> Wish:
        """Return what was understood."""
        reason = self.form.cleaned_data.get("reason", "")
        return Wish(self.constituent, self.kind, self.form.facts(), self.claim, self.contact, reason)


def _answer(request: HttpRequest, page: _Page) -> HttpResponse:
    """Show the form; sent, ask for what it says."""
    by, done = member(request), list[bool]()

    def act() -> None:
        done.append(actions.ask_for_change(page.wish(), by=by, at=now()).is_at_once)

    def mistakes(_facts: dict[str, Any]) -> Any:
        return [each for each in wishes.mistakes_of(page.wish()) if each.where]

    if request.method == "POST" and accepted(page.form, act, mistakes):
        messages.success(request, _said(done[0]))
        return redirect("my:entry-of", page.constituent.public_id)
    shown = {
        "form": page.form,
        "heading": page.heading,
        "lead": page.lead or ("" if page.is_at_once else _waits()),
        "button": _("Save") if page.is_at_once else _("Ask the team"),
        "organisation": page.constituent,
    }
    return render(request, "portal/entry_form.html", shown, status=422 if page.form.errors else 200)


def _said(is_at_once: bool) -> str:
    if is_at_once:
        return _("It is done. The team sees it.")
    if outgoing.can_mail():
        return _("The team has it. What it decides stands here, and a mail tells you.")
    return _("The team has it. What it decides stands here: look again in a few days.")


def _waits() -> str:
    if outgoing.can_mail():
        return _("The team looks at it first. What it decides stands in your entry, and a mail tells you.")
    return _("The team looks at it first. What it decides stands in your entry: look again in a few days.")


def _given(request: HttpRequest) -> Any:
    return request.POST if request.method == "POST" else None


@needs(Ability.EDIT_OWN)
@require_http_methods(["GET", "POST"])
def add_claim(request: HttpRequest, public_id: str) -> HttpResponse:
    """Ask for a network, an autonomous system or a domain to be added."""
    row = organisation_asked_for(request, public_id)
    lead = _("The team checks first whose it is: it decides who sees what is found there.")
    return _answer(
        request, _Page(_("What else is yours?"), ClaimWish(_given(request)), row, ChangeKind.CLAIM, lead=lead)
    )


@needs(Ability.EDIT_OWN)
@require_http_methods(["GET", "POST"])
def end_claim(request: HttpRequest, public_id: str, pk: int) -> HttpResponse:
    """Say that a network, an autonomous system or a domain is no longer the organisation's."""
    row = organisation_asked_for(request, public_id)
    claim = get_object_or_404(Claim.objects.select_related("constituent"), constituent=row, pk=pk)
    is_own = can_edit(member(request), row)
    form = EndWish(_given(request), initial={"ends_on": claim.valid_to or day_of(now())})
    lead = (
        _("From the day after, you no longer see what is found there. A day that has passed waits for the team.")
        if is_own
        else ""
    )
    heading = _("{value} is no longer yours?").format(value=claim.label)
    return _answer(
        request, _Page(heading, form, row, ChangeKind.END_OF_CLAIM, claim=claim, is_at_once=is_own, lead=lead)
    )


@needs(Ability.EDIT_OWN)
@require_http_methods(["GET", "POST"])
def add_contact(request: HttpRequest, public_id: str) -> HttpResponse:
    """Name a person or mailbox to be told."""
    row = organisation_asked_for(request, public_id)
    form = NewContactWish(_given(request), contacts=row.contacts.filter(is_active=True))
    is_own = can_edit(member(request), row)
    return _answer(request, _Page(_("Whom else shall we tell?"), form, row, ChangeKind.NEW_CONTACT, is_at_once=is_own))


@needs(Ability.EDIT_OWN)
@require_http_methods(["GET", "POST"])
def change_contact(request: HttpRequest, public_id: str, pk: int) -> HttpResponse:
    """Change a contact, or say that it is no longer right."""
    row = organisation_asked_for(request, public_id)
    contact = get_object_or_404(Contact.objects.select_related("constituent"), constituent=row, pk=pk)
    names = [name for name in wishes.CONTACT_FACTS if name != "openpgp_key"]
    initial = {name: getattr(contact, name) for name in names}
    form = ContactWish(_given(request), initial=initial, contacts=row.contacts.filter(is_active=True).exclude(pk=pk))
    is_own = can_edit(member(request), row)
    heading = _("Change {name}").format(name=contact)
    return _answer(request, _Page(heading, form, row, ChangeKind.CONTACT, contact=contact, is_at_once=is_own))


@needs(Ability.EDIT_OWN)
@require_http_methods(["GET", "POST"])
def change_facts(request: HttpRequest, public_id: str) -> HttpResponse:
    """Change the name, the languages and other facts of the organisation."""
    row = organisation_asked_for(request, public_id)
    initial = {
        **{name: getattr(row, name) for name in ("name", "sector", "region")},
        "names": "\n".join(f"{language}: {name}" for language, name in row.names.items()),
        "languages": " ".join(row.languages),
    }
    lead = (
        _("Languages change at once. The rest the team looks at first, also where it is asked together with them.")
        if can_edit(member(request), row)
        else ""
    )
    form = FactsWish(_given(request), initial=initial)
    heading = _("Change the facts of {name}").format(name=row.local_name)
    return _answer(request, _Page(heading, form, row, ChangeKind.FACTS, lead=lead))


@needs(Ability.EDIT_OWN)
@require_POST
def take_back(request: HttpRequest, public_id: str, pk: int) -> HttpResponse:
    """Take back what was asked for. What another asked for is visible, and theirs to take back."""
    by, row = member(request), organisation_asked_for(request, public_id)
    change = get_object_or_404(ChangeRequest.objects.select_related("constituent"), constituent=row, pk=pk)
    try:
        actions.take_back_change(change, by=by, at=now())
    except NotPermitted:
        raise PermissionDenied from None
    except Conflict as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("It is taken back."))
    return redirect("my:entry-of", public_id)
