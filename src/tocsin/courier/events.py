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
class MessageDropped(_OfMessage):
    """When its turn came there was nothing left to say: it is not sent."""

    why: str


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
    told: tuple[str, ...] = ()
    """Names of what it is told of."""
    reference_room: str
    reference_key: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class WebhookEnded(Event):
    """Somebody is no longer told by machine."""

    webhook: str
    url: str
    is_gone: bool = False
    """Whether the other side asked for it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class WebhookSecretChanged(Event):
    """What is posted to a webhook is signed by another secret."""

    webhook: str
    url: str
    both_until: dt.datetime
    """Until then by the one before, too."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class WebhookTried(Event):
    """Somebody had a posting sent that says nothing."""

    webhook: str
    url: str
    message: str


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
