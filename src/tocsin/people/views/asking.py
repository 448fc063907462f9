"""What the pages of accounts share: who asks, refusals put into forms, and a question before what cannot be undone."""

from __future__ import annotations

from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render

from tocsin.kernel.refusals import InvalidInput, NotPermitted, Refusal
from tocsin.people.models import Person


def person_of(request: HttpRequest) -> Person:
    """Return who is signed in."""
    assert isinstance(request.user, Person)  # noqa: S101
    return request.user


def accepted(form: forms.Form, act: Callable[[], object]) -> bool:
    """Do what a valid form asks for; False, with the refusal beside its field, when it is refused."""
    if not form.is_valid():
        return False
    try:
        act()
    except NotPermitted:
        raise PermissionDenied from None
    except Refusal as refusal:
        said = refusal.problem if isinstance(refusal, InvalidInput) else str(refusal)
        form.add_error(refusal.where if refusal.where in form.fields else None, said)
        return False
    return True


def show_form(request: HttpRequest, form: forms.Form, **shown: object) -> HttpResponse:
    """Show a form: `heading`, `button`, `back` to go without a change, `crumbs` above it, `lead` before it."""
    return render(request, "people/ask.html", {"form": form, **shown}, status=422 if form.errors else 200)


def sure(request: HttpRequest, act: Callable[[], object], *, back: str, done: str, **shown: object) -> HttpResponseBase:
    """Ask whether it is meant, then do it and go `back`; a refusal is said there."""
    if request.method != "POST":
        return render(request, "people/sure.html", {"back": back, **shown})
    try:
        act()
    except NotPermitted:
        raise PermissionDenied from None
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return HttpResponseRedirect(back)
