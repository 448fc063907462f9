"""Browsers in which somebody has signed in fully before, known by a signed cookie that opens nothing by itself.

Whoever holds it gets guesses of their own and no more: see `limiter`.
"""

from __future__ import annotations

import datetime as dt
import secrets

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseBase

from tocsin.people.models import Person

LASTS = dt.timedelta(days=180)
PEOPLE_AT_MOST = 5
"""Of one browser, the latest."""
_SALT = "tocsin.people.device"
_NEW = "tocsin_device"
"""Attribute of a request after which the browser is given the cookie anew."""


def known(request: HttpRequest, person: Person) -> str:
    """Return by what the browser is known in which this person has signed in before; empty if none has."""
    name, people = _read(request)
    return name if person.pk in people else ""


def is_known(request: HttpRequest) -> bool:
    """Say whether anybody has signed in fully in this browser before."""
    return bool(_read(request)[0])


def remember(request: HttpRequest, person: Person) -> None:
    """Have the answer to this request make the browser known."""
    name, people = _read(request)
    latest = [person.pk, *(each for each in people if each != person.pk)][:PEOPLE_AT_MOST]
    setattr(request, _NEW, {"name": name or secrets.token_hex(8), "people": latest})


def give(request: HttpRequest, response: HttpResponseBase) -> None:
    """Set the cookie where `remember` was called."""
    if kept := getattr(request, _NEW, None):
        response.set_cookie(
            settings.DEVICE_COOKIE_NAME,
            signing.dumps(kept, salt=_SALT),
            max_age=int(LASTS.total_seconds()),
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )


def _read(request: HttpRequest) -> tuple[str, list[int]]:
    try:
        kept = signing.loads(request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""), salt=_SALT, max_age=LASTS)
    except signing.BadSignature:
        return "", []
    return kept["name"], kept["people"]
