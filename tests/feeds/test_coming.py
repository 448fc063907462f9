"""Days that lie ahead make nothing go gone until they have come; then they do, by the word of who brought them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.cast import Cast
from tests.feeds.conftest import Store
from tests.feeds.pages import signed_in, text
from tests.feeds.reports import day, write
from tests.feeds.test_watching import Post
from tests.feeds.verbs import run
from tocsin.audit.actors import COMMAND_LINE
from tocsin.feeds import days, intake
from tocsin.feeds.models import Cycle, Run
from tocsin.feeds.unfinished import unfinished_cycles
from tocsin.kernel import clock
from tocsin.kernel.refusals import InvalidInput

pytestmark = pytest.mark.django_db
AHEAD = 12


class Calendar:
    """A store, and the day that it is."""

    def __init__(self, store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store, self.folder, self.monkeypatch = store, folder, monkeypatch
        self.turn(0)

    def turn(self, number: int) -> None:
        """Let it be a day."""
        self.at = dt.datetime.combine(day(number), dt.time(9), dt.UTC)
        for module in (days, clock):
            self.monkeypatch.setattr(module, "now", lambda: self.at)

    def take(self, number: int, hosts: Iterable[int], kind: str = "scan_rdp", **options: Any) -> dict[str, Any]:
        """Import the report of a day."""
        return self.store.run(write(self.folder, number, hosts, kind=kind), at=self.at, **options)

    def gone(self) -> list[int]:
        return sorted(int(found["asset"].rpartition(".")[2]) for found in self.store.findings(states=("gone",)))

    def counted(self) -> list[int]:
        rows = Cycle.objects.filter(type__name="scan_rdp", counts=True).order_by("on")
        return [(on - day(0)).days for on in rows.values_list("on", flat=True)]


@pytest.fixture
def calendar(store: Store, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Calendar:
    settings.TOCSIN_TODAY = None
    return Calendar(store, tmp_path, monkeypatch)


@pytest.fixture
def ahead(calendar: Calendar) -> dict[str, Any]:
    """After a day of eight hosts, a whole report of a day far ahead that shows one of them and two others."""
    calendar.take(0, range(1, 9))
    calendar.turn(1)
    return calendar.take(AHEAD, [1, 50, 51], accept_drop=True)


def test_a_whole_report_of_a_day_ahead_judges_neither_today_nor_what_comes_next(
    calendar: Calendar, ahead: dict[str, Any]
) -> None:
    assert (calendar.gone(), calendar.counted()) == ([], [0])
    assert [each["date"] for each in ahead["ahead"]] == [str(day(AHEAD))] and ahead["findings_gone"] == 0

    summary = calendar.take(1, range(1, 8))

    assert (calendar.gone(), calendar.counted()) == ([8], [0, 1])
    assert (summary["findings_gone"], summary["completed"]) == (1, [])
    for number, hosts in ((2, range(1, 7)), (3, range(1, 9))):
        calendar.turn(number)
        calendar.take(number, hosts)
    assert (calendar.gone(), calendar.counted()) == ([], [0, 1, 2, 3])


def test_it_is_no_miss_among_those_after_which_a_finding_is_gone(calendar: Calendar) -> None:
    for number, hosts in ((0, range(1, 9)), (1, range(1, 7)), (2, range(1, 7))):
        calendar.turn(number)
        calendar.take(number, hosts, gone_after=3)
    calendar.take(AHEAD, range(1, 7), gone_after=3)
    assert calendar.gone() == []
    with pytest.raises(InvalidInput, match=f"{day(AHEAD)} has not come yet"):
        intake.decide("scan_rdp", day(AHEAD), decision="confirmed", by=COMMAND_LINE, at=calendar.at)
    calendar.turn(3)
    calendar.take(3, range(1, 7), gone_after=3)
    assert (calendar.gone(), calendar.counted()) == ([7, 8], [0, 1, 2, 3])


def test_tomorrow_has_come_where_the_publisher_is(calendar: Calendar) -> None:
    calendar.take(0, range(1, 9))
    calendar.take(1, range(1, 7))
    assert (calendar.gone(), calendar.counted()) == ([7, 8], [0, 1])
    calendar.take(2, range(1, 6))
    assert calendar.counted() == [0, 1]


def test_a_demonstration_counts_up_to_the_day_on_which_it_stands(calendar: Calendar, settings: Any) -> None:
    settings.TOCSIN_TODAY = day(AHEAD)
    calendar.take(0, range(1, 9))
    calendar.take(AHEAD, range(1, 7))
    assert (calendar.gone(), calendar.counted()) == ([7, 8], [0, AHEAD])


def test_it_counts_with_the_first_import_once_it_has_come_and_not_by_being_looked_at(
    calendar: Calendar, ahead: dict[str, Any]
) -> None:
    calendar.take(1, range(1, 8))
    before = calendar.store.states()
    calendar.turn(AHEAD - 1)

    assert (calendar.store.states(), calendar.counted()) == (before, [0, 1])

    summary = calendar.take(AHEAD - 1, [1], kind="scan_telnet")

    assert (calendar.gone(), calendar.counted()) == ([2, 3, 4, 5, 6, 7, 8], [0, 1, AHEAD])
    assert summary["completed"] == [{"type": "scan_rdp", "date": str(day(AHEAD))}]
    assert summary["findings_gone"] == 0, "the totals are of what the run brought"
    assert calendar.take(AHEAD, [2], kind="scan_telnet")["completed"] == []


@pytest.mark.parametrize("has_come", [False, True])
def test_it_goes_with_the_run_that_brought_it_before_and_after_its_day(
    calendar: Calendar, ahead: dict[str, Any], has_come: bool
) -> None:
    calendar.take(1, range(1, 8))
    if has_come:
        calendar.turn(AHEAD)
        calendar.take(AHEAD, [1], kind="scan_telnet")
        assert AHEAD in calendar.counted()

    calendar.store.withdraw(ahead["run"], calendar.at)

    assert (calendar.gone(), calendar.counted()) == ([8], [0, 1])
    calendar.turn(AHEAD)
    calendar.take(AHEAD, [1], kind="scan_telnet", complete=False)
    calendar.take(AHEAD, [1, 2], complete=False)
    assert (calendar.gone(), calendar.counted()) == ([8], [0, 1]), "nobody says any more that it is complete"


def test_whatever_is_done_about_the_type_lets_it_count_when_it_has_come_and_no_sooner(
    calendar: Calendar, ahead: dict[str, Any]
) -> None:
    decide = {"by": COMMAND_LINE, "at": calendar.at}
    wrong = [calendar.take(number, [60])["run"] for number in (1, 2)]
    intake.replay(Run.objects.get(pk=ahead["run"]), **decide)
    assert calendar.counted() == [0]
    intake.decide("scan_rdp", day(1), decision="discarded", **decide)
    assert calendar.counted() == [0]
    intake.refold(["scan_rdp"], **decide)
    assert calendar.counted() == [0]
    calendar.store.withdraw(wrong[0], calendar.at)
    assert (calendar.gone(), calendar.counted()) == ([], [0])
    calendar.turn(AHEAD)
    calendar.store.withdraw(wrong[1], calendar.at)
    assert (calendar.gone(), calendar.counted()) == ([2, 3, 4, 5, 6, 7, 8], [0, AHEAD])


def test_one_that_is_small_is_held_when_it_has_come(calendar: Calendar) -> None:
    calendar.take(0, range(1, 9))
    calendar.take(AHEAD, [1])
    assert not Cycle.objects.filter(held=True).exists()
    calendar.turn(AHEAD)
    summary = calendar.take(AHEAD, [1], kind="scan_telnet")
    assert [(each["type"], each["date"]) for each in summary["held"]] == [("scan_rdp", str(day(AHEAD)))]
    assert (calendar.gone(), calendar.counted()) == ([], [0])


def test_one_that_is_discarded_ahead_never_counts(calendar: Calendar, ahead: dict[str, Any]) -> None:
    intake.decide("scan_rdp", day(AHEAD), decision="discarded", by=COMMAND_LINE, at=calendar.at)
    calendar.turn(AHEAD)
    assert calendar.take(AHEAD, [1], kind="scan_telnet")["completed"] == []
    assert (calendar.gone(), calendar.counted(), unfinished_cycles(calendar.at)) == ([], [0], [])


def test_what_an_older_version_let_count_ahead_counts_no_more_with_the_next_import(calendar: Calendar) -> None:
    calendar.take(0, range(1, 9))
    calendar.turn(AHEAD)
    calendar.take(AHEAD, range(1, 6))
    calendar.turn(1)
    assert calendar.gone() == [6, 7, 8]
    calendar.take(1, [1], kind="scan_telnet")
    assert (calendar.gone(), calendar.counted()) == ([], [0])
    calendar.take(1, range(1, 8))
    assert (calendar.gone(), calendar.counted()) == ([8], [0, 1])


def test_commands_name_it_with_what_ends_it(
    calendar: Calendar, ahead: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("runs", "--waiting") == 0
    assert capsys.readouterr().out == (
        f"scan_rdp of {day(AHEAD)} lies ahead: it counts when that day has come. "
        f"If that day is wrong, take it back: tocsin feed withdraw {ahead['run']}\n"
    )
    assert run("runs", "--json") == 0
    (waiting,) = json.loads(capsys.readouterr().out)["waiting"]
    assert (waiting["why"], waiting["due"]) == ("ahead", False)

    calendar.turn(AHEAD)
    (found,) = unfinished_cycles(calendar.at)
    assert found.is_due and found.says.endswith("lay ahead, and has come: it counts with the next import")
    assert run(*found.fix.rpartition("tocsin feed ")[2].split()) == 0
    assert calendar.counted() == [0, AHEAD] and unfinished_cycles(calendar.at) == []


def test_a_part_of_a_day_ahead_is_named_so_too(calendar: Calendar) -> None:
    calendar.take(AHEAD, [1], complete=False)
    assert [each.why for each in unfinished_cycles(calendar.at)] == ["ahead"]
    calendar.turn(AHEAD)
    assert [each.why for each in unfinished_cycles(calendar.at)] == ["open"]


def test_a_watch_lets_it_count_when_it_has_come(calendar: Calendar, ahead: dict[str, Any], tmp_path: Path) -> None:
    post = Post(tmp_path / "post")
    for number, expected in ((2, []), (AHEAD, [f"Closed scan_rdp of {day(AHEAD)}."])):
        calendar.turn(number)
        post.at = calendar.at
        assert (post.look(), post.look()) == (expected, [])
    assert calendar.counted() == [0, AHEAD]
    calendar.store.withdraw(ahead["run"], calendar.at)
    assert calendar.counted() == [0]


def test_pages_say_that_it_does_not_count_yet(calendar: Calendar, ahead: dict[str, Any], cast: Cast) -> None:
    browser = signed_in(cast.analyst)
    page = text(browser.get("/feeds/"))
    assert "1 day of reports lies ahead" in page and "Such a day counts, and is shown, when it has come." in page
    page = text(browser.get(f"/feeds/runs/{ahead['run']}/"))
    assert "ahead of its import. It counts when that day has come." in page
    assert "A report of it came before the day itself; it does not count until then" in text(browser.get("/"))
