"""A directory file between its check and its import: kept in the data directory, named by its content, for a day."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from django.utils.translation import gettext as _

from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Conflict

KEPT_SECONDS = 24 * 3600
_TOKEN = re.compile(r"[0-9a-f]{64}\Z")


def keep(content: bytes, folder: Path, at: Instant) -> str:
    """Store the content and return the token that fetches it; forget what is older than a day."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in folder.iterdir():
        if at.timestamp() - path.stat().st_mtime > KEPT_SECONDS:
            path.unlink(missing_ok=True)
    token = hashlib.sha256(content).hexdigest()
    with os.fdopen(os.open(folder / token, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    return token


def fetch(token: str, folder: Path) -> bytes:
    """Return the content. Raises Conflict when it is not there any more, or was changed."""
    gone = Conflict(_("The checked file is not here any more. Choose it again."))
    if not _TOKEN.match(token):
        raise gone
    try:
        content = (folder / token).read_bytes()
    except FileNotFoundError:
        raise gone from None
    if hashlib.sha256(content).hexdigest() != token:
        raise gone
    return content


def forget(token: str, folder: Path) -> None:
    """Remove the content."""
    if _TOKEN.match(token):
        (folder / token).unlink(missing_ok=True)
