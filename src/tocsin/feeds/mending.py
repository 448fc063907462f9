"""Mending the store: computing anew what can be, reading downloads again, and saying of the rest what helps."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import random
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from tocsin.audit.actors import Actor
from tocsin.engine.intake import digest_of
from tocsin.engine.lost import LostFile
from tocsin.engine.opening import BrokenReport, held
from tocsin.engine.run import Options
from tocsin.feeds import intake, wholeness
from tocsin.feeds.choices import ReportState
from tocsin.feeds.fetching import inbox
from tocsin.feeds.holding import Waiting, in_silence
from tocsin.feeds.intake import Refolded
from tocsin.feeds.models import Report
from tocsin.feeds.wholeness import OBSERVATIONS, Loss


@dataclasses.dataclass(frozen=True)
class Mended:
    """What came of it."""

    done: Refolded
    left: tuple[Loss, ...] = ()
    """What nothing here brings back, each with what does."""
    read_again: tuple[str, ...] = ()
    """Names of reports that were imported again from what had been downloaded."""


def mend(*, by: Actor, at: dt.datetime, waiting: Waiting = in_silence) -> Mended:
    """Compute findings anew where their files are missing or damaged, then compare all of the store and mend the rest.

    One type after the other: one whose observations are lost too keeps no other from being mended. Raises Busy and
    Unavailable as `intake.refold` does.
    """
    done = _refolded(by, at, waiting)
    left = _left()
    names: list[str] = []
    for kind in sorted({loss.type for loss in left if loss.what == OBSERVATIONS}):
        originals = _originals([loss for loss in left if loss.what == OBSERVATIONS and loss.type == kind])
        with contextlib.suppress(LostFile):  # one was not downloaded, or what is left of older days is lost too
            options = Options(gone_after=settings.TOCSIN.gone_after, complete=False, as_before=True)
            if originals:  # findings of the type are folded anew with it
                intake.import_reports(list(originals.values()), options=options, by=by, at=at, waiting=waiting)
                names += originals
    return Mended(done, _left() if names else left, tuple(names))


def _refolded(by: Actor, at: dt.datetime, waiting: Waiting) -> Refolded:
    types: dict[str, int] = {}
    lost: list[str] = []
    for kind in wholeness.lost_types():
        with contextlib.suppress(LostFile):  # of what it is computed from: that is among what is left
            done = intake.refold([kind], by=by, at=at, waiting=waiting)
            types.update(done.types)
            lost += done.lost
    return Refolded(types, tuple(lost))


def _left() -> tuple[Loss, ...]:
    return wholeness.compared(None, random.SystemRandom()).losses


def _originals(losses: Sequence[Loss]) -> dict[str, Path]:
    """Return, by name, where reports that are lost still lie byte for byte as they were downloaded."""
    rows = Report.objects.filter(run__in={loss.run for loss in losses}, name__in={loss.report for loss in losses})
    kept = rows.filter(state=ReportState.ACCEPTED).exclude(content="").order_by("on", "name")
    found = {row.name: next((each for each in inbox().glob("*/*") if _holds(each, row)), None) for row in kept}
    return {name: path for name, path in found.items() if path}


def _holds(path: Path, row: Report) -> bool:
    """Say whether a file is a report as it came. One that changed meanwhile would pass for a correction of it."""
    if not path.name.startswith(row.name):
        return False
    try:
        return [digest_of(source).hex() for source in held(path).reports] == [row.content]
    except (BrokenReport, OSError):
        return False
