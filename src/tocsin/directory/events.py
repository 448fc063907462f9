"""What has happened in the directory. Attribution listens to those in `MAY_CHANGE_ATTRIBUTION`."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from tocsin.kernel.events import Event


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConstituentAdded(Event):
    """A constituent was entered."""

    constituent: str
    name: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConstituentChanged(Event):
    """Facts of a constituent were changed. Its claims were not."""

    constituent: str
    before: dict[str, Any]
    after: dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ContactChanged(Event):
    """A contact was entered or changed."""

    constituent: str
    contact: int
    before: dict[str, Any]
    after: dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ContactUndelivered(Event):
    """Mail to a contact comes back."""

    constituent: str
    contact: int
    email: str
    answer: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class MemberAdded(Event):
    """A person became a member of a constituent."""

    constituent: str
    person: int
    name: str
    """The person's, as it was then."""
    is_administrator: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class MembershipChanged(Event):
    """A member became, or is no longer, an administrator of the constituent."""

    constituent: str
    person: int
    name: str
    before: dict[str, Any]
    after: dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class MembershipEnded(Event):
    """A person is no longer a member of a constituent."""

    constituent: str
    person: int
    name: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClaimsChanged(Event):
    """Claims were added, confirmed, ended or given other dates."""

    constituents: tuple[str, ...]
    """Public ids of whom it concerns."""
    claims: tuple[int, ...]
    values: tuple[str, ...]
    """The claims' values, in the same order."""
    ends_on: dt.date | None = None
    """The last day, where claims were ended."""
    reason: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChangeAsked(Event):
    """A member asked for a change of the entry."""

    constituent: str
    request: int
    kind: str
    about: str
    """What it is about, in one word: a network, a name."""
    facts: dict[str, Any]
    reason: str
    is_at_once: bool
    """Whether it was done then and there, because the member administers the entry."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChangeDecided(Event):
    """What a member asked for was done, refused, or has been overtaken by what others did."""

    constituent: str
    request: int
    kind: str
    about: str
    answer: str
    """What the member reads."""
    message: str
    """Key of the mail that tells the member; empty where none could be sent."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChangeTakenBack(Event):
    """A member took back what was asked for."""

    constituent: str
    request: int
    kind: str
    about: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class EntrySaidRight(Event):
    """A member looked through the entry and said that all of it is right."""

    constituent: str
    contacts: tuple[int, ...]
    """Contacts that count as verified by that."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConflictSettled(Event):
    """Somebody decided between two equal claims."""

    constituents: tuple[str, ...]
    """The confirmed one first; both equal when both are kept."""
    claims: tuple[int, ...]
    value: str
    outcome: str
    reason: str
    ends_on: dt.date | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class DirectoryImported(Event):
    """Files were imported, all or nothing."""

    files: tuple[str, ...]
    content_hashes: tuple[str, ...]
    added: tuple[str, ...]
    """Public ids of new constituents."""
    changed: tuple[str, ...]
    """Public ids of constituents that were changed, or whose claims or contacts were."""
    unchanged: int
    claims_added: int
    claims_changed: int
    claims_ended: int
    contacts_added: int
    contacts_changed: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReferenceTableLoaded(Event):
    """A table of autonomous systems or countries was replaced."""

    kind: str
    rows: int
    source: str
    content_hash: str


MAY_CHANGE_ATTRIBUTION = (ClaimsChanged, ConflictSettled, DirectoryImported)
"""Register one listener for each; compare `queries.claims_fingerprint()` to see whether anything must be done."""
ATTRIBUTION_JOB = "feeds.reattribute"
"""Made by whatever changes claims, in the same transaction. It is done above this room, which says how far it is."""
WAITS_FOR_THE_STORE = "waits for the store"
"""What such a job says of itself while an import or another change of the findings is under way."""
