"""What is in an archive: its list of members, and which names are fit to be one.

An archive is a tar file, compressed with Zstandard: any `tar --zstd` unpacks it.
Its last member, `MANIFEST.json`, lists the others with size and SHA-256; an
archive without it was cut off.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from tocsin.engine import digests
from tocsin.kernel.refusals import InvalidInput

MANIFEST = "MANIFEST.json"
FORMAT = 1
DATABASE_FOLDER = "database"
SQLITE_MEMBER = f"{DATABASE_FOLDER}/tocsin.sqlite3"
POSTGRESQL_MEMBER = f"{DATABASE_FOLDER}/postgresql.dump"
HOME_FOLDER = "home"

LEFT_OUT = frozenset({"static", "version"})
"""What is made anew, or written by the restore itself, directly in the data directory."""
WORKING_FOLDERS = frozenset({("store", "scratch"), ("store", "spill")})
"""What imports and pages put aside while they work, of no use to anybody later."""
LEFT_OUT_ENDINGS = (
    ".tmp",
    ".lock",
    ".leaving",
    ".sock",
    ".pid",
    ".sqlite3",
    ".sqlite3-wal",
    ".sqlite3-shm",
    ".sqlite3-journal",
)
"""Unfinished files, locks, what the store is about to delete, and databases: those are copied by their own means."""
SET_ASIDE = "before-restore-"
"""How the folder begins into which `restore --force` moves what it replaces."""


@dataclasses.dataclass(frozen=True)
class Member:
    """One file in an archive."""

    name: str
    size_bytes: int
    sha256: str


@dataclasses.dataclass(frozen=True)
class Contents:
    """The list of an archive."""

    version: str
    """Of the software that wrote it."""
    made_at: str
    database: str
    """`sqlite` or `postgresql`."""
    members: tuple[Member, ...]
    lacks: tuple[str, ...] = ()
    """Files of the store that were missing or damaged when it was written, relative to the store."""
    format: int = FORMAT

    def as_json(self) -> bytes:
        """Return the list as it stands in the archive."""
        data = dataclasses.asdict(self)
        if not self.lacks:  # earlier versions do not know the word
            del data["lacks"]
        return json.dumps(data, indent=1).encode()

    @property
    def size_bytes(self) -> int:
        """Sum of the members' sizes."""
        return sum(member.size_bytes for member in self.members)


def read_contents(text: bytes) -> Contents:
    """Return the list that an archive holds. Raises InvalidInput."""
    try:
        data: dict[str, Any] = json.loads(text)
        if data.pop("format") != FORMAT:
            raise InvalidInput(
                "the backup was written by a newer version.", remedy="Install that version to restore it."
            )
        members = tuple(Member(**member) for member in data.pop("members"))
        lacks = tuple(map(str, data.pop("lacks", ())))
        return Contents(**data, members=members, lacks=lacks)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(f"its {MANIFEST} cannot be read ({error}).") from error


def damaged_among(members: Iterable[Member]) -> frozenset[str]:
    """Return the files of the store, relative to it, that hold something else than their names say."""
    store = f"{HOME_FOLDER}/store/"
    stored = (member for member in members if member.name.startswith(store))
    return frozenset(
        member.name.removeprefix(store)
        for member in stored
        if (said := digests.in_name(member.name)) and said != digests.shortened(member.sha256)
    )


def belongs(path: Path, home: Path) -> bool:
    """Say whether a file of the data directory goes into an archive."""
    relative = path.relative_to(home)
    top = relative.parts[0]
    if top in LEFT_OUT or top.startswith(SET_ASIDE) or any(part.endswith(".tmp") for part in relative.parts):
        return False
    if relative.parts[:2] in WORKING_FOLDERS:
        return False
    return not path.name.endswith(LEFT_OUT_ENDINGS) and path.is_file() and not path.is_symlink()


def safe_name(name: str) -> PurePosixPath:
    """Return a member's name as a path below the folder it is unpacked into. Raises InvalidInput for any other."""
    path = PurePosixPath(name)
    outside = path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name
    if outside or not path.parts or path.parts[0] not in (DATABASE_FOLDER, HOME_FOLDER):
        raise InvalidInput(f"{name!r} is not a name that a backup has. Nothing was changed.")
    return path
