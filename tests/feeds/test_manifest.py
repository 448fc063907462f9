"""A delta becomes true as it is, on both databases: reports, cycles, findings, movements."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pyarrow as pa
import pytest
from django.db import IntegrityError, transaction

from tests.feeds.conftest import AT
from tests.feeds.reports import day
from tocsin.engine import store as engine
from tocsin.engine.cycles import Decision, judge
from tocsin.engine.fold import MOVEMENTS, Label
from tocsin.engine.run import Delta, TypeDelta
from tocsin.feeds import manifest
from tocsin.feeds.manifest import Catalogue, apply
from tocsin.feeds.models import Cycle, Manifest, Movement, Report, ReportType, Run, State

pytestmark = pytest.mark.django_db
LATER = AT + dt.timedelta(hours=1)


def report(number: int = 0, **changes: Any) -> engine.Report:
    made = engine.Report(
        id=f"{number:064d}",
        name=f"{day(number)}-scan_rdp-xm-geo.csv",
        type="scan_rdp",
        on=day(number),
        records=10,
        kept=9,
        rows_quarantined=1,
        cells_quarantined=3,
        parts=(f"observations/scan_rdp/r1-{number}.parquet",),
        quarantine=f"quarantine/scan_rdp/r1-{number}.parquet",
        constituents={"moh": 4},
        size=1000,
        columns=("timestamp", "ip", "colour"),
        unknown_columns=("colour",),
        origin="builtin",
    )
    return dataclasses.replace(made, **changes)


def movement(on: dt.date, label: Label, findings: int, constituent: str | None = "moh") -> dict[str, Any]:
    return {
        "on": on, "label": int(label), "constituent": constituent, "class": "vulnerable-system", "severity": 3,
        "findings_sum": findings,
    }  # fmt: skip


def of_type(
    *cycles: engine.CycleRecord,
    rows: int = 10,
    moved: list[dict[str, Any]] | None = None,
    since: dt.date = dt.date.min,
    state: engine.State | None = None,
) -> TypeDelta:
    judged = tuple(judge(dataclasses.replace(cycle.cycle([]), rows=rows) for cycle in cycles))
    table = pa.Table.from_pylist(moved or [], schema=SUMMED)
    return TypeDelta("scan_rdp", since, table, cycles, judged, state)


SUMMED = pa.schema([field for field in MOVEMENTS if field.name != "findings"]).append(
    pa.field("findings_sum", pa.int64())
)
"""Columns of the movements in a delta."""


def delta(*accepted: engine.Report, superseded: tuple[str, ...] = (), types: tuple[TypeDelta, ...] = ()) -> Delta:
    return Delta(accepted, superseded, (), (), types, 0, ())


def closed(number: int, **changes: Any) -> engine.CycleRecord:
    return engine.CycleRecord("scan_rdp", day(number), **{"closed": True, **changes})


@pytest.fixture
def run() -> Run:
    return Run.objects.create(started_at=AT, actor_label="somebody")


def test_what_was_applied_is_what_the_engine_reads(run: Run) -> None:
    state = engine.State("scan_rdp", ("state/scan_rdp/a.parquet",), day(1), (day(0), day(1)), 2, 77)
    apply(delta(report(0), report(1), types=(of_type(closed(0), closed(1), state=state),)), run, AT)
    catalogue = Catalogue()
    assert sorted(catalogue.reports("scan_rdp"), key=lambda one: one.on) == [report(0), report(1)]
    assert catalogue.cycles("scan_rdp") == [closed(0), closed(1)]
    assert catalogue.state("scan_rdp") == state
    assert State.objects.get().horizon == day(0), (
        "with two misses allowed, what was last seen before the first day is gone"
    )
    assert (catalogue.reports("scan_ssl"), catalogue.cycles("scan_ssl"), catalogue.state("scan_ssl")) == ([], [], None)


def test_a_type_is_known_by_its_latest_report(run: Run) -> None:
    apply(delta(report()), run, AT)
    kind = ReportType.objects.get()
    assert (kind.name, kind.origin, kind.unknown_columns) == ("scan_rdp", "builtin", ["colour"])
    assert kind.title == "Accessible-RDP"
    assert (kind.feed.code, kind.feed.tlp) == ("shadowserver", "AMBER")
    apply(delta(report(1, unknown_columns=(), origin="published")), run, AT)
    kind.refresh_from_db()
    assert (kind.origin, kind.unknown_columns) == ("published", [])


def test_the_database_refuses_a_report_that_lost_a_record(run: Run) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        apply(delta(report(records=11)), run, AT)
    assert not Report.objects.exists()


def test_a_correction_replaces_and_what_it_replaced_may_come_again(run: Run) -> None:
    first, correction = report(), report(id="f" * 64, records=12, kept=11)
    apply(delta(first), run, AT)
    apply(delta(correction, superseded=(first.id,)), run, AT)
    assert Catalogue().reports("scan_rdp") == [correction]
    assert Report.objects.get(digest=first.id).state == "superseded"

    another = Run.objects.create(started_at=LATER, actor_label="somebody")
    again = dataclasses.replace(first, parts=("observations/scan_rdp/r2.parquet",))
    apply(delta(again, superseded=(correction.id,)), another, LATER)

    assert Catalogue().reports("scan_rdp") == [again]
    assert Report.objects.get(digest=first.id).run == another


def test_a_report_that_goes_by_other_names_goes_on_counting(run: Run) -> None:
    both = report().named(("b.csv", "a.csv"))
    apply(delta(both), run, AT)
    assert Catalogue().reports("scan_rdp") == [both]
    left = both.named(("b.csv",))
    apply(dataclasses.replace(delta(), renamed=(left,)), None, AT)
    assert Catalogue().reports("scan_rdp") == [left]
    assert Report.objects.get().run == run


def test_without_a_run_nothing_is_accepted_and_what_is_withdrawn_counts_no_more(run: Run) -> None:
    apply(delta(report()), run, AT)
    apply(delta(superseded=(report().id,), types=(of_type(closed(0)),)), None, AT)
    assert Catalogue().reports("scan_rdp") == []
    assert Report.objects.count() == 1


def test_movements_are_replaced_from_the_day_on_that_the_delta_says(run: Run) -> None:
    before = [movement(day(n), Label.NEW, n + 1) for n in range(3)]
    apply(delta(types=(of_type(moved=before),)), run, AT)
    after = [movement(day(1), Label.STILL, 8), movement(day(1), Label.GONE, 5), movement(day(1), Label.NEW, 4, None)]
    apply(delta(types=(of_type(moved=after, since=day(1)),)), run, AT)
    kept = Movement.objects.order_by("on", "constituent").values_list("on", "constituent", "new", "still", "gone")
    assert list(kept) == [(day(0), "moh", 1, 0, 0), (day(1), "", 4, 0, 0), (day(1), "moh", 0, 8, 5)]


def test_one_row_holds_all_labels_of_a_day_and_a_kind(run: Run) -> None:
    moved = [movement(day(0), label, 1 + label) for label in Label]
    apply(delta(types=(of_type(moved=moved),)), run, AT)
    row = Movement.objects.get()
    assert (row.new, row.still, row.returned, row.gone) == (1, 2, 3, 4)
    assert (row.category, row.severity) == ("vulnerable-system", 3)


def test_a_state_that_has_gone_is_deleted(run: Run) -> None:
    state = engine.State("scan_rdp", ("a",), day(0), (day(0),), 3, 1)
    apply(delta(types=(of_type(state=state),)), run, AT)
    assert State.objects.get().horizon is None
    apply(delta(types=(of_type(),)), run, AT)
    assert not State.objects.exists()


def test_cycles_hold_their_judgement_and_when_their_last_report_came(run: Run) -> None:
    apply(delta(report(0), types=(of_type(closed(0)),)), run, AT)
    held = (closed(0), closed(1, broken=("x.csv",)), closed(2, decision=Decision.DISCARDED))
    apply(delta(report(2), types=(of_type(*held),)), run, LATER)
    first, second, third = Cycle.objects.order_by("on")
    assert (first.rows, first.counts, first.usual, first.arrived_at) == (10, True, None, AT)
    assert (second.broken, second.counts, second.usual) == (["x.csv"], False, 10)
    assert (third.decision, third.counts, third.arrived_at) == ("discarded", False, LATER)
    apply(delta(report(0, id="e" * 64), types=(of_type(*held),)), run, LATER)
    first.refresh_from_db()
    assert first.arrived_at == LATER


def test_every_change_grows_the_version(run: Run) -> None:
    versions = []
    for number in range(3):
        apply(delta(report(number)), run, AT)
        versions.append(Manifest.objects.get().version)
    assert versions == [1, 2, 3]
    manifest.touch()
    assert Manifest.objects.get().version == 4
