"""The publisher's schema: which one is in force, what a newer one would change, and taking it into use.

It stands in the data directory: `schema/intelmq.json`, `schema/reports.json`, and the one before in
`schema/previous/`. A folder is put together beside it and then takes its place, so that a reader finds the old
schema or the new one, never half of each. Observations keep their cells as they came; a schema only says what
they mean, so loading one changes none of them, and no finding's identity.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import fcntl
import hashlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from django.conf import settings

from tocsin.audit.actors import Actor
from tocsin.feeds.actions import findings as actions
from tocsin.feeds.mappings import DIGESTS, SCHEMA, SCHEMA_LAST, files_in, folder_in_force, sums
from tocsin.formats import shadowserver
from tocsin.formats.shadowserver import Difference, Schema
from tocsin.formats.shadowserver.schema import COLUMNS, MAX_BYTES, MEANING
from tocsin.kernel import durable
from tocsin.kernel.refusals import Busy, InvalidInput, Unavailable

PREVIOUS = "previous"
_NEXT = "schema.next"


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A schema in files that were given, beside the one in force."""

    schema: Schema
    files: Mapping[str, bytes]
    difference: Difference
    """Between the mappings in force and those that would be."""
    is_in_force: bool
    """The very same files are in force already."""


def examine(paths: Sequence[Path]) -> Candidate:
    """Read schema files and compare them with what is in force. Raises InvalidInput; changes nothing."""
    files = {path.name: _content(path) for path in paths}
    if len(files) < len(paths):
        raise InvalidInput("two of the files have the same name.", where=", ".join(map(str, paths)))
    schema = shadowserver.read_schema_files(files)
    home: Path = settings.TOCSIN.home
    folder = folder_in_force(home)
    here = files_in(folder)
    before = shadowserver.mappings(_readable(here))
    after = shadowserver.mappings(schema)
    difference = shadowserver.difference(before.by_type, after.by_type)
    return Candidate(schema, files, difference, _is_same(folder, here, files))


def _readable(files: Mapping[str, bytes]) -> Schema | None:
    """Return the schema in force; None where there is none, or a damaged one, whose place the new one takes."""
    try:
        return shadowserver.read_schema_files(files) if files else None
    except InvalidInput:
        return None


def _is_same(folder: Path, here: Mapping[str, bytes], files: Mapping[str, bytes]) -> bool:
    """Say whether files are those in force, which stand there as they were loaded."""
    is_whole = not (folder / DIGESTS).exists() or (folder / DIGESTS).read_bytes() == sums(here)
    return is_whole and sorted(here.values()) == sorted(files.values())


def load(paths: Sequence[Path], *, by: Actor, at: dt.datetime) -> Candidate:
    """Take schema files into use, keeping those before; a copy of what is in force changes nothing.

    Raises InvalidInput when they are no schema: then nothing has changed.
    """
    with _only_one():
        candidate = examine(paths)
        if candidate.is_in_force:
            _note_digests(folder_in_force(settings.TOCSIN.home))
            return candidate
        try:
            _put_in_place(settings.TOCSIN.home, _by_role(candidate.files))
        except OSError as error:
            raise Unavailable(f"The schema cannot be written ({error.strerror}). The one before stays.") from error
        actions.record_schema(
            published_at=candidate.schema.published_at,
            types=len(candidate.schema.mappings),
            sha256=[hashlib.sha256(data).hexdigest() for _, data in sorted(candidate.files.items())],
            by=by,
            at=at,
        )
    return candidate


def _note_digests(folder: Path) -> None:
    """Write the digests of a schema that an earlier version loaded."""
    if not (folder / DIGESTS).exists():
        durable.write(folder / DIGESTS, sums(files_in(folder)))


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            # One octet more than allowed is enough for the refusal, however large the file is.
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InvalidInput(f"it cannot be read ({error.strerror}).", where=str(path)) from error


@contextlib.contextmanager
def _only_one() -> Iterator[None]:
    home: Path = settings.TOCSIN.home
    home.mkdir(parents=True, exist_ok=True)
    with (home / "schema.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy("another schema is being loaded. Try again when that is done.") from None
        yield


def _by_role(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return schema files under the publisher's names: the one that is a schema by itself says what columns mean."""
    named = {}
    for name, data in files.items():
        try:
            shadowserver.read_schema_files({name: data})
            named[MEANING] = data
        except InvalidInput:
            named[COLUMNS] = data
    return named


def _put_in_place(home: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder with the files and the ones before, then swap it in. A crash leaves the old or the new one."""
    current, following, last = home / SCHEMA, home / _NEXT, home / SCHEMA_LAST
    if last.is_dir() and not current.is_dir():
        last.rename(current)
    for leftover in (following, last):
        shutil.rmtree(leftover, ignore_errors=True)
    _write(following, {**files, DIGESTS: sums(files)})
    if before := files_in(current):
        _write(following / PREVIOUS, before)
    if current.is_dir():
        current.rename(last)
    following.rename(current)
    durable.sync(home)
    shutil.rmtree(last, ignore_errors=True)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir()
    for name, data in files.items():
        durable.write(folder / name, data)
    durable.sync(folder)
