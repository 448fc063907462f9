"""Signing in by another service, where one is set up: sent there, and back from there."""

from __future__ import annotations

import logging

from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME, login, logout
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from tocsin.audit.actors import System
from tocsin.kernel import clock
from tocsin.kernel.refusals import Conflict, Refusal, Unavailable
from tocsin.people import access, actions, issuer, limiter, links, queries
from tocsin.people.models import Person
from tocsin.people.views.signing_in import BACKEND, complete, too_many

BY = System("another service")
log = logging.getLogger(__name__)


@never_cache
@require_GET
def begin(request: HttpRequest) -> HttpResponseBase:
    """Go to the service, which asks who one is."""
    if not issuer.is_on():
        raise Http404
    if limiter.is_shut(request):
        return too_many(request)
    asked = issuer.Asked.anew(_onward(request))
    try:
        answer = HttpResponseRedirect(issuer.address_to_ask(asked, _back(request)))
    except Refusal as refusal:
        return _refused(request, refusal)
    answer.set_cookie(
        settings.ELSEWHERE_COOKIE_NAME,
        asked.sealed(),
        max_age=int(issuer.LASTS.total_seconds()),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return answer


@never_cache
@require_GET
def back(request: HttpRequest) -> HttpResponseBase:
    """Come back from it. What it says is the first factor; the second is asked for here, unless it is trusted there."""
    if not issuer.is_on():
        raise Http404
    if limiter.is_shut(request):
        return too_many(request)
    try:
        asked = issuer.Asked.opened(request.COOKIES.get(settings.ELSEWHERE_COOKIE_NAME, ""))
        seen = issuer.identity(asked, request.GET.dict(), _back(request), at=clock.now())
        person = _whose(seen)
    except Refusal as refusal:
        limiter.begin(request, None)
        return _refused(request, refusal)
    logout(request)
    return _forgotten(_entered(request, person, seen, asked.onward))


def _whose(seen: issuer.Identity) -> Person:
    """Return the account of whom the service has seen, bound to it from now on. Raises Conflict where there is none."""
    person = queries.person_known_elsewhere(seen.issuer, seen.subject)
    is_new = person is None
    if person is None and seen.email:
        person = queries.person_by_email(seen.email)
    if person is None or not person.is_active:
        raise Conflict(_("There is no open account here for whom the service has seen."))
    if not seen.has_two_factors and not queries.has_second_factor(person):
        raise Conflict(_("This account has no second factor yet. Follow your enrolment link first."))
    if is_new:
        actions.bind(person, issuer=seen.issuer, subject=seen.subject, by=BY, at=clock.now())
    return person


def _entered(request: HttpRequest, person: Person, seen: issuer.Identity, onward: str) -> HttpResponseBase:
    if not seen.has_two_factors:
        pending = Login(user=person, email_verification="none", redirect_url=onward or None)
        answer: HttpResponseBase = perform_login(request, pending)
        return answer
    login(request, person, backend=BACKEND)
    complete(request, person, method="another service")
    return HttpResponseRedirect(onward or access.first_page(person))


def _onward(request: HttpRequest) -> str:
    onward = request.GET.get(REDIRECT_FIELD_NAME, "")
    is_ours = url_has_allowed_host_and_scheme(onward, {request.get_host()}, require_https=request.is_secure())
    return onward if is_ours else ""


def _back(request: HttpRequest) -> str:
    return links.base_of(request) + reverse("people_back_from_elsewhere")


def _refused(request: HttpRequest, refusal: Refusal) -> HttpResponseBase:
    """Say why not. What failed on the way is for the log: the reader can do nothing about it."""
    is_away = isinstance(refusal, Unavailable)
    if is_away:
        log.warning("Signing in by another service: %s", refusal)
    said = _("The service cannot be reached now.") if is_away else str(refusal)
    shown = {"said": said, "name": issuer.name()}
    return _forgotten(render(request, "people/elsewhere_refused.html", shown, status=503 if is_away else 403))


def _forgotten(answer: HttpResponseBase) -> HttpResponseBase:
    """Let the browser forget what it was sent to ask: an answer is good once."""
    answer.delete_cookie(settings.ELSEWHERE_COOKIE_NAME, samesite="Lax")
    return answer
