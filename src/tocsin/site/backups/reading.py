"""Restoring an instance from an archive.

Everything is unpacked beside its place and checked against the list first;
only a whole archive changes anything. What it replaces (`force`) is moved
aside, not deleted, and moved back when the rest cannot be done.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import hashlib
import shutil
import tarfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO

import pyarrow as pa

from tocsin.kernel.refusals import Conflict, InvalidInput, Unavailable
from tocsin.site import instance
from tocsin.site.backups import databases
from tocsin.site.backups.contents import (
    DATABASE_FOLDER,
    HOME_FOLDER,
    MANIFEST,
    SET_ASIDE,
    Contents,
    Member,
    damaged_among,
    read_contents,
    safe_name,
)
from tocsin.site.config import Config
from tocsin.site.starting import left_alone

CHUNK_BYTES = 1 << 20
MANIFEST_LIMIT_BYTES = 256 << 20
KEPT = frozenset({"tocsin.toml", "serve.lock", "commands.lock", "helper.lock", "worker.bell"})
"""What may stand in an otherwise empty data directory; settings of this machine win over those in the archive."""

SURPLUS_MARK = "unclean"
"""Has the next import sweep the store (`feeds.sweeping.MARK`): an archive may hold files newer than its manifest."""


def restore(config: Config, source: Path, *, force: bool, at: dt.datetime) -> Contents:
    """Put the instance of an archive in place of this one; return the archive's list.

    Raises InvalidInput when the archive is not whole or not one of ours,
    Conflict when something is here already and `force` is not given, Busy
    while a server, an import or another command works on it.
    """
    if not config.home.exists():
        with _unreadable_told(source):  # before anything is made
            _check_kind(source)
    instance.make_home(config.home)
    with left_alone(config.home, "restore"):
        staging = config.home / "restore.tmp"
        try:
            with _unreadable_told(source):
                _check_kind(source)
                if not force:
                    _require_empty(config.home)
                shutil.rmtree(staging, ignore_errors=True)
                contents = _unpack(source, staging)
                _check(contents)
                databases.check_copy(staging / databases.MEMBERS[contents.database])
                _put_in_place(config.home, staging, contents, at)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return contents


@contextlib.contextmanager
def _unreadable_told(source: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(_sentence(source, error)) from error


def _check_kind(source: Path) -> None:
    """Refuse with InvalidInput what is no backup, and with Conflict one of another database: no `--force` helps there.

    By the first member, which is the database: the rest is looked at when it is unpacked.
    """
    with _opened(source) as stream:
        first = next((information.name for information, _content in _members(stream)), "")
    vendor = next((vendor for vendor, name in databases.MEMBERS.items() if name == first), databases.vendor())
    if vendor != databases.vendor():
        raise Conflict(_other_database(vendor))


def _other_database(vendor: str) -> str:
    mend = {"sqlite": "Leave TOCSIN_DATABASE_URL out", "postgresql": "Set TOCSIN_DATABASE_URL to an empty database"}
    return (
        f"The backup holds a {vendor} database, this instance uses {databases.vendor()}, and neither becomes the "
        f"other. {mend[vendor]}, and restore into an empty data directory. Nothing was changed."
    )


def _require_empty(home: Path) -> None:
    files = (path for path in home.rglob("*") if not path.is_dir() and path.suffix != ".lock")
    there = any(path.name not in KEPT or path.parent != home for path in files)
    if there or not databases.is_empty():
        what = home if there else "The database"
        raise Conflict(f"{what} is not empty. Restore into an empty one, or add --force to move what is there aside.")


def _check(contents: Contents) -> None:
    if instance.is_newer(contents.version):
        raise Conflict(
            f"The backup is of version {contents.version}, newer than this software. Install that version first."
        )
    if contents.database != databases.vendor():
        raise Conflict(_other_database(contents.database))
    below = [member.name for member in contents.members if member.name.startswith(f"{DATABASE_FOLDER}/")]
    if below != [databases.MEMBERS[contents.database]]:
        raise InvalidInput(f"the backup holds {', '.join(below) or 'nothing'} as its database. Nothing was changed.")


def _unpack(source: Path, staging: Path) -> Contents:
    """Unpack and check every member; return the list."""
    found: list[Member] = []
    text = b""
    with _opened(source) as stream:
        for information, content in _members(stream):
            if information.name == MANIFEST:
                text = content.read(MANIFEST_LIMIT_BYTES)
            else:
                found.append(_unpack_one(information, content, staging))
    if not text:
        raise InvalidInput("it was cut off: its list is missing. Nothing was changed.", where=str(source))
    contents = read_contents(text)
    _compare(contents, found)
    damaged = damaged_among(found) - set(contents.lacks)  # an earlier version wrote it, and did not look
    return dataclasses.replace(contents, lacks=(*contents.lacks, *sorted(damaged)))


@contextlib.contextmanager
def _opened(source: Path) -> Iterator[pa.NativeFile]:
    """Open an archive. Raises InvalidInput where what is read is none, or is damaged."""
    try:
        with source.open("rb") as file, pa.CompressedInputStream(file, "zstd") as stream:
            yield stream
    except (tarfile.TarError, EOFError, pa.ArrowException) as error:
        raise InvalidInput(f"it is not a whole backup ({error}). Nothing was changed.", where=str(source)) from error
    except OSError as error:
        if error.errno is not None:  # Arrow's own errors about damaged data come without a number
            raise
        raise InvalidInput(f"it is not a whole backup ({error}). Nothing was changed.", where=str(source)) from error


def _sentence(source: Path, error: OSError) -> str:
    return f"{source} cannot be restored ({error.strerror or error})."


def _members(stream: pa.NativeFile) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for information in archive:
            content = archive.extractfile(information) if information.isreg() else None
            if content is None:
                raise InvalidInput(f"{information.name!r} is not a plain file. Nothing was changed.")
            yield information, content


def _unpack_one(information: tarfile.TarInfo, content: IO[bytes], staging: Path) -> Member:
    path = staging / safe_name(information.name)
    path.parent.mkdir(parents=True, exist_ok=True, mode=instance.PRIVATE)
    digest, size_bytes = hashlib.sha256(), 0
    with path.open("xb") as file:
        path.chmod(0o600)
        while chunk := content.read(CHUNK_BYTES):
            digest.update(chunk)
            size_bytes += file.write(chunk)
    return Member(information.name, size_bytes, digest.hexdigest())


def _compare(contents: Contents, found: list[Member]) -> None:
    """Refuse with InvalidInput, naming the first member that is not as the list says."""
    listed = {member.name: member for member in contents.members}
    for member in found:
        if listed.pop(member.name, None) != member:
            raise InvalidInput(f"{member.name} in the backup is damaged. Nothing was changed.")
    for name in listed:
        raise InvalidInput(f"{name} is missing in the backup. Nothing was changed.")


def _put_in_place(home: Path, staging: Path, contents: Contents, at: dt.datetime) -> None:
    """Replace database and files. What fails leaves the instance as it was, and whole.

    Without its `version` the instance is not whole. A database server has its transaction first: it takes the
    longest, and until it is committed no file has moved.
    """
    copy = staging / databases.MEMBERS[contents.database]
    with contextlib.ExitStack() as undo:
        if (home / "version").exists():
            _move(home / "version", staging / "version", undo)
        if databases.is_apart():
            databases.copy_in(copy)
            undo.pop_all()  # the instance that was here is no more
        _move_all(home, home / f"{SET_ASIDE}{at:%Y%m%dT%H%M%SZ}", KEPT, undo)
        _move_all(staging / HOME_FOLDER, home, {name for name in KEPT if (home / name).exists()}, undo)
        if not databases.is_apart():
            databases.copy_in(copy)
        undo.pop_all()
    if (home / "store").is_dir():
        (home / "store" / SURPLUS_MARK).touch()
    instance.make_home(home)
    instance.mark(home, contents.version)


def _move_all(source: Path, target: Path, staying: Collection[str], undo: contextlib.ExitStack) -> None:
    """Move what is in one folder to another, but for locks, which others look at, and what else is to stay."""
    moving = [path for path in sorted(source.iterdir()) if not _stays(path, staying)] if source.is_dir() else []
    if moving and not target.exists():
        target.mkdir(mode=instance.PRIVATE)
        undo.callback(target.rmdir)
    for path in moving:
        if path.name == "store":  # it holds a lock
            _move_all(path, target / path.name, (), undo)
        else:
            _move(path, target / path.name, undo)


def _stays(path: Path, staying: Collection[str]) -> bool:
    unmoved = path.name in staying or path.name.startswith(SET_ASIDE) or path.name.endswith((".lock", ".tmp"))
    return unmoved or (path.is_dir() and all(_stays(inner, ()) for inner in path.iterdir()))


def _move(path: Path, to: Path, undo: contextlib.ExitStack) -> None:
    path.rename(to)
    undo.callback(to.rename, path)
