"""What became of messages, and of the line they go by."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from tocsin.kernel.events import Event


@dataclasses.dataclass(frozen=True, kw_only=True)
class _OfMessage(Event):
    message: str
    """Its key."""
    channel: str
    recipient: str
    reference_room: str
    reference_key: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class MessageSent(_OfMessage):
    """The other side took a message. Whether anybody reads it is another matter."""

    attempts: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class MessageRefused(_OfMessage):
    """The other side will never take a message."""

    answer: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class MessageGivenUp(_OfMessage):
    """The other side put a message off for too long."""

    answer: str
    attempts: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class MessageRetried(_OfMessage):
    """Somebody had a message tried again."""

    answer: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class MessageDismissed(_OfMessage):
    """Somebody took a message off the list: it is not sent."""

    state: str
    """As it was before."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class LineChanged(Event):
    """Somebody stopped everything that goes out, or let it go again."""

    reason: str
    before: dict[str, Any]
    after: dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class WebhookAdded(Event):
    """Somebody is told by machine from now on."""

    webhook: str
    url: str
    label: str
    reference_room: str
    reference_key: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class WebhookEnded(Event):
    """Somebody is no longer told by machine."""

    webhook: str
    url: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class TeamKeyChanged(Event):
    """The OpenPGP key of the team was made or brought in."""

    fingerprint: str
    before: str
    """Fingerprint of the key until then; empty for none."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class HeadMailed(Event):
    """A signed head of the audit trail waits in the outbox, for one of those who keep heads."""

    on: dt.date
    recipient: str
    message: str
