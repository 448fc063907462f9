"""What has happened to mail that came in.

A message that is read once more is told of once more, under the same number:
whoever listens must bear that.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from tocsin.kernel.events import Event


@dataclasses.dataclass(frozen=True, kw_only=True)
class MailReceived(Event):
    """A message came and is kept; nobody has looked into it yet."""

    received: int
    sha256: str
    size_bytes: int
    envelope_sender: str
    envelope_recipient: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class _LookedInto(Event):
    """A message was looked into."""

    received: int
    quarantine: str = ""
    """Why it was not read, or not wholly; empty when it was."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class MailBounced(_LookedInto):
    """A mail server gave a message of ours up, and the token in the address proves which."""

    reference: str
    """Key of the message of ours."""
    permanent: bool
    """Whether it will never reach that address; else what hindered it may pass."""
    status: str
    """Enhanced status code (RFC 3463), empty when none was told."""
    recipient: str
    """Whom it was for, as that server says."""
    reason: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReplyReceived(_LookedInto):
    """Somebody who was sent a message of ours wrote back. It is to be read."""

    reference: str
    sender: str
    """Address that it claims to be from."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class AutomaticMailReceived(_LookedInto):
    """A program wrote: an absent person's, a list's, or a mail server's that has not given up."""

    reference: str
    """Key of the message of ours that it is about; empty where nothing proves one."""
    outcome: str
    """What a mail server says became of that message: `delayed`, `delivered`; else empty."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class UnknownMailReceived(_LookedInto):
    """Somebody wrote, and nothing proves that it is about a message of ours. It is to be read."""

    sender: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class MailRead(Event):
    """Somebody of the team has read a message."""

    received: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class MailPutBack(Event):
    """A message is to be read by somebody of the team after all."""

    received: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class MailLookedIntoAgain(Event):
    """A message that could not be read is to be read once more."""

    received: int
    before: dict[str, Any]
    after: dict[str, Any]
