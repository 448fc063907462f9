"""The parts of a message: a tree of multiparts (RFC 2046), walked without recursion and up to the limits.

A part is a range of the message's octets: nothing is copied before it is
unpacked. Each octet is looked at once for every multipart around it, of which
there are at most twenty.
"""

from __future__ import annotations

import binascii
import dataclasses
import re
from collections.abc import Iterator

from tocsin.formats.mail import headers
from tocsin.formats.mail.headers import Block
from tocsin.formats.mail.message import DEEPEST, MOST_PARTS, Cap

_LONGEST_BOUNDARY = 200


@dataclasses.dataclass(frozen=True)
class Leaf:
    """A part that holds no parts."""

    type: str
    parameters: dict[str, str]
    disposition: str
    name: str
    encoding: str
    start: int
    end: int
    alternatives: tuple[int, ...]
    """Numbers of the multiparts around it of which one part is to be shown."""

    @property
    def is_text(self) -> bool:
        """Whether it is meant to be read in the message itself."""
        return self.type in ("text/plain", "text/html") and self.disposition != "attachment" and not self.name


@dataclasses.dataclass
class Walk:
    """The parts found, and what was met on the way."""

    leaves: list[Leaf] = dataclasses.field(default_factory=list)
    over: set[Cap] = dataclasses.field(default_factory=set)
    defects: list[str] = dataclasses.field(default_factory=list)
    seen: int = 0


@dataclasses.dataclass(frozen=True)
class _Open:
    """A part that is still to be looked at."""

    block: Block
    end: int
    depth: int
    alternatives: tuple[int, ...]
    standard: str
    """Type of a part that names none."""


def walk(raw: bytes, top: Block) -> Walk:
    """Return the leaves of a message in their order."""
    found = Walk()
    waiting = [_Open(top, len(raw), 0, (), "text/plain")]
    while waiting:
        part = waiting.pop()
        kind, parameters = headers.parameters(part.block.text("content-type") or part.standard)
        if not kind.startswith("multipart/"):
            found.leaves.append(_leaf(part, kind, parameters))
            continue
        if part.depth >= DEEPEST:
            found.over.add(Cap.DEPTH)
            continue
        inner = list(_inner(raw, part, kind, parameters.get("boundary", ""), found))
        if not inner:
            found.defects.append("multipart without parts")
            found.leaves.append(_leaf(part, "text/plain", {}))
        waiting += reversed(inner)
    return found


def _inner(raw: bytes, part: _Open, kind: str, boundary: str, found: Walk) -> Iterator[_Open]:
    """Yield the parts of a multipart, until there are too many of them in the whole message."""
    around = part.alternatives
    if kind == "multipart/alternative":
        around = (*around, found.seen)
    standard = "message/rfc822" if kind == "multipart/digest" else "text/plain"
    for start, end in _ranges(raw, part.block.body, part.end, boundary):
        found.seen += 1
        if found.seen > MOST_PARTS:
            found.over.add(Cap.PARTS)
            return
        block = headers.read_block(raw, start, end)
        found.over |= block.over
        yield _Open(block, end, part.depth + 1, around, standard)


def _ranges(raw: bytes, start: int, end: int, boundary: str) -> Iterator[tuple[int, int]]:
    """Yield where each part begins and ends. The last may lack its end."""
    octets = boundary.encode("utf-8", "replace").rstrip()
    if not 0 < len(octets) <= _LONGEST_BOUNDARY:
        return
    line = re.compile(rb"\n--" + re.escape(octets) + rb"(--)?[ \t]*\r?(?=\n|\Z)")
    opened = -1
    for mark in line.finditer(raw, max(start - 1, 0), end):
        if opened >= 0:
            yield opened, mark.start()
        opened = -1 if mark[1] else min(mark.end() + 1, end)
        if mark[1]:
            return
    if opened >= 0:
        yield opened, end


def _leaf(part: _Open, kind: str, parameters: dict[str, str]) -> Leaf:
    block = part.block
    disposition, more = headers.parameters(block.text("content-disposition"))
    return Leaf(
        type=kind if "/" in kind else "text/plain",
        parameters=parameters,
        disposition=disposition,
        name=more.get("filename") or parameters.get("name", ""),
        encoding=block.text("content-transfer-encoding").partition(";")[0].strip().lower(),
        start=block.body,
        end=part.end,
        alternatives=part.alternatives,
    )


def content(raw: bytes, leaf: Leaf, most: int = 0) -> bytes:
    """Return the octets of a part, unpacked; of the first `most` as they came, where that is not 0."""
    data = raw[leaf.start : min(leaf.end, leaf.start + most) if most else leaf.end]
    if leaf.encoding == "base64":
        return headers.from_base64(data)
    return binascii.a2b_qp(data) if leaf.encoding == "quoted-printable" else data
