"""Every read of the room: what was reckoned last, and whether it is due again. Reads rows; reckons nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db.models import Max

from tocsin.effect.choices import By, Comparison
from tocsin.effect.models import Figure, Measurement
from tocsin.feeds.queries import manifest_version
from tocsin.kernel.clock import Instant
from tocsin.notices.models import HoldOut, LedgerEntry

DUE_AFTER = dt.timedelta(hours=6)
"""Figures of weeks do not change by the minute."""


def basis() -> str:
    """Return what figures would be reckoned from now: it changes when anything does that they rest on."""
    entry = LedgerEntry.objects.aggregate(last=Max("pk"))["last"] or 0
    held = HoldOut.objects.order_by().aggregate(last=Max("pk"), ended=Max("ended_at"))
    return f"{manifest_version()}.{entry}.{held['last'] or 0}.{held['ended'] or ''}"


def latest() -> Measurement | None:
    """Return what was reckoned last."""
    return Measurement.objects.first()


def is_due(at: Instant) -> bool:
    """Say whether figures should be reckoned anew."""
    last = latest()
    return last is None or (last.basis != basis() and at - last.at >= DUE_AFTER)


def comparisons(measurement: Measurement) -> list[Comparison]:
    """Return by what told findings can be compared: what a lot decided before anything else."""
    named = set(measurement.figures.order_by().values_list("comparison", flat=True).distinct())
    return [each for each in (Comparison.HELD_OUT, Comparison.BEFORE) if each in named]


def figures(measurement: Measurement, comparison: Comparison, by: By) -> Sequence[Figure]:
    """Return the figures of a split, without their curves; those with most told findings first."""
    rows = measurement.figures.filter(comparison=comparison, by=by).defer("curves")
    return sorted(rows, key=_in_order)


def _in_order(row: Figure) -> tuple[int, int, str]:
    return -row.facts["told"]["lives"], -row.facts["natural"]["lives"], row.key


def figure(measurement: Measurement, comparison: Comparison, by: By, key: str) -> Figure | None:
    """Return one figure; None where there is none."""
    return measurement.figures.filter(comparison=comparison, by=by, key=key).first()
