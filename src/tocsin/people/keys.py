"""Keys of the API: how one is written, and whose it is.

A key is `tocsin_`, eight letters that may be shown, and 256 bits that may not.
It is shown once, when it is made. That it was used is noted beside the trail.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets

from django.http import HttpRequest

from tocsin.kernel.clock import Instant
from tocsin.people.models import ApiKey, Person

LONGEST = dt.timedelta(days=366)
LONGEST_NAME = 100
MOST = 20
"""Keys of one person that are good at the same time."""
USE_NOTED_EVERY = dt.timedelta(minutes=5)
_BEGINNING = "tocsin_"
_PREFIX_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def new_secret() -> str:
    """Return a new key, whole."""
    prefix = "".join(secrets.choice(_PREFIX_LETTERS) for _ in range(8))
    return f"{_BEGINNING}{prefix}_{secrets.token_urlsafe(32)}"


def prefix_of(secret: str) -> str:
    """Return the part of a key that may be shown; empty for what is no key."""
    begins, prefix, rest = [*secret.split("_", 2), "", ""][:3]
    return prefix if f"{begins}_" == _BEGINNING and len(prefix) == 8 and prefix.isascii() and rest else ""


def hash_of(secret: str) -> str:
    """Return what is stored of a key. It holds 256 bits by chance: a slow hash would add nothing."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def person_asking(request: HttpRequest, scope: str, at: Instant) -> Person | None:
    """Return for whom a program asks, by the header `Authorization: Bearer KEY`; None without a good key.

    For the API alone: it starts no session, and sets no cookie.
    """
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    key = good_key(secret.strip(), scope, at) if kind.lower() == "bearer" else None
    if key is None:
        return None
    _note_use(key, at)
    return key.person


def good_key(secret: str, scope: str, at: Instant) -> ApiKey | None:
    """Return the key if it is good for `scope`: known, neither revoked nor ended, its account open."""
    key = known_key(secret)
    return key if key and key.is_good(at) and key.person.is_active and scope in key.scopes else None


def known_key(secret: str) -> ApiKey | None:
    """Return the key that somebody shows whole, good or not; None for what is none."""
    prefix = prefix_of(secret)
    key = ApiKey.objects.select_related("person").filter(prefix=prefix).first() if prefix else None
    return key if key and hmac.compare_digest(key.secret_hash, hash_of(secret)) else None


def _note_use(key: ApiKey, at: Instant) -> None:
    if key.last_used_at is None or at - key.last_used_at >= USE_NOTED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=at)
