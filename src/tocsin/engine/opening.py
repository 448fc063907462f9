"""Open report files as they come: plain, gzip, zip or zstandard, recognised by content, never by name.

Everything that can be said about a file before its first record is said here:
that it is empty, truncated, a bomb, an archive with a hostile name. A file that
is refused leaves no trace in what is read.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import lzma
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol

import pyarrow as pa

from tocsin.kernel.names import WITHIN, day_in, readable, shortened
from tocsin.kernel.refusals import InvalidInput

GZIP, ZIP, ZSTD = b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd"
EMPTY_ZIP = b"PK\x05\x06"
SUFFIXES = (".gz", ".zip", ".zst")

MAX_BYTES = 64 * 2**30
"""Of one report, unpacked: some hundred million rows."""
MAX_RATIO = 250
"""Unpacked to packed. Real reports reach about 30; a bomb starts near 1,000."""
MAX_NAME = 255
"""Characters of a report's name. An archive may hold a longer one; so may a file whose name is not UTF-8."""
FREE_BYTES = 64 * 2**20
"""Unpacked size below which the ratio does not matter."""


class BrokenReport(InvalidInput):
    """A report file that cannot be read. Nothing of it is taken."""


class Misdated(BrokenReport):
    """One that is not of the day in its name: nothing of that day is lacking because of it."""


@dataclasses.dataclass(frozen=True)
class Spot:
    """Where a report lies, whatever it is called."""

    file: Path
    member: tuple[str, int] | None = None
    """Of one in an archive: its name there and where it begins, as two may have one name."""


@dataclasses.dataclass(frozen=True)
class Source:
    """One report to read: a file, or one member of an archive."""

    path: Path
    name: str
    """Name of the report, without the suffix of its compression: what a correction would be called again."""
    member: zipfile.ZipInfo | None = None
    """Where it stands in an archive. Its name would not do: an archive may hold two members of one name."""

    @property
    def spot(self) -> Spot:
        """Where it lies: what tells it from every other, also when it is opened again."""
        return Spot(self.path, (self.member.filename, self.member.header_offset) if self.member else None)

    @property
    def is_packed(self) -> bool:
        """Whether its `size` is that of its packed bytes."""
        return self.member is None and self.path.name != self.name

    @property
    def size(self) -> int:
        """Bytes that it takes: of an archive's member what that is said to unpack to, else the file's."""
        return self.path.stat().st_size if self.member is None else self.member.file_size

    @property
    def called(self) -> str:
        """What it is called where it lies, with its archive and the suffix of its compression: what people look for."""
        return shortened(readable(self.path.name) if self.member is None else self.place, MAX_NAME)

    @property
    def place(self) -> str:
        """Its name with the folder or the archive that it is in: what tells it from another of its name."""
        if self.member is None:
            return readable(f"{self.path.absolute().parent.name}/{self.path.name}".lstrip("/"))
        return _place(self.path, self.member.filename)


@dataclasses.dataclass(frozen=True)
class Held:
    """What a file holds."""

    reports: tuple[Source, ...]
    """Several where it is an archive."""
    passed_over: tuple[str, ...] = ()
    """Places of what lies beside them in an archive and by its name is no report."""


NameTest = Callable[[str], bool]


def _any_may_be(_name: str) -> bool:
    return False


def held(path: Path, is_no_report: NameTest = _any_may_be) -> Held:
    """Return what a file holds; `is_no_report` is asked by name for each file of an archive. Raises BrokenReport.

    The file itself is tried whatever its name.
    """
    if _magic(path) not in (ZIP, EMPTY_ZIP):
        return Held((Source(path, plain_name(readable(path.name))),))
    try:
        with zipfile.ZipFile(path) as archive:
            members = [_checked(path, member) for member in archive.infolist() if not _is_beside(member)]
    except _DAMAGE as error:
        raise BrokenReport(f"the archive cannot be read ({error}).", where=readable(path.name)) from error
    if not members:
        raise BrokenReport("the archive is empty.", where=readable(path.name))
    beside = {member.filename for member in members if is_no_report(_path_in(member).name)}
    reports = [member for member in members if member.filename not in beside]
    if not reports:
        raise BrokenReport("by their names none of the files in the archive is a report.", where=readable(path.name))
    alone = len(reports) == 1
    return Held(
        tuple(Source(path, _name_in_archive(member, path, alone=alone), member) for member in reports),
        tuple(_place(path, name) for name in sorted(beside)),
    )


def sources(path: Path, is_no_report: NameTest = _any_may_be) -> tuple[Source, ...]:
    """Return the reports that a file holds. Raises BrokenReport."""
    return held(path, is_no_report).reports


@contextlib.contextmanager
def called_as_it_lies(source: Source) -> Iterator[None]:
    """Let a refusal name a report as it lies there: those who read its text know it by the name without suffix."""
    try:
        yield
    except BrokenReport as broken:
        if broken.where != source.name or source.name == source.called:
            raise
        raise BrokenReport(broken.problem, where=source.called, remedy=broken.remedy) from broken.__cause__


def refuse_packed(head: bytes, name: str) -> None:
    """Raise BrokenReport when what should be text begins as something packed does, which is not unpacked here."""
    for kind, at, magic in _PACKED:
        if head[at : at + len(magic)] == magic:
            raise BrokenReport(
                f"it is packed as {kind}, which is not read here; only plain text is, and gz, zip or zst of it.",
                where=name,
            )


_PACKED = (
    ("bz2", 4, b"1AY&SY"),
    ("xz", 0, b"\xfd7zXZ\0"),
    ("7z", 0, b"7z\xbc\xaf\x27\x1c"),
    ("rar", 0, b"Rar!\x1a\x07"),
    ("tar", 257, b"ustar\0"),
    ("tar", 257, b"ustar  \0"),
    ("zip within another archive", 0, ZIP),
    ("gz within another archive", 0, GZIP + b"\x08"),
    ("zst within another archive", 0, ZSTD),
)
"""How it is called, and which bytes it has where. What is packed once by the last three is open by now."""


@contextlib.contextmanager
def opened(source: Source) -> Iterator[Stream]:
    """Open a report for reading its unpacked bytes.

    Raises BrokenReport, while reading too, when the file is empty, truncated,
    damaged, or unpacks to far more than any report does.
    """
    magic = _magic(source.path)
    with contextlib.ExitStack() as stack:
        raw: Any = stack.enter_context(source.path.open("rb"))
        if magic == ZIP:
            member, packed = _member(stack, raw, source)
            yield _Guarded(member, packed, source.name)
        elif magic == ZSTD:
            stream = stack.enter_context(pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd"))
            yield _Guarded(stream, source.path.stat().st_size, source.name)
        elif magic[:2] == GZIP:
            stream = stack.enter_context(gzip.GzipFile(fileobj=raw, mode="rb"))
            yield _Guarded(stream, source.path.stat().st_size, source.name)
        else:
            yield raw


_DAMAGE = (
    OSError,
    ValueError,  # a place before the beginning of the file, a name that is no text
    RuntimeError,  # a method or a version that is not known, a head that says that it is encrypted
    MemoryError,  # a window that no memory holds
    zlib.error,
    lzma.LZMAError,
    struct.error,
    zipfile.BadZipFile,
    pa.ArrowInvalid,
)
"""What libraries raise when packed bytes are not as they should be."""


class Stream(Protocol):
    """What can be read in pieces."""

    def read(self, size: int, /) -> bytes:
        """Return up to so many bytes; none at the end."""
        ...


class _Guarded:
    """An unpacking stream that counts what it gives out and turns damage into a sentence."""

    def __init__(self, stream: Any, packed: int, name: str) -> None:
        self._stream, self._packed, self._name, self._given = stream, max(packed, 1), name, 0

    def read(self, size: int, /) -> bytes:
        try:
            data: bytes = self._stream.read(size)
        except (EOFError, *_DAMAGE) as error:
            reason = "it ends in the middle" if isinstance(error, EOFError) or "runcated" in str(error) else str(error)
            raise BrokenReport(f"it cannot be unpacked: {reason}.", where=self._name) from error
        self._given += len(data)
        if self._given > MAX_BYTES or (self._given > FREE_BYTES and self._given / self._packed > MAX_RATIO):
            raise BrokenReport(
                f"it unpacks to more than {MAX_RATIO} times its size, as no report does.", where=self._name
            )
        return data


def _member(stack: contextlib.ExitStack, raw: IO[bytes], source: Source) -> tuple[IO[bytes], int]:
    """Open a member of an archive, the first if none is named; return it and its packed size.

    Raises BrokenReport when its head is damaged or it is packed by a rare method.
    """
    try:
        archive = stack.enter_context(zipfile.ZipFile(raw))
        member = source.member or archive.infolist()[0]
        return stack.enter_context(archive.open(member)), member.compress_size
    except (IndexError, *_DAMAGE) as error:
        raise BrokenReport(f"it cannot be unpacked: {str(error).rstrip('.')}.", where=source.name) from error


def special(path: Path) -> BrokenReport:
    """Return the refusal of what is no file."""
    return BrokenReport(
        "it is no file but a pipe, a socket or a device, which is never read.", where=readable(path.name)
    )


def is_special(path: Path) -> bool:
    """Say whether a path is a pipe, a socket or a device: to open it may block, or never end. Raises OSError."""
    mode = path.stat().st_mode
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _magic(path: Path) -> bytes:
    try:
        if is_special(path):
            raise special(path)
        with path.open("rb") as file:
            magic = file.read(4)
    except FileNotFoundError:
        raise BrokenReport("there is no such file.", where=str(path)) from None
    except OSError as error:
        raise BrokenReport(f"it cannot be opened ({error.strerror}).", where=str(path)) from error
    if not magic:
        raise BrokenReport("it is empty: there is not even a header.", where=readable(path.name))
    return magic


def _place(archive: Path, filename: str) -> str:
    return readable(f"{archive.name}{WITHIN}{filename}")


def plain_name(name: str) -> str:
    """Return what a report is called by the name of its file: without the suffix of a compression."""
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    return shortened(name, MAX_NAME)


_AS_A_REPORT = re.compile(r"\d{4}-\d{2}-\d{2}-.*[^\W\d_]")
"""Begins with its day and says more: of which type it is."""


def _is_beside(member: zipfile.ZipInfo) -> bool:
    """Say whether a member is a folder, or hidden: what systems put beside the files that a person chose."""
    return member.filename[-1:] == "/" or any(_HIDDEN.match(part) for part in _path_in(member).parts)


_HIDDEN = re.compile(r"\.[^.]|__MACOSX\Z")


def _path_in(member: zipfile.ZipInfo) -> PurePosixPath:
    """Return where a member stands in its archive. Some programs for Windows write backslashes."""
    return PurePosixPath(member.filename.replace("\\", "/"))


def _name_in_archive(member: zipfile.ZipInfo, archive: Path, *, alone: bool) -> str:
    """Return the name of a report in an archive: its own, unless only the archive's says a day.

    Then it goes by both names: tomorrow's archive holds others of the same names, and so may another one of today. A
    file that is `alone` in an archive which is named as a report is that report.
    """
    inner, outer = plain_name(readable(_path_in(member).name)), plain_name(readable(archive.name))
    if day_in(inner) or not day_in(outer):
        return inner
    if not (alone and _AS_A_REPORT.match(outer)):
        return WITHIN.join(shortened(name, MAX_NAME // 2) for name in (outer, inner))
    ending = PurePosixPath(inner).suffix
    return outer if outer.endswith(ending) else shortened(outer + ending, MAX_NAME)


def _checked(path: Path, member: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """Return a member. Raises BrokenReport for a name that would leave the archive, or a declared bomb."""
    name = _path_in(member)
    if not name.name:
        raise BrokenReport("the archive holds a file without a name.", where=readable(path.name))
    if name.is_absolute() or ".." in name.parts or ":" in name.parts[0]:
        raise BrokenReport(
            f"the archive holds a file named {member.filename!r}, which leads out of it.", where=readable(path.name)
        )
    too_dense = member.file_size > FREE_BYTES and member.file_size / max(member.compress_size, 1) > MAX_RATIO
    if member.file_size > MAX_BYTES or too_dense:
        raise BrokenReport(f"{member.filename!r} would unpack to {member.file_size} bytes.", where=readable(path.name))
    if member.flag_bits & 1:
        raise BrokenReport(f"{member.filename!r} is encrypted.", where=readable(path.name))
    return member
