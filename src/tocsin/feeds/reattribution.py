"""Open findings belong to whom the claims say now; who held them before stays known.

A fingerprint of the claims by which findings are attributed stands beside the
manifest: where it equals that of the claims as they are, nothing is to be done.
So a listener that was cut short is made good by the next one, or by the next import.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from django.conf import settings

from tocsin.audit.actors import Actor
from tocsin.directory import queries as directory
from tocsin.engine.claims import Claims
from tocsin.engine.cycles import Calendar
from tocsin.engine.identity import public_id
from tocsin.engine.reattribute import NEEDED, changed, reattributed
from tocsin.engine.reduce import read_state, write_state
from tocsin.engine.store import State as Findings
from tocsin.engine.store import Workspace, no_checkpoint
from tocsin.feeds.actions import runs as actions
from tocsin.feeds.manifest import engine_state
from tocsin.feeds.models import Manifest, State
from tocsin.feeds.storehouse import context
from tocsin.feeds.sweeping import WAIT_S, remove, store_lock
from tocsin.kernel import clock

Handover = tuple[str, str, str, str]
"""Finding, type, constituent before and after; empty for nobody."""


def is_due() -> bool:
    """Say whether claims have changed since open findings were attributed."""
    applied = Manifest.objects.filter(pk=1).values_list("claims", flat=True).first()
    return applied != directory.claims_fingerprint()


def bring_up_to_date(*, by: Actor, wait_s: float = WAIT_S) -> int:
    """Give open findings to whom the claims say now; return how many changed hands. Raises Busy during an import."""
    if not is_due():
        return 0
    with store_lock(wait_s):
        return catch_up(by=by)


def catch_up(*, by: Actor) -> int:
    """Do the same for whoever holds the lock of the store."""
    fingerprint = directory.claims_fingerprint()
    if Manifest.objects.filter(pk=1, claims=fingerprint).exists():
        return 0
    rows = [engine_state(row) for row in State.objects.select_related("type").filter(findings__gt=0)]
    handovers: list[Handover] = []
    states: dict[str, tuple[str, ...]] = {}
    debris: list[str] = []
    if rows:
        current = context(None, no_checkpoint)
        for row in rows:
            partitions = _partitions(current.workspace, row, current.claims, handovers)
            if partitions != row.partitions:
                states[row.type] = partitions
                debris += set(row.partitions) - set(partitions)
    if states:
        actions.reattribute_findings(states, handovers, by=by, at=clock.now())
        remove(debris)
    Manifest.objects.update_or_create(pk=1, defaults={"claims": fingerprint})
    return len(handovers)


def _partitions(workspace: Workspace, state: Findings, claims: Claims, handovers: list[Handover]) -> tuple[str, ...]:
    """Return the partitions of a type with open findings as they belong now: new files only where one changed."""
    horizon = Calendar(state.counted, state.gone_after).horizon
    return tuple(
        _partition(workspace, state.type, place, path, claims, horizon, handovers)
        for place, path in enumerate(state.partitions)
    )


def _partition(
    workspace: Workspace,
    kind: str,
    place: int,
    path: str,
    claims: Claims,
    horizon: dt.date | None,
    handovers: list[Handover],
) -> str:
    old: Path = settings.TOCSIN.store / path
    change = changed(read_state(old, NEEDED), claims, horizon)
    if not change.findings:
        return path
    handovers += [
        (public_id(row["k1"], row["k2"]), kind, row["before"] or "", row["after"] or "")
        for row in change.handed_over.to_pylist()
    ]
    new = workspace.path("state", kind, f"{place:04d}")
    with workspace.writing(new) as temporary:
        write_state(reattributed(read_state(old), claims, horizon), temporary)
    return workspace.relative(new)
