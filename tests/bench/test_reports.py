"""What is measured is what the files say, and a wrong answer is noticed."""

from __future__ import annotations

import copy
import csv
import json
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import parser, setting
from bench.feeds import Options, generate, parse_types
from bench.reports import FEEDS, FEEDS_OF_TESTS, SCHEMA, TRUTH, Feeds, opened, sample, two_days


def written(folder: Path, days: int) -> Feeds:
    types = parse_types("scan_http:2,event4_sinkhole:1")
    generate(Options(out=folder, rows=900, days=days, types=types, constituents=20, per_file=250))
    return opened("own", folder)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Feeds:
    return written(tmp_path_factory.mktemp("two"), days=2)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Feeds:
    return written(tmp_path_factory.mktemp("one"), days=1)


def summaries(feeds: Feeds) -> list[dict[str, Any]]:
    """Summaries of runs that are right: the first day has everything but what the second must have moved."""
    truth = feeds.truth
    empty = {"rows_read": 0, "rows_kept": 0, "duplicates": 0, "unattributed_rows": 0, "constituents": {}}
    days = [
        {**empty, **{f"findings_{word}": day[word] for word in ("new", "still", "gone", "returned")}}
        for day in truth["days"]
    ]
    days[0].update(
        rows_read=truth["rows"],
        rows_kept=truth["rows"],
        duplicates=truth["duplicates"],
        unattributed_rows=truth["unattributed"],
        constituents=truth["per_constituent"],
    )
    return days


def test_days_are_told_apart_by_file_name(two: Feeds) -> None:
    assert [{path.name[:10] for path in day} for day in two.days] == [{"2026-11-16"}, {"2026-11-17"}]
    assert two.rows == 900
    assert len(two.first) > 2


def test_right_answers_are_right(two: Feeds, one: Feeds) -> None:
    assert two.wrong(summaries(two)) == []
    assert one.wrong(summaries(one)) == []


@pytest.mark.parametrize(
    "name", ["rows_read", "rows_kept", "duplicates", "unattributed_rows", "findings_new", "findings_gone"]
)
def test_a_number_that_is_off_by_one_is_wrong(two: Feeds, name: str) -> None:
    wrong = summaries(two)
    wrong[1][name] += 1
    assert len(two.wrong(wrong)) == 1


def test_a_row_of_the_wrong_constituent_is_wrong(two: Feeds) -> None:
    wrong = copy.deepcopy(summaries(two))
    first, second, *_ = wrong[0]["constituents"]
    wrong[0]["constituents"][first] += 1
    wrong[0]["constituents"][second] -= 1
    assert two.wrong(wrong) == ["rows per constituent differ"]


def test_a_single_day_gets_itself_again_under_the_next_date(one: Feeds, tmp_path: Path) -> None:
    again = two_days(one, tmp_path)
    assert again.repeated
    assert again.rows == one.rows
    first, second = again.days
    assert [path.name[10:] for path in second] == [path.name[10:] for path in first]
    assert {path.name[:10] for path in second} == {"2026-11-17"}
    assert [path.read_bytes() for path in second] == [path.read_bytes() for path in first]


def test_feeds_of_two_days_stay_as_they_are(two: Feeds, tmp_path: Path) -> None:
    assert two_days(two, tmp_path) is two


def test_a_sample_has_the_first_records_of_each_file_in_the_shares_of_the_whole(two: Feeds, tmp_path: Path) -> None:
    files, rows = sample(two, 300, tmp_path)
    assert 270 <= rows <= 330
    counted = 0
    for path, whole in zip(files, two.first, strict=True):
        assert path.name == whole.name
        with path.open(encoding="utf-8", newline="") as taken, whole.open(encoding="utf-8", newline="") as full:
            records, all_records = list(csv.reader(taken)), list(csv.reader(full))
        assert records == all_records[: len(records)]
        counted += len(records) - 1
    assert counted == rows


def test_a_sample_larger_than_the_whole_is_the_whole(two: Feeds, tmp_path: Path) -> None:
    files, rows = sample(two, 10_000, tmp_path)
    assert (len(files), rows) == (len(two.first), 900)


def test_without_feeds_of_their_own_the_benches_take_the_largest_of_the_tests(
    two: Feeds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, rows in (("a", 20), ("b", 300), ("c", 100)):
        (tmp_path / name / "reports").mkdir(parents=True)
        (tmp_path / name / "reports" / "2026-11-16-scan_http.csv").touch()
        (tmp_path / name / TRUTH).write_text(json.dumps({"rows": rows}), encoding="utf-8")
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("TOCSIN_BENCH_DATA", str(tmp_path / "empty"))
    monkeypatch.delenv(SCHEMA, raising=False)

    def given(own: str, of_tests: Path) -> Path | None:
        monkeypatch.setenv(FEEDS, own)
        monkeypatch.setenv(FEEDS_OF_TESTS, str(of_tests))
        taken = setting(parser().parse_args(["run"])).given
        return taken and taken.folder

    assert given("", tmp_path) == tmp_path / "b"
    assert f"Feeds from outside: {tmp_path / 'b'}" in capsys.readouterr().err
    assert given("", tmp_path / "c") == tmp_path / "c"
    assert given(str(two.folder), tmp_path) == two.folder
    with pytest.raises(SystemExit, match=r"TOCSIN_TEST_FEEDS: .* is no folder of feeds, and holds none"):
        given("", tmp_path / "empty")


def test_a_folder_without_reports_is_refused(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "truth.json").write_text(json.dumps({"rows": 0}), encoding="utf-8")
    with pytest.raises(ValueError, match="no report"):
        opened("given", tmp_path)
