"""Short signed words in addresses of ours, by which what comes back is known again.

A token holds the key of what it stands for and a signature over both kind and
key. Mail servers change the case of addresses, therefore case says nothing.
It proves that we made it, not who uses it: whoever was sent one can show it.
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets

from django.utils.crypto import salted_hmac

KEY_LENGTH = 20
"""Characters of a new key: 100 bits by lot."""
LONGEST_KEY = 24
LONGEST_TOKEN = 40
"""With `bounces+` before it the local part stays within the 64 characters of RFC 5321."""
_SIGNATURE_LENGTH = LONGEST_TOKEN - LONGEST_KEY
_KEY = re.compile(r"[a-z0-9]{1,24}")
_TOKEN = re.compile(r"[a-z0-9]{17,40}")


def new_key() -> str:
    """Return a key by lot: twenty characters of [a-z2-7]."""
    return base64.b32encode(secrets.token_bytes(13)).decode("ascii").lower()[:KEY_LENGTH]


def make(kind: str, key: str) -> str:
    """Return a token of at most forty characters of [a-z0-9] for a key of at most 24 of them.

    `kind` says what it is for (`bounce`, `reply`): one of another kind is not taken for it.
    """
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} is not 1 to {LONGEST_KEY} characters of [a-z0-9]")
    return key + _signature(kind, key)


def read(kind: str, token: str) -> str | None:
    """Return the key that a token of this kind was made for; None when we made no such token."""
    folded = token.lower() if token.isascii() else ""
    if not _TOKEN.fullmatch(folded):
        return None
    key, signature = folded[:-_SIGNATURE_LENGTH], folded[-_SIGNATURE_LENGTH:]
    return key if hmac.compare_digest(signature, _signature(kind, key)) else None


def _signature(kind: str, key: str) -> str:
    digest = salted_hmac(f"tocsin.courier.tokens.{kind}", key, algorithm="sha256").digest()
    return base64.b32encode(digest).decode("ascii").lower()[:_SIGNATURE_LENGTH]
