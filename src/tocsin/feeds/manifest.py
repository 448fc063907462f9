"""The manifest as the engine reads it, and a delta as the manifest takes it.

Only `actions` calls `apply`; it runs inside their transaction.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from tocsin.engine import store
from tocsin.engine.cycles import Calendar, Decision
from tocsin.engine.fold import Label
from tocsin.engine.mapping import Mapping
from tocsin.engine.retention import Expiry
from tocsin.engine.run import Delta, TypeDelta
from tocsin.engine.said import Said
from tocsin.feeds import deliveries, mappings, rollup, sayings
from tocsin.feeds.choices import SHADOWSERVER, SHADOWSERVER_TERMS, ReportState
from tocsin.feeds.keeping import held_reports
from tocsin.feeds.models import Baseline, Cycle, Feed, Handover, Movement, Report, ReportType, Run, State
from tocsin.feeds.unfinished import awaited
from tocsin.feeds.versions import touch

_LABELS = {Label.NEW: "new", Label.STILL: "still", Label.RETURNED: "returned", Label.GONE: "gone"}
_COUNTED = ("on", "constituent", "category", "severity", *_LABELS.values())
Counted = tuple[Any, ...]
"""A row of `_COUNTED`."""
_BATCH = 2000
_JUDGED = ("rows", "closed", "decision", "broken", "usual", "findings", "usual_findings", "held", "doubts", "counts")
"""Columns of `Cycle` that every judgement sets."""


class Catalogue:
    """The manifest, read for the engine."""

    def reports(self, report_type: str) -> list[store.Report]:
        """Return the accepted reports of a type."""
        rows = Report.objects.filter(type__name=report_type, state=ReportState.ACCEPTED).select_related("type")
        return [engine_report(row) for row in rows]

    def with_content(self, content: str) -> list[store.Report]:
        """Return the accepted reports of whatever type whose bytes have this digest."""
        rows = Report.objects.filter(content=content, state=ReportState.ACCEPTED).select_related("type")
        return [engine_report(row) for row in rows]

    def cycles(self, report_type: str) -> list[store.CycleRecord]:
        """Return the cycles of a type."""
        return [engine_cycle(row) for row in Cycle.objects.filter(type__name=report_type).select_related("type")]

    def said(self, *report_types: str) -> list[Said]:
        """Return what was said of the days of types and is not withdrawn, in the order in which it was said."""
        return sayings.said_of(report_types)

    def has_heard(self, one: Said) -> bool:
        """Tell whether that was said before, by anybody, be it withdrawn since."""
        return sayings.was_ever_said(one)

    def delivered(self, days: Collection[store.CycleKey]) -> list[store.Delivered]:
        """Return what was delivered for days and is not withdrawn, in the order in which it came."""
        return deliveries.of_days(days)

    def replaced(self, days: Collection[store.CycleKey]) -> list[store.Report]:
        """Return reports of days that were delivered and not withdrawn, and do not count: what came later does."""
        return [engine_report(row) for row in deliveries.replaced(days)]

    def unfinished(self) -> list[store.CycleRecord]:
        """Return the cycles, of whatever type, that are open or wait for a file which could not be read."""
        rows = Cycle.objects.filter(Q(closed=False) | ~Q(broken=[])).select_related("type")
        return [engine_cycle(row) for row in rows]

    def untimely(self, come: dt.date) -> set[str]:
        """Return the types of which a day was judged before it had come, and has now; or counts and lies ahead, as an
        older version let it, or a clock that was ahead."""
        too_early = Cycle.objects.filter(counts=True, on__gt=come)
        found = awaited().filter(on__lte=come).order_by() | too_early.order_by()
        return set(found.values_list("type__name", flat=True).distinct())

    def state(self, report_type: str) -> store.State | None:
        """Return the findings of a type."""
        row = State.objects.select_related("type").filter(type__name=report_type).first()
        return dataclasses.replace(engine_state(row), handed_over=_is_handed_over(row)) if row else None

    def baseline(self, report_type: str) -> store.Baseline | None:
        """Return what is left of the days of a type that are no longer kept."""
        row = Baseline.objects.filter(type__name=report_type).first()
        return store.Baseline(report_type, tuple(row.partitions), row.up_to) if row else None


def _is_handed_over(state: State) -> bool:
    """Say whether findings have changed hands since the last report of the latest cycle came."""
    latest = Cycle.objects.filter(type=state.type_id, on=state.folded_to).values_list("arrived_at", flat=True).first()
    return latest is not None and Handover.objects.filter(type=state.type_id, at__gt=latest).exists()


def engine_report(row: Report) -> store.Report:
    """Return a report as the engine knows it."""
    return store.Report(
        id=row.digest,
        name=row.name,
        type=row.type.name,
        on=row.on,
        records=row.records,
        kept=row.kept,
        rows_quarantined=row.rows_quarantined,
        cells_quarantined=row.cells_quarantined,
        parts=tuple(row.parts),
        quarantine=row.quarantine,
        constituents=row.constituents,
        size=row.size,
        columns=tuple(row.columns),
        unknown_columns=tuple(row.unknown_columns),
        origin=row.origin,
        content=row.content,
        expired=row.expired_at is not None,
        also=tuple(row.also),
        cut=row.cut,
        findings=row.findings,
        newest=row.newest,
    )


def engine_cycle(row: Cycle) -> store.CycleRecord:
    """Return a cycle as the engine knows it."""
    return store.CycleRecord(row.type.name, row.on, row.closed, Decision(row.decision), tuple(row.broken))


def engine_state(row: State) -> store.State:
    """Return the findings of a type as the engine knows them."""
    counted = tuple(dt.date.fromisoformat(day) for day in row.counted)
    return store.State(row.type.name, tuple(row.partitions), row.folded_to, counted, row.gone_after, row.findings)


def apply(delta: Delta, run: Run | None, at: dt.datetime, *, again: bool = False) -> None:
    """Make a delta true. The reports are those of `run`; with `again` they arrived before, and no cycle is fresher."""
    Report.objects.filter(digest__in=delta.superseded).update(state=ReportState.SUPERSEDED)
    Report.objects.filter(digest__in=delta.replaced).update(state=ReportState.REPLACED)
    Report.objects.filter(digest__in=[report.id for report in delta.restored]).update(state=ReportState.ACCEPTED)
    for report in (*delta.renamed, *delta.restored):
        Report.objects.filter(digest=report.id).update(name=report.name, also=list(report.also))
    read = {report.type: report for report in (*delta.shelved, *delta.accepted)}
    types = _types(read, {one.type for one in delta.types})
    if run is not None:
        _accept(delta.accepted, types, run)
        _accept(delta.shelved, types, run, ReportState.REPLACED)
        deliveries.move(delta.read_as, types)
        deliveries.note(delta.came, types, run)
        if again:
            deliveries.own({report.id for report in (*delta.accepted, *delta.shelved, *delta.restored)})
    sayings.move(delta.moves, types)
    sayings.note(delta.said, run)
    arrived = {(report.type, report.on) for report in delta.accepted if not again}
    moved: set[dt.date] = set()
    for one in delta.types:
        moved |= _apply_type(one, types[one.type], {on for kind, on in arrived if kind == one.type}, at)
    rollup.refresh(moved)
    touch()


def expire(expiry: Expiry, at: dt.datetime) -> None:
    """Make it true that days of a type are no longer kept. Its reports go on counting, those that count."""
    baseline, row = expiry.baseline, ReportType.objects.get(name=expiry.baseline.type)
    defaults = {"partitions": list(baseline.partitions), "up_to": baseline.up_to}
    Baseline.objects.update_or_create(type=row, defaults=defaults)
    kept_so_far(row, baseline.up_to).update(parts=[], quarantine="", expired_at=at)
    _apply_type(expiry.change, row, set(), at)
    touch()


def kept_so_far(row: ReportType, up_to: dt.date) -> QuerySet[Report]:
    """Return the reports of a type up to a day whose files are here, those that count no more too."""
    return held_reports().filter(type=row, on__lte=up_to)


def _types(delivered: dict[str, store.Report], touched: Iterable[str]) -> dict[str, ReportType]:
    """Return the rows of report types, making those that are met for the first time."""
    known = {row.name: row for row in ReportType.objects.filter(name__in={*delivered, *touched})}
    for name in {*delivered, *touched} - set(known):
        mapping = mappings.current().for_type(name)
        known[name] = ReportType.objects.create(name=name, feed=_feed(mapping), origin=mapping.origin)
    for name, report in delivered.items():
        row = known[name]
        row.origin, row.unknown_columns = report.origin, list(report.unknown_columns)
        row.sample_columns = list(report.columns)
        row.title = mappings.current().for_type(name).title[:200]
        row.save()
    return known


def _feed(mapping: Mapping) -> Feed:
    """Return the feed of a type: one that a mapping file describes is a feed of its own."""
    if mapping.origin != "file":
        terms = {"name": "Shadowserver", "tlp": "AMBER", "terms": SHADOWSERVER_TERMS}
        return Feed.objects.get_or_create(code=SHADOWSERVER, defaults=terms)[0]
    return Feed.objects.get_or_create(code=mapping.type[:40], defaults={"name": mapping.title[:100], "tlp": "AMBER"})[0]


def _accept(
    reports: Iterable[store.Report], types: dict[str, ReportType], run: Run, state: str = ReportState.ACCEPTED
) -> None:
    for report in reports:
        # A report that was superseded or withdrawn before and comes again counts again.
        Report.objects.update_or_create(
            digest=report.id,
            defaults={
                "run": run,
                "type": types[report.type],
                "state": state,
                "name": report.name,
                "on": report.on,
                "records": report.records,
                "kept": report.kept,
                "rows_quarantined": report.rows_quarantined,
                "cells_quarantined": report.cells_quarantined,
                "parts": list(report.parts),
                "quarantine": report.quarantine,
                "constituents": report.constituents,
                "size": report.size,
                "columns": list(report.columns),
                "unknown_columns": list(report.unknown_columns),
                "origin": report.origin,
                "content": report.content,
                "also": list(report.also),
                "cut": report.cut,
                "findings": report.findings,
                "newest": report.newest,
            },
        )


def _apply_type(one: TypeDelta, row: ReportType, arrived: set[dt.date], at: dt.datetime) -> set[dt.date]:
    """Make what changes for one type true; return the days on which other findings moved than before."""
    _set_cycles(one, row, arrived, at)
    moved = _set_movements(one, row)
    _set_state(one.state, row)
    return moved


def _set_movements(one: TypeDelta, row: ReportType) -> set[dt.date]:
    """Put the movements of a type in the place of those before; days on which nothing differs are left alone."""
    counted = _counted(one)
    known = set(Movement.objects.filter(type=row, on__gte=one.since).values_list(*_COUNTED))
    moved: set[dt.date] = {values[0] for values in known ^ counted}
    for on in sorted({values[0] for values in known} & moved):
        Movement.objects.filter(type=row, on=on).delete()
    _insert_movements(row, [values for values in counted if values[0] in moved])
    return moved


def _insert_movements(row: ReportType, movements: Iterable[Counted]) -> None:
    """Insert plain values: a model instance for each of some ten thousand rows would take longer than their fold."""
    quote, day = connection.ops.quote_name, connection.ops.adapt_datefield_value
    columns = ("type_id", *_COUNTED)
    into = f"{quote(Movement._meta.db_table)} ({', '.join(map(quote, columns))})"
    places = ", ".join(["%s"] * len(columns))
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {into} VALUES ({places})",  # noqa: S608  only names of our own stand in it
            [(row.pk, day(on), *values) for on, *values in movements],
        )


def _set_state(state: store.State | None, row: ReportType) -> None:
    if state is None:
        State.objects.filter(type=row).delete()
        return
    State.objects.update_or_create(
        type=row,
        defaults={
            "partitions": list(state.partitions),
            "folded_to": state.folded_to,
            "counted": [day.isoformat() for day in state.counted],
            "gone_after": state.gone_after,
            "findings": state.findings,
            "horizon": Calendar(state.counted, state.gone_after).horizon,
        },
    )


def _set_cycles(one: TypeDelta, row: ReportType, arrived: set[dt.date], at: dt.datetime) -> None:
    known = {cycle.on: cycle for cycle in Cycle.objects.filter(type=row)}
    records = {record.on: record for record in one.cycles}
    fresh: list[Cycle] = []
    changed: list[Cycle] = []
    for verdict in one.judged:
        record = records[verdict.cycle.on]
        cycle = known.get(record.on) or Cycle(type=row, on=record.on, arrived_at=at)
        values: dict[str, Any] = {
            "rows": verdict.cycle.rows,
            "closed": record.closed,
            "decision": record.decision.value,
            "broken": list(record.broken),
            "usual": verdict.usual,
            "findings": verdict.cycle.findings,
            "usual_findings": verdict.usual_findings,
            "held": verdict.held,
            "doubts": {doubt.why.value: list(doubt.names) for doubt in verdict.doubts},
            "counts": verdict.counts,
        }
        if record.on in arrived:
            values["arrived_at"] = at
        differs = any(getattr(cycle, name) != value for name, value in values.items())
        for name, value in values.items():
            setattr(cycle, name, value)
        if cycle.pk is None:
            fresh.append(cycle)
        elif differs:
            changed.append(cycle)
    Cycle.objects.filter(type=row).exclude(on__in=list(records)).delete()  # all their reports were taken back
    Cycle.objects.bulk_create(fresh, batch_size=_BATCH)
    Cycle.objects.bulk_update(changed, [*_JUDGED, "arrived_at"], batch_size=_BATCH)


def _counted(one: TypeDelta) -> set[Counted]:
    """Return the movements of a type as rows of `_COUNTED`: one for each day, constituent, class and severity."""
    by_key: dict[tuple[Any, ...], dict[str, int]] = defaultdict(dict)
    table = one.movements
    columns = ("on", "constituent", "class", "severity", "label", "findings_sum")
    for on, constituent, category, severity, label, findings in zip(
        *(table[name].to_pylist() for name in columns), strict=True
    ):
        by_key[on, constituent or "", category or "", severity][_LABELS[label]] = findings
    return {(*key, *(counts.get(word, 0) for word in _LABELS.values())) for key, counts in by_key.items()}
