"""What the last row about a finding says that the finding itself does not keep: ports, the other side, the page.

Whoever looks for the machine behind translated addresses needs it. Read from the observations, so it is there for as
long as those are kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from django.conf import settings

from tocsin.engine import query
from tocsin.engine.lost import LostFile
from tocsin.engine.query import Finding
from tocsin.feeds import mappings
from tocsin.feeds.choices import ReportState
from tocsin.feeds.models import Report
from tocsin.feeds.queries import database, finding_id
from tocsin.kernel.refusals import InvalidInput

FACTS: Mapping[str, tuple[str, ...]] = {
    "source_port": ("source.port",),
    "transport": ("protocol.transport",),
    "destination": ("destination.ip",),
    "destination_port": ("destination.port",),
    "destination_host": ("destination.fqdn", "extra.dns_query"),
    "page": ("source.url", "destination.url"),
    "malware": ("malware.name",),
    "product": ("product.full_name", "product.name"),
    "vendor": ("product.vendor",),
    "tag": ("extra.tag",),
    "listed_by": ("extra.source_name",),
    "reason": ("extra.reason",),
}
"""Each with the keys of the Data Format that say it; the first that the row has."""


def columns_of(report_type: str) -> dict[str, tuple[str, ...]]:
    """Return in which columns of a type of report each fact may stand; none while a mapping is damaged."""
    try:
        fields = mappings.current().for_type(report_type).fields
    except InvalidInput:
        return {}
    held = {fact: tuple(f.column for key in keys for f in fields if f.key == key) for fact, keys in FACTS.items()}
    return {fact: columns for fact, columns in held.items() if columns}


def last_facts(found: Sequence[Finding]) -> dict[str, dict[str, str]]:
    """Return, by id, what the last row about each finding says, by the names of `FACTS`; what it lacks is left out."""
    by_type: dict[str, list[Finding]] = defaultdict(list)
    for finding in found:
        by_type[finding.type].append(finding)
    facts: dict[str, dict[str, str]] = {}
    for name, several in by_type.items():
        if wanted := columns_of(name):
            facts |= _of_type(name, several, wanted)
    return facts


def _of_type(name: str, found: Sequence[Finding], wanted: Mapping[str, tuple[str, ...]]) -> dict[str, dict[str, str]]:
    days = {finding.last_cycle for finding in found}
    rows = Report.objects.filter(type__name=name, state=ReportState.ACCEPTED, on__in=days, expired_at=None)
    store: Path = settings.TOCSIN.store
    parts = sorted(str(store / part) for row in rows.values_list("parts", flat=True) for part in row)
    columns = sorted({column for several in wanted.values() for column in several})
    try:
        cells = query.last_cells(database(), parts, [(each.k1, each.k2) for each in found], columns)
    except LostFile:  # the finding is told without it
        return {}
    return {finding_id(each): _facts(cells.get((each.k1, each.k2), {}), wanted) for each in found}


def _facts(cells: Mapping[str, str], wanted: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    said = {fact: next((cells[each] for each in columns if cells.get(each)), "") for fact, columns in wanted.items()}
    return {fact: text for fact, text in said.items() if text}
