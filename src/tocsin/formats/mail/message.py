"""What a message says, as values, and how much of one is read at most."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum

MOST_BYTES = 25_000_000
DEEPEST = 20
"""Multiparts within each other."""
MOST_PARTS = 500
MOST_HEADERS = 200
LONGEST_HEADER = 64 * 1024
"""Octets, as it came."""
LONGEST_TEXT = 100_000
"""Characters of the text that are kept: the message as it came is kept whole."""
LONGEST_SHOWN = 1_000
"""Characters of a header, or of a name, that are kept."""


class Cap(enum.StrEnum):
    """A limit that a message went beyond: what lies behind it was not read."""

    BYTES = "bytes"
    DEPTH = "depth"
    PARTS = "parts"
    HEADERS = "headers"
    HEADER_LENGTH = "header length"


@dataclasses.dataclass(frozen=True)
class Attachment:
    """A part that is no text of the message: never its content, which nobody asked for."""

    name: str
    """As its sender calls it, fit to be shown; empty when it has none."""
    type: str
    """As its sender says: `application/pdf`. What it really is, nobody has looked at."""
    sha256: str
    """Of the content, unpacked from base64 or quoted-printable."""
    size_bytes: int


@dataclasses.dataclass(frozen=True)
class Mail:
    """What a message says of itself. Nothing of it is proven: anybody writes any sender."""

    sender: str = ""
    """Who it claims to be from, name and address, fit to be shown."""
    sender_address: str = ""
    """The address of that in lower case; empty when there is none."""
    addressed_to: tuple[str, ...] = ()
    """Addresses it was sent or delivered to, by its own headers, in lower case."""
    subject: str = ""
    sent_at: dt.datetime | None = None
    message_id: str = ""
    """With its angle brackets; empty when it has none that is fit to be one."""
    references: tuple[str, ...] = ()
    """Message-IDs it says it answers, the nearest first."""
    headers: tuple[tuple[str, str], ...] = ()
    """Name and value in the order they came, fit to be shown, each cut to LONGEST_SHOWN."""
    type: str = "text/plain"
    text: str = ""
    """Plain text where there is some, else HTML without its marks; fit to be shown, of several lines."""
    is_from_html: bool = False
    is_text_cut: bool = False
    attachments: tuple[Attachment, ...] = ()
    over: tuple[Cap, ...] = ()
    """Limits it went beyond."""
    defects: tuple[str, ...] = ()
    """What was not as the standards have it, as short words."""
    report: tuple[tuple[tuple[str, str], ...], ...] = ()
    """Groups of fields of a delivery report (RFC 3464), names in lower case; the first is about the whole message."""
    returned: tuple[tuple[str, str], ...] = ()
    """Headers of the message that a report gives back, names in lower case."""

    def values(self, name: str) -> list[str]:
        """Return what the headers of a name, whatever its case, say."""
        return [value for known, value in self.headers if known.lower() == name.lower()]

    def value(self, name: str) -> str:
        """Return the first of them; empty when there is none."""
        return next(iter(self.values(name)), "")


class Outcome(enum.StrEnum):
    """What became of a message that was sent, worst first."""

    PERMANENT = "permanent"
    TRANSIENT = "transient"
    """Given up, but what hindered it may pass: a full mailbox, a server that is away."""
    DELAYED = "delayed"
    DELIVERED = "delivered"


@dataclasses.dataclass(frozen=True)
class Bounce:
    """What a mail server says became of a message. It is hearsay until the address it came to proves it is for us."""

    outcome: Outcome
    status: str = ""
    """Enhanced status code of RFC 3463, `5.1.1`; empty when none is told."""
    recipient: str = ""
    """Whom it was for, in lower case, as the server says."""
    original_id: str = ""
    """Message-ID of what was sent; empty when it was not given back."""
    reason: str = ""
    """The server's own words, fit to be shown."""
