"""Reports that stand for fewer findings than they have rows, or for another day: nothing goes gone because of them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.manifest import Bench, state_digest
from tests.engine.reports import as_csv, day, name_of, seen
from tocsin.engine import records
from tocsin.engine.cycles import Doubt, Judged, Why
from tocsin.engine.query import Filter
from tocsin.engine.said import Said, What

KIND = "scan_rdp"
MANY = 600


def rows(addresses: Iterable[int], on: dt.date, second: int | None = None) -> list[dict[str, str]]:
    seconds = itertools.count() if second is None else itertools.repeat(second)
    return [
        seen(f"192.0.{2 + number // 250}.{number % 250}", on, f"06:00:{at % 60:02d}")
        for number, at in zip(addresses, seconds, strict=False)
    ]


def delivered(bench: Bench, on: int, data: bytes, part: str = "", name: str = "") -> Path:
    folder = bench.root.parent / f"in{on}"
    folder.mkdir(exist_ok=True)
    path = folder / (name or name_of(KIND, day(on), part))
    path.write_bytes(data)
    bench.run([path], gone_after=1)
    return path


def latest(bench: Bench) -> Judged:
    (*_, last) = bench.manifest.judged(KIND)
    return last


def whys(bench: Bench) -> list[list[str]]:
    return [[doubt.why for doubt in one.doubts] for one in bench.manifest.judged(KIND)]


def gone(bench: Bench) -> int:
    return sum(finding.state == "gone" for finding in bench.findings().stream(Filter()))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A day on which 600 findings were seen."""
    made = Bench(tmp_path / "store")
    delivered(made, 0, as_csv(rows(range(MANY), day(0))))
    return made


# Copies


@pytest.mark.parametrize("chunk", [20, 60, records.CHUNK_ROWS])
def test_sixty_rows_ten_times_do_not_stand_for_six_hundred(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(records, "CHUNK_ROWS", chunk)
    monkeypatch.setattr(records, "BLOCK_BYTES", 1 << 10)
    delivered(bench, 1, as_csv(rows(range(MANY // 10), day(1), second=0) * 10))
    assert (latest(bench).cycle.rows, latest(bench).cycle.findings, latest(bench).usual) == (MANY, MANY // 10, MANY)
    assert latest(bench).doubts == (Doubt(Why.FEW),)
    assert gone(bench) == 0
    (report,) = [one for one in bench.manifest.reports(KIND) if one.on == day(1)]
    assert (len(report.parts) > 3) == (chunk < 100)


def test_copies_that_differ_in_a_second_are_copies(bench: Bench) -> None:
    delivered(bench, 1, as_csv(rows(list(range(MANY // 10)) * 10, day(1))))
    assert latest(bench).doubts == (Doubt(Why.FEW),)


def test_each_finding_twice_a_day_is_as_much_as_once(bench: Bench) -> None:
    delivered(bench, 1, as_csv(rows(range(MANY), day(1), second=0) + rows(range(MANY), day(1), second=1)))
    delivered(bench, 2, as_csv(rows(range(MANY // 2 + 1), day(2))))
    assert whys(bench) == [[], [], []], "by rows the third day would be far below the usual"


def test_what_was_read_before_findings_were_counted_is_judged_by_its_rows(bench: Bench) -> None:
    before = {key: dataclasses.replace(one, findings=None, newest=None) for key, one in bench.manifest.by_id.items()}
    bench.manifest.by_id.update(before)
    delivered(bench, 1, as_csv(rows(range(MANY // 10), day(1), second=0) * 10))
    assert (latest(bench).usual_findings, latest(bench).doubts) == (None, ())
    delivered(bench, 2, as_csv(rows(range(MANY // 10), day(2))))
    assert latest(bench).doubts == (Doubt(Why.FEW),)


# Another day


def test_yesterdays_bytes_under_todays_name_are_no_new_day(bench: Bench) -> None:
    delivered(bench, 1, as_csv(rows(range(1, MANY), day(1))))
    assert gone(bench) == 1
    delivered(bench, 2, as_csv(rows(range(1, MANY), day(1))))
    assert latest(bench).doubts == (Doubt(Why.REPEATED, (name_of(KIND, day(2)),)),)
    (report,) = [one for one in bench.manifest.reports(KIND) if one.on == day(2)]
    assert report.newest == dt.datetime.combine(day(1), dt.time(6, 0, 59), dt.UTC)
    assert bench.state(KIND)[5]["last_cycle"] == day(2), "what is seen counts as seen"


def test_a_report_all_of_whose_rows_are_old_is_no_new_day(bench: Bench) -> None:
    delivered(bench, 4, as_csv(rows(range(MANY // 2, MANY), day(1))))
    assert latest(bench).doubts == (Doubt(Why.OLD, (name_of(KIND, day(4)),)),)
    assert gone(bench) == 0
    bench.refold([KIND], said=[Said(KIND, day(4), What.CONFIRMED, by=None)])
    assert gone(bench) == MANY // 2


def test_a_time_that_cannot_be_makes_no_old_report_new(bench: Bench) -> None:
    odd = [{**seen("192.0.2.1", day(1)), "timestamp": "1970-01-01 00:00:00"}]
    delivered(bench, 4, as_csv([*rows(range(MANY // 2, MANY), day(1)), *odd]))
    assert latest(bench).doubts == (Doubt(Why.OLD, (name_of(KIND, day(4)),)),)


def test_the_true_report_takes_the_place_of_the_repeated_one(bench: Bench) -> None:
    delivered(bench, 1, as_csv(rows(range(MANY), day(0))))
    assert whys(bench) == [[], ["repeated"]]
    delivered(bench, 1, as_csv(rows(range(MANY - 1), day(1))))
    assert whys(bench) == [[], []]
    assert gone(bench) == 1


def test_the_same_bytes_under_two_names_of_one_day_are_one_report(bench: Bench) -> None:
    data = as_csv(rows(range(MANY), day(1)))
    delivered(bench, 1, data)
    delivered(bench, 1, data, part="-again")
    assert whys(bench) == [[], []]
    assert [one.names for one in bench.manifest.reports(KIND) if one.on == day(1)] == [
        (name_of(KIND, day(1), "-again"), name_of(KIND, day(1)))
    ]


def test_headers_alone_are_no_repetition(tmp_path: Path) -> None:
    made = Bench(tmp_path / "store")
    for on in range(4):
        delivered(made, on, as_csv([]))
    assert whys(made) == [[], [], [], []]


def test_it_is_found_in_an_archive_too(bench: Bench, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "reports.zip", "w") as archive:
        archive.writestr(name_of(KIND, day(1)), as_csv(rows(range(MANY), day(0))))
    bench.run([tmp_path / "reports.zip"])
    assert whys(bench) == [[], ["repeated"]]


def test_what_is_withdrawn_repeats_nothing_and_what_comes_again_does(bench: Bench) -> None:
    delivered(bench, 1, as_csv(rows(range(MANY), day(0))))
    (first,) = [one for one in bench.manifest.reports(KIND) if one.on == day(0)]
    bench.refold([KIND], withdrawn=[first])
    assert latest(bench).doubts == ()
    delivered(bench, 0, as_csv(rows(range(MANY), day(0))))
    assert latest(bench).doubts == (Doubt(Why.REPEATED, (name_of(KIND, day(1)),)),)


def test_findings_that_are_computed_anew_change_no_judgement(bench: Bench) -> None:
    delivered(bench, 1, as_csv(rows(range(MANY), day(0))))
    delivered(bench, 6, as_csv(rows(range(MANY), day(2))))
    before = (whys(bench), state_digest(bench))
    bench.refold([KIND])
    assert (whys(bench), state_digest(bench)) == before == ([[], ["repeated"], ["old"]], before[1])


DAYS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(1, 3)), min_size=2, max_size=5)
"""For each day: how old its rows are, how many addresses it names, and how often."""


@settings(max_examples=25, deadline=None)
@given(DAYS, st.randoms())
def test_the_order_in_which_they_come_does_not_matter(days: list[tuple[int, int, int]], random: Random) -> None:
    with tempfile.TemporaryDirectory() as place:
        paths = []
        for on, (age, count, times) in enumerate(days):
            paths.append(Path(place) / name_of(KIND, day(on)))
            paths[-1].write_bytes(as_csv(rows(list(range(count)) * times, day(on - age), second=0)))
        one, other = Bench(Path(place) / "one"), Bench(Path(place) / "other")
        for path in paths:
            one.run([path])
        random.shuffle(paths)
        for path in paths:
            other.run([path])
        assert state_digest(one) == state_digest(other)
        assert whys(one) == whys(other)
