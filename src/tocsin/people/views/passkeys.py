"""One's own passkeys: added, named, removed."""

from __future__ import annotations

from functools import partial
from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from tocsin.kernel import clock
from tocsin.people import access, actions, demonstration, passkeys
from tocsin.people.passkey_forms import NewPasskeyForm, PasskeyNameForm
from tocsin.people.views.asking import accepted, person_of, show_form, sure


@never_cache
@require_http_methods(["GET", "POST"])
@access.confirmed
def add_passkey(request: HttpRequest) -> HttpResponseBase:
    """Add a passkey of this device, or of one that the browser reaches."""
    person = person_of(request)
    if demonstration.is_demo_session(request, person):
        return render(request, "people/demonstration.html")
    form = NewPasskeyForm(request.POST or None)

    def act() -> None:
        facts = {name: form.cleaned_data[name] for name in ("name", "credential")}
        actions.add_passkey(person, **facts, by=person, at=clock.now())

    if request.method == "POST" and accepted(form, act):
        messages.success(request, _("The passkey is added. Next time, sign in with it."))
        return redirect("account")
    asked = passkeys.begin_adding(person) if passkeys.are_possible(request) else None
    shown = {"form": PasskeyNameForm(), "passkey": asked, "passkey_name": passkeys.name_of(request)}
    if form.errors:
        shown["form"] = form
    return render(request, "people/passkey_add.html", shown, status=422 if form.errors else 200)


def _asked_for(request: HttpRequest, pk: int) -> Authenticator:
    own = Authenticator.objects.filter(user=person_of(request), type=Authenticator.Type.WEBAUTHN)
    return get_object_or_404(own, pk=pk)


def _below_account(here: str) -> Any:
    return {"back": reverse("account"), "crumbs": [(_("Your account"), reverse("account")), (here, "")]}


@require_http_methods(["GET", "POST"])
@access.confirmed
def rename_passkey(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Give a passkey another name."""
    person, passkey = person_of(request), _asked_for(request, pk)
    form = PasskeyNameForm(request.POST or None, initial={"name": passkey.data["name"]})
    if request.method == "POST" and accepted(
        form, lambda: actions.rename_passkey(passkey, **form.cleaned_data, by=person, at=clock.now())
    ):
        return redirect("account")
    heading = _("Rename the passkey")
    return show_form(request, form, heading=heading, button=_("Save"), **_below_account(heading))


@require_http_methods(["GET", "POST"])
@access.confirmed
def remove_passkey(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Remove a passkey."""
    person, passkey = person_of(request), _asked_for(request, pk)
    return sure(
        request,
        partial(actions.remove_passkey, passkey, by=person, at=clock.now()),
        done=_("The passkey is removed."),
        heading=_("Remove the passkey “{name}”?").format(name=passkey.data["name"]),
        says=_("It signs you in no longer. Delete it on the device, too: otherwise the browser goes on offering it."),
        button=_("Remove it"),
        **_below_account(_("Remove a passkey")),
    )
