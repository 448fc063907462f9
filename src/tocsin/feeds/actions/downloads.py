"""What was taken from the publisher, put on record."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.feeds.choices import DownloadState
from tocsin.feeds.events import ReportsFetched
from tocsin.feeds.models import Download
from tocsin.formats.shadowserver.api import Listed


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of one report."""

    report: Listed
    state: DownloadState
    size: int = 0
    problem: str = ""


@action("reports.fetched")
def record_fetch(outcomes: Sequence[Outcome], *, run: int | None, by: Actor, at: dt.datetime) -> ReportsFetched:
    """Remember what became of each report, so that nothing is taken twice and nothing lacking is forgotten."""
    for each in outcomes:
        Download.objects.update_or_create(
            publisher_id=each.report.id,
            file=each.report.file,
            defaults={
                "type": each.report.type,
                "on": each.report.on,
                "state": each.state,
                "at": at,
                "size": each.size,
                "problem": each.problem,
                "run_id": run if each.state != DownloadState.REFUSED else None,
            },
        )
    of = {state: [each for each in outcomes if each.state == state] for state in DownloadState}
    return ReportsFetched(
        run=run,
        imported=tuple(each.report.file for each in of[DownloadState.IMPORTED]),
        broken=tuple((each.report.file, each.problem) for each in of[DownloadState.BROKEN]),
        refused=tuple((each.report.file, each.problem) for each in of[DownloadState.REFUSED]),
        size_bytes=sum(each.size for each in outcomes),
    )
