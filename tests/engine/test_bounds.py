"""Days and times that cannot be: a report from years ahead, a row from before there was a clock."""

from __future__ import annotations

import datetime as dt
import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.manifest import Bench, state_digest
from tests.engine.reports import COLUMNS, MONDAY, as_csv, batch_of, day, mapping_of, row, seen, write
from tocsin.engine import run as engine
from tocsin.engine.bounds import Bounds, acceptable_from, last_acceptable
from tocsin.engine.executors import Threads
from tocsin.engine.normalise import RAW, normalise
from tocsin.engine.opening import Source
from tocsin.formats import shadowserver
from tocsin.formats.delimited import read_feed
from tocsin.formats.reading import Tally, events
from tocsin.formats.recognition import Recognition

LATEST = day(31)
YEARS_AHEAD = dt.date(2031, 1, 1)
MIDNIGHT = dt.datetime(2026, 11, 16, tzinfo=dt.UTC)
ODD = ("9999-12-31 00:00:00", "1970-01-01 00:00:00", "2016-11-14 23:59:59", "2026-11-18 00:00:00")
FINE = ("2026-11-17 23:59:59", "2026-11-16 00:00:00", "2026-11-15 03:00:00", "2016-11-17 00:00:00")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "store")


def quarantine(bench: Bench, number: int = 0) -> list[tuple[str, str, bytes, bool]]:
    """Return what could not be taken of a report."""
    report = list(bench.manifest.by_id.values())[number]
    return [(one["column"], one["reason"], one["raw"], one["whole_row"]) for one in bench.quarantine(report)]


def first_seen(bench: Bench) -> list[dt.datetime]:
    return [one["first_seen"] for one in bench.state("scan_rdp")]


# ---- reports


def test_a_report_from_years_ahead_is_refused_and_changes_nothing(bench: Bench, tmp_path: Path) -> None:
    bench.run([write(tmp_path, [row()])], latest=LATEST)
    before = state_digest(bench)
    ahead = write(tmp_path, [seen("192.0.2.9", YEARS_AHEAD)], on=YEARS_AHEAD)

    delta = bench.run([ahead], latest=LATEST)

    (broken,) = delta.broken
    assert (delta.accepted, delta.types, broken.cycles) == ((), (), ())
    assert broken.reason.startswith(f"{ahead.name}: it is dated 2031-01-01, which lies too far ahead.")
    assert "the name of the file" in broken.reason and "clock" in broken.reason
    assert state_digest(bench) == before and bench.debris() == set()


@pytest.mark.parametrize("on", [dt.date(1, 1, 1), dt.date(1989, 12, 31)])
def test_a_report_from_before_there_were_any_is_refused_and_holds_nothing_later(
    bench: Bench, tmp_path: Path, on: dt.date
) -> None:
    early = write(tmp_path, [row()], on=on)

    delta = bench.run([early, write(tmp_path, [row()])], latest=LATEST)

    (broken,) = delta.broken
    assert not broken.cycles and [report.on for report in delta.accepted] == [MONDAY]
    assert broken.reason.startswith(f"{early.name}: it is dated {on}, which lies before there were such reports.")
    assert "the name of the file" in broken.reason


@pytest.mark.parametrize("on", [day(-365 * 20), day(-31), day(-2)])
def test_a_report_whose_rows_are_all_of_later_days_is_refused(bench: Bench, tmp_path: Path, on: dt.date) -> None:
    bench.run([write(tmp_path, [row()])], latest=LATEST)
    before = state_digest(bench)
    hosts = [seen(f"192.0.2.{host}", MONDAY) for host in range(1, 9)]
    misnamed = write(tmp_path, hosts, on=on, kind="scan_rdp")

    delta = bench.run([misnamed], latest=LATEST)

    (broken,) = delta.broken
    assert (delta.accepted, delta.types, broken.cycles) == ((), (), ())
    assert broken.reason == (
        f"{misnamed.name}: it is dated {on}, and its rows are of later days, up to {MONDAY}. "
        "Put the right day into the name of the file; then import it again."
    )
    assert state_digest(bench) == before and bench.debris() == set()


@pytest.mark.parametrize("proper", [day(-2), day(-1)])
def test_one_row_of_its_day_or_the_next_is_enough_for_it(bench: Bench, tmp_path: Path, proper: dt.date) -> None:
    rows = [seen("192.0.2.1", proper), seen("192.0.2.2", MONDAY)]

    delta = bench.run([write(tmp_path, rows, on=day(-2))], latest=LATEST)

    assert delta.broken == () and [report.on for report in delta.accepted] == [day(-2)]


def test_what_was_taken_under_a_wrong_day_before_stays_and_can_be_read_again(bench: Bench, tmp_path: Path) -> None:
    """An earlier version took it; nothing of the store may be refused because of a newer rule."""
    path = write(tmp_path, [seen("192.0.2.1", MONDAY)], on=day(-9))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Bounds, "latest_after", lambda *_: None)
        bench.run([path], latest=LATEST)

    assert bench.run([path], latest=LATEST).broken == ()
    assert [report.on for report in bench.manifest.by_id.values()] == [day(-9)]


def test_reports_beside_it_are_taken(bench: Bench, tmp_path: Path) -> None:
    ahead = write(tmp_path, [seen("192.0.2.9", YEARS_AHEAD)], on=YEARS_AHEAD)

    delta = bench.run([ahead, write(tmp_path, [row()])], latest=LATEST)

    assert len(delta.accepted) == len(delta.broken) == 1
    assert {cycle.on for cycle in bench.manifest.cycles("scan_rdp")} == {MONDAY}


def test_a_torn_report_from_years_ahead_opens_no_cycle(bench: Bench, tmp_path: Path) -> None:
    torn = tmp_path / "2031-01-01-scan_rdp-xm-geo.csv.gz"
    torn.write_bytes(gzip.compress(as_csv([row()]))[:-9])

    delta = bench.run([torn], latest=LATEST)

    assert len(delta.broken) == 1 and bench.manifest.cycles("scan_rdp") == []


@pytest.mark.parametrize(("on", "taken"), [(LATEST, True), (LATEST + dt.timedelta(days=1), False)])
def test_the_last_day_is_taken_and_the_next_is_not(bench: Bench, tmp_path: Path, on: dt.date, taken: bool) -> None:
    assert bool(bench.run([write(tmp_path, [seen("192.0.2.9", on)], on=on)], latest=LATEST).accepted) == taken


def test_what_was_taken_is_known_again_whatever_the_clock_says_now(bench: Bench, tmp_path: Path) -> None:
    path = write(tmp_path, [row()])
    bench.run([path], latest=LATEST)

    delta = bench.run([path], latest=dt.date(2026, 1, 1))

    assert delta.unchanged == (path.name,) and delta.broken == ()


LISTED = b"""
[feed]
name = "listed"
files = ["bad-hosts*"]
[read]
delimiter = ""
comment = "#"
columns = ["ip"]
[fields]
"source.ip" = "ip"
"""


def test_a_list_whose_file_was_changed_in_years_to_come_is_refused(tmp_path: Path) -> None:
    """Its rows carry no time: its day is that on which the file was changed."""
    path = tmp_path / "bad-hosts.txt"
    path.write_text("192.0.2.1\n192.0.2.2\n")
    recognise = Recognition(shadowserver.mappings(), [read_feed(LISTED, "listed.toml")])
    bench = Bench(tmp_path / "store", recognise=recognise)
    for on, taken in ((YEARS_AHEAD, 0), (day(0), 1)):
        stamp = dt.datetime.combine(on, dt.time(6), dt.UTC).timestamp()
        os.utime(path, (stamp, stamp))

        delta = bench.run([path], latest=LATEST)

        assert (len(delta.accepted), len(delta.broken)) == (taken, 1 - taken)
        assert all(str(on) in broken.reason for broken in delta.broken)
    assert bench.debris() == set()


def test_without_a_last_day_every_day_is_taken(bench: Bench, tmp_path: Path) -> None:
    assert bench.run([write(tmp_path, [seen("192.0.2.9", YEARS_AHEAD)], on=YEARS_AHEAD)]).accepted


# ---- rows


@pytest.mark.parametrize("time", ODD)
def test_a_time_that_cannot_be_is_quarantined_and_its_row_kept(bench: Bench, tmp_path: Path, time: str) -> None:
    rows = [row(ip="192.0.2.1"), row(ip="192.0.2.2", timestamp=time)]

    (report,) = bench.run([write(tmp_path, rows)]).accepted

    assert (report.kept, report.rows_quarantined, report.cells_quarantined) == (2, 0, 1)
    reason = f"'{time}' cannot be a time in a report of 2026-11-16"
    assert quarantine(bench) == [("timestamp", reason, time.encode(), False)]
    assert sorted(first_seen(bench)) == [MIDNIGHT, MIDNIGHT.replace(hour=6)]
    assert bench.observations(report)[RAW + "timestamp"].to_pylist()[1] == time.encode()


@pytest.mark.parametrize("time", FINE)
def test_a_time_that_can_be_stays(bench: Bench, tmp_path: Path, time: str) -> None:
    (report,) = bench.run([write(tmp_path, [row(timestamp=time)])]).accepted

    assert report.cells_quarantined == 0
    assert first_seen(bench) == [dt.datetime.fromisoformat(time).replace(tzinfo=dt.UTC)]


def test_bounds_hang_on_the_day_of_the_report_not_on_that_of_the_import(bench: Bench, tmp_path: Path) -> None:
    old = dt.date(2009, 5, 1)

    (report,) = bench.run([write(tmp_path, [seen("192.0.2.1", old)], on=old)], latest=LATEST).accepted

    assert (report.cells_quarantined, report.on) == (0, old)


def test_a_row_without_asset_is_quarantined_once_whatever_its_time(bench: Bench, tmp_path: Path) -> None:
    rows = [row(), row(ip="", timestamp=ODD[0]), row(ip="192.0.2.3", timestamp=ODD[1])]

    (report,) = bench.run([write(tmp_path, rows)]).accepted

    assert (report.kept, report.rows_quarantined, report.cells_quarantined) == (2, 1, 1)
    assert [(column, whole) for column, _, _, whole in quarantine(bench)] == [("ip", True), ("timestamp", False)]


def test_a_report_that_does_not_say_its_day_is_dated_by_rows_that_can_be(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "scan_rdp.csv"
    path.write_bytes(as_csv([row(), *(row(ip=f"192.0.2.{n}", timestamp=time) for n, time in enumerate(ODD[:2], 2))]))

    (report,) = bench.run([path], latest=LATEST).accepted

    assert (report.on, report.kept, report.rows_quarantined) == (MONDAY, 1, 2)
    reasons = {reason for _, reason, _, whole in quarantine(bench) if whole}
    assert reasons == {f"{time!r} cannot be a time: it lies before 1990, or ahead of the import" for time in ODD[:2]}


@pytest.mark.parametrize("name", ["2026-11-16-scan_rdp-xm-geo.csv", "scan_rdp.csv"])
def test_reading_again_comes_to_the_same(bench: Bench, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(as_csv([row(), *(row(ip=f"192.0.2.{n}", timestamp=time) for n, time in enumerate(ODD[:2], 2))]))
    bench.run([path], latest=LATEST)
    before = (state_digest(bench), quarantine(bench))

    delta = engine.replay(
        list(bench.manifest.by_id.values()),
        catalogue=bench.manifest,
        context=bench._context(lambda _point: None),
        recognise=bench.recognise,
        executor=Threads(),
        options=engine.Options(gone_after=1, complete=False, as_before=True, latest=LATEST),
    )
    bench.commit(delta)

    assert delta.broken == () and (state_digest(bench), quarantine(bench)) == before


def test_an_event_has_the_day_of_its_report_for_a_time_that_cannot_be(tmp_path: Path) -> None:
    path = write(tmp_path, [row(timestamp=ODD[0]), row(ip="192.0.2.2")])
    bench, tally = Bench(tmp_path / "store"), Tally()

    found = list(events(Source(path, path.name), bench.recognise, tally))

    assert [event["time.source"] for event in found] == ["2026-11-16T00:00:00+00:00", "2026-11-16T06:00:00+00:00"]
    assert (tally.kept, tally.cells_quarantined) == (2, 1)


def test_an_event_of_no_day_and_an_impossible_time_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "scan_rdp.csv"
    path.write_bytes(as_csv([row(timestamp=ODD[0]), row(ip="192.0.2.2")]))
    bench, tally = Bench(tmp_path / "store"), Tally()

    found = list(events(Source(path, path.name), bench.recognise, tally, LATEST))

    assert [event["source.ip"] for event in found] == ["192.0.2.2"] and tally.rows_quarantined == 1


def test_rows_without_bounds_are_taken_as_they_are() -> None:
    result = normalise(batch_of(as_csv([row(timestamp="2500-01-01 00:00:00")])), mapping_of("scan_rdp", COLUMNS))

    assert result.events["time"].to_pylist()[0].year == 2500 and result.quarantine.num_rows == 0


@given(
    st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)),
    st.dates(dt.date(1, 1, 1), dt.date.max) | st.none(),
    st.dates(dt.date(1, 1, 1), dt.date.max) | st.none(),
)
def test_bounds_are_those_of_whole_days(time: dt.datetime, on: dt.date | None, latest: dt.date | None) -> None:
    bounds = Bounds(on, latest)
    day_of = time.date().toordinal()
    if on:
        last, first = on.toordinal() + 1, on.toordinal() - 3653
    else:
        last, first = (latest or dt.date.max).toordinal(), 0

    (excluded,) = bounds.exclude(np.array([time], "datetime64[us]"))

    assert excluded == (day_of > last or day_of < max(first, dt.date(1990, 1, 1).toordinal()))


def test_what_is_no_time_is_not_excluded() -> None:
    assert not Bounds(MONDAY).exclude(np.array(["NaT"], "datetime64[us]")).any()


@given(st.dates(dt.date(1990, 1, 1), dt.date(2200, 1, 1)), st.integers(-40, 40))
def test_a_report_is_acceptable_from_a_day_on(day: dt.date, off: int) -> None:
    at = dt.datetime.combine(acceptable_from(day) + dt.timedelta(days=off), dt.time(), dt.UTC)
    assert (day <= last_acceptable(at)) == (off >= 0)
