"""What a run said of days goes with it: that they are complete, that a file could not be read, that it has come."""

from __future__ import annotations

import datetime as dt
import importlib
import random
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps

from tests.chance import seeds
from tests.engine import reports as engine_reports
from tests.engine.test_life import File
from tests.engine.test_said import NETWORKS, Log, Told
from tests.feeds.conftest import AT, Store
from tests.feeds.reports import day, write
from tests.feeds.test_expiring import expire
from tests.feeds.test_replay import describe, replay
from tests.feeds.test_unfinished import DAMAGED
from tests.feeds.verbs import run
from tocsin.audit.actors import COMMAND_LINE
from tocsin.feeds import days, intake
from tocsin.feeds.manifest import Catalogue
from tocsin.feeds.models import Cycle, Delivery, Report, Run, Saying
from tocsin.kernel.refusals import Conflict
from tocsin.site.cli.feed_verbs.telling import sentences


def damaged(folder: Path, number: int, part: str = "", kind: str = "scan_rdp") -> Path:
    """Write a report that cannot be unpacked."""
    path = write(folder, number, [1], part=part, kind=kind).with_suffix(".csv.gz")
    path.write_bytes(DAMAGED)
    return path


def waiting() -> dict[int, list[str]]:
    """Return the days that do not count, with what each lacks."""
    rows = Cycle.objects.filter(counts=False).order_by("on")
    return {(row.on - day(0)).days: row.broken for row in rows}


def gone(store: Store) -> list[int]:
    return sorted(int(asset.rpartition(".")[2]) for asset, state in store.states().items() if state == "gone")


@pytest.fixture
def whole(store: Store, tmp_path: Path) -> Store:
    """A day of eight hosts, in run 1."""
    store.run(write(tmp_path, 0, range(1, 9)))
    return store


def test_a_day_that_only_a_withdrawn_run_called_complete_is_open_again(whole: Store, tmp_path: Path) -> None:
    whole.run(write(tmp_path, 1, range(1, 6)), complete=False)
    wrong = whole.run(write(tmp_path, 1, [60, 61], part="-x"))["run"]
    assert gone(whole) == [6, 7, 8]

    whole.withdraw(wrong)

    assert (gone(whole), waiting()) == ([], {1: []})


def test_a_day_lacks_again_what_a_withdrawn_run_brought_whole(whole: Store, tmp_path: Path) -> None:
    whole.run(write(tmp_path, 1, range(1, 6)), damaged(tmp_path / "bad", 1, "-b"))
    assert gone(whole) == []
    mending = whole.run(write(tmp_path, 1, [6], part="-b"))["run"]
    assert gone(whole) == [7, 8]

    whole.withdraw(mending)

    assert (gone(whole), waiting()) == ([], {1: ["2026-11-17-scan_rdp-xm-geo-b.csv"]})


def test_of_two_files_of_one_name_the_second_is_waited_for_again(whole: Store, tmp_path: Path) -> None:
    second = write(tmp_path / "x", 1, range(3, 9))
    whole.run(write(tmp_path, 1, range(1, 6)), second)
    alone = whole.run(second)["run"]
    assert gone(whole) == [1, 2]

    whole.withdraw(alone)

    assert (gone(whole), list(waiting())) == ([], [1])


def test_what_a_withdrawn_run_could_not_read_is_waited_for_no_more(whole: Store, tmp_path: Path) -> None:
    foreign = whole.run(write(tmp_path, 1, [60, 61], part="-x"), damaged(tmp_path / "bad", 1, "-y"))["run"]
    whole.withdraw(foreign)
    assert not Cycle.objects.filter(on=day(1)).exists()

    whole.run(write(tmp_path, 1, range(1, 6)))

    assert (gone(whole), waiting()) == ([6, 7, 8], {})


def test_a_run_of_which_nothing_could_be_read_can_be_withdrawn(
    whole: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    number = whole.run(damaged(tmp_path / "bad", 1))["run"]
    assert list(waiting()) == [1]

    assert run("withdraw", str(number)) == 0

    assert capsys.readouterr().out == f"Withdrew run {number}: nothing of it counts any more.\n"
    assert waiting() == {}
    with pytest.raises(Conflict, match="has no report that counts"):
        whole.withdraw(number)


def test_what_two_runs_could_not_read_is_waited_for_until_both_are_withdrawn(whole: Store, tmp_path: Path) -> None:
    both = [whole.run(damaged(tmp_path / "bad", 1))["run"] for _ in range(2)]
    for number, waits in zip(both, ([1], []), strict=True):
        whole.withdraw(number)
        assert list(waiting()) == waits


def test_what_was_declared_empty_is_so_again_when_a_wrong_import_is_withdrawn(whole: Store, tmp_path: Path) -> None:
    whole.run(write(tmp_path, 1, [99], kind="scan_telnet"))
    intake.declare_empty("scan_rdp", day(1), by=COMMAND_LINE, at=AT)
    assert gone(whole) == list(range(1, 9))
    wrong = whole.run(write(tmp_path, 1, [1]))["run"]
    assert gone(whole) == []

    whole.withdraw(wrong)

    assert (gone(whole), waiting()) == (list(range(1, 9)), {})


def test_what_a_person_said_of_reports_that_are_taken_back_is_forgotten_with_them(whole: Store, tmp_path: Path) -> None:
    """Else a day that comes in part next time would be closed already."""
    first = whole.run(write(tmp_path, 1, [1]), complete=False)["run"]
    intake.decide("scan_rdp", day(1), closed=True, by=COMMAND_LINE, at=AT)
    whole.withdraw(first)
    whole.run(write(tmp_path, 1, range(1, 6)), complete=False)
    assert (gone(whole), waiting()) == ([], {1: []})


def test_a_day_that_is_empty_again_is_not_closed_for_what_comes_next(whole: Store, tmp_path: Path) -> None:
    whole.run(write(tmp_path, 1, [99], kind="scan_telnet"))
    intake.declare_empty("scan_rdp", day(1), by=COMMAND_LINE, at=AT)
    wrong = whole.run(write(tmp_path, 1, [50, 51], part="-x"), complete=False)["run"]
    assert intake.decide("scan_rdp", day(1), closed=True, by=COMMAND_LINE, at=AT)
    whole.withdraw(wrong)
    assert (gone(whole), waiting()) == (list(range(1, 9)), {})

    whole.run(write(tmp_path, 1, range(1, 6)), complete=False)

    assert (gone(whole), waiting()) == ([], {1: []})


def test_a_withdrawal_names_types_of_which_something_went(
    whole: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And not one of which the run only said that a file could not be read."""
    number = whole.run(damaged(tmp_path / "bad", 1), write(tmp_path, 1, [1], kind="scan_ssl"))["run"]
    assert run("withdraw", str(number)) == 0
    assert capsys.readouterr().out == f"Withdrew run {number}: 1 report of scan_ssl counts no more.\n"


@pytest.mark.parametrize(("decision", "lost"), [("discarded", []), ("confirmed", [2, 3, 4, 5, 6, 7, 8])])
def test_a_decision_stands_when_just_its_reports_come_again(
    whole: Store, tmp_path: Path, decision: str, lost: list[int]
) -> None:
    path = write(tmp_path, 1, [1] if decision == "confirmed" else range(1, 6))
    first = whole.run(path)["run"]
    intake.decide("scan_rdp", day(1), decision=decision, by=COMMAND_LINE, at=AT)
    assert gone(whole) == lost
    whole.withdraw(first)
    assert not Cycle.objects.filter(on=day(1)).exists()

    whole.run(path)

    assert (gone(whole), Cycle.objects.get(on=day(1)).decision) == (lost, decision)


def test_a_run_that_only_called_a_day_complete_can_be_withdrawn(
    whole: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, 1, range(1, 6))
    whole.run(path, complete=False)
    mistake = whole.run(path)["run"]
    assert gone(whole) == [6, 7, 8]

    assert run("withdraw", str(mistake)) == 0

    assert capsys.readouterr().out == f"Withdrew run {mistake}: nothing of it counts any more.\n"
    assert (gone(whole), waiting()) == ([], {1: []})
    assert Run.objects.get(pk=mistake).state == "withdrawn"
    with pytest.raises(Conflict, match="has no report that counts"):
        whole.withdraw(mistake)


def test_a_person_may_close_what_a_run_closed_and_that_outlives_the_run(whole: Store, tmp_path: Path) -> None:
    whole.run(write(tmp_path, 1, range(1, 6)), complete=False)
    wrong = whole.run(write(tmp_path, 1, [60], part="-x"))["run"]
    assert intake.decide("scan_rdp", day(1), closed=True, by=COMMAND_LINE, at=AT)
    assert not intake.decide("scan_rdp", day(1), closed=True, by=COMMAND_LINE, at=AT)

    whole.withdraw(wrong)

    assert (gone(whole), waiting()) == ([6, 7, 8], {})


def test_the_same_files_without_partial_close_their_day(whole: Store, tmp_path: Path) -> None:
    path = write(tmp_path, 1, range(1, 6))
    whole.run(path, complete=False)
    assert gone(whole) == []
    again = whole.run(path)
    assert (again["unchanged"], gone(whole)) == ([path.name], [6, 7, 8])
    assert again["completed"] == [{"type": "scan_rdp", "date": "2026-11-17"}]
    assert sentences(again)[-1] == "scan_rdp of 2026-11-17 is complete with what is here."
    assert Saying.objects.filter(run=again["run"]).count() == 1
    assert Saying.objects.filter(run=whole.run(path)["run"]).count() == 0, "it said nothing that was not so"


def test_the_same_files_with_accept_drop_confirm_their_day(whole: Store, tmp_path: Path) -> None:
    path = write(tmp_path, 1, [1])
    whole.run(path)
    assert gone(whole) == []
    again = whole.run(path, accept_drop=True)
    assert (again["unchanged"], again["held_waiting"], gone(whole)) == ([path.name], 0, list(range(2, 9)))
    assert sentences(again)[-1] == "scan_rdp of 2026-11-17 is complete with what is here."
    again = whole.run(path, accept_drop=True)
    assert again["completed"] == [] and not Saying.objects.filter(run=again["run"]).exists(), "it was confirmed before"


def test_a_day_waits_for_a_second_file_of_a_name_until_it_comes_and_again_when_that_is_withdrawn(
    whole: Store, tmp_path: Path
) -> None:
    one = write(tmp_path / "siteA", 1, range(1, 5))
    two = write(tmp_path / "siteB", 1, range(5, 9))
    lacking = {1: [f"siteB/{two.name}"]}
    whole.run(one, two)
    assert (gone(whole), waiting()) == ([], lacking)
    whole.run(one)
    assert (gone(whole), waiting()) == ([], lacking)
    came = whole.run(two)["run"]
    assert (gone(whole), waiting()) == ([1, 2, 3, 4], {}), "alone it takes the place of the first"
    whole.withdraw(came)
    assert (gone(whole), waiting()) == ([], lacking)


def test_a_name_that_comes_late_has_days_judged_as_if_it_had_come_first(store: Store, tmp_path: Path) -> None:
    for number in range(2):
        store.run(*(write(tmp_path, number, range(1, 9), part=part) for part in ("-b", "-c")))
    store.run(write(tmp_path, 2, range(3, 9), part="-b"))
    assert (gone(store), list(waiting())) == ([], [2])
    late = store.run(write(tmp_path, 2, range(3, 9), part="-c"))
    assert late["unchanged"]
    assert (gone(store), waiting()) == ([1, 2], {})
    store.withdraw(late["run"])
    assert (gone(store), list(waiting())) == ([], [2])


def test_a_late_name_of_an_earlier_day_makes_a_later_one_wait(store: Store, tmp_path: Path) -> None:
    store.run(*(write(tmp_path, 0, range(1, 9), part=part) for part in ("-b", "-c")))
    store.run(write(tmp_path, 1, range(1, 9), part="-b"))
    store.run(write(tmp_path, 2, range(3, 9), part="-b"))
    assert gone(store) == [1, 2]
    store.run(write(tmp_path, 1, range(1, 9), part="-c"))
    assert (gone(store), list(waiting())) == ([], [2]), "list c came on each day before and not on this one"


def test_what_is_read_again_as_another_type_is_delivered_by_whoever_delivered_it(store: Store, tmp_path: Path) -> None:
    store.run(write(tmp_path, 0, [1, 2], kind="lamp_post"))
    store.run(write(tmp_path, 0, [1, 2], kind="lamp_post", part="-b"))
    describe(store, "lamps")
    replay(1)
    assert sorted(store.states()) == ["192.0.2.1", "192.0.2.2"]
    store.withdraw(1)
    assert sorted(store.states()) == ["192.0.2.1", "192.0.2.2"]
    assert Delivery.objects.filter(type__name="lamps", run=2, is_withdrawn=False).count() == 1
    assert Report.objects.get(state="accepted").run_id == 2
    store.withdraw(2)
    assert store.states() == {}


def test_what_counts_again_and_is_read_as_another_type_is_complete_as_it_was(store: Store, tmp_path: Path) -> None:
    store.run(write(tmp_path / "1", 0, [1, 2], kind="lamp_post"))
    store.run(write(tmp_path / "2", 0, [3], kind="lamp_post"))
    describe(store, "lamps")
    replay(2)
    store.withdraw(2)
    assert waiting() == {}
    replay(1)
    assert (sorted(store.states()), waiting()) == (["192.0.2.1", "192.0.2.2"], {})
    assert set(Cycle.objects.values_list("type__name", "counts")) == {("lamps", True)}


def test_days_that_are_no_longer_kept_stay_as_they_were(whole: Store, tmp_path: Path, keep: Any) -> None:
    whole.run(damaged(tmp_path / "bad", 0, "-b"), write(tmp_path, 3, range(1, 9)))
    keep(amber=1)
    expire()
    settled = Cycle.objects.filter(on=day(0)).values_list("closed", "broken", "decision", "counts").get()
    assert settled == (True, [], "discarded", False)
    whole.withdraw(2)
    assert Cycle.objects.filter(on=day(0)).values_list("closed", "broken", "decision", "counts").get() == settled


def test_what_stood_before_runs_were_noted_stands_on(whole: Store, tmp_path: Path) -> None:
    whole.run(write(tmp_path, 1, [1]), damaged(tmp_path / "bad", 2))
    whole.run(write(tmp_path, 3, range(1, 9)), complete=False)
    whole.run(write(tmp_path, 5, [1, 2]), damaged(tmp_path / "bad", 5, "-b"))
    intake.decide("scan_rdp", day(1), decision="confirmed", by=COMMAND_LINE, at=AT)
    intake.decide("scan_rdp", day(2), closed=True, by=COMMAND_LINE, at=AT)
    intake.declare_empty("scan_rdp", day(4), by=COMMAND_LINE, at=AT)
    before = list(Cycle.objects.order_by("on").values("on", "closed", "decision", "broken", "counts", "held"))
    assert len(before) == 6
    Saying.objects.all().delete()

    importlib.import_module("tocsin.feeds.migrations.0012_what_was_said").note_what_stands(apps, None)
    intake.refold(["scan_rdp"], by=COMMAND_LINE, at=AT)

    assert list(Cycle.objects.order_by("on").values("on", "closed", "decision", "broken", "counts", "held")) == before
    assert {one.by for one in Catalogue().said("scan_rdp")} == {None}


CONTENTS = ((1, 2, 3, 4), (1, 2, 3), (3, 4, 5), (6,))


def some_files(chance: random.Random) -> list[File]:
    places = chance.sample([(on, network) for on in range(3) for network in NETWORKS], chance.randint(1, 4))
    return [File(on, 0, chance.choice(CONTENTS), network=network) for on, network in places]


@pytest.mark.parametrize("seed", seeds(8))
def test_what_is_withdrawn_is_as_if_it_had_never_been_told(
    store: Store, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance, log = random.Random(seed), Log()
    at, settings.TOCSIN_TODAY = AT - dt.timedelta(days=5 if seed % 2 else 0), None  # `AT` is the day after the last
    monkeypatch.setattr(days, "now", lambda: at)
    for number in range(9):
        at += dt.timedelta(days=chance.random() < 0.2)
        runs = [told.run for told in log.left if told.run]
        if runs and chance.random() < 0.35:
            taken = chance.choice(runs)
            if Run.objects.get(pk=taken).deliveries.exists() or Saying.objects.filter(run=taken, what="lacks").exists():
                store.withdraw(taken, at)
                log.left = [told for told in log.left if told.run != taken]
            continue
        files, is_complete, on = some_files(chance), chance.random() < 0.6, chance.randrange(3)
        known = sorted(Cycle.objects.values_list("on", flat=True))
        if chance.random() < 0.2 and known and known[0] <= day(on) <= min(known[-1], at.date()):
            if on not in {at for at, _ in log.here()}:
                intake.declare_empty("scan_rdp", day(on), by=COMMAND_LINE, at=at)
                log.left.append(Told(0, empty=on))
            continue
        broken = [file for file in files if chance.random() < 0.25]
        folder = tmp_path / str(number)
        paths = [
            damaged(folder, file.on, file.network)
            if file in broken
            else write(folder, file.on, file.addresses, part=file.network)
            for file in files
        ]
        summary = store.run(*paths, complete=is_complete, at=at)
        log.tell(summary["run"], [file for file in files if file not in broken], broken, is_complete=is_complete)
    store.run(write(tmp_path / "other", 0, [200], kind="scan_telnet"), at=at)
    model = log.model(1, (at.date() - day(0)).days + days.SKEW_DAYS)
    counted = {(row.on - day(0)).days for row in Cycle.objects.filter(counts=True, type__name="scan_rdp")}
    assert (counted, gone(store)) == (
        set(model.counted()),
        sorted(host for host, finding in model.findings().items() if finding["gone"]),
    )
    lacked = {(row.on, name) for row in Cycle.objects.all() for name in row.broken}
    assert lacked == {(day(on), engine_reports.name_of("scan_rdp", day(on), network)) for on, network in log.lacking()}
