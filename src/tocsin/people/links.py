"""One-time links: their secret part, and finding them by it."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from typing import TypeVar

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Conflict
from tocsin.people import queries
from tocsin.people.models import DemoSignInLink, EnrolmentLink, MailedLink

ENROLMENT_LASTS = dt.timedelta(days=7)
DEMO_SIGN_IN_LASTS = dt.timedelta(days=1)
MAILED_LASTS = dt.timedelta(minutes=15)

L = TypeVar("L", EnrolmentLink, DemoSignInLink, MailedLink)


class LinkUnknown(Conflict):
    """No such link: it was cut short in copying, or a newer one has taken its place."""


class LinkUsed(Conflict):
    """The link was used before."""


class LinkExpired(Conflict):
    """The link is too old."""


class OtherBrowser(Conflict):
    """The link was asked for in another browser."""


def new_token() -> str:
    """Return the secret part of a new link: 256 bits."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Return what is stored of it."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def enrolment_address(request: HttpRequest, token: str) -> str:
    """Return the whole address of an enrolment link, as the reader reaches this instance."""
    scheme = "https" if settings.UNDER_TLS else request.scheme
    return f"{scheme}://{request.get_host()}{reverse('people_enrolment_link', args=[token])}"


def base_of(request: HttpRequest) -> str:
    """Return what whole addresses of this instance begin with: by its public name, where it has one."""
    scheme = "https" if settings.UNDER_TLS else request.scheme
    return f"{scheme}://{settings.PASSKEY_HOST or request.get_host()}"


def open_mailed_link(token: str, purpose: str, *, browser: str, at: Instant) -> MailedLink:
    """Return the link that can still be used in this browser. Raises as `open_link` does, and OtherBrowser.

    Whoever may not have such a link any more has one that is not known.
    """
    link = open_link(MailedLink, token, at=at)
    if link.purpose != purpose or not queries.may_have_by_mail(link.person, purpose):
        raise LinkUnknown(_("This link is not known."))
    if not secrets.compare_digest(link.browser_hash, token_hash(browser)):
        raise OtherBrowser(_("This link was asked for in another browser."))
    return link


def open_enrolment_link(token: str, *, at: Instant) -> EnrolmentLink:
    """Return the enrolment link that can still be used. Raises as `open_link` does.

    The link of a new instance, which has no person yet, works until a national administrator can sign in,
    whoever else has an account by then.
    """
    link = open_link(EnrolmentLink, token, at=at)
    if link.person is None and queries.an_administrator_can_sign_in():
        raise LinkUsed(_("This link was used before."))
    return link


def open_link(kind: type[L], token: str, *, at: Instant) -> L:
    """Return the link that can still be used. Raises LinkUnknown, LinkUsed or LinkExpired."""
    link = kind._default_manager.select_related("person").filter(token_hash=token_hash(token)).first()
    if link is None or (link.person is not None and not link.person.is_active):
        raise LinkUnknown(_("This link is not known."))
    if link.used_at is not None:
        raise LinkUsed(_("This link was used before."))
    if not link.is_open(at):
        raise LinkExpired(_("This link is too old."))
    return link
