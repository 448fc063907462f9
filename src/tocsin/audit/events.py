"""What has happened to the trail itself."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from tocsin.kernel.events import Event


@dataclasses.dataclass(frozen=True, kw_only=True)
class KeyMade(Event):
    """A key was made with which heads are signed from now on. Its public half."""

    key: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class HeadSigned(Event):
    """The head of the trail was signed. Whoever listens sends `text` where no administrator of ours can change it."""

    on: dt.date
    sequence: int
    hash: str
    key: str
    signature: str
    text: str
    """The head as a person mails and prints it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrailChecked(Event):
    """The whole trail was checked."""

    rows: int
    """So many rows are sound, counted from the first."""
    heads: int
    """So many signed heads fit the rows."""
    faults: tuple[dict[str, Any], ...]
    more: int = 0
    """So many more faults there are."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrailExported(Event):
    """Somebody took rows of the trail away as a file."""

    form: str
    filters: dict[str, Any]
    """What was asked for, by the names of the page."""
    up_to: int
    """Number of the newest row in it."""
