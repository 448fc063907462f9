"""Days that have not come, and days that cannot be: they must neither stay for ever nor hide the others."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cast import Cast
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import links, signed_in, text
from tests.feeds.reports import day, write
from tocsin.audit.actors import COMMAND_LINE
from tocsin.feeds import days, intake, queries
from tocsin.feeds import queries_situation as situation
from tocsin.feeds.models import Cycle, Report, Run
from tocsin.kernel import clock
from tocsin.site.cli import parser

pytestmark = pytest.mark.django_db
YEARS = (dt.date(2031, 1, 1) - day(0)).days
LATER = AT + dt.timedelta(days=YEARS)


def by_the_clock(settings: Any, monkeypatch: pytest.MonkeyPatch, on: dt.date) -> None:
    """Let it be a day by the clock, as for an instance in use."""
    settings.TOCSIN_TODAY = None
    monkeypatch.setattr(days, "now", lambda: dt.datetime.combine(on, dt.time(9), dt.UTC))


def on_disk(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


# ---- at the door


def test_a_report_from_years_ahead_is_refused(week: Store, tmp_path: Path) -> None:
    before = (week.findings(), list(Cycle.objects.values_list("type__name", "on")))

    summary = week.run(write(tmp_path, YEARS, [1]))

    (broken,) = summary["broken"]
    assert "it is dated 2031-01-01, which lies too far ahead." in broken["reason"]
    assert (week.findings(), list(Cycle.objects.values_list("type__name", "on"))) == before
    assert summary["files"] == [] and not Report.objects.filter(on__year=2031).exists()


def test_the_command_says_so_and_fails(
    week: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(clock, "now", lambda: AT)

    assert parser.run(["feed", "run", str(write(tmp_path, YEARS, [1]))]) == 1
    said = capsys.readouterr().err
    assert "2031-01-01" in said and "correct" not in said.partition("2031")[0]
    assert "put the right one into the name of the file" in said and "set it" in said


def test_what_is_a_little_ahead_is_taken_and_said(
    week: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(clock, "now", lambda: AT)
    near, far = write(tmp_path, 4, range(1, 15)), write(tmp_path, 9, range(1, 15))

    assert parser.run(["feed", "run", str(near), str(far)]) == 0
    said = capsys.readouterr().out
    assert f"{far.name} is dated 2026-11-25, which lies ahead" in said and "feed withdraw 5" in said
    assert f"{near.name} is dated" not in said  # tomorrow is somewhere today


def test_the_clock_that_counts_is_that_of_the_import(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path, YEARS, [1])
    assert store.run(path, at=LATER)["broken"] == []

    intake.replay(Run.objects.get(), by=COMMAND_LINE, at=AT)

    assert Report.objects.get(state="accepted").on == dt.date(2031, 1, 1)
    assert [found["state"] for found in store.findings()] == ["new"]


def test_a_time_of_no_possible_day_does_not_move_an_undated_report(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path, 0, [1])
    path = path.rename(tmp_path / "scan_rdp.csv")
    with path.open("a", encoding="utf-8") as file:
        file.write("9999-12-31 00:00:00,medium,192.0.2.2,tcp,3389,rdp,64496,XM,\n")

    summary = store.run(path)

    assert summary["cycles"][0]["date"] == "2026-11-16" and summary["rows_quarantined"] == 1


def test_an_impossible_day_in_a_name_is_said_and_the_rows_tell_the_day(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(clock, "now", lambda: AT)
    path = write(tmp_path, 0, [1]).rename(tmp_path / "2026-13-45-scan_rdp-xm-geo.csv")

    assert parser.run(["feed", "run", str(path)]) == 0
    assert (
        "2026-13-45-scan_rdp-xm-geo.csv: 2026-13-45 in its name is no date. It counts for 2026-11-16, the day of "
        "most of its rows." in capsys.readouterr().out
    )
    summary = Run.objects.get().summary
    assert summary["misnamed"] == [{"name": path.name, "said": "2026-13-45", "date": "2026-11-16"}]
    assert Cycle.objects.get().on == day(0)


def test_the_page_of_the_run_says_it_too(week: Store, cast: Cast, tmp_path: Path) -> None:
    odd = write(tmp_path, 4, range(1, 15)).rename(tmp_path / "2026-02-30-scan_rdp-xm-geo.csv")
    week.run(odd, write(tmp_path, 9, range(1, 15)))

    page = text(signed_in(cast.analyst).get("/feeds/runs/5/"))

    assert "2026-02-30 in its name is no date. It counts for 20 Nov , the day of most of its rows." in page
    assert "It is dated 25 Nov , ahead of its import." in page


# ---- on the pages


@pytest.fixture
def ahead(week: Store, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A report of telnet is here that an older version took: it is of 2031, and today is the last day of the week."""
    by_the_clock(settings, monkeypatch, day(3))
    for number in range(4):
        week.run(write(tmp_path, number, range(1, 4), kind="scan_telnet"))
    week.run(write(tmp_path, YEARS, [1], kind="scan_telnet"), at=LATER, accept_drop=True)
    return week


def test_a_day_ahead_does_not_blind_the_situation(ahead: Store, cast: Cast) -> None:
    page = text(signed_in(cast.analyst).get("/"))

    assert "Not known yet" not in page and "Silent" not in page
    assert "2 of 2 arrive as usual" in page
    # What moved in a report of a day that has not come is not counted, and the page says so.
    assert "1 finding went away; came back: 1; new: 10." in page
    assert "1 type left out" in page
    assert [each.state for each in situation.health()] == ["ok", "ok"]
    assert situation.movements().days[-1] == day(3) == queries.latest_day()


def test_what_lies_ahead_is_named_with_its_run(ahead: Store, cast: Cast) -> None:
    browser = signed_in(cast.analyst)

    assert "Is this day right? Telnet open to the internet" in text(browser.get("/"))
    page = browser.get("/feeds/")
    assert "1 day of reports lies ahead" in text(page) and "Jan 2031" in text(page)
    assert "/feeds/runs/9/" in links(page)
    assert "2 of 2 report types arrive as usual" in text(page)


def test_withdrawing_the_run_mends_it(ahead: Store, cast: Cast) -> None:
    ahead.withdraw(9)
    browser = signed_in(cast.analyst)

    assert "lies ahead" not in text(browser.get("/feeds/")) and "Is this day right" not in text(browser.get("/"))
    assert {each["state"] for each in ahead.findings(types=("scan_telnet",))} == {"still"}


def test_a_type_of_nothing_but_days_ahead_stands_there_all_the_same(
    store: Store, cast: Cast, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_the_clock(settings, monkeypatch, day(0))
    store.run(write(tmp_path, 9, [1]))

    (health,) = situation.health()
    assert [cycle.on for cycle in health.ahead] == [day(9)] and queries.latest_day() == day(9)
    assert "1 day of reports lies ahead" in text(signed_in(cast.analyst).get("/feeds/"))


def test_its_findings_can_be_looked_at(ahead: Store, cast: Cast) -> None:
    browser = signed_in(cast.analyst)
    for each in ahead.findings():
        assert browser.get(f"/findings/{each['id']}/").status_code == 200
    assert browser.get("/findings/").context["total"] == len([f for f in ahead.findings() if f["state"] != "gone"])


def test_gone_is_told_by_the_latest_report_of_each_type(week: Store, cast: Cast, tmp_path: Path) -> None:
    """Not all types come on one day: what went gone by the latest report of one is not hidden by another's."""
    (gone,) = (found["asset"] for found in week.findings(just_gone=True))

    week.run(write(tmp_path, 4, [1], kind="scan_telnet"))

    assert [found["asset"] for found in week.findings(just_gone=True)] == [gone]
    page = text(signed_in(cast.analyst).get("/"))
    assert "1 finding went away; came back: 1; new: 11." in page


def test_kinds_are_told_by_the_latest_report_of_each(week: Store, cast: Cast, tmp_path: Path) -> None:
    for number in (3, 4):
        week.run(write(tmp_path, number, [number], kind="scan_telnet"))

    shown = {kind.label: kind.today for kind in signed_in(cast.analyst).get("/").context["kinds"]}

    assert shown == {"Telnet open to the internet": 1, "Remote desktop open to the internet": 11}


# ---- which day it is


def test_it_is_the_day_of_the_clock(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    by_the_clock(settings, monkeypatch, day(5))

    assert days.today([day(0), day(9)]) == day(5)
    assert days.newest([day(0), day(3), day(9)]) == day(3)
    assert days.newest([]) is None


def test_a_clock_before_all_reports_hides_none(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    by_the_clock(settings, monkeypatch, dt.date(1970, 1, 1))

    assert days.newest([day(0), day(3)]) == day(3)


def test_a_demonstration_stands_still_until_later_reports_come(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    by_the_clock(settings, monkeypatch, day(20))
    settings.TOCSIN_TODAY = day(5)

    assert days.today([]) == days.today([day(0), day(5)]) == days.today([day(21)]) == day(5)
    assert days.today([day(5), day(7)]) == day(7)


@given(st.sets(st.dates(), max_size=8), st.dates())
def test_the_newest_is_never_ahead_when_there_is_one_that_is_not(reported: set[dt.date], on: dt.date) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(days, "now", lambda: dt.datetime.combine(on, dt.time(), dt.UTC))
        found = days.newest(reported)

    assert (found is None) == (not reported)
    if found and min(reported) <= on:
        assert found <= on and not any(found < other <= on for other in reported)


def test_the_mark_of_a_demonstration_says_its_day(tmp_path: Path) -> None:
    from tocsin.site.instance import demonstrated_day

    assert demonstrated_day(tmp_path) is None
    for said, expected in (("2026-11-16\n", day(0)), ("2026-11-16 loading\n", day(0)), ("", None), ("soon", None)):
        assert demonstrated_day(on_disk(tmp_path / "demo", said).parent) == expected
