"""How programs come in: by a key of the API in the header `Authorization`, and by nothing else.

A cookie counts for nothing here, so no page of others can have a browser ask
for its owner. Every operation of the API says by `by_key` which scope a key
must have; one that says nothing lets nobody pass (`site.api`).
"""

from __future__ import annotations

from typing import Any, get_origin

from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import gettext as _
from ninja import Schema
from ninja.security import HttpBearer
from pydantic import ValidationInfo, model_validator

from tocsin.kernel import clock
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Busy, InvalidInput, NotPermitted, Refusal, refuse
from tocsin.people import keys, limiter
from tocsin.people.choices import Scope
from tocsin.people.models import Person


class NoGoodKey(Refusal):
    """There is no key of the API that is good now."""


class ScopeLacking(NotPermitted):
    """The key is good, but not for this."""


class TooManyKeys(Busy):
    """So many keys that are none came from this place that no further one is looked at."""


class Key(HttpBearer):
    """A key of the API, from the page Your account."""

    openapi_description = "A key of the API, from the page Your account."

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self.scope = scope

    def __call__(self, request: HttpRequest) -> Person:
        """Return for whom the program asks, and go on in that person's language. Raises the refusals above."""
        at = clock.now()
        person = keys.person_asking(request, self.scope, at)
        if person is None:
            raise _refusal(request, self.scope, at)
        if person.language:
            translation.activate(person.language)
            request.LANGUAGE_CODE = translation.get_language()
        return person

    def authenticate(self, request: HttpRequest, token: str) -> Person:
        """Return the same; ninja asks for it."""
        return self(request)


def by_key(scope: Scope) -> dict[str, Any]:
    """Return what an operation of the API says of who may pass."""
    return {"auth": Key(scope), "openapi_extra": {"x-scope": scope.value}}


def _refusal(request: HttpRequest, scope: Scope, at: Instant) -> Refusal:
    """Say why nobody passes. What is no key of ours counts as a guess; a right one that has ended does not."""
    kind, _space, secret = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not secret.strip():
        return NoGoodKey(_("Send a key of the API in the header Authorization: Bearer KEY."))
    key = keys.known_key(secret.strip())
    if key is None:
        if limiter.begin(request, None) is None:
            return TooManyKeys(_("Too many attempts failed. Try again later."))
        return NoGoodKey(_("This key is not known."))
    if key.is_good(at) and key.person.is_active:
        return ScopeLacking(_("This key may not do that: it lacks {scope}.").format(scope=scope.value))
    return NoGoodKey(_("This key has ended or was revoked. Make a new one."))


class Asked(Schema):
    """What the address of an operation may ask. A name that it does not have is refused, not passed over.

    So is one that stands there several times and has one value: the others would be passed over.
    """

    @model_validator(mode="after")
    def nothing_else(self, info: ValidationInfo) -> Asked:
        """Refuse what would be passed over: whoever misspells a filter would get more than was asked for."""
        request = (info.context or {})["request"]
        fields = {field.alias or name: field for name, field in type(self).model_fields.items()}
        once = {name for name, field in fields.items() if get_origin(field.annotation) is not list}
        refuse([*_unknown(request, set(fields)), *_repeated(request, once)])
        return self


def _repeated(request: HttpRequest, once: set[str]) -> list[InvalidInput]:
    """Return a refusal of each name that has one value and stands there several times."""
    names = [name for name in sorted(once & set(request.GET)) if len(request.GET.getlist(name)) > 1]
    sentence = _("{name} has one value, and stands there several times.")
    return [InvalidInput(sentence.format(name=name), where=name) for name in names]


def nothing_asked(request: HttpRequest) -> None:
    """Refuse whatever stands behind an address that says all."""
    refuse(_unknown(request, set()))


def _unknown(request: HttpRequest, known: set[str]) -> list[InvalidInput]:
    """Return a refusal of each name that is not known, each where it stands."""
    names = [name[:40] for name in sorted(set(request.GET) - known)]
    return [InvalidInput(_("Nothing here is called {names}.").format(names=name), where=name) for name in names]
