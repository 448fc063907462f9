"""The headers of a message: found, bounded, and decoded (RFC 5322, 2047, 2231).

One pass over the octets. Of headers beyond a limit only those that say who
writes about what are still looked for.
"""

from __future__ import annotations

import binascii
import dataclasses
import re
from collections.abc import Iterator

from tocsin.formats.mail import charsets
from tocsin.formats.mail.message import LONGEST_HEADER, LONGEST_SHOWN, MOST_HEADERS, Cap
from tocsin.kernel import legible

WANTED = frozenset({b"from", b"subject", b"date", b"message-id", b"to", b"return-path"})
"""Names that are looked for also beyond the limit of headers."""
MOST_LOOKED_THROUGH = MOST_HEADERS * LONGEST_HEADER
"""Octets of headers, after which the next is no longer looked for."""
LONGEST_ADDRESSES = 10_000
"""Characters of a header that are looked through for addresses."""
_NAME = re.compile(rb"([!-9;-~]{1,100})[ \t]*:")
_LINE = re.compile(rb"[^\n]*(?:\n|\Z)")
_FOLD = re.compile(rb"\r?\n[ \t]*")
_ENCODED = re.compile(r"=\?([A-Za-z0-9_.:+-]{1,40})(?:\*[A-Za-z0-9-]{0,40})?\?([bBqQ])\?([^?\r\n]*)\?=")
_NOT_IN_ADDRESS = r"\s\x00-\x1f\x7f<>\"',;:()\[\]"
_ADDRESS = re.compile(rf"(?<![^{_NOT_IN_ADDRESS}])[^{_NOT_IN_ADDRESS}\\@]{{1,64}}@[^{_NOT_IN_ADDRESS}\\@]{{1,255}}")
"""Begins where a word does, so that no letter is looked at more than once."""
_MESSAGE_ID = re.compile(r"<[^<>\s\x00-\x1f\x7f]{1,250}>")
_PARAMETER = re.compile(
    r";\s*([A-Za-z0-9!#$&+.^_`|~-]{1,60})(\*?)(?:([0-9]{1,3})(\*?))?\s*=\s*(\"[^\"]*(?:\"|$)|[^;\s\"]*)"
)


@dataclasses.dataclass
class Block:
    """The headers of a message or a part, as they came."""

    fields: list[tuple[str, bytes]] = dataclasses.field(default_factory=list)
    """Name in lower case, and value without its name."""
    names: list[str] = dataclasses.field(default_factory=list)
    """The names as they came, in the same order."""
    body: int = 0
    """Where what follows them begins."""
    over: set[Cap] = dataclasses.field(default_factory=set)
    wanted: set[bytes] = dataclasses.field(default_factory=set)
    """Names that were found."""
    is_broken: bool = False
    """Whether something among them is no header."""

    def first(self, name: str) -> bytes:
        """Return the first value of a name; empty when there is none."""
        return next((value for known, value in self.fields if known == name), b"")

    def text(self, name: str) -> str:
        """Return the first value of a name as text, not decoded."""
        return plain(self.first(name))


def read_block(raw: bytes, start: int, end: int) -> Block:
    """Return the headers that begin at `start`; they end at an empty line, or where something else begins."""
    block = Block(body=start)
    if raw.startswith((b"From ", b">From "), start, end):  # the separator of a mailbox file
        block.body = _LINE.match(raw, start, end).end()  # type: ignore[union-attr]
    for name, value, after in _found(raw, block.body, end):
        block.body = after
        if name is None:
            block.is_broken = block.is_broken or value != b""
            break
        _keep(block, name, value)
    return block


def _found(raw: bytes, start: int, end: int) -> Iterator[tuple[bytes | None, bytes, int]]:
    """Yield name, value and where it ends of each header; None and what ended them in the end."""
    place = start
    while place < min(end, start + MOST_LOOKED_THROUGH):
        line = _LINE.match(raw, place, end)
        assert line is not None  # noqa: S101  # it matches anything
        if not line[0].strip(b"\r\n"):
            yield None, b"", line.end()
            return
        named = _NAME.match(raw, place, line.end())
        if named is None:
            yield None, line[0][:LONGEST_SHOWN], place
            return
        place = _folded(raw, line.end(), end)
        yield named[1], raw[named.end() : min(place, named.end() + LONGEST_HEADER + 1)], place


def _folded(raw: bytes, place: int, end: int) -> int:
    """Return where the lines that go on a header end: those that begin with a space."""
    while place < end and raw[place] in b" \t":
        found = raw.find(b"\n", place, end)
        place = end if found < 0 else found + 1
    return place


def _keep(block: Block, name: bytes, value: bytes) -> None:
    if len(value) > LONGEST_HEADER:
        block.over.add(Cap.HEADER_LENGTH)
        value = value[:LONGEST_HEADER]
    known = name.lower()
    if len(block.fields) >= MOST_HEADERS:
        block.over.add(Cap.HEADERS)
        if known not in WANTED or known in block.wanted:
            return
    block.wanted.add(known)
    block.fields.append((known.decode("ascii"), _FOLD.sub(b" ", value).strip()))
    block.names.append(name.decode("ascii"))


def plain(value: bytes) -> str:
    """Return a value as text, its encoded words as they stand."""
    return charsets.decoded(value)[0]


def shown(value: bytes, most: int = LONGEST_SHOWN) -> str:
    """Return a value with its encoded words decoded, on one line, fit to be shown and cut."""
    text = decoded_words(plain(value[: 8 * most]))
    return cut(legible.shown(" ".join(text.split())[: most + 1]), most)


def cut(text: str, most: int = LONGEST_SHOWN) -> str:
    """Return at most so many characters of a text, with a sign where something is left out."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def decoded_words(text: str) -> str:
    """Return a text with its encoded words decoded (RFC 2047); octets of one character may stand in two of them."""
    parts: list[str] = []
    waiting, charset, place = bytearray(), "", 0

    def put() -> None:
        if waiting:
            parts.append(charsets.decoded(bytes(waiting), charset)[0])
            waiting.clear()

    for word in _ENCODED.finditer(text):
        between = text[place : word.start()]
        if not (waiting and not between.strip() and charset == word[1].lower()):
            put()
            if between.strip() or not parts:
                parts.append(between)
        charset, place = word[1].lower(), word.end()
        waiting += _octets(word[2].lower(), word[3])
    put()
    return "".join([*parts, text[place:]])


def _octets(way: str, text: str) -> bytes:
    data = text.encode("ascii", "replace")
    return binascii.a2b_qp(data, header=True) if way == "q" else from_base64(data)


_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")


def from_base64(data: bytes) -> bytes:
    """Return what base64 holds; what is none of it is passed over, and an end that is missing is borne."""
    try:
        return binascii.a2b_base64(data)
    except binascii.Error:
        letters = _NO_BASE64.sub(b"", data)
        rest = len(letters) % 4
        return binascii.a2b_base64(letters[: len(letters) - rest] if rest == 1 else letters + b"=" * (-rest % 4))


def addresses(text: str) -> list[str]:
    """Return whatever looks like an address in a text, in lower case, each once."""
    return list(dict.fromkeys(found.lower().strip(".") for found in _ADDRESS.findall(text[:LONGEST_ADDRESSES])))


def address_of_sender(text: str) -> str:
    """Return the address in a From: what stands in the last angle brackets, or the first that looks like one.

    A name may look like an address; it is none.
    """
    opened = text.rfind("<")
    within = addresses(text[opened:][:LONGEST_SHOWN]) if opened >= 0 else []
    return next(iter(within or addresses(text)), "")


def message_ids(text: str) -> list[str]:
    """Return the Message-IDs in a text, with their angle brackets."""
    return _MESSAGE_ID.findall(text)


def parameters(text: str) -> tuple[str, dict[str, str]]:
    """Return the value of a header before its first semicolon, in lower case, and its parameters (RFC 2231).

    Of a name that is given several times the first holds; pieces (`name*0*=`) are put together in their order.
    """
    head, _, _ = text.partition(";")
    whole: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for name, star, number, end, value in _PARAMETER.findall(text[len(head) :]):
        value, name = value.strip('"'), name.lower()
        is_coded = bool(end if number else star)
        if number:
            pieces.setdefault(name, {}).setdefault(int(number), (value, is_coded))
        else:
            whole.setdefault(name, _extended([(value, True)]) if is_coded else decoded_words(value))
    for name, found in pieces.items():
        whole.setdefault(name, _extended([found[number] for number in sorted(found)]))
    return head.strip().lower(), whole


def _extended(pieces: list[tuple[str, bool]]) -> str:
    """Return the text of `charset'language'%41…`, in pieces of which each is coded or not."""
    first, is_coded = pieces[0]
    charset, quotes = "", first.split("'", 2)
    if is_coded and len(quotes) == 3:
        charset, pieces = quotes[0], [(quotes[2], True), *pieces[1:]]
    octets = b"".join(_percent(text) if coded else text.encode("utf-8", "replace") for text, coded in pieces)
    return charsets.decoded(octets, charset)[0]


_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")


def _percent(text: str) -> bytes:
    return _PERCENT.sub(lambda found: bytes([int(found[1], 16)]), text.encode("utf-8", "replace"))
