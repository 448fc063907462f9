"""A correction that is withdrawn gives back what it had replaced, as if it had never come."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from tests.chance import seeds
from tests.feeds.conftest import AT, Store
from tests.feeds.reports import day, write
from tests.feeds.test_expiring import expire
from tests.feeds.verbs import asked, run
from tocsin.audit.actors import COMMAND_LINE
from tocsin.audit.models import AuditRow
from tocsin.feeds import intake, wholeness
from tocsin.feeds.models import Cycle, Delivery, Movement, Report, Run
from tocsin.kernel.refusals import Conflict

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
    assert Report.objects.get(state="accepted", on=day(1)).run_id == 2, (
        "what came first, under the run that has left it"
    )
    first.withdraw(2)
    assert Report.objects.filter(state="accepted").count() == 1


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


@pytest.fixture
def twice(store: Store, tmp_path: Path) -> Store:
    """The same content under two names of a day, by run 1 and run 2; another came under the first name by run 3."""
    store.run(write(tmp_path / "1", 1, [1, 2]))
    store.run(write(tmp_path / "2", 1, [1, 2], part="-b"))
    store.run(write(tmp_path / "3", 1, [4, 5]))
    return store


def hosts_of(store: Store) -> list[int]:
    return sorted(int(asset.rpartition(".")[2]) for asset in store.states())


def test_a_name_that_a_correction_took_is_given_back(twice: Store, tmp_path: Path) -> None:
    assert hosts_of(twice) == [1, 2, 4, 5]
    twice.withdraw(3)
    assert hosts_of(twice) == [1, 2]
    twice.run(write(tmp_path / "4", 1, [7], part="-b"))
    assert hosts_of(twice) == [1, 2, 7], "under its first name it still counts"


def test_both_names_are_judged_by_themselves(twice: Store, tmp_path: Path) -> None:
    last = twice.run(write(tmp_path / "4", 1, [7], part="-b"))["run"]
    assert hosts_of(twice) == [4, 5, 7]
    twice.withdraw(3)
    assert hosts_of(twice) == [1, 2, 7]
    twice.withdraw(last)
    assert hosts_of(twice) == [1, 2]


def test_what_came_under_another_name_as_well_goes_on_counting(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store.run(write(tmp_path / "1", 1, [1, 2]))
    other = write(tmp_path / "2", 1, [1, 2], part="-b")
    store.run(other)
    before = stands(store)[:3]

    assert run("withdraw", "1") == 0

    assert capsys.readouterr().out == (
        f"Withdrew run 1: nothing of it counts any more. {other.name} goes on counting: it came in run 2 too.\n"
    )
    assert stands(store)[:3] == before
    assert (Run.objects.get(pk=1).state, Report.objects.get().run_id) == ("withdrawn", 2)
    store.withdraw(2)
    assert hosts_of(store) == []


def test_a_run_that_was_corrected_can_be_withdrawn_before_its_correction(first: Store, tmp_path: Path) -> None:
    import_version(first, tmp_path, 1)
    import_version(first, tmp_path, 2)
    first.withdraw(3)
    assert Run.objects.get(pk=3).state == "withdrawn"
    with pytest.raises(Conflict, match="run 3 has no report that counts"):
        first.withdraw(3)
    first.withdraw(4)
    assert hosts_of(first) == [1, 2, 3]


PARTS, CONTENTS = ("", "-b"), ((1,), (2, 3), (3, 4), (5,))


@pytest.mark.parametrize("seed", seeds(12))
def test_under_each_name_counts_what_came_last_and_was_not_taken_back(store: Store, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    left: list[tuple[int, str, tuple[int, ...]]] = []  # run, name, content: in the order in which they came
    for number in range(14):
        if left and chance.random() < 0.35:
            taken = chance.choice(left)[0]
            store.withdraw(taken)
            left = [each for each in left if each[0] != taken]
        else:
            some = {part: chance.choice(CONTENTS) for part in chance.sample(PARTS, chance.choice((1, 1, 2)))}
            paths = [write(tmp_path / str(number), 1, hosts, part=part) for part, hosts in some.items()]
            summary = store.run(*paths)
            last = {part: hosts for _run, part, hosts in left}
            left += [(summary["run"], part, hosts) for part, hosts in some.items() if last.get(part) != hosts]
        counting = {hosts for hosts in {part: hosts for _run, part, hosts in left}.values()}
        assert hosts_of(store) == sorted({host for hosts in counting for host in hosts}), (number, left)
    assert store.files() == store.named()


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


def lose(store: Store, **which: Any) -> None:
    """Delete the observations of a report."""
    for path in Report.objects.get(**which).parts:
        (store.root / path).unlink()


def test_what_was_lost_and_came_again_is_of_both_runs(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, 0, range(1, 9))
    store.run(path)
    lose(store)
    again = store.run(path)["run"]

    assert run("withdraw", str(again)) == 0

    assert capsys.readouterr().out == (
        f"Withdrew run {again}: nothing of it counts any more. {path.name} goes on counting: it came in run 1 too.\n"
    )
    assert (hosts_of(store), Report.objects.get().run_id) == (list(range(1, 9)), 1)
    with pytest.raises(Conflict, match=f"run {again} has no report that counts"):
        store.withdraw(again)
    store.withdraw(1)
    assert hosts_of(store) == []


def test_what_was_lost_and_came_again_stays_when_the_first_run_is_withdrawn(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path, 0, range(1, 9))
    store.run(path)
    lose(store)
    again = store.run(path)["run"]
    store.withdraw(1)
    assert (hosts_of(store), Report.objects.get().run_id) == (list(range(1, 9)), again)
    store.withdraw(again)
    assert hosts_of(store) == []
    assert set(Run.objects.values_list("state", flat=True)) == {"withdrawn"}


def test_what_came_again_since_it_could_not_be_given_back_is_said_to_count(
    first: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = import_version(first, tmp_path, 1)
    lose(first, run=2)
    first.withdraw(wrong)
    again = import_version(first, tmp_path, 0)

    told = asked(capsys, "withdraw", str(again))

    assert (told["reports"], told["past"], told["still"]) == (0, 0, [[write(tmp_path, 1, [1]).name, 2]])
    assert hosts_of(first) == [1, 2, 3]
    first.withdraw(2)
    assert Report.objects.filter(state="accepted", on=day(1)).count() == 0


def test_a_name_that_a_lost_report_has_besides_is_not_delivered_again(store: Store, tmp_path: Path) -> None:
    store.run(write(tmp_path / "1", 0, [1, 2]))
    store.run(other := write(tmp_path / "2", 0, [1, 2], part="-b"))
    lose(store)
    again = store.run(other)["run"]
    assert list(Delivery.objects.filter(run=again).values_list("name", flat=True)) == [other.name]
    for number in (again, 2):
        store.withdraw(number)
        assert hosts_of(store) == [1, 2]
    store.withdraw(1)
    assert hosts_of(store) == []


def test_what_came_again_while_it_was_here_is_named_when_it_is_taken_back(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is the first run's: who withdraws that one hears where the same came, and can import it again."""
    same, other = write(tmp_path / "1", 0, [1, 2]), write(tmp_path / "1", 0, [3], part="-b")
    store.run(same, other)
    store.run(same, write(tmp_path / "2", 0, [4], part="-b"))

    assert run("withdraw", "1") == 0

    assert capsys.readouterr().out == (
        f"Withdrew run 1: 1 report of scan_rdp counts no more. {same.name} came in run 2 too, when it was here "
        "already: import it again if it is to count.\n"
    )
    assert hosts_of(store) == [4]
