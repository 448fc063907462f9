"""Reports of unusual shapes become batches of bounded size, and nothing of them is lost between two."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.manifest import Bench
from tocsin.engine.opening import BrokenReport, Source
from tocsin.formats import idf, whole
from tocsin.formats.delimited import read_feed
from tocsin.formats.tables import MAX_LINE_BYTES, Delimited, apart
from tocsin.formats.whole import Whole

EVENT = b'{"time.source": "2026-11-16T06:00:00+00:00", "source.ip": "192.0.2.1", "source.port": %d}\n'
LATE = b'{"time.source": "2026-11-16T06:00:00+00:00", "source.ip": "192.0.2.1", "extra.late": "yes"}\n'


def lines(path: Path) -> Path:
    path.write_bytes(b"".join(EVENT % n + b"\n  \r\nbroken\n" * (n % 3) for n in range(1, 41)) + b"\n" * 50 + LATE)
    return path


def test_a_report_comes_in_batches_that_together_are_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = lines(tmp_path / "2026-11-16-lamps.jsonl")
    source = Source(path, path.name)
    reader = Whole(idf.read_lines)
    columns = reader.columns(source)
    assert columns == ("time.source", "source.ip", "source.port", "extra.late")
    (whole_one,) = reader.batches(source, columns)
    monkeypatch.setattr(whole, "CHUNK_ROWS", 7)
    several = list(reader.batches(source, columns))
    assert len(several) == 12 and all(batch.records <= 7 for batch in several)
    assert [line for batch in several for line in batch.lines.tolist()] == whole_one.lines.tolist()
    assert [cells for batch in several for cells in batch.table.to_pylist()] == whole_one.table.to_pylist()
    assert [bad for batch in several for bad in batch.bad] == list(whole_one.bad)
    assert whole_one.lines[-1] == path.read_bytes().count(b"\n")


def test_a_report_with_many_columns_comes_in_smaller_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "BATCH_CELLS", 40)
    path = lines(tmp_path / "2026-11-16-lamps.jsonl")
    source = Source(path, path.name)
    reader = Whole(idf.read_lines)
    assert max(batch.records for batch in reader.batches(source, reader.columns(source))) == 10


def test_its_import_in_batches_is_its_import_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = lines(tmp_path / "2026-11-16-lamps.jsonl")
    (at_once,) = Bench(tmp_path / "one").run([path]).accepted
    monkeypatch.setattr(whole, "CHUNK_ROWS", 7)
    bench = Bench(tmp_path / "many")
    (report,) = bench.run([path]).accepted
    assert (report.id, report.records, report.kept, report.rows_quarantined) == (
        at_once.id, at_once.records, at_once.kept, at_once.rows_quarantined,
    )  # fmt: skip
    assert (report.records, report.kept) == (81, 41)
    assert len(report.parts) > 5
    aside = [one["line"] for one in bench.quarantine(report)]
    assert aside == sorted(aside) and len(aside) == 40


def test_too_many_columns_are_refused_before_all_are_gathered(tmp_path: Path) -> None:
    path = tmp_path / "wide.jsonl"
    path.write_bytes(b"".join(b'{"k%d": 1}\n' % n for n in range(9_000)))
    with pytest.raises(BrokenReport, match="it has 4001 columns"):
        Whole(idf.read_lines).columns(Source(path, path.name))


def test_a_header_counts_although_no_row_follows(tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    path.write_bytes(b"# lamps\nwhen,lamp\n")
    reader = Whole(lambda text: Delimited(text, comment="#"))
    assert reader.columns(Source(path, path.name)) == ("when", "lamp")
    assert list(reader.batches(Source(path, path.name), ("when", "lamp"))) == []


def test_a_separator_beyond_ascii_is_read() -> None:
    feed = read_feed(
        '[feed]\nname = "lamps"\n[read]\ndelimiter = "§"\n'
        '[fields]\n"time.source" = "when"\n"source.ip" = "lamp"\n'.encode(),
        "lamps.toml",
    )
    assert feed.reading.engine_shape is None
    (row,) = feed.reading.records(["when§lamp".encode(), "2026-11-16§192.0.2.1".encode()])
    assert row == (2, {"when": "2026-11-16", "lamp": "192.0.2.1"})


def test_a_line_with_half_of_a_character_is_set_aside_alone(tmp_path: Path) -> None:
    begin = b'{"time.source": "2026-11-16T06:00:00+00:00", "source.ip": "192.0.2.1", '
    path = tmp_path / "2026-11-16-lamps.jsonl"
    path.write_bytes(begin + b'"extra.x": "\\ud800"}\n' + begin + b'"extra.\\udfff": "x"}\n' + LATE)
    bench = Bench(tmp_path / "store")
    (report,) = bench.run([path]).accepted
    assert (report.kept, report.rows_quarantined) == (1, 2)
    assert {row["reason"] for row in bench.quarantine(report)} == {"holds half of a character, which is no text"}


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_a_line_that_is_set_aside_is_kept_whole(ending: bytes, tmp_path: Path) -> None:
    torn = b'{"time.source": "2026-11-16T06:00:00+00:00", "extra.x": "' + b"\xff" + b"x" * 100_000
    path = tmp_path / "2026-11-16-lamps.jsonl"
    path.write_bytes(torn + ending + LATE)
    bench = Bench(tmp_path / "store")
    (report,) = bench.run([path]).accepted
    assert [row["raw"] for row in bench.quarantine(report)] == [torn]


def test_so_is_one_of_a_list_however_it_is_written(tmp_path: Path) -> None:
    feed = read_feed(LISTED, "lamps.toml")
    torn = b'2026-11-16;"' + "é".encode("latin-1") * 1000
    lines = [b"when;lamp\n", torn + b"\n", b"x" * (MAX_LINE_BYTES + 1) + b"\n", b"2026-11-16;192.0.2.1\n"]
    rows, refused = apart(feed.reading.records(lines))
    assert [one.raw for one in refused] == [torn, b"x" * (MAX_LINE_BYTES + 1)]
    assert len(rows) == 1


LISTED = b"""
[feed]
name = "lamps"
[read]
delimiter = ";"
encoding = "latin-1"
[fields]
"time.source" = "when"
"source.ip" = "lamp"
"""
