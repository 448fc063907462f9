"""Files of the data directory that the user who runs a command may not read, or that are not of who owns it.

Both come of a command that was run as another user: by root on an instance of an account of its own, for instance.
What that left behind stops the server later, when nobody thinks of it any more.
"""

from __future__ import annotations

import dataclasses
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from tocsin.kernel.counting import counted
from tocsin.site import unusable

OURS_TO_READ = frozenset({"tocsin.toml", "mappings"})
"""What an administrator writes, directly in the data directory: it may belong to whom it will. Whoever reads it says
when that cannot be done."""
SET_ASIDE = "before-restore-"
"""As in `backups.contents`: nobody reads what lies there."""


@dataclasses.dataclass(frozen=True)
class Hindrance:
    """Files that are not as they should be. `bars` when without them nothing more can be found out."""

    says: str
    fix: str
    bars: bool


def hindrance(home: Path) -> Hindrance | None:
    """Return what is wrong with whose the files of a data directory are; None when nothing is."""
    barred, foreign, owner = [], [], home.stat().st_uid
    for path, status in _files(home):
        if not _may_be_read(path, status):
            barred.append(path)
        if status.st_uid != owner:
            foreign.append((path, status.st_uid))
    if barred:
        may = f"may not be read by {unusable.name_of(os.geteuid())}"
        return Hindrance(f"{_named(barred)} {may}", unusable.by_its_owner(barred[0], home), bars=True)
    if foreign:
        paths, whose = [path for path, _ in foreign], unusable.name_of(foreign[0][1])
        belong = "belongs" if len(paths) == 1 else "belong"
        says = f"{_named(paths)} {belong} to {whose}, the data directory to {unusable.name_of(owner)}"
        return Hindrance(says, unusable.give_back(home), bars=False)
    return None


def _files(home: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield files and folders with their status. What goes away meanwhile is passed over."""
    for folder, folders, files in os.walk(home):
        if folder == str(home):
            folders[:] = [name for name in folders if name not in OURS_TO_READ and not name.startswith(SET_ASIDE)]
            files = [name for name in files if name not in OURS_TO_READ]
        for name in (*folders, *files):
            path = Path(folder, name)
            try:
                yield path, path.lstat()
            except FileNotFoundError:
                continue


def _may_be_read(path: Path, status: os.stat_result) -> bool:
    if stat.S_ISLNK(status.st_mode):
        return True  # what it leads to is somebody else's matter
    wanted = os.R_OK | os.X_OK if stat.S_ISDIR(status.st_mode) else os.R_OK
    return os.access(path, wanted) or not os.access(path, os.F_OK)


def _named(paths: list[Path]) -> str:
    first, more = min(paths), len(paths) - 1
    return f"{first} and {counted(more, 'file')} more" if more else str(first)
