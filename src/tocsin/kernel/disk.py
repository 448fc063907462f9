"""Know a full disk in the words of whatever ran into it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

FULL = "The disk is full. Nothing was changed; make room and try again."
TOO_LARGE = (
    "A file would grow beyond what this process may write (ulimit -f). "
    "Nothing was changed; raise that limit and try again."
)
_WORDS = ("No space left", "disk is full", "disk quota exceeded")
"""What Arrow, SQLite and PostgreSQL say; they give no number."""
_SQLITE_NEEDS_BYTES = 128 << 10
"""For the files beside a database that it makes when it is opened: without them it says no more than `I/O error`."""


def is_full(error: BaseException, folder: Path) -> bool:
    """Tell whether an error says that there is no room on the disk that a folder is on."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    said = str(error)
    if any(words in said for words in _WORDS):
        return True
    return any(words in said for words in ("disk I/O error", "unable to open database file")) and is_filled(folder)


def reason(error: BaseException, folder: Path) -> str | None:
    """Return the sentence on why nothing could be written, and what helps; None for any other error."""
    if is_full(error, folder):
        return FULL
    # Arrow tells the number in its words only.
    is_limited = isinstance(error, OSError) and (error.errno == errno.EFBIG or f"[Errno {errno.EFBIG}]" in str(error))
    return TOO_LARGE if is_limited else None


def is_filled(folder: Path) -> bool:
    """Tell whether there is hardly a byte left on the disk that a folder is on."""
    space = os.statvfs(folder if folder.exists() else ".")
    return space.f_bavail * space.f_frsize < _SQLITE_NEEDS_BYTES
