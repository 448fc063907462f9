"""What of a folder is taken in: every file but those that are hidden, and those that by their names are no reports.

What is passed over is always said. A file that a person names is never passed over.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from django.utils.translation import gettext as _

from tocsin.engine.opening import is_special, special
from tocsin.feeds import mappings
from tocsin.formats.beside import is_no_report
from tocsin.formats.beside import passed_over as no_reports
from tocsin.formats.delimited import Feed
from tocsin.kernel.names import readable
from tocsin.kernel.refusals import InvalidInput


def files_of(paths: Sequence[Path]) -> list[Path]:
    """Return the files that paths name: a folder stands for what is in it. Raises InvalidInput for none."""
    feeds = mappings.recognition().feeds
    files: list[Path] = []
    for path in paths:
        files += _reports_in(path, feeds) if path.is_dir() else [path]
    if not files:
        raise InvalidInput(_("there is no file to import."), where=", ".join(map(str, paths)))
    return files


def _reports_in(folder: Path, feeds: Sequence[Feed]) -> list[Path]:
    return [path for path in within(folder) if path.is_file() and not is_no_report(path.name, feeds)]


def within(folder: Path) -> Iterator[Path]:
    """Yield what is in a folder and the folders in it, in order, without what is hidden."""
    for path in sorted(folder.rglob("*")):
        if not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def may_be_read(path: Path) -> bool:
    """Say whether this user may read a file, or enter a folder; of what has gone nothing is said."""
    mode = os.R_OK | os.X_OK if path.is_dir() else os.R_OK
    return os.access(path, mode) or not path.exists()


def barred(path: Path) -> str:
    """Say of a file or a folder that this user may not read it."""
    return f"{readable(path.name)}: this user may not {'enter it' if path.is_dir() else 'read it'}."


def closed_folders(paths: Sequence[Path]) -> list[str]:
    """Say which folders may not be entered: what is in them was not taken in, and nobody knows what it is."""
    found = [each for path in paths if path.is_dir() for each in (path, *within(path)) if each.is_dir()]
    return [f"{barred(each)} What is in it was not taken in." for each in found if not may_be_read(each)]


def passed_over(paths: Sequence[Path], *, verbose: bool = False) -> list[str]:
    """Say what in folders is not taken in, and why; `verbose` names every file."""
    feeds = mappings.recognition().feeds
    found = [path for folder in paths if folder.is_dir() for path in within(folder)]
    said = [reason for path in found if (reason := _why_unusable(path))]
    beside = [readable(path.name) for path in found if path.is_file() and is_no_report(path.name, feeds)]
    return [*said, no_reports(beside, verbose=verbose)] if beside else said


def why_passed_over(path: Path, feeds: Sequence[Feed]) -> str:
    """Say why a thing in a folder is not taken in; nothing of a report, a folder, or what has gone. Never opens it."""
    if path.is_file() and is_no_report(path.name, feeds):
        return why_no_report(readable(path.name))
    return _why_unusable(path)


def why_no_report(name: str) -> str:
    """Say why a file is not taken in that by its name is no report."""
    return f"{name}: by its name it is no report. It is passed over."


def _why_unusable(path: Path) -> str:
    try:
        if path.is_symlink() and path.is_dir():
            return (
                f"{readable(path.name)}: it is a link to a folder. It is passed over; to take it in, name that folder."
            )
        return f"{special(path)} It is passed over." if is_special(path) else ""
    except OSError:
        name = readable(path.name)
        return f"{name}: it is a link that leads nowhere. It is passed over." if path.is_symlink() else ""
