"""Secrets of second factors, as the database holds them: sealed with a key that stands in the data directory.

Whoever reads a copy of the database alone (a dump, a replica, a disk) cannot show codes in anybody's place. The key is
made when it is needed first, and stands in `keys/factors.key`. What was kept before there was one is read as it is.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import secrets
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from tocsin.kernel.refusals import Unavailable

MARK = "sealed:"
"""What is sealed begins so. No secret of an authenticator and no seed of recovery codes does."""
KEY_BYTES = 32
_NONCE_BYTES = 12
_FOR = b"tocsin second factor"


def seal(text: str) -> str:
    """Return a text so that only whoever has the key can read it. Raises Unavailable."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # late: no command needs it to start

    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = AESGCM(_key(make=True)).encrypt(nonce, text.encode(), _FOR)
    return MARK + base64.b64encode(nonce + sealed).decode("ascii")


def unseal(text: str) -> str:
    """Return what was sealed, or what never was. Raises Unavailable where the key is another, or not there."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if not is_sealed(text):
        return text
    try:
        sealed = base64.b64decode(text.removeprefix(MARK), validate=True)
        return AESGCM(_key(make=False)).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _FOR).decode()
    except (InvalidTag, binascii.Error, ValueError) as error:
        words = _("{path} is not the key with which second factors were sealed. Put it back from a backup.")
        raise Unavailable(words.format(path=_path())) from error


def is_sealed(text: str) -> bool:
    """Say whether a text was sealed."""
    return text.startswith(MARK)


def _key(*, make: bool) -> bytes:
    path = _path()
    if make and not path.exists():
        _make(path)
    try:
        key = base64.b64decode(path.read_bytes().strip(), validate=True)
    except (OSError, binascii.Error) as error:
        words = _("{path} cannot be read: no second factor can be checked. Put it back from a backup.")
        raise Unavailable(words.format(path=path)) from error
    if len(key) != KEY_BYTES:
        words = _("{path} is not the key with which second factors were sealed. Put it back from a backup.")
        raise Unavailable(words.format(path=path))
    return key


def _make(path: Path) -> None:
    """Make the key, whole or not at all: of two processes, the one that is second takes the first one's."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f"{path.name}.{secrets.token_hex(8)}.tmp")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(part, path)
    finally:
        part.unlink()


def _path() -> Path:
    home: Path = settings.TOCSIN.home
    return home / "keys" / "factors.key"
