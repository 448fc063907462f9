"""What the page of one finding asks: the observations behind it, its life, why it is whose it is."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Value

from tocsin.audit.queries import rows_mentioning
from tocsin.directory.choices import ClaimKind
from tocsin.directory.models import Claim
from tocsin.engine import query
from tocsin.engine.query import Finding
from tocsin.feeds import keeping, mappings, reported
from tocsin.feeds.choices import ReportState
from tocsin.feeds.episodes import Turn, turns
from tocsin.feeds.models import FindingNote, FindingOwner, Handover, Report, ReportType
from tocsin.feeds.queries import database, finding_id
from tocsin.formats.idf.dictionary import EXTRA
from tocsin.formats.idf.dictionary import keys as idf_keys
from tocsin.kernel.refusals import InvalidInput

OBSERVATIONS = 20
CHANGES_SHOWN = 50
HISTORY_DAYS = 90
"""Reports further back than this are not read for a page; the finding itself knows when it began."""


@dataclasses.dataclass(frozen=True)
class Cell:
    """A cell of a report, with the key of the Data Format that it becomes and what that key means.

    The key is empty while no mapping can be read.
    """

    column: str
    key: str
    meaning: str
    text: str


@dataclasses.dataclass(frozen=True)
class Observation:
    """One row of a report."""

    at: dt.datetime
    line: int
    report: Report
    part: str
    """Path of the file that it stands in."""

    @property
    def key(self) -> str:
        """Names it in addresses."""
        return f"{self.report.pk}-{self.line}"


@dataclasses.dataclass(frozen=True)
class Life:
    """What the reports of the last days say of a finding."""

    turns: tuple[Turn, ...]
    rows: Mapping[str, int]
    """How many rows of each file saw it, the file of the latest report first."""
    reports: Mapping[str, Report]
    """Which report each file is of."""
    is_whole: bool
    """Whether its beginning lies within the days that were read."""
    kept_from: dt.date | None
    """The first day whose rows are kept, where it began before that; None otherwise."""


def kind(finding: Finding) -> ReportType:
    """Return its type of report, with its feed and with how far back it is kept."""
    return next(known.type for known in reported.types().values() if known.type.name == finding.type)


def life(finding: Finding, of: ReportType) -> Life:
    """Return when a finding of a type was seen, and where the rows stand that saw it."""
    since = finding.last_cycle - dt.timedelta(days=HISTORY_DAYS)
    kept_from = keeping.kept_from(of)
    since = max(since, kept_from) if kept_from else since
    rows = Report.objects.filter(
        type=of, state=ReportState.ACCEPTED, on__gte=since, on__lte=finding.last_cycle
    ).select_related("run")
    store: Path = settings.TOCSIN.store
    by_part = {str(store / part): report for report in rows for part in report.parts}
    seen = query.sightings(database(), list(by_part), finding.k1, finding.k2)
    days = {by_part[part].on for part in seen}
    is_whole = finding.first_seen.date() >= since
    began_before = kept_from if kept_from and finding.first_seen.date() < kept_from else None
    order = sorted(seen, key=lambda part: (by_part[part].on, part), reverse=True)
    turned = tuple(_turns(finding, days, is_whole))
    return Life(turned, {part: seen[part] for part in order}, by_part, is_whole, began_before)


def _turns(finding: Finding, days: set[dt.date], is_whole: bool) -> list[Turn]:
    state = next((known.state for known in reported.types().values() if known.type.name == finding.type), None)
    if state is None:
        return []
    counted = [dt.date.fromisoformat(day) for day in sorted(state.counted)]
    return turns(days, counted, state.gone_after, is_first=is_whole)


def observations(finding: Finding, of: Life, *, after: int = 0) -> list[Observation]:
    """Return OBSERVATIONS rows that saw it, the latest first; none of those `after` which they come."""
    parts, before, first = [], 0, 0
    for part, number in of.rows.items():
        if before + number <= after:
            first = before + number  # all of this file's are on a page before
        elif before < after + OBSERVATIONS:
            parts.append(part)
        before += number
    found = query.sighted(database(), parts, finding.k1, finding.k2, limit=OBSERVATIONS, offset=after - first)
    return [Observation(at, line, of.reports[part], part) for at, line, part in found]


def cells(finding: Finding, row: Observation) -> list[Cell]:
    """Return the cells of a row as they came, but for empty ones."""
    found = query.observations(database(), [row.part], finding.k1, finding.k2, limit=1, line=row.line)
    return [cell for *_, raw in found for cell in _cells(finding.type, raw)]


def _cells(report_type: str, raw: dict[str, Any]) -> list[Cell]:
    keys = _keys(report_type)
    named = {column: keys.get(column, EXTRA + column) if keys is not None else "" for column in raw}
    return [_cell(column, named[column], str(text)) for column, text in raw.items() if text != ""]


def _keys(report_type: str) -> dict[str, str] | None:
    """Return which key each column becomes; None while a mapping is damaged: that stops imports, and not this page."""
    try:
        fields = mappings.current().for_type(report_type).fields
    except InvalidInput:
        return None
    # Of a column, the first takes the whole cell, a later one looks into it.
    return {field.column: field.key for field in reversed(fields)}


def _cell(column: str, key: str, text: str) -> Cell:
    known = idf_keys().get(key)
    return Cell(column, key, known.meaning if known else "", text)


@dataclasses.dataclass(frozen=True)
class Note:
    """What a person wrote, and who."""

    at: dt.datetime
    text: str
    by: str


@dataclasses.dataclass(frozen=True)
class HandedOver:
    """Who held it before and after, by public id; empty for nobody."""

    at: dt.datetime
    before: str
    after: str


def notes_and_handovers(finding: Finding) -> list[Note | HandedOver]:
    """Return what people wrote and who held it before, oldest first: in one question."""
    about = {"finding": finding_id(finding)}
    notes = FindingNote.objects.order_by().filter(**about).values_list("at", "text", "author_label", Value(False))
    handed = Handover.objects.order_by().filter(**about).values_list("at", "before", "after", Value(True))
    rows = notes.union(handed, all=True).order_by("at")
    return [(HandedOver if is_handed else Note)(at, first, second) for at, first, second, is_handed in rows]


@dataclasses.dataclass(frozen=True)
class ChangeOfOwner:
    """Who looked after it before and after, and who changed that: as labels, empty for nobody."""

    at: dt.datetime
    before: str
    after: str
    by: str


def changes_of_owner(finding: Finding) -> list[ChangeOfOwner]:
    """Return who took it and was given it, newest first, CHANGES_SHOWN at most."""
    rows = rows_mentioning(finding_id(finding), ["finding.owner_changed"])[:CHANGES_SHOWN]
    found = (ChangeOfOwner(row.at, row.data["before"], row.data["after"], row.actor_label) for row in rows)
    return [each for each in found if each.before != each.after]


def owner(finding: Finding) -> FindingOwner | None:
    """Return who looks after it."""
    return FindingOwner.objects.filter(finding=finding_id(finding)).first()


def claim(finding: Finding) -> Claim | None:
    """Return the claim that says whose it is; None for nobody's."""
    if not finding.claim or not finding.claim.isdigit():
        return None
    return Claim.objects.select_related("constituent").filter(pk=int(finding.claim)).first()


def claim_kind(found: Claim | None) -> str:
    """Return `network`, `asn`, `suffix` or nothing, for a template to choose its words by."""
    return str(ClaimKind(found.kind).value) if found else ""
