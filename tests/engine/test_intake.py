"""What a delivery is, and how its chunks make one report."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.engine.manifest import Bench
from tests.engine.reports import COLUMNS, as_csv, day, name_of, row, seen, write
from tocsin.engine import addresses, records
from tocsin.engine.bounds import last_acceptable
from tocsin.engine.claims import ASN, Claim, Claims
from tocsin.engine.enrich import Announcements
from tocsin.engine.intake import ChunkSource, Context, Recognised, deliver, digest_of, map_chunk, part_number
from tocsin.engine.mapping import Field, Mapping, Roles
from tocsin.engine.opening import BrokenReport, Source, sources
from tocsin.engine.records import Shape
from tocsin.engine.store import Workspace

OWN = Mapping(
    "own", "Own", (Field("time.source", "when", "time:%d/%m/%Y"), Field("source.ip", "who", "ip")),
    (("classification.type", "scanner"),), Roles(time="when", address="who"), "file",
)  # fmt: skip


class Semicolons:
    """Knows one feed of an operator: semicolons, no header."""

    shape = Shape(delimiter=";", header=("when", "who"))

    def __call__(self, name: str, columns: tuple[str, ...]) -> Recognised:
        return Recognised(OWN, None, self.shape)

    def unusual(self, source: Source) -> None:
        return None

    def is_no_report(self, name: str) -> bool:
        return False

    def cycle_of(self, name: str) -> tuple[str, dt.date] | None:
        return None

    def type_of(self, name: str) -> str | None:
        return None


def at(number: int) -> dt.datetime:
    return dt.datetime.combine(day(number), dt.time(12), dt.UTC)


def test_a_delivery_is_looked_at(tmp_path: Path) -> None:
    path = write(tmp_path, [row()])
    delivery = deliver(3, sources(path)[0], Bench(tmp_path / "store").recognise)
    assert (delivery.number, delivery.columns, delivery.size) == (3, COLUMNS, path.stat().st_size)
    assert (delivery.recognised.mapping.type, delivery.recognised.on) == ("scan_rdp", day(0))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("longer", ["", "x" * 1000])
def test_the_number_of_rows_is_estimated_from_the_first_of_them(packed: bool, longer: str, tmp_path: Path) -> None:
    path = write(tmp_path, [row(tag=f"{n:05d}{longer}") for n in range(2000)])
    if packed:
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
        path = path.with_name(path.name + ".gz")
    delivery = deliver(0, sources(path)[0], Bench(tmp_path / "store").recognise)
    assert delivery.rows() == pytest.approx(delivery.size * 12 / delivery.bytes_per_row if packed else 2000, rel=0.05)


def test_without_a_first_row_a_number_is_assumed(tmp_path: Path) -> None:
    delivery = deliver(0, sources(write(tmp_path, []))[0], Bench(tmp_path / "store").recognise)
    assert 0 < delivery.rows() < 10


def test_a_report_that_no_mapping_fits_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letters.csv").write_bytes(b"a,b\n1,2\n")
    with pytest.raises(BrokenReport, match=r"letters\.csv"):
        deliver(0, sources(tmp_path / "letters.csv")[0], Bench(tmp_path / "store").recognise)


def test_a_feed_of_an_operators_own_shape_is_read(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(b"16/11/2026;192.0.2.1\n\n17/11/2026;192.0.2.2\nbroken\n")
    bench = Bench(tmp_path / "store", recognise=Semicolons())
    (report,) = bench.run([path]).accepted
    assert (report.type, report.on, report.records, report.kept) == ("own", day(1), 3, 2)
    assert bench.observations(report)["line"].to_pylist() == [1, 3]
    assert [(one["line"], one["raw"]) for one in bench.quarantine(report)] == [(4, b"broken")]


def test_a_chunk_becomes_a_part_a_spill_and_a_quarantine(tmp_path: Path) -> None:
    path = write(tmp_path, [row(), row(ip=""), row(port="x")])
    delivery = deliver(0, sources(path)[0], Bench(tmp_path / "store").recognise)
    context = Context(Workspace(tmp_path / "store", "run1"), Claims([]))
    (chunk,) = ChunkSource(delivery)
    mapped = map_chunk(context, delivery, chunk)
    assert (mapped.records, mapped.kept, mapped.rows_quarantined, mapped.cells_quarantined) == (3, 2, 1, 1)
    assert mapped.days == {}, "its name says it"
    assert pq.read_table(tmp_path / "store" / mapped.part).num_rows == 2
    assert pq.read_table(tmp_path / "store" / mapped.quarantine)["line"].to_pylist() == [3, 4]
    assert (tmp_path / "store" / mapped.spill).exists()
    assert map_chunk(context, delivery, chunk) == mapped, "a task may be tried again"


def _day_of(tmp_path: Path, days: list[int], **options: Any) -> dt.date:
    tmp_path.mkdir(exist_ok=True)
    path = tmp_path / "scan_rdp.csv"
    path.write_bytes(as_csv([seen(f"192.0.2.{n}", day(on)) for n, on in enumerate(days)]))
    (report,) = Bench(tmp_path / "store").run([path], **options).accepted
    return report.on


def test_the_day_of_an_undated_report_is_that_of_most_of_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "CHUNK_ROWS", 4)
    monkeypatch.setattr(records, "BLOCK_BYTES", 256)
    assert _day_of(tmp_path, [0] * 20 + [24] + [-3] * 5, latest=day(31)) == day(0)


def test_where_no_day_has_most_rows_it_is_the_latest_that_has_come(tmp_path: Path) -> None:
    assert _day_of(tmp_path / "a", [-90, -40, -40, -7, 0, 24], latest=last_acceptable(at(0))) == day(0)
    assert _day_of(tmp_path / "b", [3, 5, 7], latest=last_acceptable(at(0))) == day(7)


def test_what_workers_elsewhere_are_given_can_be_sent_to_them(tmp_path: Path) -> None:
    delivery = deliver(0, sources(write(tmp_path, [row()]))[0], Bench(tmp_path / "store").recognise)
    assert pickle.loads(pickle.dumps(delivery)) == delivery
    assert pickle.loads(pickle.dumps(Claims([]))).claims == []


def test_the_digest_of_a_report_is_that_of_its_unpacked_bytes(tmp_path: Path) -> None:
    path = write(tmp_path, [row()] * 50)
    (source,) = sources(path)
    chunks = ChunkSource(deliver(0, source, Bench(tmp_path / "store").recognise))
    assert chunks.digest == b""
    list(chunks)
    assert chunks.digest == digest_of(source) == hashlib.sha256(path.read_bytes()).digest()


def test_the_same_bytes_of_another_day_or_type_are_another_report(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "store")
    paths = [write(tmp_path, [], on=day(0)), write(tmp_path, [], on=day(1)), write(tmp_path, [], "scan_http")]
    reports = bench.run(paths).accepted
    assert len({report.id for report in reports}) == 3
    assert {report.records for report in reports} == {0}


def test_quarantine_of_many_chunks_is_one_file_in_line_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "CHUNK_ROWS", 4)
    monkeypatch.setattr(records, "BLOCK_BYTES", 256)
    path = tmp_path / name_of("scan_rdp", day(0))
    path.write_bytes(as_csv([row(port="x" if n % 3 else n, ip="" if n % 5 == 0 else "192.0.2.1") for n in range(40)]))
    bench = Bench(tmp_path / "store")
    (report,) = bench.run([path]).accepted
    lines = [one["line"] for one in bench.quarantine(report)]
    assert lines == sorted(lines)
    assert report.rows_quarantined == 8
    assert len(lines) == report.rows_quarantined + report.cells_quarantined
    assert len(list((tmp_path / "store" / "quarantine" / "scan_rdp").iterdir())) == 1


def test_gaps_are_filled_before_anyone_is_held_responsible(tmp_path: Path) -> None:
    span = (addresses.of("198.51.100.0")[1], addresses.of("198.51.100.255")[1])
    announced = Announcements(lambda: [(*span, 64511)])
    bench = Bench(tmp_path / "store", [Claim("a", "c-system", ASN, "64511")], announcements=announced)
    (report,) = bench.run(
        [write(tmp_path, [seen("198.51.100.7", day(0), asn=""), seen("198.51.100.8", day(0))])]
    ).accepted
    assert report.constituents == {"c-system": 1}
    assert bench.observations(report)["asn"].to_pylist() == [64511, 64496]


def test_parts_of_a_run_have_numbers_of_their_own() -> None:
    assert len({part_number(delivery, chunk) for delivery in range(50) for chunk in range(50)}) == 2_500


def test_the_quarantine_of_a_report_is_written_chunk_by_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much of a report is set aside, no more than one chunk of it is held, and lines stay in order."""
    monkeypatch.setattr(records, "CHUNK_ROWS", 100)
    monkeypatch.setattr(records, "BLOCK_BYTES", 1_000)
    good = as_csv([row(ip="192.0.2.1", port="http"), row(ip="nowhere")])
    path = tmp_path / name_of("scan_rdp", day(0))
    path.write_bytes(good + (b"x\n" * 7 + good.split(b"\n")[1] + b"\n") * 200)
    bench = Bench(tmp_path / "store")
    (report,) = bench.run([path]).accepted
    assert (report.records, report.kept, report.rows_quarantined, report.cells_quarantined) == (1_602, 201, 1_401, 201)
    file = pq.ParquetFile(tmp_path / "store" / report.quarantine)
    assert file.num_row_groups >= 5
    lines = file.read()["line"].to_pylist()
    assert lines == sorted(lines) and len(lines) == 1_602
    assert not bench.debris()


def test_a_member_of_an_archive_has_its_own_size(tmp_path: Path) -> None:
    reports = {name_of("scan_rdp", day(number)): as_csv([seen("192.0.2.1", day(number))]) for number in range(20)}
    with zipfile.ZipFile(tmp_path / "month.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in reports.items():
            archive.writestr(name, data)
        archive.writestr("notes.csv", b"timestamp,ip\n" + b"x" * 1_000_000)
    bench = Bench(tmp_path / "store")
    found = sources(tmp_path / "month.zip")[:20]
    deliveries = [deliver(number, source, bench.recognise) for number, source in enumerate(found)]
    assert [one.size for one in deliveries] == [len(data) for data in reports.values()]
    assert 10 < sum(one.rows() for one in deliveries) < 50
