"""What a file of the store held when it was written: its name says it.

A file's name ends in the first 128 bits of the SHA-256 of its bytes. So whoever knows the name knows the digest, the
manifest before all, and nobody has to be told it beside. Files that earlier versions wrote have none until an upgrade
names them. Nothing of PyArrow is loaded here: pages come by.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePath
from typing import Any

from tocsin.engine.lost import LostFile, named, told

_DIGITS = 32
_IN_NAME = re.compile(rf"\.([0-9a-f]{{{_DIGITS}}})\.[a-z]+$")


def of(file: Path) -> str:
    """Return the digest of a file's bytes."""
    with file.open("rb") as opened:
        return shortened(hashlib.file_digest(opened, "sha256").hexdigest())


def shortened(sha256: str) -> str:
    """Return that part of a SHA-256 in hexadecimal which names have."""
    return sha256[:_DIGITS]


def name_with(path: Path, digest: str) -> Path:
    """Return a path whose name says the digest of what it will hold."""
    return path.with_name(f"{path.stem}.{digest}{path.suffix}")


def in_name(file: PurePath | str) -> str:
    """Return the digest that a file's name says; empty for none."""
    found = _IN_NAME.search(str(file))
    return found[1] if found else ""


def is_other(file: Path) -> bool:
    """Say whether a file holds something else than its name says. Raises OSError."""
    said = in_name(file)
    return bool(said) and of(file) != said


def require(file: Path) -> None:
    """Raise LostFile when a file is missing, cannot be read, or holds something else than its name says."""
    with told(file):
        is_damaged = is_other(file)
    if is_damaged:
        raise LostFile(named(file))


def require_content(file: Path, content: Any) -> None:
    """Raise LostFile when the bytes that were read of a file are not those that its name says."""
    said = in_name(file)
    if said and shortened(hashlib.sha256(content).hexdigest()) != said:
        raise LostFile(named(file))


MOST_KNOWN = 20_000
"""Files that are remembered: those of a year of a hundred types."""
READERS = 4
"""Files that are read at once: while the disk is waited for, another is compared."""

Mark = tuple[int, int, int]
"""Of a file: what changes when somebody writes to it or puts another in its place."""


class Compared:
    """Files that this process has compared with their names, so that it reads each once while it stays as it was."""

    def __init__(self) -> None:
        self._known: dict[str, Mark] = {}
        self._turn = threading.Lock()

    def require(self, files: Iterable[str]) -> None:
        """Raise LostFile when one is missing, cannot be read, or holds something else than its name says."""
        marked = {file: _mark(Path(file)) for file in files}
        unknown = [file for file, mark in marked.items() if self._known.get(file) != mark]
        if not unknown:
            return
        with ThreadPoolExecutor(min(READERS, len(unknown))) as readers:
            for _ in readers.map(require, map(Path, unknown)):
                pass
        with self._turn:
            self._known.update((file, marked[file]) for file in unknown)
            for file in list(itertools.islice(self._known, max(0, len(self._known) - MOST_KNOWN))):
                del self._known[file]  # the first ones are of states before, above all


def _mark(file: Path) -> Mark:
    with told(file):
        about = file.stat()
    return about.st_ino, about.st_size, about.st_mtime_ns
