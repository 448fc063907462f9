"""What the pages of the room share: who asks, what they may see, and what is said when claims have changed."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from tocsin.directory import attribution, holders
from tocsin.directory.models import Claim, Constituent, Contact
from tocsin.directory.queries import constituents_visible_to
from tocsin.people import policy
from tocsin.people.models import Person


def actor(request: HttpRequest) -> Person:
    """Return who acts. Raises PermissionDenied for whoever may not edit the directory."""
    return _with(request, policy.Ability.EDIT_DIRECTORY)


def reader(request: HttpRequest) -> Person:
    """Return who looks. Raises PermissionDenied for whoever may not view the directory."""
    return _with(request, policy.Ability.VIEW_DIRECTORY)


def _with(request: HttpRequest, ability: policy.Ability) -> Person:
    person = request.user
    if not isinstance(person, Person) or not policy.may(person, ability):
        raise PermissionDenied
    return person


def may_edit(request: HttpRequest) -> bool:
    """Say whether the reader may edit: to others a page shows neither a form nor what leads to one."""
    return policy.may(request.user, policy.Ability.EDIT_DIRECTORY)


def constituent_asked_for(request: HttpRequest, public_id: str) -> Constituent:
    """Return the constituent; unknown and not visible are the same 404."""
    if "\0" in public_id:  # PostgreSQL takes no such text
        raise Http404
    return get_object_or_404(constituents_visible_to(request.user).select_related("parent"), public_id=public_id)


def claim_asked_for(request: HttpRequest, pk: int) -> Claim:
    """Return the claim of a visible constituent."""
    visible = constituents_visible_to(request.user)
    return get_object_or_404(Claim.objects.select_related("constituent").filter(constituent__in=visible), pk=pk)


def contact_asked_for(request: HttpRequest, pk: int) -> Contact:
    """Return the contact of a visible constituent."""
    visible = constituents_visible_to(request.user)
    return get_object_or_404(Contact.objects.select_related("constituent").filter(constituent__in=visible), pk=pk)


def tell_who_holds(request: HttpRequest, done: str) -> None:
    """Have open findings attributed by the changed claims; say what was done and who holds how many of them now."""
    outcome = attribution.see_done(actor(request))
    if outcome.is_done:
        messages.success(request, " ".join([done, *holders.in_words(outcome.gained)]))
    elif outcome.is_held:
        messages.success(request, done)
        messages.info(
            request,
            _(
                "An import or another change of findings is under way. Open findings are attributed anew as soon as it"
                " ends."
            ),
        )
    else:
        messages.success(request, done)
        messages.info(request, _("Open findings are being attributed anew. This page says when it is done."))
