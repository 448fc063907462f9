"""How long the findings of every type were there: what the engine makes of the files that the manifest names.

For background work: it loads PyArrow, and reads every file of findings.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from tocsin.engine.lives import Found, Source, lives_of, together, words_of_many
from tocsin.feeds import leases
from tocsin.feeds.choices import ReportState
from tocsin.feeds.models import Baseline, Cycle, Handover, Report, State
from tocsin.feeds.queries import at_one_version

__all__ = ["Found", "handovers", "lives", "words_of_many"]


@at_one_version
def lives() -> Found:
    """Return the lives of all findings that are somebody's. Raises LostFile."""
    with leases.Lease():
        return together([lives_of(each) for each in _sources()])


def _sources() -> Iterator[Source]:
    store: Path = settings.TOCSIN.store
    baselines = dict(Baseline.objects.values_list("type_id", "up_to"))
    for state in State.objects.select_related("type").order_by("type__name"):
        reports = Report.objects.filter(type=state.type_id, state=ReportState.ACCEPTED, expired_at=None)
        parts = reports.order_by("on").values_list("on", "parts")
        up_to = baselines.get(state.type_id)
        yield Source(
            type=state.type.name,
            files=tuple(store / file for file in state.partitions),
            parts=tuple((on, store / part) for on, its in parts for part in its),
            counted=tuple(dt.date.fromisoformat(day) for day in sorted(state.counted)),
            gone_after=state.gone_after,
            came=tuple(Cycle.objects.filter(type=state.type_id).order_by("on").values_list("on", flat=True)),
            kept_from=up_to + dt.timedelta(days=1) if up_to else None,
        )


def handovers(batch: int = 50_000) -> Iterator[tuple[str, dt.date]]:
    """Yield each finding that went from one constituent to another, and the day on which it did."""
    rows = Handover.objects.exclude(before="").order_by().values_list("finding", "at")
    for finding, at in rows.iterator(batch):
        yield finding, at.date()
