"""What is no longer kept: the findings stay what they would be, though their observations are gone."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.manifest import Bench
from tests.engine.reports import day, seen, write
from tests.engine.test_life import DAYS, KIND, LAW, File, Story, files, findings_of, groups, movements_of, story
from tocsin.engine import partitions as partitions_of_types
from tocsin.engine.cycles import Decision
from tocsin.engine.executors import Threads
from tocsin.engine.run import Delta, Options, replay
from tocsin.engine.store import Report

WEEK = [File(on, 0, hosts) for on, hosts in enumerate([(1, 2, 3), (1, 2), (1, 2), (1, 5), (1, 5)])]


def keys(bench: Bench) -> dict[tuple[int, int], dict[str, Any]]:
    """Return the findings by key, with all that is known of them."""
    return {(row["k1"], row["k2"]): row for row in bench.state(KIND)}


def kept(bench: Bench) -> list[Report]:
    return [report for report in bench.manifest.reports(KIND) if not report.expired]


def replayed(bench: Bench, reports: list[Report], recognise: Any) -> Delta:
    """Read reports again; nothing is committed."""
    return replay(
        reports,
        catalogue=bench.manifest,
        context=bench._context(lambda _point: None),
        recognise=recognise,
        executor=Threads(1),
        options=Options(gone_after=1),
    )


def fold_anew(told: Story) -> None:
    """Take the last report that is kept back and bring it again: the type is folded from its baseline."""
    last = max(kept(told.bench), key=lambda report: report.on)
    told.bench.refold([KIND], withdrawn=[last], gone_after=told.gone_after)
    told.deliver(next(file for file in WEEK if file.name == last.name))


def test_open_findings_stay_and_their_old_observations_go(tmp_path: Path) -> None:
    told, whole = (story(_made(tmp_path / name), *([file] for file in WEEK), gone_after=2) for name in ("told", "all"))
    before = {path for report in told.bench.manifest.reports(KIND) if report.on <= day(3) for path in report.parts}
    expiry = told.bench.expire(KIND, day(3))
    assert not before & {path.relative_to(told.bench.root).as_posix() for path in told.bench.root.rglob("*")}
    assert [report.on for report in kept(told.bench)] == [day(4)]
    assert {row["count"] for row in told.bench.state(KIND)} == {5, 3, 2}, "3 had gone on day 2 and is forgotten"
    assert len(expiry.forgotten) == 1
    fold_anew(told)
    everything = keys(whole.bench)
    assert keys(told.bench) == {key: everything[key] for key in keys(told.bench)}
    assert movements_of(told.bench) == movements_of(whole.bench)
    assert told.bench.debris() == set()


def test_a_finding_that_went_gone_by_later_cycles_waits_to_be_forgotten(tmp_path: Path) -> None:
    told = story(tmp_path, *([file] for file in WEEK), gone_after=2)
    told.bench.expire(KIND, day(2))  # 2 was last seen on day 2; days 3 and 4 made it gone
    assert findings_of(told.bench)[2]["gone"]
    told.decide(3, Decision.DISCARDED)
    assert not findings_of(told.bench)[2]["gone"], "what is decided about days that are kept still counts"
    told.decide(3, Decision.CONFIRMED)
    told.bench.expire(KIND, day(4))
    assert 2 not in findings_of(told.bench)


def test_a_day_that_lies_ahead_counts_no_sooner_because_others_are_no_longer_kept(tmp_path: Path) -> None:
    told = Story(tmp_path, 1)
    told.bench.manifest.come = day(3)
    told.deliver(*WEEK[:2], WEEK[4])
    judged = told.bench.expire(KIND, day(0)).change.judged
    assert [one.cycle.on for one in judged if one.counts] == [day(0), day(1)]


def test_a_finding_that_came_back_is_known_from_before(tmp_path: Path) -> None:
    files = [File(0, 0, (1, 2)), File(1, 0, (1,)), File(2, 0, (1,)), File(3, 0, (1, 2))]
    told = story(tmp_path, *([file] for file in files))
    expiry = told.bench.expire(KIND, day(2))
    found = findings_of(told.bench)[2]
    assert (len(expiry.forgotten), found["first"], found["returns"], found["count"]) == (0, 0, 1, 2)


def test_what_is_forgotten_and_comes_again_is_new(tmp_path: Path) -> None:
    told = story(tmp_path, [File(0, 0, (1, 2))], [File(1, 0, (1,))], [File(2, 0, (1,))])
    known = {row["ip_low"] & 0xFF: (row["k1"], row["k2"]) for row in told.bench.state(KIND)}
    told.bench.expire(KIND, day(2))
    told.deliver(File(3, 0, (1, 2)))
    found = findings_of(told.bench)[2]
    assert (found["first"], found["returns"]) == (3, 0)
    assert known[2] in keys(told.bench), "under the id that it had"


@st.composite
def steps(draw: st.DrawFn) -> list[Any]:
    """Reports in groups and any order, days after which nothing older is kept, and reports taken back in between."""
    reports = draw(files())
    order = draw(st.permutations(reports))
    told: list[Any] = []
    for group in groups(list(order), draw(st.lists(st.booleans(), min_size=len(order), max_size=len(order)))):
        told.append(group)
        told += draw(st.lists(st.one_of(st.integers(0, DAYS), st.sampled_from(reports)), max_size=2))
    return told


@given(steps(), st.integers(1, 3))
@LAW
def test_what_is_not_forgotten_is_as_if_all_were_kept(told: list[Any], gone_after: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        short, whole = (Story(_made(Path(folder) / name), gone_after) for name in ("short", "whole"))
        forgotten: set[tuple[int, int]] = set()
        for step in told:
            if isinstance(step, int):
                forgotten |= _expired(short.bench, step)
            elif isinstance(step, File):
                _withdrawn(step, short, whole)
            else:
                _delivered(step, short, whole)
            _compare(short.bench, whole.bench, forgotten)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _expired(bench: Bench, number: int) -> set[tuple[int, int]]:
    before = bench.manifest.baseline(KIND)
    if before and before.up_to >= day(number):
        return set()
    forgotten = bench.expire(KIND, day(number)).forgotten
    return set(zip(forgotten.k1.tolist(), forgotten.k2.tolist(), strict=True))


def _withdrawn(file: File, short: Story, whole: Story) -> None:
    """Take a report back that is kept: another was counted for good."""
    if any(report.name == file.name for report in kept(short.bench)):
        short.withdraw(file)
        whole.withdraw(file)


def _delivered(group: list[File], short: Story, whole: Story) -> None:
    baseline = short.bench.manifest.baseline(KIND)
    late = [file for file in group if baseline and day(file.on) <= baseline.up_to]
    known = {report.name for report in short.bench.manifest.reports(KIND)}
    delta = short.bench.run([file.write(short.folder) for file in group], gone_after=short.gone_after)
    assert {one.name for one in delta.broken} == {file.name for file in late} - known
    whole.deliver(*(file for file in group if file not in late))


def _compare(short: Bench, whole: Bench, forgotten: set[tuple[int, int]]) -> None:
    some, everything = keys(short), keys(whole)
    assert {key: row for key, row in some.items() if key not in forgotten} == {
        key: row for key, row in everything.items() if key not in forgotten
    }
    if not forgotten & set(some):  # none came again, as new
        assert movements_of(short) == movements_of(whole)
    judged = [[(j.cycle.on, j.usual, j.counts) for j in bench.manifest.judged(KIND)] for bench in (short, whole)]
    assert judged[0] == judged[1]
    assert short.debris() == set()


def test_after_how_many_cycles_a_finding_is_gone_may_be_said_anew(tmp_path: Path) -> None:
    told, whole = (story(_made(tmp_path / name), *([file] for file in WEEK), gone_after=2) for name in ("told", "all"))
    told.bench.expire(KIND, day(2))
    for one in (told, whole):
        one.gone_after = 3
        one.deliver(File(5, 0, (1, 5)))
    everything = findings_of(whole.bench)
    assert findings_of(told.bench) == {host: everything[host] for host in findings_of(told.bench)}
    assert not set(everything) - set(findings_of(told.bench)) - {3}


def test_partitions_may_be_more_than_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told, whole = (story(_made(tmp_path / name), *([file] for file in WEEK[:3])) for name in ("told", "all"))
    told.bench.expire(KIND, day(0))
    monkeypatch.setattr(partitions_of_types, "ROWS_PER_PARTITION", 1)
    told.bench.expire(KIND, day(1))
    baseline = told.bench.manifest.baseline(KIND)
    assert baseline and len(baseline.partitions) > 1
    monkeypatch.undo()
    fold_anew(told)
    everything = keys(whole.bench)
    assert keys(told.bench) == {key: everything[key] for key in keys(told.bench)}


def test_a_report_of_a_day_that_is_not_kept_is_set_aside(tmp_path: Path) -> None:
    told = story(tmp_path, [WEEK[0]], [WEEK[2]])
    told.bench.expire(KIND, day(1))
    before, cycles = keys(told.bench), told.bench.manifest.judged(KIND)
    delta = told.bench.run([WEEK[1].write(tmp_path)])
    assert delta.broken[0].reason == (
        f"{WEEK[1].name}: it is dated {day(1)}, and nothing from before {day(2)} is kept any more. "
        "Nothing of it was taken in."
    )
    assert (delta.accepted, delta.types) == ((), ())
    assert (keys(told.bench), told.bench.manifest.judged(KIND)) == (before, cycles)
    assert told.bench.debris() == set()


def test_a_damaged_report_of_such_a_day_opens_no_cycle(tmp_path: Path) -> None:
    told = story(tmp_path, [WEEK[0]], [WEEK[1]], [WEEK[2]])
    told.bench.expire(KIND, day(1))
    path = tmp_path / WEEK[0].name.replace("geo", "geo-more")
    path.write_bytes(b"")
    delta = told.bench.run([path])
    assert (len(delta.broken), delta.types) == (1, ())
    assert all(cycle.broken == () for cycle in told.bench.manifest.cycles(KIND))


def test_the_same_report_was_imported_before_under_any_name(tmp_path: Path) -> None:
    told = story(tmp_path, [WEEK[0]], [WEEK[1]], [WEEK[2]])
    told.bench.expire(KIND, day(1))
    again = WEEK[0].write(tmp_path)
    renamed = again.with_name(again.name.replace("geo", "geo-copy"))
    renamed.write_bytes(again.read_bytes())
    delta = told.bench.run([again, renamed])
    assert (len(delta.unchanged), delta.broken, delta.accepted, delta.superseded) == (2, (), (), ())


def test_a_correction_of_such_a_day_is_set_aside(tmp_path: Path) -> None:
    told = story(tmp_path, [WEEK[0]], [WEEK[1]], [WEEK[2]])
    told.bench.expire(KIND, day(1))
    corrected = dataclasses.replace(WEEK[0], addresses=(1, 2, 3, 4), hour=7)
    delta = told.bench.run([corrected.write(tmp_path)])
    assert (len(delta.broken), delta.superseded) == (1, ())


def test_a_report_whose_rows_say_its_day_is_set_aside_too(tmp_path: Path) -> None:
    told = story(tmp_path, [WEEK[0]], [WEEK[2]])
    told.bench.expire(KIND, day(1))
    path = write(tmp_path, [seen("192.0.2.77", day(1))])
    nameless = path.with_name(f"{KIND}.csv")
    path.rename(nameless)
    delta = told.bench.run([nameless])
    assert [one.cycles for one in delta.broken] == [()]
    assert "nothing from before" in delta.broken[0].reason
    assert told.bench.debris() == set()


def test_what_nobody_decided_makes_nothing_gone_and_waits_no_more(tmp_path: Path) -> None:
    told = Story(tmp_path, 1)
    told.deliver(File(0, 0, (1, 2, 3, 4)))
    told.deliver(File(1, 0, (1,)))  # held: far fewer than before
    told.deliver(File(2, 0, (1, 2, 3, 5)), complete=False)
    told.deliver(File(3, 0, (1, 2, 3, 5)))
    before = told.bench.manifest.judged(KIND)
    assert [one.counts for one in before] == [True, False, False, True]
    told.bench.expire(KIND, day(2))
    after = told.bench.manifest.judged(KIND)
    assert [(one.counts, one.held, one.usual) for one in after] == [(one.counts, False, one.usual) for one in before]
    assert {cycle.closed for cycle in told.bench.manifest.cycles(KIND)} == {True}


def test_rows_that_are_gone_cannot_be_read_again(tmp_path: Path) -> None:
    told = story(tmp_path, *([file] for file in WEEK))
    told.bench.expire(KIND, day(1))
    before = keys(told.bench)
    bench = told.bench
    delta = replayed(bench, bench.manifest.reports(KIND), bench.recognise)
    assert [one.reason for one in delta.broken] == [f"{file.name}: its rows are no longer kept." for file in WEEK[:2]]
    bench.commit(delta)
    assert keys(bench) == before
    assert len(bench.manifest.reports(KIND)) == 5


def test_a_report_that_would_be_of_such_a_day_when_it_is_read_again_stays_as_it_was(tmp_path: Path) -> None:
    told = story(tmp_path, *([file] for file in WEEK))
    told.bench.expire(KIND, day(1))
    before, bench = keys(told.bench), told.bench

    def recognise(name: str, columns: tuple[str, ...]) -> Any:
        return dataclasses.replace(bench.recognise(name, columns), on=day(0))

    last = next(report for report in bench.manifest.reports(KIND) if report.on == day(4))
    delta = replayed(bench, [last], recognise)
    assert [one.reason for one in delta.broken] == [
        f"{WEEK[4].name}: it is dated {day(0)}, and nothing from before {day(2)} is kept any more. "
        "Nothing of it was taken in."
    ]
    assert (delta.accepted, delta.superseded, delta.types) == ((), (), ())
    bench.commit(delta)
    assert (keys(bench), bench.debris()) == (before, set())


def test_a_copy_that_bears_the_name_of_another_report_of_such_a_day_replaces_nothing(tmp_path: Path) -> None:
    told, paths = Story(tmp_path, 1), []
    for number, name in enumerate((f"{KIND}.csv", f"{KIND}-more.csv")):
        path = write(tmp_path / str(number), [seen(f"192.0.2.{number}", day(0))])
        paths.append(path.rename(path.with_name(name)))
    told.bench.run(paths)
    told.deliver(WEEK[2])
    assert {report.type for report in told.bench.manifest.reports(KIND)} == {KIND}
    told.bench.expire(KIND, day(1))
    (tmp_path / "again").mkdir()
    again = tmp_path / "again" / paths[0].name
    again.write_bytes(paths[1].read_bytes())
    delta = told.bench.run([again])
    assert (delta.unchanged, delta.superseded, delta.broken) == ((again.name,), (), ())
    assert len(told.bench.manifest.reports(KIND)) == 3
