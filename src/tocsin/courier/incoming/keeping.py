"""Messages as they came: files named after what they hold, durable before anybody is told that they are here."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from pathlib import Path

from tocsin.formats.mail.message import MOST_BYTES
from tocsin.kernel import durable

FOLDER = "mail"
PRIVATE = 0o700
MOST_KEPT = MOST_BYTES + 1
"""Octets of a message: one more than are read, so that whoever reads it sees that there was more."""


def path_of(home: Path, sha256: str) -> Path:
    """Return where the message with that digest is."""
    return home / FOLDER / sha256[:2] / f"{sha256}.eml"


def keep(home: Path, raw: bytes) -> str:
    """Write a message, wait until it is on the disk, and return its SHA-256.

    What is there already is made durable as well: who wrote it may have been
    ended before it was. Raises OSError when the disk takes no more; then
    nothing is left behind.
    """
    sha256 = hashlib.sha256(raw).hexdigest()
    path = path_of(home, sha256)
    for folder in (path.parent.parent, path.parent):
        if not folder.is_dir():
            folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
            durable.sync(folder.parent)
    if is_whole(home, sha256):
        durable.sync(path)
    else:
        _write(path, raw)
    durable.sync(path.parent)
    return sha256


def _write(path: Path, raw: bytes) -> None:
    beside = path.with_name(f"{path.stem}.{secrets.token_hex(6)}.tmp")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            durable.sync_file(file)
        beside.rename(path)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise


def is_whole(home: Path, sha256: str) -> bool:
    """Say whether the message is there, as its name says."""
    try:
        with path_of(home, sha256).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except OSError:
        return False
