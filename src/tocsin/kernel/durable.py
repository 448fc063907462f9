"""Files and folders that outlive a power cut.

A file is written under a temporary name, made durable, renamed, and its folder
made durable as well: only then does the new name survive. Each step is one call
here, so that whoever writes files names the steps and repeats none of them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO


def sync(path: Path) -> None:
    """Wait until what stands under a path is on the disk: the bytes of a file, or the names in a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_file(file: IO[bytes]) -> None:
    """Wait until all that was written to an open file is on the disk."""
    file.flush()
    os.fsync(file.fileno())


def write(path: Path, content: bytes) -> None:
    """Write a file and wait until it is on the disk. Its name is durable once its folder is."""
    with path.open("wb") as file:
        file.write(content)
        sync_file(file)
