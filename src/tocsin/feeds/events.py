"""What has happened in the room."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from tocsin.kernel.events import Event


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunStarted(Event):
    """An import began."""

    run: int
    files: tuple[str, ...]
    options: dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunCommitted(Event):
    """An import's reports count from now on."""

    run: int
    summary: dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunFailed(Event):
    """An import ended without any change to observations and findings."""

    run: int
    reason: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunWithdrawn(Event):
    """The reports of an import count no more."""

    run: int
    reports: tuple[str, ...]
    again: tuple[tuple[str, str], ...] = ()
    """Name and day of each report that counts again, since what came in its place is withdrawn."""
    reason: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunReplayed(Event):
    """The reports of an import were read again under the mappings in force."""

    run: int
    replay: int
    """The run in which that was done."""
    summary: dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class CyclesClosed(Event):
    """No more reports of these cycles are expected: the next one began, or too much time has passed."""

    cycles: tuple[tuple[str, str], ...]
    """Type and day."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CycleDecided(Event):
    """A person said what a cycle is worth."""

    type: str
    on: dt.date
    closed: bool
    decision: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class FindingsReattributed(Event):
    """Open findings changed hands because claims changed."""

    findings: int
    by_constituent: dict[str, int]
    """Findings that each constituent gained; `` for nobody."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ObservationsExpired(Event):
    """Observations are no longer kept, because the settings say for how long."""

    types: tuple[dict[str, Any], ...]
    """Of each report type: its label, for how many days it is kept and from which day on, and how many reports, rows
    and findings went."""
    notes: int
    """What people had said of these findings: notes, owners, hand-overs, answers."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FindingsRefolded(Event):
    """Findings were computed from their observations anew."""

    types: dict[str, int]
    """How many findings each has now."""
    lost: tuple[str, ...]
    """Files of findings that could not be read, relative to the store."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReportsFetched(Event):
    """Reports were taken from the publisher. Names and numbers; nothing with which one could take them again."""

    run: int | None
    """In which they were imported."""
    imported: tuple[str, ...]
    broken: tuple[tuple[str, str], ...]
    """File and why it could not be read."""
    refused: tuple[tuple[str, str], ...]
    """File and why it was not downloaded."""
    size_bytes: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class NoteAdded(Event):
    """Somebody wrote about a finding."""

    finding: str
    text: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class OwnerChanged(Event):
    """Somebody took or was given a finding; an empty label says that nobody has it."""

    finding: str
    before: str
    after: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class FindingsAnswered(Event):
    """A constituent, or the team on its behalf, said something of findings of one constituent."""

    answered: tuple[str, ...]
    """Ids of the findings."""
    constituent: str
    kind: str
    text: str
    until: dt.date | None
    is_on_behalf: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class AnswerJudged(Event):
    """The team agreed to an answer, or did not."""

    finding: str
    constituent: str
    kind: str
    verdict: str
    text: str
    until: dt.date | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class FeedTermsChanged(Event):
    """A feed's label or terms were changed."""

    feed: str
    before: dict[str, Any]
    after: dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class OrderRetried(Event):
    """Somebody had an order tried again that had been refused or had failed."""

    order: str
    reason: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class OrderDismissed(Event):
    """Somebody took an order off the list that had been refused or had failed."""

    order: str
    reason: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class SchemaLoaded(Event):
    """The publisher's schema was taken into use."""

    published_at: str
    types: int
    sha256: tuple[str, ...]
