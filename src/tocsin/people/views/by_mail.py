"""Links by mail: asked for, followed to sign in, followed to choose a new password.

Whoever asks is answered with the same page in the same time, whosever the address is: a job finds out whose it is.
A link is only looked at by GET, as programs do that search mail for harm; a button uses it.
"""

from __future__ import annotations

import secrets

from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from tocsin.audit.actors import System
from tocsin.jobs import queue
from tocsin.kernel import clock
from tocsin.people import actions, limiter, links, queries
from tocsin.people.choices import Purpose
from tocsin.people.forms import AddressForm, EnrolmentForm
from tocsin.people.mailing import LINK_JOB
from tocsin.people.models import MailedLink, Person
from tocsin.people.views.signing_in import too_many

BY = System("mailed link")
REFUSALS = (links.LinkUnknown, links.LinkUsed, links.LinkExpired, links.OtherBrowser)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, purpose: Purpose) -> HttpResponse:
    """Ask for a link."""
    shown = {"is_reset": purpose == Purpose.RESET, "minutes": int(links.MAILED_LASTS.total_seconds() // 60)}
    if not queries.is_mail_offered():
        return render(request, "people/ask_link.html", {**shown, "is_offered": False}, status=_status(request))
    form = AddressForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return render(request, "people/ask_link.html", {**shown, "is_offered": True, "form": form})
    email = form.cleaned_data["email"]
    if not limiter.may_ask(request, email, queries.person_by_email(email)):
        return too_many(request)
    browser = request.COOKIES.get(settings.LINK_COOKIE_NAME) or secrets.token_urlsafe(24)
    asked = {"email": email, "purpose": purpose.value, "browser_hash": links.token_hash(browser)}
    queue.hurry(LINK_JOB, {**asked, "base": links.base_of(request)}, at=clock.now())
    return _remembered(render(request, "people/link_sent.html", shown), browser)


def _status(request: HttpRequest) -> int:
    return 409 if request.method == "POST" else 200


def _remembered(response: HttpResponse, browser: str) -> HttpResponse:
    """Let the browser keep by what it is known as the one that asked."""
    response.set_cookie(
        settings.LINK_COOKIE_NAME,
        browser,
        max_age=int(links.MAILED_LASTS.total_seconds()),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest, token: str) -> HttpResponseBase:
    """Sign in by a link, by a button; the second factor is asked for next."""
    if limiter.is_shut(request):
        return too_many(request)
    browser = request.COOKIES.get(settings.LINK_COOKIE_NAME, "")
    link = _opened(request, token, Purpose.SIGN_IN)
    if not isinstance(link, MailedLink):
        return link
    if request.method != "POST":
        return render(request, "people/enter_by_link.html", {"email": link.person.email})
    try:
        used = actions.use_mailed_link(token=token, browser=browser, by=BY, at=clock.now())
    except REFUSALS as refusal:  # of two at once, one comes too late
        return _refused(request, refusal, Purpose.SIGN_IN)
    logout(request)
    person = Person.objects.get(pk=used.person)
    answer: HttpResponseBase = perform_login(request, Login(user=person, email_verification="none"))
    return answer


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def reset(request: HttpRequest, token: str) -> HttpResponseBase:
    """Choose a new password by a link."""
    if limiter.is_shut(request):
        return too_many(request)
    link = _opened(request, token, Purpose.RESET)
    if not isinstance(link, MailedLink):
        return link
    form = EnrolmentForm(request.POST if request.method == "POST" else None, person=link.person)
    if not form.is_valid():
        status = 422 if form.errors else 200
        return render(request, "people/reset.html", {"form": form, "email": link.person.email}, status=status)
    browser = request.COOKIES.get(settings.LINK_COOKIE_NAME, "")
    try:
        actions.reset_password(
            token=token, browser=browser, password=form.cleaned_data["password"], by=BY, at=clock.now()
        )
    except REFUSALS as refusal:
        return _refused(request, refusal, Purpose.RESET)
    logout(request)
    return render(request, "people/reset_done.html")


def _opened(request: HttpRequest, token: str, purpose: Purpose) -> MailedLink | HttpResponse:
    """Return the link, or the page that says why it opens nothing. One that is not known counts as a guess."""
    try:
        return links.open_mailed_link(
            token, purpose, browser=request.COOKIES.get(settings.LINK_COOKIE_NAME, ""), at=clock.now()
        )
    except REFUSALS as refusal:
        if isinstance(refusal, links.LinkUnknown):
            limiter.begin(request, None)
        return _refused(request, refusal, purpose)


def _refused(request: HttpRequest, refusal: Exception, purpose: Purpose) -> HttpResponse:
    shown = {
        "reason": type(refusal).__name__,
        "again": "people_ask_" + ("reset" if purpose == Purpose.RESET else "link"),
    }
    return render(request, "people/mailed_link_refused.html", shown, status=410)
