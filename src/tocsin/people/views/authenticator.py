"""One's own authenticator: another in its place, or none where there is a passkey."""

from __future__ import annotations

from functools import partial

from allauth.mfa.adapter import get_adapter
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from tocsin.kernel import clock
from tocsin.people import access, actions, demonstration, queries
from tocsin.people.forms import AuthenticatorForm
from tocsin.people.qr import qr_svg
from tocsin.people.views.asking import person_of, sure


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@access.confirmed
def replace(request: HttpRequest) -> HttpResponseBase:
    """Show the secret of a new authenticator and take its first code; the old one then no longer signs in."""
    person = person_of(request)
    if demonstration.is_demo_session(request, person):
        return render(request, "people/demonstration.html")
    form = AuthenticatorForm(request.POST if request.method == "POST" else None, user=person)
    if form.is_valid():
        actions.replace_authenticator(person, secret=form.secret, by=person, at=clock.now())
        form.forget()
        messages.success(request, _("The new authenticator signs you in from now on."))
        return redirect("account")
    address = get_adapter().build_totp_url(person, form.secret)
    shown = {
        "form": form,
        "qr": qr_svg(address, _("QR code for the authenticator")),
        "secret": " ".join(form.secret[start : start + 4] for start in range(0, len(form.secret), 4)),
        "has_one": queries.authenticator_of(person) is not None,
    }
    return render(request, "people/authenticator.html", shown, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@access.confirmed
def remove(request: HttpRequest) -> HttpResponseBase:
    """Remove the authenticator."""
    person = person_of(request)
    if queries.authenticator_of(person) is None:
        raise Http404
    return sure(
        request,
        partial(actions.remove_authenticator, person, by=person, at=clock.now()),
        done=_("The authenticator is removed."),
        heading=_("Remove the authenticator?"),
        says=_("Its codes sign you in no longer: your passkeys do, and your recovery codes."),
        button=_("Remove it"),
        back=reverse("account"),
        crumbs=[(_("Your account"), reverse("account")), (_("Remove the authenticator"), "")],
    )
