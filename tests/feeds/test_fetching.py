"""Fetching: what is not here is taken once, imported in one run, and tried again where it failed."""

from __future__ import annotations

import dataclasses
import datetime as dt
import fcntl
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cast import Cast
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import signed_in, text
from tests.feeds.publishing import KEY, SECRET, Office, Way, answering, cut, office, saying
from tests.feeds.reports import day, write
from tocsin.audit.actors import COMMAND_LINE
from tocsin.audit.models import AuditRow
from tocsin.courier.connecting import Allowance
from tocsin.feeds import fetching, intake, jobs, publisher
from tocsin.feeds.choices import RunState
from tocsin.feeds.fetched import FETCH_JOB
from tocsin.feeds.fetched import fetching as standing
from tocsin.feeds.fetching import AlreadyFetching, Asked, fetch, inbox, last_days
from tocsin.feeds.models import Cycle, Download, Report, Run
from tocsin.feeds.unfinished import due_cycles
from tocsin.jobs import queue, registry, worker
from tocsin.jobs.choices import State
from tocsin.jobs.models import Job
from tocsin.jobs.registry import PutBack
from tocsin.kernel import clock
from tocsin.kernel.refusals import Busy, Conflict, Unavailable
from tocsin.site import examination
from tocsin.site.cli.parser import run as command

NOT_ALL = "Not downloaded: 1 of the 2 reports that the publisher offers."
WEEK = Asked(last_days(AT.date()))


@pytest.fixture
def desk(store: Store, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """A publisher that this instance may ask, and that it need not wait for."""
    monkeypatch.setattr(publisher, "WAITS_S", (0, 0))
    monkeypatch.setattr(clock, "now", lambda: AT)
    with office() as server:
        settings.FETCH_ALLOWANCE = Allowance(frozenset({"127.0.0.1"}), frozenset({server.server_address[1]}))
        settings.CONFIG = settings.TOCSIN = dataclasses.replace(
            settings.TOCSIN,
            shadowserver_key=KEY,
            shadowserver_secret=SECRET,
            shadowserver_url=f"{server.url}/api2/",
            shadowserver_downloads=f"{server.url}/dl/",
        )
        yield server


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """Where the publisher writes its reports."""
    return tmp_path / "theirs"


def take(asked: Asked = WEEK, *, at: dt.datetime = AT, **options: Any) -> dict[str, Any]:
    return fetch(asked, by=COMMAND_LINE, at=at, wait_s=0, **options)


def states() -> dict[str, str]:
    return dict(Download.objects.values_list("file", "state"))


def test_what_the_publisher_has_is_taken_and_imported_in_one_run(desk: Office, store: Store, theirs: Path) -> None:
    for number in (0, 1):
        desk.offer(write(theirs, number, range(1, 4)))
    desk.offer(write(theirs, 1, [70], kind="scan_ftp"))

    done = take()

    assert (done["offered"], done["known"], len(done["fetched"])) == (3, 0, 3)
    assert done["summary"]["rows_kept"] == 7
    assert [run.state for run in Run.objects.all()] == [RunState.DONE]
    assert set(states().values()) == {"imported"}
    assert set(store.states()) == {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.70"}


def test_nothing_is_taken_twice(desk: Office, theirs: Path) -> None:
    desk.offer(write(theirs, 0, range(1, 4)))
    take()
    rows = AuditRow.objects.count()

    again = take()

    assert len(desk.downloaded) == 1
    assert (again["known"], again["fetched"], again["summary"]) == (1, [], None)
    assert AuditRow.objects.count() == rows
    assert Run.objects.count() == 1


def test_what_was_imported_by_hand_is_not_taken(desk: Office, store: Store, theirs: Path) -> None:
    path = write(theirs, 0, range(1, 4))
    desk.offer(path)
    store.run(path)

    assert take()["known"] == 1
    assert desk.downloaded == []


def test_a_corrected_report_is_taken_and_takes_the_place_of_the_first(desk: Office, store: Store, theirs: Path) -> None:
    desk.offer(write(theirs, 0, [1, 2, 3]))
    take()
    desk.offer(write(theirs, 0, [1, 2, 4]), "corrected")

    done = take()

    assert done["fetched"] == ["2026-11-16-scan_rdp-xm-geo.csv"]
    assert Report.objects.filter(state="accepted").count() == 1
    assert set(store.states()) == {"192.0.2.1", "192.0.2.2", "192.0.2.4"}


def test_a_refused_report_does_not_hinder_the_others_and_is_taken_later(
    desk: Office, store: Store, theirs: Path
) -> None:
    desk.offer(write(theirs, 0, [1]), "", saying(403, {"error": "not yours"}))
    desk.offer(write(theirs, 1, [2]), "", *[answering(200, b"<html>")] * 3)
    desk.offer(write(theirs, 2, [3]))

    done = take()

    assert [each["file"][:10] for each in done["refused"]] == ["2026-11-16", "2026-11-17"]
    assert "not yours" in done["refused"][0]["reason"]
    assert set(store.states()) == {"192.0.2.3"}
    assert sorted(states().values()) == ["imported", "refused", "refused"]
    take()
    assert set(store.states()) == {"192.0.2.1", "192.0.2.2", "192.0.2.3"}
    assert set(states().values()) == {"imported"}


def test_the_same_refusal_every_hour_is_recorded_once(desk: Office, theirs: Path) -> None:
    ways: list[Way] = [saying(403, {"error": "not yours"})] * 2
    desk.offer(write(theirs, 0, [1]), "", *ways, saying(410, {"error": "expired"}))
    for _ in range(3):
        take()
    assert AuditRow.objects.filter(code="reports.fetched").count() == 2
    assert "expired" in Download.objects.get().problem


def test_a_line_that_fails_three_times_in_a_row_is_left_for_another_time(desk: Office, theirs: Path) -> None:
    for number in range(-1, 3):
        for kind in ("scan_rdp", "scan_ftp"):
            path = write(theirs, number, [1], kind=kind)
            desk.offer(path, "", *[cut] * 3)

    done = take()

    assert len(done["refused"]) == 8
    assert len(desk.downloaded) == 9  # three reports, each tried three times


def test_a_broken_report_is_named_keeps_its_day_open_and_is_not_taken_again_by_itself(
    desk: Office, theirs: Path
) -> None:
    good, bad = write(theirs, 0, range(1, 9)), write(theirs, 1, [1])
    desk.offer(good)
    desk.offer(bad, content=b"\x1f\x8b\x08\x00 no gzip at all\n")

    done = take()

    assert [each["file"] for each in done["broken"]] == [bad.name]
    assert states() == {good.name: "imported", bad.name: "broken"}
    assert take()["fetched"] == []
    assert take(Asked((day(1),), again=True))["broken"] == done["broken"]


def test_of_two_reports_of_one_file_name_the_one_that_cannot_be_read_is_called_so(desk: Office, theirs: Path) -> None:
    report = write(theirs, 0, range(1, 9))
    good, bad = desk.offer(report, "a" * 40), desk.offer(report, "b" * 40, content=b"\x1f\x8b\x08\x00 no gzip\n")

    (told,) = take()["broken"]

    assert told["file"] == report.name
    assert dict(Download.objects.values_list("publisher_id", "state")) == {good: "imported", bad: "broken"}


def test_a_break_in_the_middle_costs_only_what_had_not_come(
    desk: Office, store: Store, theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = desk.offer(write(theirs, 0, [1]))
    second = desk.offer(write(theirs, 1, [2]))

    def stopping(name: str, _share: float) -> None:
        if name.startswith("2026-11-17"):
            raise PutBack

    with pytest.raises(PutBack):
        take(downloading=stopping)
    assert (desk.downloaded, Run.objects.count(), states()) == ([first], 0, {})

    done = take()
    assert desk.downloaded == [first, second]
    assert len(done["fetched"]) == 2 and set(store.states()) == {"192.0.2.1", "192.0.2.2"}


def test_what_came_and_could_not_be_imported_then_is_imported_without_being_taken_again(
    desk: Office, store: Store, theirs: Path
) -> None:
    desk.offer(write(theirs, 0, [1]))
    store.root.mkdir(parents=True, exist_ok=True)
    with (store.root / "ingest.lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Busy):
            take()
    take()
    assert len(desk.downloaded) == 1 and set(store.states()) == {"192.0.2.1"}


def test_a_part_that_a_crash_left_is_no_report(desk: Office, theirs: Path) -> None:
    path = write(theirs, 0, [1])
    desk.offer(path)
    (report,) = publisher.Publisher(publisher.settings.TOCSIN).reports(day(0), day(0)).reports
    place = fetching.place_of(report)
    place.parent.mkdir(parents=True)
    place.with_name(f".{place.name}.part").write_bytes(b"timestamp,se")

    take()

    assert place.read_bytes() == path.read_bytes()
    assert [each.name for each in place.parent.iterdir()] == [path.name]


def test_never_two_at_once(desk: Office) -> None:
    inbox().mkdir(parents=True)
    with (inbox() / ".lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(AlreadyFetching):
            take()
    assert desk.asked == []


def test_only_the_types_asked_for_are_taken(desk: Office, theirs: Path) -> None:
    for kind in ("scan_rdp", "scan_ftp", "scan_smb"):
        desk.offer(write(theirs, 0, [1], kind=kind))
    take(dataclasses.replace(WEEK, types=frozenset({"scan_rdp", "scan_ftp"})))
    take(Asked((day(0),), frozenset({"scan_smb"})))
    assert len(desk.downloaded) == 3
    assert [asked["type"] for _, asked in desk.asked if "type" in asked] == ["scan_smb"]


def test_a_list_that_may_be_cut_short_is_told(desk: Office, theirs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(theirs, 0, [1])
    rows = [{"id": f"i{n}", "file": path.name, "type": "x", "timestamp": "2026-11-16"} for n in range(1000)]
    desk.answer_list = saying(200, rows)
    found = fetching.offers(publisher.Publisher(publisher.settings.TOCSIN), Asked((day(0),)))
    assert len(found.offers) == 1000
    assert found.odd == (
        "The publisher's list of 2026-11-16 may be cut short. Fetch that day by type: --date 2026-11-16 --type TYPE",
    )


def test_days_are_closed_when_the_next_one_begins_but_not_while_a_report_of_theirs_is_lacking(
    desk: Office, theirs: Path
) -> None:
    desk.offer(write(theirs, 0, range(1, 9)))
    desk.offer(write(theirs, 0, [9], part="-part2"), "", saying(404, {}))
    desk.has_downloads = True
    lacking = desk.reports[-1]["id"]
    content = desk.contents.pop(lacking)
    desk.offer(write(theirs, 1, range(1, 9)))

    assert take()["closed"] == []
    assert due_cycles(AT) == []
    desk.contents[lacking], desk.ways[lacking] = content, []
    assert take()["closed"] == [{"type": "scan_rdp", "date": "2026-11-16"}]
    assert list(Cycle.objects.values_list("on", "closed")) == [(day(0), True), (day(1), False)]


def test_a_report_that_is_never_given_holds_its_day_open_for_a_week_only(desk: Office, theirs: Path) -> None:
    desk.offer(write(theirs, 0, [1]))
    refused = desk.offer(write(theirs, 0, [2], part="-part2"))
    del desk.contents[refused]
    take()
    later = AT + dt.timedelta(days=2)
    assert due_cycles(later) == []
    assert due_cycles(AT + dt.timedelta(days=8)) == [("scan_rdp", day(0))]


def test_cycles_of_types_that_are_not_fetched_are_left_alone(desk: Office, store: Store, theirs: Path) -> None:
    store.run(write(theirs, 0, [1], kind="scan_ftp"), complete=False)
    store.run(write(theirs, 1, [1], kind="scan_ftp"), complete=False)
    desk.offer(write(theirs, 0, [1]))
    assert take()["closed"] == []


def test_the_trail_says_what_was_fetched_and_nothing_with_which_to_fetch(desk: Office, theirs: Path) -> None:
    ids = [desk.offer(write(theirs, 0, [1])), desk.offer(write(theirs, 1, [1]), "", saying(403, {"error": "no"}))]
    take()
    row = AuditRow.objects.get(code="reports.fetched")
    assert row.data["imported"] == ["2026-11-16-scan_rdp-xm-geo.csv"]
    assert row.data["refused"][0][0] == "2026-11-17-scan_rdp-xm-geo.csv"
    assert row.data["run"] == 1 and row.data["size_bytes"] > 0
    everything = json.dumps(list(AuditRow.objects.values("code", "data_json")), default=str)
    assert [secret for secret in (KEY, SECRET, *ids) if secret in everything] == []


def test_old_downloads_are_deleted_and_not_taken_again(desk: Office, theirs: Path) -> None:
    desk.offer(write(theirs, 0, [1]))
    take()
    (folder,) = (each for each in inbox().iterdir() if each.is_dir())
    then = (AT - fetching.KEPT_FOR - dt.timedelta(days=1)).timestamp()
    os.utime(folder, (then, then))

    take()

    assert [each.name for each in inbox().iterdir()] == [".lock"]
    assert take()["known"] == 1 and len(desk.downloaded) == 1


def test_a_full_disk_is_told(desk: Office, theirs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.offer(write(theirs, 0, [1]))

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publisher.Publisher, "download", full)
    with pytest.raises(Unavailable, match="disk is full"):
        take()


def test_the_last_days_are_today_and_those_before() -> None:
    assert last_days(dt.date(2026, 3, 2), 2) == tuple(
        dt.date.fromisoformat(f"2026-{d}") for d in ("02-28", "03-01", "03-02")
    )


# the worker


@pytest.fixture
def schedule(desk: Office, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Office:
    """The hourly fetch, and nothing else, in the hands of a worker."""
    registry.load()
    Job.objects.all().delete()  # what the claims of the cast have set going
    monkeypatch.setattr(registry, "_schedules", {})
    jobs.schedule(settings.TOCSIN)
    return desk


def work(at: dt.datetime = AT) -> Job | None:
    return worker.do_next("worker", now=lambda: at)


def test_a_worker_fetches_every_hour(schedule: Office, store: Store, theirs: Path) -> None:
    schedule.offer(write(theirs, 0, [1]))

    first, second = work(), work()
    third = work(AT + dt.timedelta(hours=1))

    assert first and third and first.kind == third.kind == FETCH_JOB and second is None
    assert set(store.states()) == {"192.0.2.1"}
    assert Run.objects.get().actor_label == "feed fetch"
    assert set(Job.objects.values_list("state", flat=True)) == {State.DONE}


def test_nothing_is_scheduled_without_key_and_secret_or_in_a_demonstration(
    schedule: Office, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_schedules", {})
    jobs.schedule(dataclasses.replace(settings.TOCSIN, shadowserver_secret=""))
    settings.TOCSIN.home.mkdir(parents=True, exist_ok=True)
    (settings.TOCSIN.home / "demo").touch()
    jobs.schedule(settings.TOCSIN)
    assert registry.schedules() == []
    queue.enqueue(FETCH_JOB, at=AT)
    work()
    assert schedule.asked == []


def test_nothing_leaves_an_exercise(schedule: Office, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_schedules", {})
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, exercise=True)
    jobs.schedule(settings.TOCSIN)
    assert registry.schedules() == []
    queue.enqueue(FETCH_JOB, at=AT)  # made before the instance became an exercise
    done = work()
    assert done and Job.objects.get(pk=done.pk).state == State.DONE
    with pytest.raises(Conflict, match="is an exercise: nothing leaves it, so nothing is fetched"):
        fetch(Asked(last_days(AT.date())), by=COMMAND_LINE, at=AT)
    assert schedule.asked == []


def test_a_failed_fetch_is_tried_again_and_shown(schedule: Office, cast: Cast, theirs: Path, settings: Any) -> None:
    schedule.answer_list = answering(503)
    work()
    (job,) = Job.objects.all()
    assert (job.state, job.last_error) == (State.WAITING, "The publisher answers 503.")

    page = text(signed_in(cast.analyst).get("/feeds/"))
    assert "Fetched by itself" in page and "The publisher answers 503." in page and "Next try" in page
    (verdict,) = examination._fetching(settings.TOCSIN)
    assert (verdict.says, verdict.fix) == (
        "it failed: The publisher answers 503",
        "Mend that, then run: tocsin feed fetch",
    )

    schedule.answer_list = None
    schedule.offer(write(theirs, 0, [1]))
    work(job.run_after + dt.timedelta(seconds=1))
    assert states() == {"2026-11-16-scan_rdp-xm-geo.csv": "imported"}
    assert [verdict.fix for verdict in examination._fetching(settings.TOCSIN)] == [""]
    assert "503" not in text(signed_in(cast.analyst).get("/feeds/"))


def test_a_wrong_key_is_not_tried_again_before_the_hour_and_stays_in_sight(schedule: Office, settings: Any) -> None:
    schedule.answer_list = saying(401, {"error": "Invalid API key."})
    work()
    assert Job.objects.get().state == State.FAILED
    queue.enqueue(FETCH_JOB, at=AT + dt.timedelta(minutes=50))  # a new turn that has not begun hides nothing
    stands = standing()
    assert stands and stands.problem.startswith("The publisher says: Invalid API key. Check TOCSIN_SHADOWSERVER_KEY")
    assert stands.look == "failed" and stands.next_at is None
    verdicts = [*examination._fetching(settings.TOCSIN), *examination._orders(settings.TOCSIN)]
    assert len([verdict for verdict in verdicts if verdict.fix]) == 1


def test_reports_that_are_lacking_make_a_worker_try_again_soon(
    schedule: Office, cast: Cast, theirs: Path, settings: Any
) -> None:
    path = write(theirs, 0, [1])
    schedule.offer(path, "", saying(403, {"error": "not yours"}))
    schedule.offer(write(theirs, 1, [2]))
    work()
    (job,) = Job.objects.all()
    assert job.state == State.WAITING and job.last_error == NOT_ALL
    page = text(signed_in(cast.analyst).get("/feeds/"))
    assert path.name in page and "Not downloaded" in page and NOT_ALL in page and "Last fetched 19 Nov" in page
    *_, verdict = examination._fetching(settings.TOCSIN)
    assert verdict.says.startswith(f"{path.name} is not imported: The publisher says: not yours. Check TOCSIN_")
    assert verdict.fix == "Run: tocsin feed fetch --date 2026-11-16 --type scan_rdp"
    work(job.run_after)
    assert Job.objects.get().state == State.DONE and set(states().values()) == {"imported"}


def test_a_worker_that_must_end_puts_the_fetch_back(schedule: Office, theirs: Path) -> None:
    schedule.offer(write(theirs, 0, [1]))
    queue.enqueue(FETCH_JOB, at=AT)

    class Ending:
        should_stop = True

        def progress(self, share: float, text: str = "") -> None:
            raise AssertionError

    with pytest.raises(PutBack):
        jobs.fetch({}, Ending())
    assert schedule.downloaded == []


def test_a_worker_that_finds_somebody_fetching_is_content(schedule: Office) -> None:
    inbox().mkdir(parents=True)
    with (inbox() / ".lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        work()
    assert Job.objects.get().state == State.DONE


def test_without_key_and_secret_nothing_is_said(store: Store, cast: Cast, settings: Any) -> None:
    assert standing() is None
    assert "Fetched by itself" not in text(signed_in(cast.analyst).get("/feeds/"))
    assert [verdict.says for verdict in examination._fetching(settings.TOCSIN)] == ["no key and no secret are set"]
    exercise = dataclasses.replace(settings.TOCSIN, shadowserver_key=KEY, shadowserver_secret=SECRET, exercise=True)
    settings.TOCSIN = exercise
    assert [verdict.says for verdict in examination._fetching(exercise)] == ["not in an exercise"]


def test_half_a_setting_gets_a_line_with_its_fix(store: Store, settings: Any) -> None:
    half = dataclasses.replace(settings.TOCSIN, shadowserver_key="k", shadowserver_url="http://x/")
    fixes = [verdict.fix for verdict in examination._fetching(half)]
    assert len(fixes) == 2 and all(fixes)


# the command


def test_the_command_fetches_and_says_what_came(desk: Office, theirs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    desk.offer(write(theirs, 0, range(1, 4)))
    assert command(["feed", "fetch", "--days", "3"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(
        "The publisher has 1 report from 2026-11-16 to 2026-11-19; 0 taken before.\n1 report fetched.\n"
        "Run 1: 3 of 3 rows of 1 report kept, 3 of them attributed; 3 findings new"
    )
    assert command(["feed", "fetch"]) == 0
    assert capsys.readouterr().out.endswith("1 taken before.\nNothing new.\n")


def test_the_command_answers_in_json(desk: Office, theirs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ids = [desk.offer(write(theirs, 0, [1])), desk.offer(write(theirs, 1, [1]), "", saying(403, {"error": "no"}))]
    assert command(["feed", "fetch", "--json"]) == 1
    printed = capsys.readouterr()
    done = json.loads(printed.out)
    assert done["fetched"] == ["2026-11-16-scan_rdp-xm-geo.csv"] and done["summary"]["rows_kept"] == 1
    assert [each["file"] for each in done["refused"]] == ["2026-11-17-scan_rdp-xm-geo.csv"]
    assert printed.err.startswith("tocsin: 2026-11-17-scan_rdp-xm-geo.csv: The publisher says: no. Check TOCSIN_")
    assert [secret for secret in (KEY, SECRET, *ids) if secret in printed.out + printed.err] == []


def test_the_command_lists_and_takes_nothing(desk: Office, theirs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    desk.offer(write(theirs, 0, [1]))
    take()
    desk.offer(write(theirs, 1, [1]))
    assert command(["feed", "fetch", "--list"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "2026-11-16-scan_rdp-xm-geo.csv: taken",
        "2026-11-17-scan_rdp-xm-geo.csv: not taken yet",
    ]
    assert command(["feed", "fetch", "--list", "--json", "--date", "2026-11-17"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "odd": [],
        "reports": [
            {
                "file": "2026-11-17-scan_rdp-xm-geo.csv",
                "type": "scan_rdp",
                "date": "2026-11-17",
                "list": "xm-geo",
                "state": "new",
                "reason": "",
            }
        ],
    }
    assert len(desk.downloaded) == 1


def test_an_empty_list_is_told_and_no_failure(desk: Office, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["feed", "fetch", "--date", "2026-11-16"]) == 0
    assert capsys.readouterr().out == "The publisher has no report of 2026-11-16.\n"
    assert command(["feed", "fetch", "--list"]) == 0
    assert capsys.readouterr().out == "There is none.\n"


def test_the_command_without_key_says_what_to_do(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["feed", "fetch"]) == 1
    assert "TOCSIN_SHADOWSERVER_KEY and TOCSIN_SHADOWSERVER_SECRET are not set" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong", [["--days", "0"], ["--days", "93"], ["--date", "x"], ["--days", "2", "--date", "2026-11-16"]]
)
def test_a_wrong_option_is_wrong_usage(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command(["feed", "fetch", *wrong])
    assert ended.value.code == 2 and capsys.readouterr().err


def test_an_import_under_way_does_not_keep_the_list_waiting(desk: Office) -> None:
    began = time.monotonic()
    with intake.store_lock(0):
        assert command(["feed", "fetch", "--list"]) == 0
    assert time.monotonic() - began < 5
