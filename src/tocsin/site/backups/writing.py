"""Writing an archive."""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import fcntl
import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pyarrow as pa

from tocsin import __version__
from tocsin.kernel import durable
from tocsin.kernel.refusals import Conflict, InvalidInput, Unavailable
from tocsin.site import instance
from tocsin.site.backups import databases
from tocsin.site.backups.contents import HOME_FOLDER, MANIFEST, Contents, Member, belongs, damaged_among
from tocsin.site.config import Config


class _Digesting(io.RawIOBase):
    """A file that digests what is read from it."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.digest = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(size)
        self.digest.update(data)
        return data


def back_up(config: Config, target: Path, *, at: dt.datetime) -> Contents:
    """Write an archive of the whole instance to `target`; return its list.

    The file appears under its name only when all of it is written. What is missing or damaged in the store stands in
    its list as `lacks`: the rest is worth saving all the more. Raises Conflict when it is there already,
    InvalidInput when it lies in the data directory, Unavailable when it cannot be written.
    """
    instance.require_ready(config.home)
    if target.exists():
        raise Conflict(f"{target} is there already. Name another file.")
    if target.resolve().is_relative_to(config.home.resolve()):
        raise InvalidInput(
            f"{target} lies in the data directory: the next backup would hold it, and what becomes of the one would "
            "become of the other. Name a file elsewhere, best on another disk."
        )
    unfinished = target.with_name(target.name + ".tmp")
    try:
        with _files_kept(config.store), _private(unfinished) as file:
            contents = _write(config, file, target.parent, at)
        unfinished.rename(target)
        durable.sync(target.parent)
    except OSError as error:
        raise Unavailable(_sentence(target, error)) from error
    finally:
        with contextlib.suppress(OSError):  # its folder is none
            unfinished.unlink(missing_ok=True)
    return contents


def _write(config: Config, file: IO[bytes], aside: Path, at: dt.datetime) -> Contents:
    """Write the archive; the copy of the database stands in the folder `aside` until it is in it."""
    from tocsin.feeds.wholeness import losses  # needs Django, which `doctor` and `demo` load later

    with (
        pa.CompressedOutputStream(_own(file), "zstd") as compressed,
        tarfile.open(fileobj=compressed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        members = [_add_database(archive, aside), *_add_files(archive, config.home)]
        damaged = damaged_among(members)
        lacks = tuple(fault.file for loss in losses(damaged.__contains__) for fault in loss.faults)
        contents = Contents(__version__, at.isoformat(), databases.vendor(), tuple(members), lacks)
        text = contents.as_json()
        information = tarfile.TarInfo(MANIFEST)
        information.size, information.mode = len(text), 0o600
        archive.addfile(information, io.BytesIO(text))
    return contents


def _own(file: IO[bytes]) -> pa.PythonFile:
    """Return a handle of its own to Arrow, which closes what it is given."""
    return pa.PythonFile(os.fdopen(os.dup(file.fileno()), "wb"), "w")


def _add_database(archive: tarfile.TarFile, aside: Path) -> Member:
    with tempfile.TemporaryDirectory(prefix="tocsin-backup-", suffix=".tmp", dir=aside) as folder:
        copy = Path(folder) / "database"
        databases.copy_out(copy)
        return _add(archive, copy, databases.MEMBERS[databases.vendor()])


def _add_files(archive: tarfile.TarFile, home: Path) -> Iterator[Member]:
    for path in sorted(home.rglob("*")):
        if belongs(path, home):
            yield _add(archive, path, f"{HOME_FOLDER}/{path.relative_to(home).as_posix()}")


def _add(archive: tarfile.TarFile, path: Path, name: str) -> Member:
    with path.open("rb") as file:
        information = tarfile.TarInfo(name)
        state = os.fstat(file.fileno())
        information.size, information.mtime, information.mode = state.st_size, state.st_mtime, 0o600
        digesting = _Digesting(file)
        archive.addfile(information, digesting)
    return Member(name, state.st_size, digesting.digest.hexdigest())


@contextlib.contextmanager
def _files_kept(store: Path) -> Iterator[None]:
    """Keep the engine from deleting files of the store: it does so only with this lock alone."""
    store.mkdir(mode=0o700, exist_ok=True)
    with (store / "backup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


@contextlib.contextmanager
def _private(path: Path) -> Iterator[IO[bytes]]:
    """Open a new file for its owner alone: the archive holds keys."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        yield file
        durable.sync_file(file)


def _sentence(target: Path, error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return f"There is no room for {target}. Name a file on a larger disk; nothing was left behind."
    return f"{target} cannot be written ({error.strerror or error})."
