"""`tocsin feed read`: a report file in, events with IDF keys out, and nothing else needed."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.feeds import Options, generate, parse_types
from tests.commands import ROOT
from tests.feeds.reports import day, write
from tocsin.formats.idf import dictionary
from tocsin.site.cli.feed_verbs import printing

IN_A_BARE_PROCESS = """
    import sys
    from tocsin.site.cli import run
    code = run(sys.argv[1:])
    loaded = sorted({name.partition(".")[0] for name in sys.modules} & {"django", "allauth", "psycopg", "duckdb"})
    print(*loaded, file=sys.stderr)
    sys.exit(code)
"""


def bare(folder: Path) -> dict[str, str]:
    """The environment of somebody who never heard of TOCSIN_HOME."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("TOCSIN_", "DJANGO_"))}
    return {**inherited, "PYTHONPATH": str(ROOT / "src"), "HOME": str(folder)}


def read(*arguments: str | Path, folder: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "tocsin", "feed", "read", *map(str, arguments)],
        env=bare(folder or Path.cwd()),
        cwd=folder,
        capture_output=True,
        timeout=60,
    )


def events(done: subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """Five good rows."""
    return write(tmp_path, 0, [5, 3, 9, 200, 3], cert_length="2048")


def test_each_good_row_is_one_object_in_the_order_of_the_file(report: Path) -> None:
    done = read(report)

    assert (done.returncode, done.stderr) == (0, b"")
    found = events(done)
    assert [event["source.ip"] for event in found] == [f"192.0.2.{host}" for host in (5, 3, 9, 200, 3)]
    assert found[1] == found[4], "a duplicate is an event of its own"
    first = found[0]
    assert first["time.source"] == f"{day(0)}T06:00:00+00:00"
    assert (first["classification.taxonomy"], first["classification.type"]) == ("vulnerable", "vulnerable-system")
    assert first["classification.identifier"] == "open-rdp"
    assert first["protocol.transport"] == "tcp"
    assert [first[key] for key in ("source.port", "source.asn", "extra.cert_length")] == [3389, 64496, 2048]


def test_every_key_is_of_the_dictionary_or_below_extra(tmp_path: Path) -> None:
    generate(Options(tmp_path, rows=60, types=parse_types("scan_ssl,event4_sinkhole,compromised_website,scan6_http")))
    found = events(read(*sorted((tmp_path / "reports").iterdir())))
    assert len(found) == 60
    known = set(dictionary.keys())
    assert {key for event in found for key in event if not key.startswith("extra.")} <= known
    assert {type(value) for event in found for value in event.values()} <= {str, int, float, bool}


def test_neither_a_data_directory_nor_django_nor_a_database_is_needed(report: Path, tmp_path: Path) -> None:
    place = tmp_path / "empty"
    place.mkdir()
    code = "\n".join(line.strip() for line in IN_A_BARE_PROCESS.strip().splitlines())
    done = subprocess.run(
        [sys.executable, "-c", code, "feed", "read", str(report)],
        env=bare(place), cwd=place, capture_output=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(events(done)) == 5
    assert done.stderr.strip() == b"", "loaded what only the server needs"
    assert list(place.iterdir()) == []


def test_a_thousand_rows_take_less_than_two_seconds_from_a_cold_start(tmp_path: Path) -> None:
    generate(Options(tmp_path, rows=1000, types=parse_types("scan_ssl"), dirty=0.14))
    (file,) = (tmp_path / "reports").iterdir()
    took = []
    for _ in range(3):
        began = cpu_of_commands_s()
        assert len(events(read(file))) == 1000
        took.append(cpu_of_commands_s() - began)
    assert min(took) <= 2.0, took


def cpu_of_commands_s() -> float:
    """Return what the processes that are over have cost: other tests run beside this one, the clock counts them too."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_what_is_quarantined_is_told_on_stderr_and_the_rest_is_there(tmp_path: Path) -> None:
    report = write(tmp_path, 0, [1, 2], cert_length="TLSv1.2")
    report.write_text(report.read_text() + f"{day(0)} 06:00:00,medium,no address,tcp,3389,rdp,64496,XM,1\n")

    done = read(report)

    assert done.returncode == 0
    assert [event["source.ip"] for event in events(done)] == ["192.0.2.1", "192.0.2.2"]
    assert not any("extra.cert_length" in event for event in events(done))
    assert b"1 of 3 records could not be read, and 2 cells were left out of events." in done.stderr


def test_nested_lines_hold_the_same(report: Path) -> None:
    flat, nested = events(read(report)), events(read("--format", "jsonl", report))
    assert [event["source"]["ip"] for event in nested] == [event["source.ip"] for event in flat]
    assert nested[0]["classification"]["type"] == "vulnerable-system"
    assert nested[0]["extra"]["cert_length"] == 2048


def test_a_table_holds_the_same(report: Path) -> None:
    table = pq.read_table(io.BytesIO(read("--format", "parquet", report).stdout))
    assert table["source.port"].type == pa.int64()
    rows = [{key: value for key, value in row.items() if value is not None} for row in table.to_pylist()]
    assert rows == events(read(report))


def test_a_table_of_text_holds_the_same(report: Path) -> None:
    done = read("--format", "csv", report)
    rows = list(csv.DictReader(io.StringIO(done.stdout.decode(), newline="")))
    expected = [{key: str(value) for key, value in event.items()} for event in events(read(report))]
    assert [{key: cell for key, cell in row.items() if cell} for row in rows] == expected
    assert list(rows[0]) == sorted(rows[0])


def test_a_spreadsheet_finds_no_formula_in_a_table(tmp_path: Path) -> None:
    path = tmp_path / f"{day(0)}-scan_rdp-xx.csv"
    path.write_text('timestamp,ip,port,"=who",tag\n2026-11-16 01:02:03,192.0.2.1,3389,"=1+1","-a;=b"\n')
    (row,) = csv.DictReader(io.StringIO(read("--format", "csv", path).stdout.decode(), newline=""))
    assert (row["extra.=who"], row["extra.tag"]) == ("'=1+1", "'-a;'=b")


def test_a_table_is_made_of_many_batches_and_of_whatever_types_meet(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(printing, "_TOGETHER", 2)
    made = [{"n": 1}, {"n": 2, "mixed": 1}, {"mixed": "x", "yes": True}, {"f": 0.5, "big": 2**70}, {"big": 1}]
    write = printing.Parquet()
    for event in made:
        write(event)
    write.close()
    data = capfdbinary.readouterr().out
    assert pq.ParquetFile(io.BytesIO(data)).num_row_groups == 3
    table = pq.read_table(io.BytesIO(data))
    assert [{key: value for key, value in row.items() if value is not None} for row in table.to_pylist()] == [
        {"n": 1},
        {"mixed": "1", "n": 2},
        {"mixed": "x", "yes": True},
        {"big": str(2**70), "f": 0.5},
        {"big": "1"},
    ]


def test_tables_without_an_event_are_empty(tmp_path: Path) -> None:
    path = tmp_path / f"{day(0)}-scan_rdp-xx.csv"
    path.write_text("timestamp,ip,port\n")
    assert pq.read_table(io.BytesIO(read("--format", "parquet", path).stdout)).num_rows == 0
    assert read("--format", "csv", path).stdout == b"\r\n"


def test_packed_reports_are_read_as_they_are(report: Path, tmp_path: Path) -> None:
    packed = tmp_path / f"{report.name}.gz"
    packed.write_bytes(gzip.compress(report.read_bytes()))
    assert read(packed).stdout == read(report).stdout


def test_a_broken_file_is_a_sentence_and_the_others_are_read(report: Path, tmp_path: Path) -> None:
    broken = tmp_path / f"{day(1)}-scan_rdp-xm-geo.csv.gz"
    broken.write_bytes(gzip.compress(report.read_bytes())[:-12])
    done = read(broken, tmp_path / "none.csv", report)
    assert done.returncode == 1
    assert len(events(done)) >= 5
    assert b"ends in the middle" in done.stderr
    assert b"there is no such file" in done.stderr
    assert b"Traceback" not in done.stderr


def test_wrong_usage_is_2() -> None:
    assert read().returncode == 2
    assert read("--format", "xml", "x.csv").returncode == 2


def test_a_folder_of_schema_files_that_is_none_is_a_sentence(report: Path, tmp_path: Path) -> None:
    done = read("--schema", tmp_path / "none", report)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"there is no such folder" in done.stderr
    empty = tmp_path / "empty"
    empty.mkdir()
    assert b"there is no schema file (*.json) in it" in read("--schema", empty, report).stderr


def test_the_published_schema_is_used_for_this_call(outside_schema: Path, tmp_path: Path) -> None:
    report = write(tmp_path, 0, [1], kind="population6_bgp")
    (without,) = events(read(report))
    assert "classification.identifier" not in without
    (event,) = events(read("--schema", outside_schema, report))
    published = json.loads((outside_schema / "intelmq.json").read_text())["population6_bgp"]
    assert published["constant_fields"].items() <= event.items()
    assert (event["source.ip"], event["source.port"]) == ("192.0.2.1", 3389)


def test_readers_that_go_away_are_no_error(tmp_path: Path) -> None:
    generate(Options(tmp_path, rows=3000, types=parse_types("scan_ssl")))
    (file,) = (tmp_path / "reports").iterdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "tocsin", "feed", "read", str(file)],
        env=bare(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout and process.stderr
    process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=60), err) == (0, b"")
