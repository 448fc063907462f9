"""What the pages of the room share: who acts, what they may see, and refusals put into forms."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from tocsin.kernel.refusals import InvalidInput, Refusal
from tocsin.notices.models import Notice
from tocsin.notices.queries import notices_visible_to
from tocsin.people.models import Person


def acting(request: HttpRequest) -> Person:
    """Return who acts; the gate has seen to it that they may."""
    if not isinstance(request.user, Person):
        raise PermissionDenied
    return request.user


def notice_asked_for(request: HttpRequest, reference: str) -> Notice:
    """Return a notice; unknown and not visible are the same 404."""
    if "\0" in reference:  # PostgreSQL takes no such text
        raise Http404
    return get_object_or_404(notices_visible_to(request.user), reference=reference)


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
