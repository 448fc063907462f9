"""A report holds the day's sightings in order, its copies, and its accidents on the days they happen."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import io
from random import Random

import pytest

from tocsin.site.demo.country import Accidents, ReportPlan, Spoiled
from tocsin.site.demo.reports import Report, compose
from tocsin.site.demo.rows import Finding

PLAN = ReportPlan("scan_x", ("timestamp", "ip", "size"), (), (), {}, "low", (2, 3), 1.0)
TUESDAY = dt.date(2026, 11, 17)
WHOLE_DAY_S = 86_400


def findings(count: int) -> list[Finding]:
    return [Finding(f'"198.18.{n >> 8}.{n & 255}","{n}"', (str(n), "", "", "")) for n in range(count)]


def report(plan: ReportPlan = PLAN, day: int = 1, count: int = 1_000, until_s: int = WHOLE_DAY_S) -> Report:
    return compose(plan, day, TUESDAY, findings(count), until_s, Random(1))


def parsed(report: Report) -> list[list[str]]:
    return list(csv.reader(io.StringIO("\n".join(report.rows))))


def without_copies(report: Report) -> list[str]:
    return list(dict.fromkeys(report.rows))


def test_each_open_finding_has_a_row() -> None:
    assert {row[2] for row in parsed(report())} == {str(n) for n in range(1_000)}


def test_the_text_begins_with_the_quoted_header_and_ends_with_a_line_feed() -> None:
    text = report(count=2).text()
    assert text.startswith('"timestamp","ip","size"\n"2026-11-17 ')
    assert text.endswith('"\n')


def test_times_lie_in_the_window_and_in_order() -> None:
    times = [row[0] for row in parsed(report())]
    assert times == sorted(times)
    assert "2026-11-17 02:00:00" <= times[0] < times[-1] < "2026-11-17 05:00:00"


@pytest.mark.parametrize(("window", "hour"), [((2, 3), 3), ((0, 24), 6), ((23, 1), 1)])
def test_nothing_is_later_than_the_limit_whatever_the_window(window: tuple[int, int], hour: int) -> None:
    plan = dataclasses.replace(PLAN, window=window)
    assert max(row[0] for row in parsed(report(plan, until_s=hour * 3600))) <= f"2026-11-17 {hour:02d}:00:00"


def test_the_last_second_of_a_day_is_still_the_same_day() -> None:
    plan = dataclasses.replace(PLAN, window=(23, 1))
    assert {row[0][:10] for row in parsed(report(plan, count=5_000))} == {"2026-11-17"}


def test_events_are_fewest_in_the_night_of_the_country() -> None:
    hours = [row[0][11:13] for row in parsed(report(dataclasses.replace(PLAN, window=(0, 24)), count=5_000))]
    night = sum(hour in ("15", "16", "17", "18") for hour in hours)
    evening = sum(hour in ("07", "08", "09", "10") for hour in hours)
    assert night < evening / 2


def test_copies_follow_their_row_and_are_counted() -> None:
    found = report()
    assert found.copies == len(found.rows) - len(set(found.rows))
    assert 25 <= found.copies <= 80


def test_findings_are_seen_more_often_where_the_plan_says_so() -> None:
    seen = without_copies(report(dataclasses.replace(PLAN, sightings=1.25)))
    assert 1_180 <= len(seen) <= 1_320


def test_the_last_report_is_cut_and_only_the_last() -> None:
    plan = dataclasses.replace(PLAN, accidents=Accidents(cut_last=0.4))
    assert len(without_copies(report(plan, day=6))) == 400
    assert len(without_copies(report(plan, day=5))) == 1_000


def test_spoiled_cells_stand_only_in_their_column_on_their_day() -> None:
    plan = dataclasses.replace(PLAN, accidents=Accidents(bad_cells=Spoiled(1, "size", "TLSv1.2", 9)))
    spoiled = [row for row in csv.reader(without_copies(report(plan))) if row[2] == "TLSv1.2"]
    assert len(spoiled) == 9
    assert all(row[1].startswith("198.18.") for row in spoiled)
    assert not any("TLSv1.2" in row for row in report(plan, day=2).rows)


def test_no_more_cells_are_spoiled_than_there_are_rows() -> None:
    plan = dataclasses.replace(PLAN, accidents=Accidents(bad_cells=Spoiled(1, "size", "x", 9)))
    assert len(without_copies(report(plan, count=4))) == 4


def test_three_rows_cannot_be_read_on_their_day() -> None:
    wide = dataclasses.replace(
        PLAN,
        columns=("timestamp", "ip", *(f"c{n}" for n in range(8))),
        accidents=Accidents(unreadable_day=1),
    )
    rows = [Finding('"198.18.0.1",' + ",".join(['"x"'] * 8), ("1", "", "", ""))]
    found = [next(csv.reader([r])) for r in without_copies(compose(wide, 1, TUESDAY, rows, WHOLE_DAY_S, Random(3)))]
    assert len(found) == 4
    assert [len(row) for row in found] == [10, 7, 10, 10]
    assert found[2][1] == ""
    assert found[3][0] == "yesterday noon"
    assert len(compose(wide, 2, TUESDAY, rows, WHOLE_DAY_S, Random(3)).rows) <= 2
