"""What came of a run, as the object that `feed run --json` prints. Pure."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from tocsin.engine.fold import Label
from tocsin.engine.run import Delta, TypeDelta
from tocsin.engine.said import THIS_RUN, What
from tocsin.feeds.days import is_ahead
from tocsin.formats.shadowserver import read_name

_LABELS = (("new", Label.NEW), ("still", Label.STILL), ("gone", Label.GONE), ("returned", Label.RETURNED))


@dataclasses.dataclass(frozen=True)
class Cost:
    """What a run cost."""

    cpu_s: float
    wall_s: float
    peak_rss_mb: float


@dataclasses.dataclass(frozen=True)
class Before:
    """How things stood before the run."""

    held: Collection[tuple[str, dt.date]] = ()
    """Type and day of the cycles that waited for a decision."""
    corrected: Sequence[tuple[str, int]] = ()
    """Name and run of the reports that it replaces."""
    open: Collection[tuple[str, dt.date]] = ()
    """Type and day of the cycles of which more was to come."""
    ahead: Collection[tuple[str, dt.date]] = ()
    """Type and day of the cycles that were complete before they had come."""


def summarise(
    run: int, delta: Delta, cost: Cost, today: dt.date, before: Before = Before(), of: int | None = None
) -> dict[str, Any]:
    """Return the summary; every total is the sum of what stands below it. `of` is the run that was read again."""
    accepted = delta.accepted
    constituents: Counter[str] = Counter()
    for report in accepted:
        constituents.update(report.constituents)
    kept = sum(report.kept for report in accepted)
    attributed = sum(constituents.values())
    touched = {(report.type, report.on) for report in accepted}
    cycles = [cycle for one in delta.types for cycle in _cycles(one, touched)]
    return {
        "run": run,
        "files": [
            {"name": r.name, "type": r.type, "records": r.records, "kept": r.kept, "quarantined": r.rows_quarantined}
            for r in accepted
        ],
        "rows_read": sum(report.records for report in accepted),
        "rows_kept": kept,
        "rows_quarantined": sum(report.rows_quarantined for report in accepted),
        "cells_quarantined": sum(report.cells_quarantined for report in accepted),
        "duplicates": delta.duplicates,
        **{f"findings_{word}": sum(cycle[word] for cycle in cycles) for word, _ in _LABELS},
        "attributed_rows": attributed,
        "unattributed_rows": kept - attributed,
        "constituents": dict(sorted(constituents.items())),
        "cycles": cycles,
        "held": [held for one in delta.types for held in _held(one, touched, before)],
        "held_waiting": _waiting(delta, before),
        "unchanged": list(delta.unchanged),
        "broken": [{"name": broken.name, "reason": broken.reason} for broken in delta.broken],
        "needs_mapping": sorted({report.type for report in accepted if report.origin == "none"}),
        "unknown_columns": _by_type((report.type, report.unknown_columns) for report in accepted),
        "misnamed": [
            {"name": r.name, "said": said, "date": r.on.isoformat()}
            for r in accepted
            if (said := read_name(r.name).no_date)
        ],
        "ahead": [{"name": r.name, "date": r.on.isoformat()} for r in accepted if is_ahead(r.on, today)],
        "cpu_s": round(cost.cpu_s, 3),
        "wall_s": round(cost.wall_s, 3),
        "peak_rss_mb": round(cost.peak_rss_mb, 1),
        "corrected": [{"name": name, "run": run} for name, run in before.corrected],
        **({"replay_of": of, "replaced": list(delta.outdated), "same": _same(delta)} if of else {}),
        "lacking_columns": _by_type((report.type, report.lacking_columns) for report in accepted),
        "passed_over": list(delta.passed_over),
        "completed": [{"type": kind, "date": on.isoformat()} for kind, on in _completed(delta, before, touched)],
    }


def _same(delta: Delta) -> list[str]:
    """Return the names of reports that are, now that they were read again, what another was already."""
    apart = {report.id for report in (*delta.accepted, *delta.shelved, *delta.restored)}
    return [min(one.names) for one in delta.read_as if one.after.id not in apart]


def _completed(delta: Delta, before: Before, touched: Collection[tuple[str, dt.date]]) -> list[tuple[str, dt.date]]:
    """Return the cycles that are complete though nothing new came of them: the run said so, or their day has come."""
    said = [one for one in delta.said if one.by == THIS_RUN]
    asked = [(one.type, one.on) for one in said if (one.type, one.on) in _asked(one.what, before)]
    judged = [(one.type, each.cycle) for one in delta.types for each in one.judged]
    come = [(kind, cycle.on) for kind, cycle in judged if cycle.complete and (kind, cycle.on) in before.ahead]
    return [each for each in dict.fromkeys((*asked, *come)) if each not in touched]


def _asked(what: What, before: Before) -> Collection[tuple[str, dt.date]]:
    """Return the cycles of which something made a difference that a run says without a new report."""
    return {What.COMPLETE: before.open, What.CONFIRMED: before.held}.get(what, ())


def _cycles(one: TypeDelta, delivered: set[tuple[str, dt.date]]) -> list[dict[str, Any]]:
    """Return what was new, still, gone and returned on each day of a type that this run delivered."""
    counts: Counter[tuple[dt.date, int]] = Counter()
    for row in one.movements.to_pylist():
        counts[row["on"], row["label"]] += row["findings_sum"]
    days = sorted(on for kind, on in delivered if kind == one.type)
    return [
        {"type": one.type, "date": on.isoformat(), **{word: counts[on, label] for word, label in _LABELS}}
        for on in days
    ]


def _by_type(columns: Iterable[tuple[str, Sequence[str]]]) -> dict[str, list[str]]:
    """Return columns of reports by type, each once; a type of which there are none is left out."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for kind, names in columns:
        found[kind].update(names)
    return {kind: sorted(names) for kind, names in found.items() if names}


def _held(one: TypeDelta, touched: Collection[tuple[str, dt.date]], before: Before) -> list[dict[str, Any]]:
    """Return the held cycles with which the run had to do: reports of it came, or it is held because of the run."""
    return [
        {
            "type": one.type,
            "date": judged.cycle.on.isoformat(),
            "rows": judged.cycle.rows,
            "usual": judged.usual,
            "doubts": {doubt.why.value: list(doubt.names) for doubt in judged.doubts},
            "findings": judged.cycle.findings,
            "usual_findings": judged.usual_findings,
        }
        for judged in one.judged
        if judged.held and ((one.type, judged.cycle.on) in touched or (one.type, judged.cycle.on) not in before.held)
    ]


def _waiting(delta: Delta, before: Before) -> int:
    """Return how many cycles of any type wait for a decision after the run."""
    judged_anew = {one.type for one in delta.types}
    others = sum(kind not in judged_anew for kind, _ in before.held)
    return others + sum(judged.held for one in delta.types for judged in one.judged)
