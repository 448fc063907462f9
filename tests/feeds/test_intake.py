"""Whole imports on both databases: order and grouping do not matter, and what fails leaves a sentence."""

from __future__ import annotations

import datetime as dt
import random
import re
from pathlib import Path
from typing import Any

import pytest

from tests.feeds.conftest import AT, Store
from tests.feeds.reports import day, write
from tocsin.audit.actors import COMMAND_LINE
from tocsin.audit.models import AuditRow
from tocsin.directory import actions as directory
from tocsin.directory.choices import ClaimKind
from tocsin.directory.models import Constituent
from tocsin.feeds import days, folders, intake
from tocsin.feeds.models import Cycle, Movement, Report, Run
from tocsin.kernel.refusals import Conflict, InvalidInput, Unavailable

WEEK = [[1, 2, 3, 70], [2, 3], [3, 9, 70], [3, 1, 9], [3, 3]]


def week(folder: Path) -> list[Path]:
    return [write(folder, number, hosts) for number, hosts in enumerate(WEEK)]


def movements() -> list[tuple[Any, ...]]:
    """Return what moved on which day."""
    rows = Movement.objects.order_by("on", "constituent").values_list("on", "constituent", "new", "still", "returned")
    gone = Movement.objects.order_by("on", "constituent").values_list("gone", flat=True)
    return [(*row, gone) for row, gone in zip(rows, gone, strict=True)]


def whole(store: Store) -> tuple[Any, ...]:
    return store.findings(), movements(), list(Cycle.objects.order_by("on").values_list("on", "rows", "counts"))


def test_an_import_attributes_counts_and_remembers(store: Store, tmp_path: Path) -> None:
    summary = store.run(write(tmp_path, 0, [1, 70, 70, 200]))
    assert summary["constituents"] == {"bank": 2, "moh": 1}
    assert {f["asset"]: f["constituent"] for f in store.findings()} == {
        "192.0.2.1": "moh", "192.0.2.70": "bank", "192.0.2.200": None,
    }  # fmt: skip
    run = Run.objects.get()
    assert (run.state, run.summary, run.progress, run.note) == ("done", summary, 1.0, "")
    assert run.finished_at and run.started_at == AT
    codes = list(AuditRow.objects.order_by("sequence").values_list("code", flat=True))
    assert codes[-2:] == ["run.started", "run.committed"]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("gone_after", [1, 2])
def test_neither_order_nor_grouping_of_calls_matters(store: Store, tmp_path: Path, seed: int, gone_after: int) -> None:
    reports = week(tmp_path)
    store.run(*reports, gone_after=gone_after)
    at_once = whole(store)
    for run in Run.objects.all():
        store.withdraw(run.pk)
    assert store.findings() == []

    order = random.Random(seed).sample(reports, len(reports))
    cut = 1 + seed % 3
    for group in (order[:cut], order[cut : cut + 2], order[cut + 2 :]):
        if group:
            store.run(*group, gone_after=gone_after)

    assert whole(store) == at_once


@pytest.mark.parametrize(("gone_after", "states"), [(1, {1: "gone", 70: "gone"}), (2, {1: "gone", 70: "still"})])
def test_how_many_misses_it_takes_is_the_callers_choice(
    store: Store, tmp_path: Path, gone_after: int, states: dict[int, str]
) -> None:
    store.run(
        *[write(tmp_path, n, hosts) for n, hosts in enumerate([[1, 2, 70], [2, 70], [2, 9]])], gone_after=gone_after
    )
    assert {host: store.states()[f"192.0.2.{host}"] for host in states} == states


def test_another_choice_later_folds_everything_anew(store: Store, tmp_path: Path) -> None:
    reports = week(tmp_path)
    store.run(*reports[:3], gone_after=3)
    store.run(*reports[3:], gone_after=1)
    late = whole(store)
    for run in Run.objects.all():
        store.withdraw(run.pk)
    store.run(*reports, gone_after=1)
    assert whole(store) == late


def test_a_reason_that_nobody_can_read_withdraws_nothing(store: Store, tmp_path: Path) -> None:
    run = Run.objects.get(pk=store.run(write(tmp_path, 0, [1]))["run"])
    with pytest.raises(InvalidInput, match="It holds a control character"):
        intake.withdraw(run, reason="\x1b[2J", by=COMMAND_LINE, at=AT)
    assert store.states() == {"192.0.2.1": "new"}


def test_a_withdrawn_run_is_as_if_it_had_not_been(store: Store, tmp_path: Path) -> None:
    reports = week(tmp_path)
    store.run(*reports[:2])
    before = whole(store)
    wrong = store.run(reports[2])["run"]
    assert whole(store) != before

    store.withdraw(wrong)

    assert store.findings() == before[0]
    assert Run.objects.get(pk=wrong).state == "withdrawn"
    assert Report.objects.get(on=day(2)).state == "withdrawn"
    with pytest.raises(Conflict, match=f"run {wrong} has no report that counts"):
        store.withdraw(wrong)


def test_a_drop_is_held_until_somebody_decides(store: Store, tmp_path: Path) -> None:
    store.run(write(tmp_path, 0, range(10)))
    store.run(write(tmp_path, 1, [1]))
    assert set(store.states().values()) == {"still"}
    decide = {"by": COMMAND_LINE, "at": AT}
    intake.decide("scan_rdp", day(1), decision="confirmed", **decide)
    assert sorted(store.states().values()) == ["gone"] * 9 + ["still"]
    intake.decide("scan_rdp", day(1), decision="discarded", **decide)
    assert set(store.states().values()) == {"still"}
    with pytest.raises(Conflict, match="no report of scan_rdp of 2026-12-01 has arrived"):
        intake.decide("scan_rdp", day(15), decision="confirmed", **decide)


def test_a_day_that_has_not_come_is_not_declared_empty(store: Store, tmp_path: Path) -> None:
    store.run(write(tmp_path, 0, range(4)))
    for on in (day(1), dt.date(2027, 11, 16), dt.date.max):
        with pytest.raises(InvalidInput, match=f"{on} has not come yet"):
            intake.declare_empty("scan_rdp", on, by=COMMAND_LINE, at=AT)
    assert Cycle.objects.count() == 1 and set(store.states().values()) == {"new"}


def test_a_report_ahead_does_not_count_before_its_day_and_can_be_discarded(
    store: Store, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TOCSIN_TODAY = None
    monkeypatch.setattr(days, "now", lambda: dt.datetime.combine(day(0), dt.time(9), dt.UTC))
    store.run(write(tmp_path, 0, range(10)))
    store.run(write(tmp_path, 1, [1]), write(tmp_path, 9, [1]))
    decide = {"by": COMMAND_LINE, "at": AT}
    for facts in ({"decision": "confirmed"}, {"closed": True}):
        with pytest.raises(InvalidInput, match=f"{day(9)} has not come yet"):
            intake.decide("scan_rdp", day(9), **facts, **decide)
    assert set(store.states().values()) == {"still"}
    intake.decide("scan_rdp", day(9), decision="discarded", **decide)
    intake.decide("scan_rdp", day(1), decision="confirmed", **decide)  # it is tomorrow already at the publisher's
    assert "gone" in store.states().values()


def test_accept_drop_confirms_in_advance(store: Store, tmp_path: Path) -> None:
    store.run(write(tmp_path, 0, range(10)))
    summary = store.run(write(tmp_path, 1, [1]), accept_drop=True)
    assert (summary["findings_gone"], summary["held"]) == (9, [])
    assert Cycle.objects.get(on=day(1)).decision == "confirmed"


def test_an_open_cycle_makes_nothing_gone_until_it_is_closed(store: Store, tmp_path: Path) -> None:
    store.run(write(tmp_path, 0, range(4)))
    store.run(write(tmp_path, 1, range(3)), complete=False)
    assert "gone" not in store.states().values()
    intake.decide("scan_rdp", day(1), closed=True, by=COMMAND_LINE, at=AT)
    assert store.states()["192.0.2.3"] == "gone"


def test_claims_are_judged_at_the_time_of_the_observation(store: Store, tmp_path: Path) -> None:
    bank = Constituent.objects.get(public_id="bank")
    directory.add_claim(bank, kind=ClaimKind.NETWORK, value="192.0.2.1/32", valid_from=day(1), by=COMMAND_LINE, at=AT)
    first = store.run(write(tmp_path, 0, [1]))
    second = store.run(write(tmp_path, 1, [1]))
    assert (first["constituents"], second["constituents"]) == ({"moh": 1}, {"bank": 1})


def test_a_listed_network_is_a_finding_of_whoever_claims_the_whole_of_it(store: Store, tmp_path: Path) -> None:
    columns = ("timestamp", "ip", "source", "reason")
    for number, cells in enumerate((["192.0.2.1", "192.0.2.72/29", "192.0.2.0/24"], ["192.0.2.72/29", "192.0.2.7"])):
        path = tmp_path / f"{day(number)}-blocklist-xm-geo.csv"
        rows = [f"{day(number)} 06:00:00,{cell},list,spam" for cell in cells]
        path.write_text("\n".join([",".join(columns), *rows]) + "\n")
        summary = store.run(path)
        assert (summary["rows_kept"], summary["rows_quarantined"]) == (len(cells), 0)
    assert {one["asset"]: (one["constituent"], one["state"], one["count"]) for one in store.findings()} == {
        "192.0.2.1": ("moh", "gone", 1),
        "192.0.2.7": ("moh", "new", 1),
        "192.0.2.72/29": ("bank", "still", 2),
        "192.0.2.0/24": (None, "gone", 1),
    }


def test_nothing_can_be_imported_from_nothing(store: Store, tmp_path: Path) -> None:
    (tmp_path / ".hidden").touch()
    with pytest.raises(InvalidInput, match=r"there is no file to import\."):
        store.run(tmp_path)
    assert not Run.objects.exists()


def test_a_folder_stands_for_what_is_in_it(tmp_path: Path) -> None:
    inner = write(tmp_path / "b", 0, [1])
    outer = write(tmp_path, 0, [1])
    (tmp_path / ".part").touch()
    assert folders.files_of([tmp_path]) == sorted([inner, outer])
    assert folders.files_of([tmp_path / "none"]) == [tmp_path / "none"]


@pytest.mark.parametrize(
    ("error", "raised", "reason"),
    [
        (OSError(28, "No space left on device"), Unavailable, "The disk is full. Nothing was changed"),
        (OSError(13, "Permission denied"), Unavailable, "Permission denied"),
        (RuntimeError("of the unexpected kind"), RuntimeError, "of the unexpected kind"),
        (KeyboardInterrupt(), KeyboardInterrupt, "It was interrupted. Nothing of it counts; import its files again."),
    ],
)
def test_a_run_that_fails_says_why(
    store: Store, tmp_path: Path, error: BaseException, raised: type[BaseException], reason: str
) -> None:
    store.run(write(tmp_path, 0, [1]))
    before = whole(store)

    def fail(point: str) -> None:
        if point == "state":
            raise error

    with pytest.raises(raised, match=re.escape(reason) if raised is not KeyboardInterrupt else None):
        store.run(write(tmp_path, 1, [2]), checkpoint=fail)

    run = Run.objects.first()
    assert run is not None
    assert run.state == "failed"
    assert reason in run.note
    assert whole(store) == before
    assert store.run(write(tmp_path, 1, [2]))["rows_kept"] == 1


def test_a_run_that_a_crash_interrupted_is_ended_by_the_next(store: Store, tmp_path: Path) -> None:
    Run.objects.create(started_at=AT, actor_label="somebody")
    store.run(write(tmp_path, 0, [1]))
    interrupted = Run.objects.last()
    assert interrupted is not None
    assert (interrupted.state, interrupted.note.partition(".")[0]) == ("failed", "It was interrupted")


def test_progress_is_told(store: Store, tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    reports = week(tmp_path)
    intake.import_reports(
        reports, options=intake.Options(), by=COMMAND_LINE, at=AT, progress=lambda *told_now: told.append(told_now)
    )
    assert [name for name, _ in told] == [path.name for path in reports]
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_what_is_interrupted_when_all_of_it_was_committed_is_not_said_to_count_for_nothing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = intake.actions.commit_run

    def commit_and_be_interrupted(*given: Any, **named: Any) -> None:
        commit(*given, **named)
        raise KeyboardInterrupt

    monkeypatch.setattr(intake.actions, "commit_run", commit_and_be_interrupted)
    with pytest.raises(KeyboardInterrupt, match=r"run 1: It was done before it could be interrupted\."):
        store.run(write(tmp_path, 0, [1, 2]))
    assert Run.objects.get().state == "done" and len(store.findings()) == 2
    assert store.files() >= store.named()
