"""Kill -9 at every point of a run: what a second attempt gives is what an undisturbed run gives."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.crash_driver import DurableBench
from tests.engine.manifest import content, state_digest
from tests.engine.reports import day, row, seen, write
from tocsin.engine.query import Filter

ROOT = Path(__file__).resolve().parents[2]


@dataclasses.dataclass(frozen=True)
class Killed:
    """The stores of runs that were killed at one point each, and of one that was not."""

    folder: Path
    points: list[str]

    def bench(self, name: str) -> DurableBench:
        """Return a store of its own, as the run left it."""
        copy = self.folder / "copies" / uuid.uuid4().hex
        shutil.copytree(self.folder / name, copy)
        return DurableBench(copy).load()

    def each(self) -> Iterator[DurableBench]:
        """Return what each killed run left, in order of the points."""
        return (self.bench(f"killed-{number:03d}") for number in range(len(self.points)))

    @property
    def reports(self) -> list[Path]:
        return sorted((self.folder / "reports").iterdir())


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Killed:
    """Two days are known; the third comes with a correction of the first and another type, and crashes."""
    folder = tmp_path_factory.mktemp("crash")
    first = [
        write(folder / "before", [seen(f"192.0.2.{n}", day(on)) for n in range(1, 9)], on=day(on)) for on in (0, 1)
    ]
    DurableBench(folder / "base").run(first)
    reports = folder / "reports"
    write(reports, [seen(f"192.0.2.{n}", day(2)) for n in range(5, 12)] + [row(ip="x"), row(port="x")], on=day(2))
    write(reports, [seen(f"192.0.2.{n}", day(0), tag="corrected") for n in range(1, 8)], on=day(0))
    write(reports, [seen(f"192.0.2.{n}", day(2)) for n in range(1, 5)] * 2, "scan_http", on=day(2))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    done = subprocess.run(
        [sys.executable, "-m", "tests.engine.crash_driver", str(folder)],
        env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return Killed(folder, json.loads(done.stdout))


def test_the_runs_were_killed_at_all_five_points(killed: Killed) -> None:
    # Three reports, the quarantine of one, and the state of two types: each file is written, then renamed.
    assert Counter(killed.points) == {"written": 6, "renamed": 6, "state": 1, "committed": 1}
    assert killed.points[-2:] == ["state", "committed"]
    assert killed.points[-6:-2] == ["written", "renamed"] * 2
    assert len(list(killed.folder.glob("killed-*"))) == len(killed.points)


def test_until_the_commit_nothing_has_happened_and_after_it_everything(killed: Killed) -> None:
    before, after = state_digest(killed.bench("base")), state_digest(killed.bench("whole"))
    assert [state_digest(bench) for bench in killed.each()] == [before] * (len(killed.points) - 1) + [after]
    assert before != after


def test_a_second_attempt_gives_what_an_undisturbed_run_gives(killed: Killed) -> None:
    expected = content(killed.bench("whole"))
    for point, bench in zip(killed.points, killed.each(), strict=True):
        bench.run(killed.reports)
        assert content(bench) == expected, point


def test_nothing_is_counted_twice(killed: Killed) -> None:
    for bench in killed.each():
        bench.run(killed.reports)
        again = bench.run(killed.reports)
        assert (again.accepted, again.superseded, again.types) == ((), (), ())
        assert len(again.unchanged) == 3
        assert sum(report.records for report in bench.manifest.by_id.values()) == 7 + 8 + 9 + 8


def test_what_a_crash_leaves_behind_is_told_from_what_counts(killed: Killed) -> None:
    for bench in killed.each():
        before = state_digest(bench)
        debris = bench.debris()
        assert debris, "each crash leaves something: at least the spill"
        for path in debris:
            (bench.root / path).unlink()
        assert state_digest(bench) == before
        assert bench.findings().count(Filter()) > 0


def test_the_undisturbed_run_leaves_nothing_behind(killed: Killed) -> None:
    assert killed.bench("whole").debris() == set()
