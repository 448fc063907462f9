"""What has happened in the room."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from tocsin.kernel.events import Event


@dataclasses.dataclass(frozen=True, kw_only=True)
class PolicySet(Event):
    """A policy was written or changed."""

    policy: int
    before: dict[str, Any]
    after: dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class PolicyEnded(Event):
    """Nobody is told by a policy any more."""

    policy: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class SuppressionAdded(Event):
    """Something is not told until a day."""

    suppression: int
    constituent: str
    category: str
    finding: str
    network: str
    until: dt.date
    reason: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class SuppressionEnded(Event):
    """It is told again."""

    suppression: int
    until: dt.date


@dataclasses.dataclass(frozen=True, kw_only=True)
class HoldOutBegan(Event):
    """Some organisations are not told of a class of findings until a day."""

    hold_out: int
    category: str
    mildest: int
    share: int
    until: dt.date
    reason: str
    held_out: int
    """How many of the organisations that are served now."""
    organisations: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class HoldOutEnded(Event):
    """They are told."""

    hold_out: int
    category: str
    until: dt.date


@dataclasses.dataclass(frozen=True, kw_only=True)
class HoldOutExempted(Event):
    """A constituent asked, and is told all the same."""

    hold_out: int
    category: str
    constituent: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class NoticesPrepared(Event):
    """Notices were written down. Nothing has left."""

    references: tuple[str, ...]
    constituents: tuple[str, ...]
    findings: int
    people: int
    is_exercise: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class NoticePreviewed(Event):
    """Somebody of the team has read a notice as its recipient will."""

    notice: str
    constituent: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class NoticeDiscarded(Event):
    """A notice will not be sent. Its findings may stand in another."""

    notice: str
    constituent: str
    reason: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class NoticeRevised(Event):
    """What is not so any more was struck off a notice before it left."""

    notice: str
    constituent: str
    struck: dict[str, str]
    """Finding → why. They were not told by it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class NoticeDropped(Event):
    """A notice does not leave: nothing of it is left, or it may not go to whom it should."""

    notice: str
    constituent: str
    reason: str
    struck: dict[str, str]
    """Finding → why."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class NoticeQueued(Event):
    """A notice may leave from an instant on."""

    notice: str
    constituent: str
    not_before: dt.datetime
    is_exercise: bool
    message: str
    """Key of the message in the outbox."""
    protection: str
    """`signed`, `encrypted`, `both`, or empty for neither."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class NoticeMoved(Event):
    """Something happened to a notice on its way: it was sent, delivered, came back, was read or acted on."""

    notice: str
    constituent: str
    what: str
    note: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class NoticeNoted(Event):
    """Something came back about a notice that does not move it: a reply, an automatic message."""

    notice: str
    constituent: str
    what: str
    note: str
    received: int
