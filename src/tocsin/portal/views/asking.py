"""What the pages of members share: who asks, for which of their organisations, and refusals put into forms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from tocsin.directory.models import Constituent
from tocsin.directory.queries import constituents_of
from tocsin.kernel.refusals import InvalidInput, Refusal
from tocsin.people.models import Person


def member(request: HttpRequest) -> Person:
    """Return who asks; the gate has seen to it that they may."""
    if not isinstance(request.user, Person):
        raise PermissionDenied
    return request.user


def organisation_asked_for(request: HttpRequest, public_id: str) -> Constituent:
    """Return an organisation of the member's own; unknown and another's are the same 404."""
    found = None if "\0" in public_id else constituents_of(request.user).filter(public_id=public_id).first()
    if found is None:
        raise Http404
    return found


def accepted(
    form: forms.Form, act: Callable[[], object], mistakes: Callable[[dict[str, Any]], Iterable[Refusal]]
) -> bool:
    """Do what a valid form asks for; False with each refusal beside its field when it is refused.

    Where the form is not whole, `mistakes` says what is wrong with the answers that are: all is named at once.
    """
    if not form.is_valid():
        _refuse(form, mistakes(form.cleaned_data))
        return False
    try:
        act()
    except Refusal as refusal:
        _refuse(form, [refusal, *refusal.further])
        return False
    return True


def _refuse(form: forms.Form, refusals: Iterable[Refusal]) -> None:
    for each in list(refusals):
        said = " ".join(filter(None, (each.problem, each.remedy))) if isinstance(each, InvalidInput) else str(each)
        form.add_error(each.where if each.where in form.fields else None, said)


def facts_of(cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an answer says, from what its form has understood."""
    return {"kind": cleaned.get("kind") or "", "text": cleaned.get("text") or "", "until": cleaned.get("until")}
