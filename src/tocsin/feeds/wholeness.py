"""Files that the manifest names and that are missing or damaged, and what mends each.

Findings are computed from observations: theirs can be made anew. Observations are what was delivered: they come from a
backup, or from the report's own file.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from tocsin.engine.wholeness import Expected, Fault, faults
from tocsin.feeds.choices import ReportState
from tocsin.feeds.models import Baseline, Report, State
from tocsin.kernel.counting import counted

_SHOWN = 8
FINDINGS, OBSERVATIONS, HISTORY, BASELINE = "findings", "observations", "history", "baseline"


@dataclasses.dataclass(frozen=True)
class Loss:
    """Files of one type's findings, or of one report, that are missing or damaged."""

    what: str
    """`findings`, `observations` of a report that counts, `history`: of one that was withdrawn, or `baseline`: what
    is left of those that are no longer kept."""
    type: str
    faults: tuple[Fault, ...]
    run: int | None = None
    """Of the report."""
    report: str = ""

    @property
    def says(self) -> str:
        """How it is, in English."""
        shown = [str(fault) for fault in self.faults[:_SHOWN]]
        more = len(self.faults) - len(shown)
        return "; ".join([*shown, counted(more, "file") + " more"] if more else shown)

    @property
    def fix(self) -> str:
        """What mends it, in English."""
        if self.what == FINDINGS:
            return f"Run: tocsin feed refold {self.type}"
        put_back = "Put it back from a backup (tar --zstd -xf FILE unpacks one)"
        if self.what == BASELINE:
            return f"{put_back}: what it was computed from is no longer kept."
        if self.what == HISTORY:
            return f"{put_back}; its report was withdrawn and counts no more."
        return f"{put_back}, or import {self.report} again: tocsin feed run PATH"


def losses() -> list[Loss]:
    """Return what is missing or damaged of what the manifest names: findings first, then reports by run."""
    store: Path = settings.TOCSIN.store
    about = dict(_named())
    return [dataclasses.replace(about[each], faults=tuple(found)) for each, found in faults(store, about)]


def lost_types() -> list[str]:
    """Return the types of which a file of findings is missing or damaged."""
    return [loss.type for loss in losses() if loss.what == FINDINGS]


def _named() -> Iterator[tuple[Expected, Loss]]:
    """Yield what the manifest names, and what its loss would be."""
    for state in State.objects.select_related("type").order_by("type__name"):
        expected = Expected(tuple(state.partitions), state.findings)
        yield expected, Loss(FINDINGS, state.type.name, ())
    for baseline in Baseline.objects.select_related("type").order_by("type__name"):
        yield Expected(tuple(baseline.partitions)), Loss(BASELINE, baseline.type.name, ())
    rows = Report.objects.filter(state__in=(ReportState.ACCEPTED, ReportState.WITHDRAWN)).select_related("type")
    # Of tens of thousands of rows: to read what else they hold takes as long again.
    rows = rows.only("name", "run_id", "state", "kept", "parts", "quarantine", "type__name")
    for row in rows.order_by("run_id", "name", "pk").iterator(chunk_size=2000):
        what = OBSERVATIONS if row.state == ReportState.ACCEPTED else HISTORY
        loss = Loss(what, row.type.name, (), row.run_id, row.name)
        yield Expected(tuple(row.parts), row.kept), loss
        if row.quarantine:
            yield Expected((row.quarantine,)), loss
