"""Whole reports against the right answers that their generators wrote beside them: every figure is equal.

The project's own generator always; folders from outside where TOCSIN_TEST_FEEDS names one, read with the built-in
mappings and, where TOCSIN_TEST_SCHEMA is given too, with the published ones.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import json
import os
from collections import Counter
from pathlib import Path

import pytest

from bench import feeds
from tests.engine.manifest import Bench, claims_of, state_digest
from tocsin.engine import partitions, records
from tocsin.engine.fold import Label
from tocsin.engine.query import Filter
from tocsin.engine.store import Report
from tocsin.formats import shadowserver

OUTSIDE = Path(os.environ.get("TOCSIN_TEST_FEEDS", "nowhere"))
FOLDERS = sorted(OUTSIDE.iterdir()) if OUTSIDE.is_dir() else []
SCHEMA = Path(os.environ.get("TOCSIN_TEST_SCHEMA", "nowhere"))
OWN = {
    "one day of everything": {"rows": 2_000, "days": 1, "seed": 1},
    "four dirty days": {
        "rows": 700, "days": 4, "seed": 2, "dirty": 0.14, "types": "scan_rdp:2,scan6_http:1,event4_sinkhole:2",
    },
    "many duplicates in many parts": {
        "rows": 700, "days": 3, "seed": 3, "duplicates": 0.4, "per_file": 150, "types": "scan_ssl,compromised_website",
    },
}  # fmt: skip


@pytest.fixture(scope="module", params=OWN, ids=str)
def own(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Feeds of the project's own generator."""
    folder = tmp_path_factory.mktemp("own")
    options = {"constituents": 40, **OWN[request.param]}
    if "types" in options:
        options["types"] = feeds.parse_types(options["types"])
    feeds.generate(feeds.Options(out=folder, **options))
    return folder


def imported(
    folder: Path, store: Path, *, daily: bool, published: shadowserver.Schema | None = None
) -> tuple[Bench, int]:
    """Import a folder, in one call or day by day; return the bench and the number of duplicates."""
    claims = claims_of(json.loads((folder / "constituents.json").read_text(encoding="utf-8")))
    bench = Bench(store, claims, published=published)
    paths = sorted((folder / "reports").iterdir())
    days = sorted({path.name[:10] for path in paths})
    calls = [[path for path in paths if path.name[:10] == one] for one in days] if daily else [paths]
    return bench, sum(bench.run(call).duplicates for call in calls)


def check(folder: Path, bench: Bench, duplicates: int) -> None:
    """Compare every figure."""
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    reports = list(bench.manifest.by_id.values())
    assert sum(report.records for report in reports) == sum(report.kept for report in reports) == truth["rows"]
    assert duplicates == truth["duplicates"]
    per_type = Counter[str]()
    for report in reports:
        per_type[report.type] += report.kept
    assert per_type == truth["per_type"]
    assert bench.constituents() == truth["per_constituent"]
    assert truth["rows"] - bench.constituents().total() == truth["unattributed"]
    assert [_moved(bench, dt.date.fromisoformat(one["day"])) for one in truth["days"]] == [
        {word: one.get(word, 0) for word in ("new", "still", "gone", "returned")} for one in truth["days"]
    ]
    assert bench.findings().count(Filter()) == truth["distinct_findings"]
    assert sum(_dirty_rows(folder, bench, report) for report in reports) == truth["dirty"]


def _moved(bench: Bench, on: dt.date) -> dict[str, int]:
    return {
        label.name.lower(): bench.manifest.count(label, {on})
        for label in (Label.NEW, Label.STILL, Label.GONE, Label.RETURNED)
    }


def _dirty_rows(folder: Path, bench: Bench, report: Report) -> int:
    """Return how many different rows of a report have a quarantined cell: the copies of a dirty row are dirty too."""
    found = bench.quarantine(report)
    assert not any(one["whole_row"] for one in found)
    assert {one["raw"] for one in found} <= {b"TLSv1.2"}
    lines = _lines(next((folder / "reports").glob(f"{report.name}*")))
    return len({(report.on, lines[one["line"] - 1]) for one in found})


def _lines(path: Path) -> list[bytes]:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).split(b"\n")


def test_our_own_feeds_come_out_as_their_generator_says(own: Path, tmp_path: Path) -> None:
    bench, duplicates = imported(own, tmp_path / "store", daily=False)
    check(own, bench, duplicates)


def test_daily_calls_in_many_small_pieces_give_the_same(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once, _ = imported(own, tmp_path / "once", daily=False)
    monkeypatch.setattr(records, "CHUNK_ROWS", 60)
    monkeypatch.setattr(records, "BLOCK_BYTES", 1 << 15)
    monkeypatch.setattr(partitions, "ROWS_PER_PARTITION", 300)
    bench, duplicates = imported(own, tmp_path / "daily", daily=True)
    check(own, bench, duplicates)
    assert any(len(state.partitions) > 1 for state in bench.manifest.states.values())
    assert any(len(report.parts) > 1 for report in bench.manifest.by_id.values())
    assert state_digest(bench) == state_digest(at_once)
    assert bench.debris() == set()


def test_every_cell_is_kept_as_it_came(own: Path, tmp_path: Path) -> None:
    bench, _ = imported(own, tmp_path / "store", daily=False)
    report = max(bench.manifest.by_id.values(), key=lambda one: one.kept)
    (path,) = (own / "reports").glob(report.name)
    rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))
    for found, cells in zip(bench.observations(report).to_pylist(), rows, strict=True):
        assert {name: (found[f"c.{name}"] or b"").decode() for name in cells} == cells


@pytest.fixture
def published() -> shadowserver.Schema:
    """The schema from outside."""
    if not SCHEMA.is_dir():
        pytest.skip("TOCSIN_TEST_SCHEMA names no folder")
    return shadowserver.read_schema_files({path.name: path.read_bytes() for path in SCHEMA.glob("*.json")})


OUTSIDE_FOLDERS = [pytest.param(folder, id=folder.name) for folder in FOLDERS] or [
    pytest.param(None, marks=pytest.mark.skip("TOCSIN_TEST_FEEDS names no folder"))
]


@pytest.mark.parametrize("folder", OUTSIDE_FOLDERS)
def test_feeds_from_outside_come_out_as_their_generator_says(folder: Path, tmp_path: Path) -> None:
    bench, duplicates = imported(folder, tmp_path / "store", daily=False)
    check(folder, bench, duplicates)


@pytest.mark.parametrize("folder", OUTSIDE_FOLDERS)
def test_they_do_day_by_day_with_the_published_schema(
    folder: Path, tmp_path: Path, published: shadowserver.Schema
) -> None:
    bench, duplicates = imported(folder, tmp_path / "store", daily=True, published=published)
    check(folder, bench, duplicates)
    assert {report.origin for report in bench.manifest.by_id.values()} == {"published"}
