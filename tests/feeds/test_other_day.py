"""Reports that repeat themselves or another day, through the command and on the pages, in the same words."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.cast import Cast
from tests.feeds.conftest import Store
from tests.feeds.pages import signed_in, text
from tests.feeds.reports import COLUMNS, day, rows, write
from tocsin.audit.actors import COMMAND_LINE
from tocsin.engine.cycles import HELD_BELOW, Why
from tocsin.feeds import held, intake, wording
from tocsin.feeds.doubts import why_held
from tocsin.feeds.models import Cycle, Report, Run
from tocsin.feeds.unfinished import unfinished_cycles
from tocsin.kernel.clock import now
from tocsin.site.cli import parser

HOSTS = range(1, 9)
SEEN = {f"192.0.2.{host}" for host in HOSTS}
TODAY = 4


def copied(folder: Path, number: int, hosts: range, times: int) -> Path:
    """Write a report in which each host stands several times, each time with another second."""
    path = write(folder, number, hosts)
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", restval="", lineterminator="\n")
        for second in range(1, times):
            writer.writerows(rows(number, hosts, timestamp=f"{day(number)} 06:00:{second:02d}"))
    return path


def renamed(path: Path, number: int) -> Path:
    """Return a copy of a report under the name that it would have on another day."""
    return path.rename(path.with_name(path.name.replace(path.name[:10], str(day(number)))))


def gone(store: Store) -> set[str]:
    return {host for host, state in store.states().items() if state == "gone"}


def run(capsys: pytest.CaptureFixture[str], path: Path, *more: str) -> str:
    assert parser.run(["feed", "run", str(path), *more]) == 0
    return capsys.readouterr().out


def asked(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert parser.run([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def said_everywhere(capsys: pytest.CaptureFixture[str], browser: Any, words: str) -> None:
    """Check that commands and pages say why the cycle of today is held, in these words."""
    assert parser.run(["feed", "runs", "--waiting"]) == 0
    assert f"scan_rdp of {day(TODAY)} is held: {words}. Say whether it is" in capsys.readouterr().out
    for address in ("/", "/feeds/"):
        assert words.removeprefix("it ") in text(browser.get(address)), address
    latest = Run.objects.order_by("-pk")[0]
    assert "1 report waits for a decision" in text(browser.get(f"/feeds/runs/{latest.pk}/"))


@pytest.fixture
def browser(week: Store, cast: Cast) -> Any:
    return signed_in(cast.analyst)


def test_rows_that_repeat_each_other_do_not_stand_for_what_lacks(
    week: Store, browser: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "it shows 2 findings in 8 rows, less than half of the 8 findings on the days before"
    said = run(capsys, copied(tmp_path, TODAY, range(1, 3), 4))

    assert f"scan_rdp of {day(TODAY)} is held: {words}. Nothing goes gone because of it" in said
    said_everywhere(capsys, browser, words)
    (waiting,) = asked(capsys, "feed", "runs", "--waiting")["waiting"]
    assert (waiting["rows"], waiting["usual"], waiting["doubts"]) == (8, 8.0, {"few": []})
    assert (waiting["findings"], waiting["usual_findings"]) == (2, 8.0)


def test_yesterdays_bytes_under_todays_name_are_held_and_said(
    week: Store, browser: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repeated = renamed(write(tmp_path, TODAY - 1, HOSTS), TODAY)
    week.run(write(tmp_path / "own", TODAY - 1, HOSTS))
    gone_before = gone(week)
    summary = asked(capsys, "feed", "run", str(repeated), "--gone-after", "1")
    assert [(one["date"], one["doubts"]) for one in summary["held"]] == [
        (str(day(TODAY)), {"repeated": [repeated.name]})
    ]
    said_everywhere(capsys, browser, f"{repeated.name} is byte for byte a report of an earlier day")
    assert "Is this report of its day? Remote desktop" in text(browser.get("/"))
    (found,) = unfinished_cycles(now())
    assert found.fix == f"Say whether it is of its day: tocsin feed confirm scan_rdp {day(TODAY)}, or feed discard"
    assert gone(week) == gone_before - SEEN
    data = asked(capsys, "feed", "confirm", "scan_rdp", str(day(TODAY)))
    assert (data["counts"], data["doubts"], data["findings"]) == (True, {}, 8)


def test_a_report_of_old_rows_is_held_and_said(
    week: Store, browser: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = renamed(write(tmp_path, TODAY - 3, HOSTS, severity="high"), TODAY)
    words = f"no row of {old.name} is of its day or of the day before"
    assert f"is held: {words}. Nothing goes gone" in run(capsys, old)
    said_everywhere(capsys, browser, words)
    assert parser.run(["feed", "discard", "scan_rdp", str(day(TODAY))]) == 0
    assert unfinished_cycles(now()) == []


def test_the_manifest_keeps_what_a_report_says_of_its_day(week: Store, tmp_path: Path) -> None:
    week.run(copied(tmp_path, TODAY, HOSTS, 3))
    report = Report.objects.get(on=day(TODAY))
    assert (report.kept, report.findings) == (24, 8)
    assert report.newest == dt.datetime.combine(day(TODAY), dt.time(6, 0, 2), dt.UTC)
    cycle = Cycle.objects.get(on=day(TODAY))
    assert (cycle.rows, cycle.findings, cycle.usual_findings, cycle.held) == (24, 8, 8.0, False)


def test_reading_a_run_again_finds_the_same(week: Store, tmp_path: Path) -> None:
    week.run(copied(tmp_path, TODAY, HOSTS, 3))
    latest = Run.objects.order_by("-pk")[0]
    before = Report.objects.filter(on=day(TODAY)).values("findings", "newest").get()
    Report.objects.update(findings=None, newest=None)
    intake.replay(latest, by=COMMAND_LINE, at=now())
    assert Report.objects.filter(on=day(TODAY)).values("findings", "newest").get() == before
    assert Cycle.objects.get(on=day(TODAY)).usual_findings is None, "those before do not know theirs"


def test_what_counted_before_the_upgrade_counts_on(week: Store, tmp_path: Path) -> None:
    week.run(renamed(write(tmp_path, TODAY - 1, HOSTS), TODAY))
    week.run(write(tmp_path, TODAY + 1, HOSTS))
    Report.objects.update(findings=None, newest=None)  # as the upgrade leaves them
    Cycle.objects.update(findings=None, usual_findings=None)
    week.run(write(tmp_path, TODAY + 2, HOSTS))
    assert list(Cycle.objects.filter(held=True)) == []
    assert Cycle.objects.get(on=day(TODAY + 2)).findings == 8


def test_what_counts_of_many_files_is_named_in_short() -> None:
    names = [f"scan_rdp-{number}.csv" for number in range(7)]
    cycle = {"rows": 9, "usual": 8.0, "findings": 9, "usual_findings": 8.0}
    assert why_held({**cycle, "doubts": {"repeated": names[:2], "old": names}}) == (
        "scan_rdp-0.csv, scan_rdp-1.csv are byte for byte reports of earlier days; "
        "no row of scan_rdp-0.csv, scan_rdp-1.csv, scan_rdp-2.csv, scan_rdp-3.csv, scan_rdp-4.csv and 2 more "
        "is of its day or of the day before"
    )


def test_what_pages_know_of_the_engine_without_loading_it_is_so() -> None:
    assert held.HALF == HELD_BELOW
    assert {Why.OLD.value, Why.REPEATED.value} == held.OF_ANOTHER_DAY
    assert held.is_of_another_day(["old"]) and held.is_of_another_day(["old", "repeated"])
    assert not held.is_of_another_day([]) and not held.is_of_another_day(["old", "few"])


@pytest.mark.parametrize(
    "cycle",
    [
        {"rows": 8, "usual": 8.0, "findings": 1, "usual_findings": 8.0, "doubts": {"few": []}},
        {"rows": 8, "usual": 8.0, "findings": 0, "usual_findings": 1.0, "doubts": {"few": [], "old": ["a"]}},
        {"rows": 8, "usual": 8.0, "findings": 8, "usual_findings": 8.0, "doubts": {"repeated": list("abcdefg")}},
    ],
)
def test_pages_and_commands_use_the_same_words(cycle: dict[str, Any]) -> None:
    shown: Callable[..., str] = wording.why_held
    said = why_held(cycle).removeprefix("it ")
    assert shown(SimpleNamespace(**cycle), is_known=True) == said
