"""Observations that are older than the settings have them kept: what goes, what stays, and what is refused then."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from tests.feeds.conftest import AT, Store
from tests.feeds.reports import day, write
from tests.feeds.test_replay import describe
from tests.feeds.test_rollup import check_sums
from tests.feeds.verbs import asked, run
from tocsin.audit.actors import COMMAND_LINE, System
from tocsin.audit.models import AuditRow
from tocsin.directory import actions as directory
from tocsin.directory.choices import ClaimKind
from tocsin.directory.models import Constituent
from tocsin.engine.public_ids import words_of
from tocsin.feeds import expiring, holding, intake, jobs, keeping, queries, reattribution, sweeping
from tocsin.feeds.actions.findings import add_note, change_terms
from tocsin.feeds.actions.retention import _among
from tocsin.feeds.models import Baseline, Cycle, Feed, FindingNote, Handover, Movement, Report, Run, State
from tocsin.jobs import registry
from tocsin.kernel.refusals import Busy, Conflict

GONE = {"192.0.2.6", "192.0.2.7", "192.0.2.8"}
"""Of the week: seen on day 0, not on day 1 nor later."""
COUNTS = ("records", "kept", "rows_quarantined", "cells_quarantined", "constituents", "digest", "name")


def expire(**how: Any) -> list[dict[str, Any]]:
    return [each.as_data() for each in expiring.expire(**{"by": COMMAND_LINE, "at": AT, "wait_s": 0, **how})]


def reports() -> list[tuple[Any, ...]]:
    """Return what reports count for."""
    return list(Report.objects.order_by("on", "name").values_list(*COUNTS))


def here() -> list[dt.date]:
    """Return the days of the reports whose rows are here."""
    return list(keeping.held_reports().order_by("on").values_list("on", flat=True))


def finding_of(host: int) -> dict[str, Any]:
    (found,) = [
        each for each in queries.findings().stream(queries.Filter()) if queries.place_of(each).count(f".{host}:")
    ]
    return {**queries.as_record(found), "id": queries.finding_id(found)}


def test_what_is_too_old_goes_and_open_findings_stay(week: Store, keep: Any) -> None:
    before, counted, moved = week.findings(), reports(), set(Movement.objects.values_list())
    keep(amber=1)  # the last day of reports is day 3: days 2 and 3 are kept
    (gone,) = expire()
    assert gone == {
        "type": "scan_rdp", "tlp": "TLP:AMBER", "days": 1, "kept_from": "2026-11-18",
        "reports": 2, "rows": 16, "findings": 3, "size_bytes": gone["size_bytes"],
    }  # fmt: skip
    assert here() == [day(2), day(3)]
    assert week.findings() == [each for each in before if each["asset"] not in GONE]
    assert (reports(), set(Movement.objects.values_list())) == (counted, moved)
    assert week.files() == week.named()
    check_sums()


def test_what_had_gone_is_forgotten(week: Store, keep: Any) -> None:
    before = {each["asset"]: each for each in week.findings()}
    keep(amber=1)
    expire()
    after = {each["asset"]: each for each in week.findings()}
    assert before.keys() - after.keys() == GONE
    assert after["192.0.2.5"]["first_seen"][:10] == "2026-11-16", "5 had gone too, and came back on a day that is kept"
    assert State.objects.get().findings == len(after)


def test_the_disk_is_smaller_when_no_reader_can_be_after_the_files(
    week: Store, keep: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "GRACE_S", 300)
    with sweeping.store_lock(0):
        pass
    observations = {file for file in week.files() if file.startswith("observations/")}
    keep(amber=1)
    (gone,) = expire()
    left = {file for file in observations if file in week.leaving()}
    assert len(left) == 2 and left <= week.files()
    assert sum((week.root / file).stat().st_size for file in left) == gone["size_bytes"] > 0
    assert expire() == []
    assert left <= week.files(), "somebody may be reading them"
    monkeypatch.setattr(sweeping, "GRACE_S", 0)
    with holding.lock(holding.IMPORT):
        assert expire() == [], "whoever is at work on the store deletes them"
    assert left <= week.files()
    assert expire() == []
    assert not left & week.files()
    assert week.files() == week.named()


def test_a_second_time_nothing_is_to_be_done(week: Store, keep: Any) -> None:
    keep(amber=1)
    assert expire()
    files = week.files()
    assert expire() == []
    assert week.files() == files
    keep(amber=3)
    assert expire() == [], "more days bring nothing back"


def test_nothing_goes_unless_it_was_asked_for(week: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("expire") == 0
    assert capsys.readouterr().out == (
        "No setting says for how long observations are kept (TOCSIN_RETENTION_DAYS): they are kept for ever.\n"
    )
    assert len(here()) == 4


def test_a_dry_run_says_what_would_go_and_changes_nothing(
    week: Store, keep: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(amber=1)
    files, audited = week.files(), AuditRow.objects.count()
    told = asked(capsys, "expire", "--dry-run")
    assert (week.files(), AuditRow.objects.count(), Baseline.objects.count(), len(here())) == (files, audited, 0, 4)
    done = asked(capsys, "expire")
    assert told.pop("dry_run") and not done.pop("dry_run")
    assert told == done
    assert (done["reports"], done["rows"], done["findings"]) == (2, 16, 3)


def test_it_is_said_in_sentences(week: Store, keep: Any, capsys: pytest.CaptureFixture[str]) -> None:
    keep(amber=1)
    assert run("expire", "--dry-run") == 0
    assert "would go, 0.0 MB. Nothing was changed." in capsys.readouterr().out
    assert run("expire") == 0
    assert capsys.readouterr().out == (
        "scan_rdp (TLP:AMBER, 1 days): 16 rows of 2 reports, 3 findings that had gone; kept from 2026-11-18 on.\n"
        "In all 16 rows of 2 reports, 3 findings that had gone went; their files, 0.0 MB, leave the disk soon.\n"
    )
    assert run("expire") == 0
    assert capsys.readouterr().out == "Nothing is older than it is to be kept.\n"


def test_the_trail_says_what_went(week: Store, keep: Any) -> None:
    keep(amber=1)
    (gone,) = expire()
    row = AuditRow.objects.get(code="observations.expired")
    assert row.data == {"types": [gone], "notes": 0}


def test_each_label_has_its_own_days(store: Store, tmp_path: Path, keep: Any) -> None:
    store.root.parent.mkdir()
    describe(store)
    for number in range(4):
        store.run(write(tmp_path, number, [1, 2]), write(tmp_path, number, [3, 4], kind="lamp_post"), accept_drop=True)
    change_terms(Feed.objects.get(code="lamp_post"), tlp="RED", terms="", by=COMMAND_LINE, at=AT)
    keep(amber=3, red=1)
    assert [(each["type"], each["tlp"], each["kept_from"]) for each in expire()] == [
        ("lamp_post", "TLP:RED", "2026-11-18")
    ]
    change_terms(Feed.objects.get(code="shadowserver"), tlp="RED", terms="", by=COMMAND_LINE, at=AT)
    assert [each["type"] for each in expire()] == ["scan_rdp"], "a label that becomes stricter holds from then on"
    assert {each.type.name for each in keeping.due(day(4))} == {"lamp_post", "scan_rdp"}


def test_a_late_report_is_set_aside_and_the_same_one_is_known(
    week: Store, keep: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(amber=1)
    expire()
    before, files = week.findings(), week.files()
    late = write(tmp_path / "late", 1, [99])
    assert run("run", late) == 1
    assert "it is dated 2026-11-17, and nothing from before 2026-11-18 is kept any more." in capsys.readouterr().err
    assert run("run", tmp_path / "reports" / "2026-11-16-scan_rdp-xm-geo.csv") == 0
    assert "was imported before; nothing to do." in capsys.readouterr().out
    assert (week.findings(), week.files()) == (before, files)
    assert list(Cycle.objects.exclude(broken=[])) == []


def test_a_report_that_comes_late_but_in_time_is_folded_from_the_baseline(
    week: Store, keep: Any, tmp_path: Path
) -> None:
    keep(amber=1)
    expire()
    week.run(write(tmp_path / "late", 2, [1, 70, 99], part="-late"))
    one, other = finding_of(1), finding_of(99)
    assert (one["count"], one["first_seen"][:10], one["state"]) == (5, "2026-11-16", "still")
    assert other["state"] == "gone"


def test_a_run_whose_rows_went_can_neither_be_taken_back_nor_read_again(week: Store, keep: Any) -> None:
    keep(amber=1)
    expire()
    with pytest.raises(Conflict, match="the rows of run 1 are no longer kept"):
        week.withdraw(1)
    with pytest.raises(Conflict, match="the rows of run 1 are no longer kept"):
        intake.replay(Run.objects.get(pk=1), by=COMMAND_LINE, at=AT, wait_s=0)
    assert Run.objects.get(pk=1).state == "done"


def test_of_a_run_that_is_kept_in_part_the_rest_is_taken_back(
    store: Store, tmp_path: Path, keep: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    store.run(*(write(tmp_path, number, [1, 2, 10 + number]) for number in range(3)))
    keep(amber=1)
    expire()
    assert here() == [day(1), day(2)]
    told = asked(capsys, "replay", "1", code=1)
    assert [each["reason"] for each in told["broken"]] == [
        "2026-11-16-scan_rdp-xm-geo.csv: its rows are no longer kept."
    ]
    told = asked(capsys, "withdraw", "1", "--reason", "of another country")
    assert (told["reports"], told["past"]) == (2, 1)
    assert Run.objects.get(pk=1).state == "done"
    assert {host: finding_of(host)["count"] for host in (1, 2, 10)} == {1: 1, 2: 1, 10: 1}
    assert Report.objects.filter(state="accepted").count() == 1
    assert store.files() == store.named()
    for verb in ("replay", "withdraw"):
        assert run(verb, "1") == 1
        assert capsys.readouterr().err == (
            "tocsin: run 1 was withdrawn; what still counts of it is of days whose rows are no longer kept.\n"
        )


def test_nothing_can_be_decided_about_a_day_that_went(
    week: Store, keep: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(amber=1)
    expire()
    for verb in (("discard",), ("confirm",), ("close",), ("close", "--empty")):
        assert run(*verb, "scan_rdp", "2026-11-17") == 1
        assert "reports of scan_rdp are kept from 2026-11-18 on" in capsys.readouterr().err
    assert run("discard", "scan_rdp", "2026-11-18") == 0


def test_days_without_a_report_go_along_with_what_is_kept_of_a_type(store: Store, tmp_path: Path, keep: Any) -> None:
    store.run(*(write(tmp_path, number, [1, 2], kind="lamp_post") for number in (0, 2)))
    intake.declare_empty("lamp_post", day(1), by=COMMAND_LINE, at=AT)
    keep(amber=1)
    expire()
    describe(store, "lamps")
    intake.replay(Run.objects.get(), by=COMMAND_LINE, at=AT, wait_s=0)
    left = Cycle.objects.filter(on__gt=day(0)).order_by("on")
    assert list(left.values_list("type__name", "on", "counts")) == [("lamps", day(1), True), ("lamps", day(2), True)]


def test_what_waited_for_a_decision_waits_no_more(store: Store, tmp_path: Path, keep: Any) -> None:
    store.run(write(tmp_path, 0, range(1, 9)))
    store.run(write(tmp_path, 1, [1]))
    store.run(write(tmp_path, 2, range(1, 9)))
    before = store.states()
    assert Cycle.objects.get(on=day(1)).held
    keep(amber=1)
    store.run(write(tmp_path, 3, range(1, 9)))
    expire()
    cycle = Cycle.objects.get(on=day(1))
    assert (cycle.held, cycle.counts, cycle.decision) == (False, False, "discarded")
    assert store.states() == before


def test_a_finding_belongs_to_whoever_claims_it_though_its_rows_went(week: Store, keep: Any, tmp_path: Path) -> None:
    keep(amber=1)
    expire()
    week.run(write(tmp_path / "in", 4, [1, 2]), accept_drop=True)
    bank = Constituent.objects.get(public_id="bank")
    directory.add_claim(bank, kind=ClaimKind.NETWORK, value="192.0.2.1/32", by=COMMAND_LINE, at=AT)
    reattribution.bring_up_to_date(by=COMMAND_LINE)
    assert finding_of(1)["constituent"] == "bank"
    week.run(write(tmp_path / "in", 3, [1, 2, 3, 5, 70, 200], part="-late"))  # folded anew from the baseline
    assert {host: finding_of(host)["constituent"] for host in (1, 2)} == {1: "bank", 2: "moh"}
    assert finding_of(4)["state"] == "gone" and finding_of(4)["constituent"] == "moh"


def test_what_people_said_of_a_forgotten_finding_goes_with_it(week: Store, keep: Any) -> None:
    gone, still = finding_of(6)["id"], finding_of(1)["id"]
    for finding in (gone, still):
        add_note(finding, text="A router.", by=COMMAND_LINE, at=AT)
        kind = Report.objects.all()[0].type
        Handover.objects.create(finding=finding, type=kind, before="moh", after="bank", at=AT)
    keep(amber=1)
    expire()
    assert list(FindingNote.objects.values_list("finding", flat=True)) == [still]
    assert list(Handover.objects.values_list("finding", flat=True)) == [still]
    assert AuditRow.objects.get(code="observations.expired").data["notes"] == 2
    assert AuditRow.objects.filter(code="finding.noted").count() == 2


def test_only_whole_ids_are_compared(week: Store) -> None:
    one, other = (finding_of(host)["id"] for host in (1, 2))
    first, second = words_of(one)

    class Keys:
        k1 = _words(first, first)
        k2 = _words(second ^ 1, second)

    class Near:
        k1, k2 = _words(first), _words(second ^ 1)

    assert _among([one, other], [Keys()]) == [one]  # type: ignore[list-item]
    assert _among([one, other], [Near()]) == []  # type: ignore[list-item]


def _words(*values: int) -> Any:
    import numpy as np

    return np.array(values, np.uint64)


def test_what_was_withdrawn_and_what_was_set_aside_go_too(store: Store, tmp_path: Path, keep: Any) -> None:
    store.run(write(tmp_path, 0, [1, 2]))
    store.run(write(tmp_path, 0, [3], part="-b", timestamp="no time"))
    store.run(write(tmp_path, 0, [4], part="-c"))
    store.run(write(tmp_path, 2, [1, 2]))
    store.withdraw(3)
    assert any(file.startswith("quarantine/") for file in store.files())
    keep(amber=1)
    (gone,) = expire()
    assert (gone["reports"], gone["rows"]) == (3, 3)
    assert not any(file.startswith("quarantine/") for file in store.files())
    assert here() == [day(2)]
    assert Report.objects.get(name__contains="-c").state == "withdrawn"
    assert store.files() == store.named()


def test_a_type_of_which_nothing_counts_loses_its_rows_too(store: Store, tmp_path: Path, keep: Any) -> None:
    store.run(write(tmp_path, 0, [1, 2]))
    store.run(write(tmp_path, 3, [1, 2], kind="scan_ssh"))
    store.withdraw(1)
    keep(amber=1)
    assert [each["type"] for each in expire()] == ["scan_rdp"]
    assert here() == [day(3)]
    assert run("run", write(tmp_path, 0, [1, 2])) == 1


def test_a_type_that_is_silent_keeps_its_open_findings(store: Store, tmp_path: Path, keep: Any) -> None:
    store.run(write(tmp_path, 0, [1, 2]), write(tmp_path, 5, [9], kind="scan_ssh"))
    keep(amber=1)
    expire()
    assert here() == [day(5)]
    assert store.states() == {"192.0.2.1": "new", "192.0.2.2": "new", "192.0.2.9": "new"}
    store.run(write(tmp_path, 6, [1]), accept_drop=True)
    assert finding_of(1)["count"] == 2 and finding_of(2)["state"] == "gone"


def test_a_clock_that_is_years_ahead_costs_nothing(
    week: Store, keep: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(amber=1)
    monkeypatch.setattr(keeping, "today", lambda: day(3) + dt.timedelta(days=32))
    with pytest.raises(Conflict, match="no report has come for 32 days"):
        expire()
    assert run("expire", "--dry-run") == 1
    assert len(here()) == 4
    monkeypatch.setattr(keeping, "today", lambda: day(3) + dt.timedelta(days=31))
    assert expiring.what_goes()
    monkeypatch.setattr(keeping, "today", lambda: day(3) + dt.timedelta(days=1000))
    assert run("expire", "--trust-clock") == 0
    assert here() == []
    assert finding_of(1)["state"] == "still"


def test_an_import_and_retention_exclude_each_other(week: Store, keep: Any) -> None:
    keep(amber=1)
    with holding.lock(holding.IMPORT), pytest.raises(Busy):
        expire()
    assert len(here()) == 4
    with holding.lock(holding.RETENTION):
        assert str(holding.holder()) == "the removal of old observations"


class Killed(BaseException):
    """The power fails."""


@pytest.mark.parametrize("point", ["written", "renamed", "state", "committed", "after"])
def test_wherever_it_is_cut_short_all_of_it_happens_or_nothing(
    week: Store, keep: Any, point: str, tmp_path: Path
) -> None:
    def checkpoint(reached: str) -> None:
        if reached == point:
            raise Killed

    keep(amber=1)
    before, named = week.findings(), week.named()
    with pytest.raises(Killed):
        expire(checkpoint=checkpoint)
    is_done = point in ("committed", "after")
    after = [each for each in before if each["asset"] not in GONE]
    assert week.findings() == (after if is_done else before)
    assert (week.named() == named) is not is_done
    assert (expire() == []) is is_done
    with sweeping.store_lock(0):
        pass
    assert week.files() == week.named()
    assert (here(), week.findings()) == ([day(2), day(3)], after)
    assert AuditRow.objects.filter(code="observations.expired").count() == 1


def test_the_worker_does_it_by_itself_when_it_is_asked_for(
    week: Store, keep: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_schedules", {})
    jobs.schedule(settings.TOCSIN)
    assert registry.schedules() == []
    keep(amber=1)
    jobs.schedule(settings.TOCSIN)
    assert [each.kind for each in registry.schedules()] == ["feeds.expire"]
    kind = registry.kind_named("feeds.expire")
    assert kind is not None
    told = []

    class Running:
        should_stop = False

        def progress(self, share: float, text: str = "") -> None:
            told.append((text, share))

    kind.function({}, Running())
    assert told == [("scan_rdp", 0.0)]
    assert here() == [day(2), day(3)]
    assert AuditRow.objects.get(code="observations.expired").actor_key == System("retention").audit_key


def test_what_a_worker_would_have_done_is_overdue(week: Store, keep: Any, tmp_path: Path) -> None:
    assert keeping.overdue() == []
    keep(amber=2)
    assert keeping.overdue() == []
    week.run(write(tmp_path, 5, [1, 2]), accept_drop=True)
    assert keeping.overdue() == ["scan_rdp"]
    expire()
    assert keeping.overdue() == []
