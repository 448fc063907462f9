"""Every read of the room beyond a simple filter.

Findings stand in the engine's files; which files count is read from the
manifest once for each of its versions and kept.
"""

from __future__ import annotations

import datetime as dt
import functools
import ipaddress
import threading
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Max

from tocsin.engine.query import SORTS, Database, Filter, Finding, Findings, TypeFiles
from tocsin.feeds.models import Manifest, State

WEB_MEMORY_MB = 96
_MAPPED = 0xFFFF_0000_0000

__all__ = ["SORTS", "Filter", "Finding", "Findings", "as_record", "asset_of", "findings", "manifest_version"]


@functools.cache
def database() -> Database:
    """Return the one DuckDB of this process."""
    scratch = settings.TOCSIN.store / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    return Database(WEB_MEMORY_MB, threads=2, scratch=scratch)


def manifest_version() -> int:
    """Return a number that changes whenever findings may have."""
    return Manifest.objects.filter(pk=1).values_list("version", flat=True).first() or 0


_kept: dict[str, Any] = {}
_keeping = threading.Lock()


def findings() -> Findings:
    """Return the findings of the manifest as it is now."""
    version = (settings.TOCSIN.store, manifest_version())
    with _keeping:
        if _kept.get("version") != version:
            _kept.update(version=version, findings=Findings(database(), _type_files()))
        found: Findings = _kept["findings"]
        return found


def _type_files() -> list[TypeFiles]:
    store: Path = settings.TOCSIN.store
    latest = dict(State.objects.values_list("type_id").annotate(Max("type__cycles__on")))
    return [
        TypeFiles(
            state.type.name,
            tuple(str(store / partition) for partition in state.partitions),
            state.horizon,
            latest[state.type_id] or state.folded_to,
        )
        for state in State.objects.select_related("type").order_by("type__name")
    ]


def asset_of(finding: Finding) -> str:
    """Return the asset of a finding as people write it: an address, or the account where it has none."""
    if finding.ip_high is None or finding.ip_low is None:
        return finding.account or ""
    if finding.ip_high == 0 and finding.ip_low >> 32 == 0xFFFF:
        return str(ipaddress.IPv4Address(finding.ip_low & 0xFFFF_FFFF))
    return str(ipaddress.IPv6Address(finding.ip_high << 64 | finding.ip_low))


RECORD = (
    "id", "constituent", "asset", "port", "protocol", "type", "identifier", "state", "first_seen", "last_seen", "count",
)  # fmt: skip
"""Keys of a finding as scripts get it, in order."""


def as_record(finding: Finding) -> dict[str, Any]:
    """Return a finding as `finding list --json` prints it."""
    return {
        "id": finding_id(finding),
        "constituent": finding.constituent,
        "asset": asset_of(finding),
        "port": finding.port,
        "protocol": finding.protocol,
        "type": finding.type,
        "identifier": finding.identifier,
        "state": finding.state,
        "first_seen": _instant(finding.first_seen),
        "last_seen": _instant(finding.last_seen),
        "count": finding.count,
    }


def finding_id(finding: Finding) -> str:
    """Return the public id of a finding."""
    from tocsin.engine.identity import public_id

    return public_id(finding.k1, finding.k2)


def _instant(value: dt.datetime) -> str:
    return value.astimezone(dt.UTC).isoformat()
