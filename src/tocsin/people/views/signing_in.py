"""Pages of signing in, signing out and enrolling."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from allauth.account.utils import get_next_redirect_url
from allauth.account.views import LoginView
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME, login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from tocsin.audit.actors import System
from tocsin.kernel import clock
from tocsin.kernel.questions import Question
from tocsin.people import access, actions, demonstration, devices, issuer, limiter, links, passkeys, queries, sessions
from tocsin.people.choices import BY_MAIL, Purpose
from tocsin.people.forms import (
    AuthenticatorForm,
    EnrolmentByMailForm,
    EnrolmentForm,
    FirstEnrolmentForm,
    SecondFactorForm,
)
from tocsin.people.models import DemoSignInLink, Person
from tocsin.people.passkey_forms import PasskeyForm
from tocsin.people.qr import qr_svg

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
ENROLMENT_TOKEN = "people.enrolment_token"  # noqa: S105
"""Session key: the link's secret part, so that it leaves the address line."""
AFTER_ENROLMENT = "people.next"
LONGEST_ONWARD = 6_000
"""Of an address: no page takes a longer one."""
NEW_CODES = "people.new_codes"
"""Session key: recovery codes were made in this session, which shows them until they are kept. No other does."""


def _person(request: HttpRequest) -> Person:
    assert isinstance(request.user, Person)  # noqa: S101
    return request.user


def _going_on(request: HttpRequest) -> Question[QueryDict]:
    """Return what these pages are asked: where to go afterwards."""
    question = Question(request.GET.copy())
    question.text(REDIRECT_FIELD_NAME, LONGEST_ONWARD)
    return question


def too_many(request: HttpRequest) -> HttpResponse:
    """Say that so much was tried from there that one must wait."""
    return render(request, "429.html", status=HTTPStatus.TOO_MANY_REQUESTS)


def complete(request: HttpRequest, person: Person, *, method: str) -> None:
    """Let a person in who has shown both factors: the session stands from now on, and the browser is known."""
    access.remember_second_factor(request, person)
    is_new = method != ENROLMENT and not devices.known(request, person)
    devices.remember(request, person)
    session = sessions.of_request(request)
    actions.record_sign_in(person, method=method, session=session, is_new_browser=is_new, by=person, at=clock.now())


ENROLMENT = "enrolment"
METHODS = {
    Authenticator.Type.TOTP: "code",
    Authenticator.Type.RECOVERY_CODES: "recovery code",
    Authenticator.Type.WEBAUTHN: "passkey",
}
"""By what a second factor was shown, as the audit trail says it."""


def _passkey_of(request: HttpRequest, person: Person) -> passkeys.Asked | None:
    """Ask for one of a person's passkeys; None where there are none, or none would be used."""
    has_one = any(factor.type == Authenticator.Type.WEBAUTHN for factor in queries.second_factors(person))
    return passkeys.begin(person) if has_one and passkeys.are_possible(request) else None


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_by_passkey(request: HttpRequest) -> HttpResponseBase:
    """Let in whoever shows a passkey: the device is one factor, what unlocks it the other."""
    if request.method != "POST":
        return redirect("account_login")
    if limiter.is_shut(request):
        return too_many(request)
    form = PasskeyForm(request.POST)
    if not form.is_valid():
        shown = {"said": form.non_field_errors()}
        return render(request, "people/passkey_refused.html", shown, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    person = form.authenticator.user
    if not person.is_active:
        return redirect("account_inactive")
    form.authenticator.record_usage()
    login(request, person, backend=BACKEND)
    complete(request, person, method="passkey")
    return HttpResponseRedirect(get_next_redirect_url(request) or access.first_page(person))


@method_decorator(require_http_methods(["GET", "HEAD", "POST"]), name="dispatch")
class SignIn(LoginView):  # type: ignore[misc]
    """Address and password."""

    template_name = "people/sign_in.html"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Try what was typed, unless too much was tried from there."""
        if limiter.is_shut(request):
            return too_many(request)
        answer: HttpResponseBase = super().post(request, *args, **kwargs)
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return what the page shows."""
        has_form = not settings.TOCSIN_IS_DEMO or queries.somebody_has_a_password()
        passkey = passkeys.begin() if has_form and passkeys.are_possible(self.request) else None
        shown = {
            "question": _going_on(self.request),
            "has_form": has_form,
            "passkey": passkey,
            "by_mail": has_form and queries.is_mail_offered(),
            "elsewhere": issuer.name() if issuer.is_on() else "",
        }
        return {**super().get_context_data(**kwargs), **shown}


@method_decorator(never_cache, name="dispatch")
@method_decorator(require_http_methods(["GET", "HEAD", "POST"]), name="dispatch")
class ShowSecondFactor(AuthenticateView):  # type: ignore[misc]
    """A code, after the password."""

    template_name = "people/second_factor.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return what the page shows."""
        shown = {"question": _going_on(self.request), "passkey": _passkey_of(self.request, self.stage.login.user)}
        return {**super().get_context_data(**kwargs), **shown}

    def form_valid(self, form: Any) -> HttpResponse:
        """Sign in."""
        person = form.user
        response: HttpResponse = super().form_valid(form)
        if self.request.user == person:
            complete(self.request, person, method=METHODS[form.authenticator.type])
        return response


@require_http_methods(["GET", "POST"])
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ask, then sign out."""
    if request.method == "POST":
        logout(request)
        return redirect("account_login")
    is_demo = isinstance(request.user, Person) and demonstration.is_demo_session(request, request.user)
    return render(request, "people/sign_out.html", {"is_demo": is_demo})


@require_http_methods(["GET", "HEAD"])
def closed(request: HttpRequest) -> HttpResponse:
    """Say that the account is closed. Only who knows its password comes here."""
    return render(request, "people/closed.html", status=403)


@require_http_methods(["GET", "HEAD", "POST"])
def no_access(request: HttpRequest) -> HttpResponse:
    """Say what to do for whoever cannot sign in. Asks for no address: so it gives none away."""
    return render(request, "people/no_access.html", {"by_mail": queries.is_mail_offered()})


@never_cache
@require_http_methods(["GET", "HEAD"])
def follow_enrolment_link(request: HttpRequest, token: str) -> HttpResponseBase:
    """Take the secret part out of the address, then go on. A link that opens nothing makes no session."""
    if limiter.is_shut(request):
        return too_many(request)
    try:
        links.open_enrolment_link(token, at=clock.now())
    except links.LinkUnknown as refusal:
        limiter.begin(request, None)
        return _refuse_link(request, refusal)
    except (links.LinkUsed, links.LinkExpired) as refusal:
        return _refuse_link(request, refusal)
    request.session[ENROLMENT_TOKEN] = token
    return redirect("people_enrol")


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def enrol(request: HttpRequest) -> HttpResponseBase:
    """Choose a password."""
    token = request.session.get(ENROLMENT_TOKEN, "")
    try:
        link = links.open_enrolment_link(token, at=clock.now())
        kind = _enrolment_form(link.person)
        form = kind(request.POST if request.method == "POST" else None, person=link.person)
        if not form.is_valid():
            shown = {"form": form, "person": link.person, "by_mail": kind is EnrolmentByMailForm}
            return render(request, "people/enrol.html", shown)
        event = actions.enrol(token=token, by=link.person or System("enrolment"), at=clock.now(), **form.answers())
    except (links.LinkUnknown, links.LinkUsed, links.LinkExpired) as refusal:
        return _refuse_link(request, refusal)
    request.session.flush()
    login(request, Person.objects.get(pk=event.person), backend=BACKEND)
    return redirect("people_set_up_second_factor")


def _enrolment_form(person: Person | None) -> type[EnrolmentForm]:
    """Return what somebody is asked for: whoever may sign in by links in mails need not have a password."""
    if person is None:
        return FirstEnrolmentForm
    needs_none = person.role in BY_MAIL[Purpose.SIGN_IN] and queries.is_mail_offered()
    return EnrolmentByMailForm if needs_none else EnrolmentForm


def _refuse_link(request: HttpRequest, refusal: Exception) -> HttpResponse:
    context = {
        "reason": type(refusal).__name__,
        "is_demo": settings.TOCSIN_IS_DEMO,
        "nobody_to_ask": not queries.an_administrator_can_sign_in(),
    }
    return render(request, "people/link_refused.html", context, status=410)


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def set_up_second_factor(request: HttpRequest) -> HttpResponseBase:
    """Show the secret to the authenticator and take its first code."""
    person = _person(request)
    if queries.has_second_factor(person):
        return redirect("people_recovery_codes")
    if demonstration.is_demo_session(request, person):
        return _no_second_factor(request)
    if where := get_next_redirect_url(request):
        request.session[AFTER_ENROLMENT] = where
    form = AuthenticatorForm(request.POST or None, user=person)
    if form.is_valid():
        actions.set_up_second_factor(person, secret=form.secret, by=person, at=clock.now())
        form.forget()
        complete(request, person, method=ENROLMENT)
        request.session[NEW_CODES] = True
        return redirect("people_recovery_codes")
    address = get_adapter().build_totp_url(person, form.secret)
    secret = " ".join(form.secret[start : start + 4] for start in range(0, len(form.secret), 4))
    picture = qr_svg(address, _("QR code for the authenticator"))
    context = {"form": form, "qr": picture, "secret": secret, "address": address, "question": _going_on(request)}
    return render(request, "people/set_up_second_factor.html", context)


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def recovery_codes(request: HttpRequest) -> HttpResponseBase:
    """Show recovery codes where they were made, until they are kept; make new ones against a code."""
    person = _person(request)
    if demonstration.is_demo_session(request, person) and not queries.has_second_factor(person):
        return _no_second_factor(request)
    if request.method == "POST" and "kept" in request.POST:
        return _keep_codes(request, person)
    form = SecondFactorForm(request.POST or None, user=person)
    if form.is_valid():
        actions.renew_recovery_codes(person, by=person, at=clock.now())
        request.session[NEW_CODES] = True
        return redirect("people_recovery_codes")
    kept = Authenticator.objects.filter(user=person, type=Authenticator.Type.RECOVERY_CODES).first()
    wrapped = kept.wrap() if kept else None
    unused = wrapped.get_unused_codes() if wrapped else []
    is_new = bool(wrapped and not wrapped.did_view and request.session.get(NEW_CODES))
    context = {"form": form, "codes": unused if is_new else [], "left": len(unused)}
    return render(request, "people/recovery_codes.html", context)


def _no_second_factor(request: HttpRequest) -> HttpResponse:
    """Say that whoever came by the demonstration's link has no authenticator: no code could be right."""
    return render(request, "people/demonstration.html", {"question": _going_on(request)})


def _keep_codes(request: HttpRequest, person: Person) -> HttpResponseBase:
    """Note that the codes are kept, once, and go on."""
    if request.session.pop(NEW_CODES, False):
        actions.keep_recovery_codes(person, by=person, at=clock.now())
    return HttpResponseRedirect(request.session.get(AFTER_ENROLMENT) or access.first_page(person))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def follow_demo_link(request: HttpRequest, token: str) -> HttpResponseBase:
    """Enter the demonstration, by a button: what only looks at the link, such as a preview, does not use it up."""
    if not demonstration.allowed_here(request):
        return render(request, "people/link_refused.html", {"reason": "NoDemonstration"}, status=403)
    if isinstance(request.user, Person) and demonstration.is_demo_session(request, request.user):
        return HttpResponseRedirect(access.first_page(request.user))
    try:
        link = links.open_link(DemoSignInLink, token, at=clock.now())
        if request.method != "POST":
            return render(request, "people/enter_demonstration.html")
        actions.use_demo_sign_in_link(token=token, by=System("demonstration"), at=clock.now())
    except (links.LinkUnknown, links.LinkUsed, links.LinkExpired) as refusal:
        return _refuse_link(request, refusal)
    login(request, link.person, backend=BACKEND)
    request.session[demonstration.DEMO_SESSION] = link.person.pk
    return HttpResponseRedirect(access.first_page(link.person))
