"""Letting go of observations that are older than the settings have them kept.

Each report type is folded up to its last day that goes, one after the other;
then one transaction says that all of it is so. What is taken from the manifest
has its five minutes on the disk, like all that is replaced.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from tocsin.audit.actors import Actor
from tocsin.engine import retention as engine
from tocsin.engine.executors import Threads
from tocsin.engine.store import Checkpoint, Workspace, no_checkpoint
from tocsin.feeds import days, keeping
from tocsin.feeds.actions.retention import expire_observations
from tocsin.feeds.choices import ReportState
from tocsin.feeds.holding import RETENTION, WAIT_S, Waiting, in_silence
from tocsin.feeds.keeping import Due
from tocsin.feeds.manifest import Catalogue, kept_so_far
from tocsin.feeds.storehouse import context
from tocsin.feeds.sweeping import let_go, remove, store_lock
from tocsin.kernel.refusals import Conflict

Progress = Callable[[str, float], None]


@dataclasses.dataclass(frozen=True)
class Going:
    """What goes of one report type."""

    due: Due
    reports: int
    rows: int
    findings: int
    """Those that are forgotten."""
    size_bytes: int

    def as_data(self) -> dict[str, Any]:
        """Return it as `feed expire --json` prints it and the audit trail keeps it."""
        return {
            "type": self.due.type.name,
            "tlp": self.due.label.label,
            "days": self.due.days,
            "kept_from": (self.due.up_to + dt.timedelta(days=1)).isoformat(),
            "reports": self.reports,
            "rows": self.rows,
            "findings": self.findings,
            "size_bytes": self.size_bytes,
        }


def what_goes(*, trust_clock: bool = False) -> list[Going]:
    """Return what `expire` would do now, and change nothing. Raises Conflict as it does."""
    return [_going(each, _plan(each)) for each in _due(trust_clock)]


def expire(
    *,
    by: Actor,
    at: dt.datetime,
    trust_clock: bool = False,
    wait_s: float = WAIT_S,
    waiting: Waiting = in_silence,
    progress: Progress = lambda _type, _share: None,
    checkpoint: Checkpoint = no_checkpoint,
) -> list[Going]:
    """Let go of what is older than the settings have it kept; return what went.

    Raises Conflict when no report has come for so long that the clock may be
    wrong, unless it is trusted; Busy during an import, Unavailable when the disk
    is full: then nothing has changed.
    """
    if not _due(trust_clock):
        let_go()  # what went an hour ago is still on the disk when nobody was at work on the store since
        return []
    with store_lock(wait_s, work=RETENTION, waiting=waiting):
        due = _due(trust_clock)
        workspace, threads = context(None, checkpoint).workspace, Threads(settings.TOCSIN.threads)
        gone, expiries, files = [], [], []
        for number, each in enumerate(due):
            progress(each.type.name, number / len(due))
            plan = _plan(each)
            expiry = _folded(plan, workspace, threads)
            gone.append(_going(each, plan, len(expiry.forgotten)))
            expiries.append(expiry)
            files += [*_files(each), *expiry.debris]
        if expiries:
            expire_observations(expiries, [each.as_data() for each in gone], by=by, at=at)
        checkpoint("committed")
        remove(files)
        checkpoint("after")
    return gone


def _folded(plan: engine.Plan, workspace: Workspace, threads: Threads) -> engine.Expiry:
    """Fold a type; what that put aside goes at once, so that never more than one type lies there."""
    expiry = engine.expire(plan, workspace=workspace, executor=threads)
    remove(expiry.spills)
    return expiry


def _due(trust_clock: bool) -> list[Due]:
    today = keeping.today()
    due = keeping.due(today)
    silent_days = keeping.days_without_reports(today)
    if due and silent_days > keeping.MOST_AHEAD.days and not trust_clock:
        # Observations cannot be had again. A clock that is years ahead must not cost a country all of them.
        words = _(
            "no report has come for {number} days. If the clock of this machine is right, say so: "
            "tocsin feed expire --trust-clock"
        )
        raise Conflict(words.format(number=silent_days))
    return due


def _plan(each: Due) -> engine.Plan:
    return engine.plan(each.type.name, each.up_to, Catalogue(), settings.TOCSIN.gone_after, days.last_come())


def _going(each: Due, plan: engine.Plan, findings: int | None = None) -> Going:
    store: Path = settings.TOCSIN.store
    reports = kept_so_far(each.type, each.up_to)
    sizes = [(store / file).stat().st_size for file in _files(each) if (store / file).exists()]
    others = reports.exclude(state=ReportState.ACCEPTED)
    return Going(
        each,
        reports.count(),
        plan.rows + sum(others.values_list("kept", flat=True)),
        plan.findings(store) if findings is None else findings,
        sum(sizes),
    )


def _files(each: Due) -> Sequence[str]:
    """Return the files of the reports that go."""
    rows = kept_so_far(each.type, each.up_to).values_list("parts", "quarantine")
    return [path for parts, quarantine in rows for path in (*parts, quarantine) if path]
