"""A correction that is withdrawn gives back what it had replaced, as if it had never come."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.feeds.conftest import AT, Store
from tests.feeds.reports import day, write
from tests.feeds.test_expiring import expire
from tests.feeds.verbs import asked, run
from tocsin.audit.actors import COMMAND_LINE
from tocsin.audit.models import AuditRow
from tocsin.feeds import intake, wholeness
from tocsin.feeds.models import Cycle, Movement, Report, Run

VERSIONS = ([1, 2, 3], [3, 4], [5])


def import_version(store: Store, folder: Path, number: int) -> int:
    """Import one of the versions of the second day, the name the same; return its run."""
    return int(store.run(write(folder / str(number), 1, VERSIONS[number]))["run"])


def stands(store: Store) -> tuple[Any, ...]:
    """Return all that the manifest says, but for where it stands and who replaced what."""
    moved = Movement.objects.order_by("on", "constituent", "category")
    cycles = Cycle.objects.order_by("on").values_list("on", "rows", "counts", "held")
    return (
        store.findings(),
        list(moved.values_list("on", "constituent", "new", "still", "gone", "returned")),
        list(cycles),
        list(Report.objects.filter(state="accepted").order_by("digest").values_list("digest", "name", "also", "run")),
    )


@pytest.fixture
def first(store: Store, tmp_path: Path) -> Store:
    """A first day, and the second as it came first."""
    store.run(write(tmp_path, 0, [1, 2, 3]))
    assert import_version(store, tmp_path, 0) == 2
    return store


def test_a_withdrawn_correction_gives_back_what_it_replaced(
    first: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = stands(first)
    wrong = import_version(first, tmp_path, 1)
    assert stands(first) != before
    name = Report.objects.get(run=wrong).name

    assert run("withdraw", str(wrong)) == 0

    assert capsys.readouterr().out == (
        f"Withdrew run {wrong}: 1 report of scan_rdp counts no more. "
        f"{name} counts again: its correction is withdrawn.\n"
    )
    assert stands(first) == before
    assert first.files() == first.named()
    assert AuditRow.objects.get(code="run.withdrawn").data["again"] == [[name, "2026-11-17"]]


def test_of_several_corrections_the_last_that_is_not_withdrawn_counts(
    first: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stood = [stands(first)]
    for number in (1, 2):
        import_version(first, tmp_path, number)
        stood.append(stands(first))
    for wrong in (4, 3):
        told = asked(capsys, "withdraw", str(wrong))
        assert told["again"] == [write(tmp_path, 1, [1]).name]
        stood.pop()
        assert stands(first) == stood[-1]
    assert asked(capsys, "withdraw", "2")["again"] == []


def test_what_came_first_and_comes_again_is_the_last(first: Store, tmp_path: Path) -> None:
    stood = []
    for number in (1, 2):
        import_version(first, tmp_path, number)
        stood.append(stands(first))
    again = import_version(first, tmp_path, 0)
    assert first.files() == first.named()
    for wrong, before in ((again, stood[1]), (4, stood[0])):
        first.withdraw(wrong)
        assert stands(first) == before
    first.withdraw(3)
    assert Report.objects.filter(state="accepted").count() == 1, "the first version was withdrawn with its second run"


def test_a_withdrawn_run_does_not_come_back_with_the_withdrawal_of_its_correction(store: Store, tmp_path: Path) -> None:
    store.run(write(tmp_path / "0", 1, VERSIONS[0]))
    before = stands(store)
    # The second version comes together with the report of another day, and so can be withdrawn after its correction.
    both = store.run(write(tmp_path / "1", 1, VERSIONS[1]), write(tmp_path, 2, [8]))["run"]
    last = import_version(store, tmp_path, 2)
    store.withdraw(both)
    assert Run.objects.get(pk=both).state == "withdrawn"
    assert set(store.states()) == {"192.0.2.5"}

    store.withdraw(last)

    assert stands(store) == before


def test_a_name_that_something_else_has_taken_is_not_given_back(store: Store, tmp_path: Path) -> None:
    """The correction came under a second name too; a third content takes the first name, then the correction goes."""
    store.run(write(tmp_path / "0", 1, [1]))
    correction = store.run(write(tmp_path / "1", 1, [2]))["run"]
    store.run(write(tmp_path / "1", 1, [2], part="-b"))
    third = store.run(write(tmp_path / "2", 1, [3]))["run"]
    assert set(store.states()) == {"192.0.2.2", "192.0.2.3"}

    store.withdraw(correction)
    assert set(store.states()) == {"192.0.2.3"}
    store.withdraw(third)
    assert set(store.states()) == {"192.0.2.1"}


def test_rows_that_are_lost_cannot_be_given_back_and_that_is_said(
    first: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = import_version(first, tmp_path, 1)
    replaced = Report.objects.get(run=2)
    (first.root / replaced.parts[0]).unlink()
    (loss,) = wholeness.losses()
    assert (loss.what, loss.run) == ("history", 2)
    assert loss.fix.endswith("its report was withdrawn or corrected and counts no more.")

    assert run("withdraw", str(wrong)) == 0

    assert capsys.readouterr().out.endswith(
        f"{replaced.name} does not count again, though its correction is withdrawn: its rows are lost. "
        "Import it again.\n"
    )
    import_version(first, tmp_path, 0)
    assert first.states() == {f"192.0.2.{host}": "still" for host in (1, 2, 3)}


def test_what_was_replaced_is_kept_no_longer_than_the_rest(first: Store, tmp_path: Path, keep: Any) -> None:
    import_version(first, tmp_path, 1)
    parts = set(Report.objects.get(run=2).parts)
    assert parts <= first.files()
    first.run(write(tmp_path, 3, [3]))
    keep(amber=1)

    expire()

    assert not parts & first.files()
    assert Report.objects.get(run=2).expired_at
    assert wholeness.losses() == []


def test_a_correction_that_is_read_again_still_gives_back_what_it_replaced(first: Store, tmp_path: Path) -> None:
    before = stands(first)
    wrong = import_version(first, tmp_path, 1)
    intake.replay(Run.objects.get(pk=wrong), by=COMMAND_LINE, at=AT, wait_s=0)
    first.withdraw(wrong)
    assert stands(first) == before
    assert first.files() == first.named()


def test_a_decision_was_about_what_was_there(store: Store, tmp_path: Path) -> None:
    """What somebody confirmed of the correction says nothing of the report that it had replaced."""
    for number in range(3):
        store.run(write(tmp_path, number, range(1, 9)))
    store.run(write(tmp_path / "0", 3, [1]))
    wrong = store.run(write(tmp_path / "1", 3, [2]))["run"]
    assert Cycle.objects.get(on=day(3)).held
    intake.decide("scan_rdp", day(3), decision="confirmed", by=COMMAND_LINE, at=AT)
    assert sorted(store.states().values()).count("gone") == 7

    store.withdraw(wrong)

    assert Cycle.objects.get(on=day(3)).held
    assert "gone" not in store.states().values()
