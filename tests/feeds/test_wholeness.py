"""Files of the store that are lost: named with what mends them, and mended."""

from __future__ import annotations

import html
import os
from pathlib import Path
from typing import Any

import pytest

from tests.cast import Cast
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import signed_in
from tests.feeds.reports import write
from tocsin.audit.actors import COMMAND_LINE
from tocsin.audit.models import AuditRow
from tocsin.engine.lost import LostFile
from tocsin.feeds import intake, wholeness
from tocsin.feeds.models import Baseline, Movement, Report, State
from tocsin.kernel.refusals import Conflict

MOVED = ("on", "constituent", "new", "still", "returned", "gone")


def refold(*types: str) -> intake.Refolded:
    return intake.refold(types, by=COMMAND_LINE, at=AT)


@pytest.fixture
def days(store: Store, tmp_path: Path) -> list[Path]:
    """Three days of a type, of which the second misses a host; imported one by one."""
    paths = [write(tmp_path / "in", number, hosts) for number, hosts in enumerate(([1, 2, 65], [1, 65], [1, 2]))]
    for path in paths:
        store.run(path)
    return paths


def lose(store: Store, file: str, *, how: str = "missing") -> None:
    if how == "missing":
        (store.root / file).unlink()
    else:
        os.truncate(store.root / file, 100)


def state() -> list[str]:
    partitions: list[str] = State.objects.get().partitions
    return partitions


def test_a_whole_store_has_no_loss(store: Store, days: list[Path], django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(4):  # however many reports there are
        assert wholeness.losses() == []


@pytest.mark.parametrize("how", ["missing", "damaged"])
def test_lost_findings_are_named_and_computed_anew(store: Store, days: list[Path], how: str) -> None:
    before, moved = store.findings(), set(Movement.objects.values_list(*MOVED))
    (file,) = state()
    lose(store, file, how=how)
    (loss,) = wholeness.losses()
    assert (loss.what, loss.fix) == ("findings", "Run: tocsin feed refold scan_rdp")
    assert loss.says.startswith(f"{file}: it is {how}")
    with pytest.raises(LostFile, match=file):
        store.findings()
    with pytest.raises(LostFile, match=file):
        store.run(write(days[0].parent, 3, [1]))

    done = refold(*wholeness.lost_types())

    assert (done.types, done.lost) == ({"scan_rdp": 3}, (file,))
    assert store.findings() == before
    assert set(Movement.objects.values_list(*MOVED)) == moved
    assert wholeness.losses() == []
    assert store.files() - store.leaving() == store.named()
    assert AuditRow.objects.get(code="finding.refolded").data["lost"] == [file]


def test_findings_that_are_whole_may_be_computed_anew_too(store: Store, days: list[Path]) -> None:
    before = store.findings()
    assert refold("scan_rdp").lost == ()
    assert store.findings() == before


def test_a_type_without_findings_is_refused(store: Store, days: list[Path]) -> None:
    with pytest.raises(Conflict, match="there are no findings of scan_telnet"):
        refold("scan_telnet")


@pytest.mark.parametrize("how", ["missing", "damaged"])
def test_lost_observations_are_named_and_come_again_with_their_file(store: Store, days: list[Path], how: str) -> None:
    before = store.findings()
    report = Report.objects.get(name=days[0].name)
    lose(store, report.parts[0], how=how)
    (loss,) = wholeness.losses()
    assert (loss.what, loss.run) == ("observations", report.run_id)
    assert loss.fix.endswith(f"or import {days[0].name} again: tocsin feed run PATH")
    with pytest.raises(LostFile, match=report.parts[0]):
        refold("scan_rdp")

    summary = store.run(*days)

    assert [each["name"] for each in summary["files"]] == [days[0].name]
    assert len(summary["unchanged"]) == 2
    assert wholeness.losses() == []
    assert store.findings() == before
    assert store.files() - store.leaving() == store.named()


def test_a_whole_store_that_is_lost_comes_again_with_its_files(store: Store, days: list[Path]) -> None:
    before = store.findings()
    for file in store.named():
        lose(store, file)
    assert len(wholeness.losses()) == 4

    store.run(*days)

    assert wholeness.losses() == []
    assert store.findings() == before


def test_a_report_that_is_lost_keeps_all_of_its_names(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "in", 0, [1, 2])
    store.run(path)
    other = path.rename(path.with_name(path.name.replace("geo", "geo-b")))
    store.run(other)
    names = {Report.objects.get().name, *Report.objects.get().also}
    assert len(names) == 2
    lose(store, Report.objects.get().parts[0])

    store.run(other)

    assert {Report.objects.get().name, *Report.objects.get().also} == names


def test_what_was_withdrawn_and_is_lost_takes_nothing_from_what_counts(store: Store, days: list[Path]) -> None:
    report = Report.objects.get(name=days[0].name)
    store.withdraw(report.run_id)
    lose(store, report.parts[0])
    (loss,) = wholeness.losses()
    assert loss.what == "history"
    assert loss.fix.endswith("its report was withdrawn or corrected and counts no more.")
    assert len(store.findings()) == 3


@pytest.mark.parametrize(
    "address", ["/", "/findings/", "/findings/export.csv", "/findings/export.xlsx", "/search/?q=192.0.2.1"]
)
def test_a_page_that_needs_a_lost_file_says_so(week: Store, cast: Cast, address: str) -> None:
    browser = signed_in(cast.analyst)
    (file,) = state()
    lose(week, file, how="damaged")

    page = browser.get(address)

    assert page.status_code == 503
    shown = html.unescape(page.content.decode())
    assert "Part of the stored data cannot be read" in shown
    assert file in shown and '<code class="nowrap">tocsin doctor</code>' in shown


def test_a_page_that_needs_a_lost_row_of_a_report_says_so(week: Store, cast: Cast) -> None:
    finding = week.findings(states=("still",))[0]["id"]
    browser = signed_in(cast.analyst)
    for report in Report.objects.all():
        lose(week, report.parts[0])

    assert browser.get(f"/findings/{finding}/").status_code == 503
    assert browser.get("/findings/").status_code == 200


def test_what_is_left_of_days_that_are_no_longer_kept_cannot_be_computed(store: Store, days: list[Path]) -> None:
    report = Report.objects.get(name=days[0].name)
    Baseline.objects.create(type=report.type, partitions=["state/scan_rdp/none.parquet"], up_to=report.on)
    Report.objects.filter(pk=report.pk).update(parts=[], quarantine="", expired_at=AT)

    (loss,) = wholeness.losses()

    assert (loss.what, loss.says) == ("baseline", "state/scan_rdp/none.parquet: it is missing")
    assert loss.fix.endswith("what it was computed from is no longer kept.")
    with pytest.raises(LostFile, match=r"none\.parquet"):
        refold("scan_rdp")
