"""Passkeys: a device shows that it holds a key, and that its owner unlocked it: two factors in one.

The challenge is not kept in a session, which nobody should get for looking at
a page: it travels signed, ends after a quarter of an hour, and is good once.
The key belongs to the name of this instance; under any other, no browser uses
it. What is checked is checked by fido2; allauth keeps the keys.
"""

from __future__ import annotations

import dataclasses
import hashlib
import ipaddress
import json
from collections.abc import Mapping
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from django.conf import settings
from django.core import signing
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from fido2.webauthn import ResidentKeyRequirement, UserVerificationRequirement

from tocsin.people.models import Person

LASTS_S = 900
MOST = 10
"""Passkeys of one person."""
LONGEST_NAME = 100
_SALT = "tocsin.people.passkey"
_FAILED = _("This passkey could not be checked. Try again.")


@dataclasses.dataclass(frozen=True)
class Asked:
    """What the browser is asked: options as JSON, and the signed challenge that comes back with the answer."""

    options: str
    token: str


def name_of(request: HttpRequest) -> str:
    """Return the name to which keys belong: the first public one of the settings, else that of this machine."""
    return settings.PASSKEY_HOST or _host(request)


def are_possible(request: HttpRequest) -> bool:
    """Say whether a browser would use a passkey here: under the name to which keys belong, safe from listeners."""
    host, name = _host(request), name_of(request)
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        is_named = host == name or host.endswith(f".{name}")
        return is_named and (settings.UNDER_TLS or request.is_secure() or host == "localhost")
    return False


def _host(request: HttpRequest) -> str:
    host = request.get_host()
    return host if host.endswith("]") else host.rpartition(":")[0] or host


def begin(person: Person | None = None) -> Asked:
    """Ask for a passkey: one of the person's, or any where the person is not known yet."""
    options, state = auth.get_server().authenticate_begin(
        credentials=auth.get_credentials(person) if person else [],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return _asked(options, state)


def finish(token: str, credential: Mapping[str, Any], person: Person | None = None) -> Authenticator:
    """Return the passkey that was shown. Raises ValidationError for an answer that is none."""
    state = _state_of(token)
    _read(auth.parse_authentication_response, credential)
    owner = person or _read(auth.extract_user_from_response, credential)
    try:
        shown = auth.get_server().authenticate_complete(state, auth.get_credentials(owner), dict(credential))
    except (ValueError, TypeError, KeyError) as error:
        raise ValidationError(_FAILED) from error
    found: Authenticator | None = auth.get_authenticator_by_credential_id(owner, shown.credential_id)
    if found is None:
        raise ValidationError(_FAILED)
    return found


def begin_adding(person: Person) -> Asked:
    """Ask for a new passkey of a person, which knows by itself whose it is."""
    options, state = auth.get_server().register_begin(
        user=auth.build_user_payload(person),
        credentials=auth.get_credentials(person),
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return _asked(options, state)


def finish_adding(token: str, credential: Mapping[str, Any]) -> None:
    """Check what a new passkey answered. Raises ValidationError for an answer that is none."""
    state = _state_of(token)
    _read(auth.parse_registration_response, credential)
    try:
        made = auth.get_server().register_complete(state, dict(credential))
    except (ValueError, TypeError, KeyError) as error:
        raise ValidationError(_FAILED) from error
    if not made.is_user_verified():
        raise ValidationError(_FAILED)


def _asked(options: Any, state: Any) -> Asked:
    return Asked(json.dumps(dict(options)), signing.dumps(state, salt=_SALT))


def _state_of(token: str) -> Any:
    """Return the challenge, which from now on is used up."""
    try:
        state = signing.loads(token, salt=_SALT, max_age=LASTS_S)
    except signing.BadSignature:
        raise ValidationError(_("This took too long. Try again.")) from None
    used = hashlib.sha256(token.encode()).hexdigest()
    if not cache.add(f"people.passkey.{used}", "used", timeout=LASTS_S):
        raise ValidationError(_("This took too long. Try again."))
    return state


def _read(reader: Any, credential: Any) -> Any:
    """Return what allauth reads from an answer; whatever is wrong with it is one sentence."""
    try:
        return reader(credential)
    except (ValidationError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValidationError(_FAILED) from error
