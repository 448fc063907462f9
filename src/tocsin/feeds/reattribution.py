"""Open findings belong to whom the claims say now; who held them before stays known.

A fingerprint of the claims by which findings are attributed stands beside the
manifest: where it equals that of the claims as they are, nothing is to be done.
So whoever was cut short is made good by the next one, or by the next import, and
what waits to be done again is answered by whoever has done it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections.abc import Callable, Sequence

from django.conf import settings

from tocsin.audit.actors import Actor
from tocsin.directory import queries as directory
from tocsin.directory.events import ATTRIBUTION_JOB
from tocsin.engine.claims import Claims
from tocsin.engine.cycles import Calendar
from tocsin.engine.executors import Threads
from tocsin.engine.public_ids import public_id
from tocsin.engine.reattribute import NEEDED, changed, reattributed
from tocsin.engine.reduce import read_state, write_state
from tocsin.engine.store import State as Findings
from tocsin.engine.store import Workspace, no_checkpoint
from tocsin.feeds.actions import runs as actions
from tocsin.feeds.holding import ATTRIBUTION, WAIT_S, Waiting, in_silence
from tocsin.feeds.manifest import engine_state
from tocsin.feeds.models import Manifest, State
from tocsin.feeds.storehouse import context
from tocsin.feeds.sweeping import remove, store_lock
from tocsin.jobs import queue
from tocsin.jobs.queries import unfinished_jobs
from tocsin.kernel import clock

PARTITIONS_AT_ONCE = 8
"""For each thread, before it is said how far it is."""
LOOKED_THROUGH = 0.9
"""Share of the work that is done when all partitions were looked through; what is left is the manifest's."""
Progress = Callable[[float], None]
Handover = tuple[str, str, str, str]
"""Finding, type, constituent before and after; empty for nobody."""


def is_due() -> bool:
    """Say whether claims have changed since open findings were attributed."""
    applied = Manifest.objects.filter(pk=1).values_list("claims", flat=True).first()
    return applied != directory.claims_fingerprint()


def _in_silence(_share: float) -> None:
    """Tell nobody how far it is."""


def bring_up_to_date(
    *, by: Actor, wait_s: float = WAIT_S, waiting: Waiting = in_silence, progress: Progress = _in_silence
) -> int:
    """Give open findings to whom the claims say now; return how many changed hands. Raises Busy during an import."""
    if not is_due():
        return 0
    with store_lock(wait_s, work=ATTRIBUTION, waiting=waiting):
        return catch_up(by=by, progress=progress)


def catch_up(*, by: Actor, progress: Progress = _in_silence) -> int:
    """Do the same for whoever holds the lock of the store."""
    # Asked for before the claims are read: what these jobs were made for is in the claims by now.
    answered = list(unfinished_jobs(ATTRIBUTION_JOB).values_list("pk", flat=True))
    fingerprint = directory.claims_fingerprint()
    handovers = 0
    if not Manifest.objects.filter(pk=1, claims=fingerprint).exists():
        rows = State.objects.select_related("type").filter(findings__gt=0)
        handovers = _reattribute([engine_state(row) for row in rows], by=by, progress=progress) if rows else 0
        Manifest.objects.update_or_create(pk=1, defaults={"claims": fingerprint})
    queue.answer(answered, at=clock.now())
    return handovers


def _reattribute(states: Sequence[Findings], *, by: Actor, progress: Progress) -> int:
    current = context(None, no_checkpoint)
    tasks = [
        _Partition(state.type, place, path, current.claims, Calendar(state.counted, state.gone_after).horizon)
        for state in states
        for place, path in enumerate(state.partitions)
    ]
    threads, results = Threads(settings.TOCSIN.threads), []
    for start in range(0, len(tasks), PARTITIONS_AT_ONCE * threads.count):
        progress(LOOKED_THROUGH * start / len(tasks))
        some = tasks[start : start + PARTITIONS_AT_ONCE * threads.count]
        results += threads.each(_partition, current.workspace, some)
    progress(LOOKED_THROUGH)
    partitions: dict[str, list[str]] = {state.type: [] for state in states}
    for task, (path, _) in zip(tasks, results, strict=True):
        partitions[task.type].append(path)
    changes = {state.type: new for state in states if (new := tuple(partitions[state.type])) != state.partitions}
    handovers = [handover for _, handed in results for handover in handed]
    if changes:
        actions.reattribute_findings(changes, handovers, by=by, at=clock.now())
        remove([task.path for task, (path, _) in zip(tasks, results, strict=True) if path != task.path])
    return len(handovers)


@dataclasses.dataclass(frozen=True)
class _Partition:
    """One partition of a type's findings, to be looked at."""

    type: str
    place: int
    path: str
    claims: Claims
    horizon: dt.date | None


def _partition(workspace: Workspace, task: _Partition) -> tuple[str, list[Handover]]:
    """Return where the partition is now (a new file only when something changes) and who handed over what."""
    old = workspace.root / task.path
    change = changed(read_state(old, NEEDED), task.claims, task.horizon)
    if not change.findings:
        return task.path, []
    state = reattributed(read_state(old), task.claims, task.horizon)
    return workspace.write("state", task.type, f"{task.place:04d}", functools.partial(write_state, state)), [
        (public_id(row["k1"], row["k2"]), task.type, row["before"] or "", row["after"] or "")
        for row in change.handed_over.to_pylist()
    ]
