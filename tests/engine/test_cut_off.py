"""A file that ends in the middle of its last line: what came counts as seen, and nothing goes gone because of it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.engine.manifest import Bench
from tests.engine.reports import as_csv, day, name_of, seen
from tocsin.engine.cycles import Doubt, Why

KIND = "scan_rdp"


def whole(on: int) -> bytes:
    return as_csv([seen(f"192.0.2.{number}", day(on)) for number in range(1, 9)])


def run(bench: Bench, on: int, data: bytes, ending: str = "") -> None:
    folder = bench.root.parent / f"in{on}"
    folder.mkdir(exist_ok=True)
    path = folder / (name_of(KIND, day(on)) + ending)
    path.write_bytes(gzip.compress(data) if ending else data)
    bench.run([path])


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path / "store")
    run(made, 0, whole(0))
    return made


def doubts(bench: Bench) -> tuple[Doubt, ...]:
    return bench.manifest.judged(KIND)[-1].doubts


CUT = (Doubt(Why.CUT, (name_of(KIND, day(1)),)),)


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("lost", [2, 20, 60])
def test_a_file_that_ends_amid_a_line_is_held_and_loses_nothing(bench: Bench, lost: int, ending: str) -> None:
    run(bench, 1, whole(1)[:-lost], ending)
    assert doubts(bench) == CUT
    (report,) = [one for one in bench.manifest.reports(KIND) if one.on == day(1)]
    assert (report.records, report.kept, report.rows_quarantined) == (8, 7, 1)
    assert bench.manifest.judged(KIND)[-1].counts is False


def test_the_whole_file_takes_its_place_and_counts(bench: Bench) -> None:
    run(bench, 1, whole(1)[:-20])
    run(bench, 1, whole(1))
    assert doubts(bench) == ()
    assert bench.manifest.judged(KIND)[-1].counts


def test_the_first_report_of_a_type_is_held_too_when_it_is_cut_off(tmp_path: Path) -> None:
    made = Bench(tmp_path / "store")
    run(made, 1, whole(1)[:-20])
    assert doubts(made) == CUT


@pytest.mark.parametrize("end", [b"", b"\r", b"\r\n", b"\n\n", b"\n ", b"\n\x1a", b"\n\r"])
def test_a_last_line_that_is_whole_may_lack_its_end(bench: Bench, end: bytes) -> None:
    run(bench, 1, whole(1)[:-1] + end)
    assert doubts(bench) == ()
    assert [one.kept for one in bench.manifest.reports(KIND) if one.on == day(1)] == [8]


def test_a_last_record_over_two_lines_is_whole_without_its_end(bench: Bench) -> None:
    rows = [seen(f"192.0.2.{number}", day(1), hostname="two\nlines") for number in range(1, 9)]
    run(bench, 1, as_csv(rows)[:-1])
    assert doubts(bench) == ()
    run(bench, 1, as_csv(rows)[:-20])
    assert doubts(bench) == CUT


def test_a_bad_line_that_has_its_end_is_no_cut(bench: Bench) -> None:
    run(bench, 1, whole(1) + b"torn,line\n")
    assert doubts(bench) == ()


def test_what_is_read_again_is_as_cut_off_as_it_was(bench: Bench) -> None:
    run(bench, 1, whole(1)[:-20])
    (cut,) = [one for one in bench.manifest.reports(KIND) if one.cut]
    assert cut.on == day(1)
    bench.refold([KIND])
    assert doubts(bench) == CUT
