"""The instance's own secret: made once, kept in the data directory, readable by its owner only."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def instance_key(home: Path) -> str:
    """Return the key of the instance at `home`, or a key for this process alone when the instance is not set up."""
    try:
        return _path(home).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return secrets.token_urlsafe(48)


def make_instance_key(home: Path) -> None:
    """Make the key of the instance at `home`, unless there is one."""
    path = _path(home)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48) + "\n")


def _path(home: Path) -> Path:
    return home / "keys" / "session.key"
