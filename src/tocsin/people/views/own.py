"""One's own account: how one signs in, where one is signed in, and keys for programs."""

from __future__ import annotations

from functools import partial
from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME, update_session_auth_hash
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tocsin.kernel import clock
from tocsin.kernel.questions import Question
from tocsin.people import access, actions, demonstration, keys, limiter, passkeys, policy, queries, sessions, visitors
from tocsin.people.account_forms import ApiKeyForm, NewPasswordForm
from tocsin.people.choices import ROLE_SAYS, Role, Scope
from tocsin.people.forms import SecondFactorForm
from tocsin.people.models import ApiKey, Person, SignedInSession
from tocsin.people.passkey_forms import PasskeyForm
from tocsin.people.views.asking import accepted, person_of, show_form, sure

LONGEST_ONWARD = 6_000
"""Of an address: no page takes a longer one."""


@never_cache
@require_GET
def account(request: HttpRequest) -> HttpResponse:
    """Everything about one's own account on one page."""
    person = person_of(request)
    at = clock.now()
    here = request.session.session_key
    shown = {
        "person": person,
        "role_says": ROLE_SAYS[Role(person.role)],
        "cleared": policy.cleared_up_to(person),
        "is_demo": demonstration.is_demo_session(request, person),
        "factors": queries.second_factors(person),
        "codes_left": _codes_left(person),
        "sessions": [
            {"row": row, "device": visitors.device_words(row.agent), "is_here": row.session_key == here}
            for row in sessions.of_person(person, at)
        ],
        "keys": [{"row": key, "is_good": key.is_good(at), "scopes": _scopes(key)} for key in person.api_keys.all()],
    }
    return render(request, "people/own.html", shown)


def _codes_left(person: Person) -> int:
    kept = Authenticator.objects.filter(user=person, type=Authenticator.Type.RECOVERY_CODES).first()
    return len(kept.wrap().get_unused_codes()) if kept else 0


def _scopes(key: ApiKey) -> str:
    return ", ".join(str(Scope(each).label) for each in key.scopes if each in Scope.values)


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def confirm(request: HttpRequest) -> HttpResponseBase:
    """Ask for a factor again, then go on."""
    person = person_of(request)
    question = Question(request.GET.copy())
    onward = question.text(REDIRECT_FIELD_NAME, LONGEST_ONWARD)
    if not url_has_allowed_host_and_scheme(onward, {request.get_host()}, require_https=request.is_secure()):
        onward = reverse("account")
    if access.is_confirmed(request):
        return HttpResponseRedirect(onward)
    by_passkey = "credential" in request.POST
    form = (PasskeyForm if by_passkey else SecondFactorForm)(request.POST or None, user=person)
    if form.is_valid():
        access.confirm(request)
        return HttpResponseRedirect(onward)
    has_one = any(factor.type == Authenticator.Type.WEBAUTHN for factor in queries.second_factors(person))
    shown = {
        "form": SecondFactorForm(user=person) if by_passkey else form,
        "failed": form.non_field_errors() if by_passkey else (),
        "question": question,
        "passkey": passkeys.begin(person) if has_one and passkeys.are_possible(request) else None,
    }
    return render(request, "people/confirm.html", shown)


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@access.confirmed
def change_password(request: HttpRequest) -> HttpResponseBase:
    """Choose another password; every other session ends."""
    person = person_of(request)
    if demonstration.is_demo_session(request, person):
        return render(request, "people/demonstration.html")
    form = NewPasswordForm(request.POST or None, person=person)
    if request.method == "POST" and form.is_valid() and _knows_old(request, form, person):
        actions.change_password(person, password=form.cleaned_data["password"], by=person, at=clock.now())
        _go_on_here(request, person)
        messages.success(request, _("Your password is changed. All other sessions have ended."))
        return redirect("account")
    heading = _("Change your password")
    return show_form(request, form, heading=heading, button=_("Change it"), **_below_account(heading))


def _knows_old(request: HttpRequest, form: NewPasswordForm, person: Person) -> bool:
    """Say whether the old password is right, where there is one; a wrong one counts as a guess."""
    if "old" not in form.fields:
        return True
    guess = limiter.begin(request, person)
    if guess is None:
        form.add_error("old", _("Too many attempts failed. Try again later."))
        return False
    if not person.check_password(form.cleaned_data["old"]):
        form.add_error("old", _("This is not your password."))
        return False
    guess.was_right()
    return True


def _go_on_here(request: HttpRequest, person: Person) -> None:
    """Let this session stand after all were ended, under a key of its own."""
    person.refresh_from_db()
    update_session_auth_hash(request, person)
    sessions.go_on(request, person, clock.now())


@require_POST
def end_session(request: HttpRequest, pk: int) -> HttpResponseBase:
    """End one of one's own sessions."""
    person = person_of(request)
    session = get_object_or_404(SignedInSession, pk=pk, person=person)
    is_here = session.session_key == request.session.session_key
    actions.end_session(session, by=person, at=clock.now())
    if is_here:
        request.session.flush()
        return redirect("account_login")
    messages.success(request, _("The session has ended."))
    return redirect("account")


@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponseBase:
    """End every session but this one."""
    person = person_of(request)
    is_demo = demonstration.is_demo_session(request, person)
    actions.end_sessions(person, by=person, at=clock.now())
    if is_demo:
        person.refresh_from_db()
        update_session_auth_hash(request, person)
    else:
        _go_on_here(request, person)
    messages.success(request, _("All other sessions have ended."))
    return redirect("account")


@never_cache
@require_http_methods(["GET", "POST"])
@access.confirmed
def add_key(request: HttpRequest) -> HttpResponseBase:
    """Make a key of the API; it is shown once."""
    person = person_of(request)
    form = ApiKeyForm(request.POST or None)
    secret = keys.new_secret()

    def act() -> None:
        facts: dict[str, Any] = {name: form.cleaned_data[name] for name in ("name", "scopes")}
        expires_at = form.expires_at()
        actions.make_api_key(person, **facts, secret=secret, expires_at=expires_at, by=person, at=clock.now())

    if request.method == "POST" and accepted(form, act):
        return render(request, "people/key.html", {"secret": secret, "name": form.cleaned_data["name"]})
    heading = _("Make a key for a program")
    return show_form(request, form, heading=heading, button=_("Make it"), **_below_account(heading))


@require_http_methods(["GET", "POST"])
def revoke_key(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Revoke one of one's own keys."""
    person = person_of(request)
    key = get_object_or_404(ApiKey, pk=pk, person=person)
    return sure(
        request,
        partial(actions.revoke_api_key, key, by=person, at=clock.now()),
        done=_("The key is revoked."),
        heading=_("Revoke the key “{name}”?").format(name=key.name),
        says=_("Programs that use it are refused from now on. A key that was revoked never works again."),
        button=_("Revoke it"),
        **_below_account(_("Revoke a key")),
    )


def _below_account(here: str) -> Any:
    return {"back": reverse("account"), "crumbs": [(_("Your account"), reverse("account")), (here, "")]}
