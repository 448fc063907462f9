"""One message, read: what it says of itself, its text, and the names of what is attached to it."""

from __future__ import annotations

import datetime as dt
import email.utils
import hashlib
import re

from tocsin.formats.mail import charsets, headers, parts
from tocsin.formats.mail.headers import Block
from tocsin.formats.mail.html_text import text_of
from tocsin.formats.mail.message import LONGEST_TEXT, MOST_BYTES, MOST_PARTS, Attachment, Cap, Mail
from tocsin.formats.mail.parts import Leaf, Walk
from tocsin.kernel import legible

_DELIVERED = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "to", "cc")
"""Headers that name whom a message was delivered to, or sent to."""
_MOST_RECIPIENT_HEADERS = 50
_MOST_REFERENCES = 100
_LONGEST_DATE = 100
_MOST_GROUPS = 50
_REPORT_BYTES = 256 * 1024
_TEXT_BYTES = 4 * LONGEST_TEXT
_RETURNED = ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers")
_REPORTS = ("message/delivery-status", "message/global-delivery-status")
_NO_LINE_END = re.compile(r"\r\n?|\u2028|\u2029|\x85|\x0b|\x0c")


def read_message(raw: bytes) -> Mail:
    """Return what a message says.

    Anything can be read: what is broken is borne, and of what lies beyond a
    limit (`Mail.over`) at least the sender and the subject are told.
    """
    block = headers.read_block(raw, 0, min(len(raw), MOST_BYTES))
    if len(raw) > MOST_BYTES:
        return _mail(block, Walk(over={Cap.BYTES}), b"")
    return _mail(block, parts.walk(raw, block), raw)


def _mail(block: Block, found: Walk, raw: bytes) -> Mail:
    text, is_from_html, read = _text(raw, found.leaves)
    kind, _ = headers.parameters(block.text("content-type") or "text/plain")
    sender = block.first("from")
    return Mail(
        sender=headers.shown(sender, 300),
        sender_address=legible.shown(headers.address_of_sender(headers.plain(sender))),
        addressed_to=_addressed(block),
        subject=headers.shown(block.first("subject"), 500),
        sent_at=_instant(block.text("date")),
        message_id=next(iter(headers.message_ids(block.text("message-id"))), ""),
        references=_references(block),
        headers=tuple((name, headers.shown(value)) for name, (_, value) in zip(block.names, block.fields, strict=True)),
        type=headers.cut(legible.shown(kind), 100),
        text=_shown_text(text),
        is_from_html=is_from_html,
        is_text_cut=len(text) > LONGEST_TEXT,
        attachments=tuple(_attachment(raw, leaf) for leaf in found.leaves if id(leaf) not in read),
        over=tuple(sorted(block.over | found.over)),
        defects=tuple(dict.fromkeys([*(["broken headers"] if block.is_broken else []), *found.defects])),
        report=_report(raw, found.leaves),
        returned=_returned(raw, found.leaves),
    )


def _addressed(block: Block) -> tuple[str, ...]:
    named = [value for name in _DELIVERED for known, value in block.fields if known == name]
    found = [each for value in named[:_MOST_RECIPIENT_HEADERS] for each in headers.addresses(headers.plain(value))]
    return tuple(dict.fromkeys(found))[:MOST_PARTS]


def _references(block: Block) -> tuple[str, ...]:
    """Return what it answers, the nearest first: In-Reply-To, then References from its end."""
    answered = headers.message_ids(block.text("in-reply-to"))
    return tuple(dict.fromkeys([*answered, *reversed(headers.message_ids(block.text("references")))]))[
        :_MOST_REFERENCES
    ]


def _instant(text: str) -> dt.datetime | None:
    try:
        found = email.utils.parsedate_to_datetime(text[:_LONGEST_DATE])
        return found.replace(tzinfo=found.tzinfo or dt.UTC).astimezone(dt.UTC)
    except (ValueError, TypeError, OverflowError, IndexError):  # whatever a date that is none makes of it
        return None


def _text(raw: bytes, leaves: list[Leaf]) -> tuple[str, bool, set[int]]:
    """Return the text, whether all of it was HTML, and which leaves were taken for it (or are another form of it)."""
    read = {id(leaf) for leaf in leaves if leaf.is_text}
    plain = {
        number
        for leaf in leaves
        if leaf.type == "text/plain" and leaf.alternatives and id(leaf) in read and _decoded(raw, leaf).strip()
        for number in leaf.alternatives
    }
    told: list[str] = []
    formats: set[str] = set()
    length = 0
    for leaf in leaves:
        is_other_form = leaf.type == "text/html" and plain.intersection(leaf.alternatives)
        if id(leaf) not in read or is_other_form or length > LONGEST_TEXT:
            continue
        text = _decoded(raw, leaf)
        text = text_of(text) if leaf.type == "text/html" else text
        if text.strip():
            told.append(text)
            formats.add(leaf.type)
            length += len(text)
    return "\n\n".join(told), formats == {"text/html"}, read


def _decoded(raw: bytes, leaf: Leaf) -> str:
    most = 10 * _TEXT_BYTES if leaf.type == "text/html" else 3 * _TEXT_BYTES
    text, _ = charsets.decoded(parts.content(raw, leaf, most), leaf.parameters.get("charset", ""))
    return text


def _shown_text(text: str) -> str:
    lines = _NO_LINE_END.sub("\n", text[:LONGEST_TEXT]).strip("\n")
    return legible.shown(lines, lines=True)[:LONGEST_TEXT]


def _attachment(raw: bytes, leaf: Leaf) -> Attachment:
    data = parts.content(raw, leaf)
    name = " ".join(leaf.name.split())[:301]
    return Attachment(
        name=headers.cut(legible.shown(name), 300),
        type=headers.cut(legible.shown(leaf.type), 100),
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
    )


def _report(raw: bytes, leaves: list[Leaf]) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Return the groups of fields of the first delivery report."""
    leaf = next((leaf for leaf in leaves if leaf.type in _REPORTS), None)
    if leaf is None:
        return ()
    data = parts.content(raw, leaf, _REPORT_BYTES).replace(b"\r\n", b"\n").strip(b"\n")
    groups: list[tuple[tuple[str, str], ...]] = []
    place = 0
    while place < len(data) and len(groups) < _MOST_GROUPS:
        block = headers.read_block(data, place, len(data))
        after = block.body
        if after <= place:  # a line that is no field
            end = data.find(b"\n", place)
            after = len(data) if end < 0 else end + 1
        groups.append(_fields(block))
        place = after
    return tuple(group for group in groups if group)


def _returned(raw: bytes, leaves: list[Leaf]) -> tuple[tuple[str, str], ...]:
    leaf = next((leaf for leaf in leaves if leaf.type in _RETURNED), None)
    if leaf is None:
        return ()
    data = parts.content(raw, leaf, _REPORT_BYTES).lstrip(b"\r\n")
    return _fields(headers.read_block(data, 0, len(data)))


def _fields(block: Block) -> tuple[tuple[str, str], ...]:
    return tuple((name, headers.shown(value)) for name, value in block.fields)
