"""A changed byte in a file that the manifest names: who notices, what is said, and what mends it."""

from __future__ import annotations

import html
import importlib
import random
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps

from tests.cast import Cast
from tests.engine.test_flips import flip
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import signed_in
from tests.feeds.reports import write
from tocsin.audit.actors import COMMAND_LINE
from tocsin.directory.actions import load_reference_table
from tocsin.directory.choices import TableKind
from tocsin.directory.queries import reference_table
from tocsin.engine import digests
from tocsin.engine.enrich import announced_ranges
from tocsin.engine.lost import LostFile
from tocsin.feeds import expiring, fetching, intake, manifest, mending, wholeness
from tocsin.feeds.models import Baseline, Report, State

SEEDS = range(5)


@pytest.fixture
def days(store: Store, tmp_path: Path) -> list[Path]:
    """Two days of a type; the second holds a row that cannot be taken, for its quarantine."""
    paths = [write(tmp_path / "in", number, [1, 2, 65]) for number in range(2)]
    with paths[1].open("a", encoding="utf-8") as file:
        file.write("torn,row\n")
    for path in paths:
        store.run(path)
    return paths


def all_compared() -> wholeness.Comparison:
    return wholeness.compared(None, random.Random(1))


def state() -> str:
    (file,) = State.objects.get().partitions
    return str(file)


def test_a_whole_store_is_compared_whole(store: Store, days: list[Path]) -> None:
    done = all_compared()
    assert done.losses == ()
    assert done.compared_bytes == done.all_bytes == sum((store.root / file).stat().st_size for file in store.named())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", ["state", "observations", "quarantine"])
def test_a_changed_byte_is_found_in_every_kind_of_file(store: Store, days: list[Path], kind: str, seed: int) -> None:
    (file, *_) = sorted(name for name in store.named() if name.startswith(kind))
    flip(store.root / file, seed)
    (loss,) = all_compared().losses
    assert loss.faults[0].file == file
    assert loss.fix


def test_findings_are_compared_even_where_there_is_room_for_nothing(store: Store, days: list[Path]) -> None:
    for file in store.named():
        flip(store.root / file, 3)
    done = wholeness.compared(0, random.Random(1))
    assert state() in {fault.file for loss in done.losses for fault in loss.faults}
    assert done.compared_bytes == (store.root / state()).stat().st_size < done.all_bytes


def test_what_is_not_compared_this_time_is_the_next(store: Store, days: list[Path]) -> None:
    report = Report.objects.get(name=days[0].name)
    file = store.root / report.parts[0]
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 1
    file.write_bytes(content)
    room = (store.root / state()).stat().st_size + file.stat().st_size
    found = {bool(wholeness.compared(room, random.Random(seed)).losses) for seed in range(40)}
    assert found == {True, False}


@pytest.mark.parametrize("seed", SEEDS)
def test_changed_findings_are_refused_and_computed_anew(store: Store, days: list[Path], seed: int) -> None:
    before, file = store.findings(), state()
    flip(store.root / file, seed)

    with pytest.raises(LostFile, match=file):
        store.findings()
    with pytest.raises(LostFile, match=file):
        store.run(write(days[0].parent, 2, [1]))
    assert wholeness.lost_types() == ["scan_rdp"]
    done = intake.refold(wholeness.lost_types(), by=COMMAND_LINE, at=AT)

    assert done.lost == (file,)
    assert store.findings() == before
    assert wholeness.lost_types() == [] and all_compared().losses == ()


@pytest.mark.parametrize("seed", SEEDS)
def test_changed_observations_come_again_with_their_file(store: Store, days: list[Path], seed: int) -> None:
    before = store.findings()
    report = Report.objects.get(name=days[0].name)
    flip(store.root / report.parts[0], seed)
    with pytest.raises(LostFile, match=report.parts[0]):
        intake.refold(["scan_rdp"], by=COMMAND_LINE, at=AT)

    summary = store.run(*days)

    assert [each["name"] for each in summary["files"]] == [days[0].name]
    assert all_compared().losses == ()
    assert store.findings() == before


@pytest.mark.parametrize("address", ["/", "/findings/", "/findings/export.csv", "/findings/export.json"])
def test_a_page_that_needs_a_changed_file_says_so(week: Store, cast: Cast, address: str) -> None:
    browser = signed_in(cast.analyst)
    for file in State.objects.get().partitions:
        flip(week.root / file, 7)
        harmed = file

    page = browser.get(address)

    assert page.status_code == 503
    shown = html.unescape(page.content.decode())
    assert harmed in shown and "tocsin doctor</code>" in shown


@pytest.mark.parametrize("seed", SEEDS)
def test_a_page_that_needs_a_changed_row_of_a_report_says_so(week: Store, cast: Cast, seed: int) -> None:
    finding = week.findings(states=("still",))[0]["id"]
    browser = signed_in(cast.analyst)
    for report in Report.objects.all():
        flip(week.root / report.parts[0], seed)

    assert browser.get(f"/findings/{finding}/").status_code == 503
    assert browser.get("/findings/").status_code == 200


@pytest.mark.parametrize("seed", SEEDS)
def test_a_changed_table_of_addresses_is_named_and_loaded_again(store: Store, tmp_path: Path, seed: int) -> None:
    source = tmp_path / "rib.txt"
    source.write_text("198.18.0.0/15\t64496\n")

    def load() -> object:
        return load_reference_table(TableKind.ASN, source, store=store.root, by=COMMAND_LINE, at=AT)

    assert load()
    table = reference_table(TableKind.ASN, store.root)
    assert table and all_compared().losses == ()
    flip(table, seed)

    (loss,) = all_compared().losses
    assert (loss.what, loss.fix) == ("table", "Load it again: tocsin directory load-asn FILE")
    with pytest.raises(LostFile):
        list(announced_ranges(table))
    assert load() is None
    assert all_compared().losses == ()


@pytest.mark.parametrize("kind", ["observations", "quarantine"])
def test_nothing_is_read_again_from_a_changed_byte(store: Store, days: list[Path], kind: str) -> None:
    before, named = store.findings(), store.named()
    run = Report.objects.get(name=days[1].name).run
    (*_, file) = sorted(name for name in store.named() if name.startswith(kind))
    flip(store.root / file, 3)
    with pytest.raises(LostFile, match=file):
        intake.replay(run, by=COMMAND_LINE, at=AT)
    assert (store.findings(), store.named()) == (before, named)


@pytest.mark.parametrize("kind", ["observations", "state"])
def test_nothing_old_goes_while_a_byte_of_it_is_changed(week: Store, keep: Any, kind: str) -> None:
    keep(amber=2)
    named = week.named()
    (file, *_) = sorted(name for name in named if name.startswith(kind))
    flip(week.root / file, 3)
    with pytest.raises(LostFile, match=file):
        expiring.expire(by=COMMAND_LINE, at=AT)
    assert week.named() == named
    assert not Baseline.objects.exists()


def test_a_late_report_is_not_folded_into_what_is_left_of_older_ones_when_that_is_changed(
    week: Store, keep: Any, tmp_path: Path
) -> None:
    keep(amber=2)
    expiring.expire(by=COMMAND_LINE, at=AT)
    (file,) = Baseline.objects.get().partitions
    flip(week.root / file, 3)
    named = week.named()
    with pytest.raises(LostFile, match=file):
        intake.refold(["scan_rdp"], by=COMMAND_LINE, at=AT)
    assert week.named() == named
    (loss,) = all_compared().losses
    assert (loss.what, loss.faults[0].file) == ("baseline", file)


def test_a_page_of_quarantine_that_needs_a_missing_file_says_so(store: Store, days: list[Path], cast: Cast) -> None:
    browser = signed_in(cast.analyst)
    file = Report.objects.get(name=days[1].name).quarantine
    assert browser.get("/feeds/quarantine/").status_code == 200
    (store.root / file).unlink()
    page = browser.get("/feeds/quarantine/")
    assert page.status_code == 503
    assert file in html.unescape(page.content.decode())


def test_an_export_that_breaks_off_says_so_in_its_last_row(week: Store, cast: Cast) -> None:
    """The first half was sent when the second file was found to be changed: no status can say it any more."""
    page = signed_in(cast.analyst).get("/findings/export.csv")
    assert page.status_code == 200
    for file in State.objects.get().partitions:
        flip(week.root / file, 7)
        harmed = file
    came = []
    with pytest.raises(LostFile):
        came.extend(page.streaming_content)
    last = b"".join(came).decode().splitlines()[-1]
    assert last.startswith(f'"This file is not whole: {harmed}') or last.startswith(f"This file is not whole: {harmed}")


def test_a_type_that_cannot_be_mended_keeps_no_other_from_being(store: Store, tmp_path: Path) -> None:
    for kind in ("scan_rdp", "scan_telnet"):
        store.run(write(tmp_path / kind, 0, [1, 2], kind=kind))
    before = store.findings(types=("scan_telnet",))
    for state in State.objects.all():
        flip(store.root / state.partitions[0], 3)
    report = Report.objects.get(type__name="scan_rdp")
    flip(store.root / report.parts[0], 3)

    mended = mending.mend(by=COMMAND_LINE, at=AT)

    assert mended.done.types == {"scan_telnet": 2}
    assert store.findings(types=("scan_telnet",)) == before
    findings, observations = mended.left
    assert (findings.what, observations.what) == ("findings", "observations")
    assert findings.fix == "When what follows of its type is mended, run: tocsin feed refold scan_rdp"
    assert observations.fix.endswith("tocsin feed run PATH")
    store.run(tmp_path / "scan_rdp")
    assert mending.mend(by=COMMAND_LINE, at=AT).left == ()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_report_whose_download_is_still_there_is_read_again_if_that_is_as_it_came(
    store: Store, tmp_path: Path, seed: int
) -> None:
    for kind in ("scan_rdp", "scan_telnet"):
        for number in range(2):
            store.run(write(tmp_path / "in", number, [1, 2, 65], kind=kind))
    before = store.findings()
    for place, report in enumerate(Report.objects.order_by("type__name", "on")):
        copy = fetching.inbox() / str(place) / report.name
        copy.parent.mkdir(parents=True)
        copy.write_bytes((tmp_path / "in" / report.name).read_bytes())
        flip(store.root / report.parts[0], seed)
    flip(copy, seed)  # that of the last
    for row in State.objects.all():
        flip(store.root / row.partitions[0], seed)

    mended = mending.mend(by=COMMAND_LINE, at=AT)

    names = [report.name for report in Report.objects.order_by("type__name", "on")]
    assert mended.read_again == tuple(names[:2])
    assert [(loss.what, loss.report) for loss in mended.left] == [
        ("findings", ""), ("observations", names[2]), ("observations", names[3])
    ]  # fmt: skip
    assert "again with all of its type that is lost: tocsin feed run PATH…" in mended.left[1].fix
    assert store.findings(types=("scan_rdp",)) == [each for each in before if each["type"] == "scan_rdp"]
    store.run(tmp_path / "in")
    assert mending.mend(by=COMMAND_LINE, at=AT) == mending.Mended(intake.Refolded({}, ()))
    assert store.findings() == before


def as_of_before(store: Store) -> list[str]:
    """Take the digests out of all names, as earlier versions wrote them; return the names."""
    old = {file: file.replace(f".{digests.in_name(file)}", "") for file in store.named()}
    for file, name in old.items():
        (store.root / file).rename(store.root / name)
    for row in State.objects.all():
        row.partitions = [old[file] for file in row.partitions]
        row.save()
    for report in Report.objects.all():
        report.parts, report.quarantine = [old[file] for file in report.parts], old.get(report.quarantine, "")
        report.save()
    manifest.touch()
    return sorted(old.values())


def test_files_of_earlier_versions_are_read_and_named_by_an_upgrade(store: Store, days: list[Path]) -> None:
    before, step = store.findings(), importlib.import_module("tocsin.feeds.migrations.0009_digests_in_names")
    names, old = store.named(), as_of_before(store)
    assert store.findings() == before
    assert all_compared().losses == ()

    step.name_by_digests(apps, None)

    assert store.named() == names
    assert store.findings() == before
    assert store.files() == names | set(old), "until somebody sweeps"
    step.name_by_digests(apps, None)
    assert store.named() == names
    store.run(write(days[0].parent, 2, [1]))
    assert store.files() - store.leaving() == store.named()


def test_an_upgrade_gives_no_digest_to_what_cannot_be_read(store: Store, days: list[Path]) -> None:
    step = importlib.import_module("tocsin.feeds.migrations.0009_digests_in_names")
    as_of_before(store)
    file = state()
    with (store.root / file).open("r+b") as opened:
        opened.seek(30)
        opened.write(b"zz")

    step.name_by_digests(apps, None)

    assert state() == file
    (loss,) = all_compared().losses
    assert (loss.what, loss.faults[0].file) == ("findings", file)
    with pytest.raises(LostFile, match="missing or damaged"):
        store.findings()
    assert wholeness.lost_types() == ["scan_rdp"]
