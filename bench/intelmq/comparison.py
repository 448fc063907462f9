"""E1: rows per CPU second of IntelMQ and of Tocsin on the same files, one after the other, in the same run."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench import product, reports
from bench.figures import Figure, Target, cost, median, ratios
from bench.intelmq import pipeline, running
from bench.intelmq.running import Runner, Spent
from bench.measures import Setting, Wrong, checked
from bench.processes import Cost
from bench.reports import Feeds

TIMES = Target(400, 1000, at_least=True)
LOCK = Path(__file__).with_name("requirements.txt")
_ACCOUNT = "nobody"
"""Who the bots are when root runs this: they refuse to be root."""


def against_intelmq(setting: Setting, rows: int, more_rows: int) -> list[Figure]:
    """E1: run both on samples of the same feeds, and Tocsin on whole days as well, whose start-up then counts less."""
    if setting.schema is None:
        raise SystemExit(f"IntelMQ reads these reports by the published schema. Name its folder in {reports.SCHEMA}.")
    if not shutil.which("redis-server"):
        raise SystemExit("redis-server is missing. Install it with: tools/install-test-system --bench (as root)")
    user = _ACCOUNT if os.geteuid() == 0 else None
    venv = installed(setting.data / "intelmq", user)
    figures: list[Figure] = []
    feeds = [reports.own(setting.data, more_rows), *([setting.given] if setting.given else [])]
    for one in feeds:
        figures += _compared(setting, one, rows, Runner(venv, _place(setting), user))
    return figures


def _place(setting: Setting) -> pipeline.Place:
    return pipeline.Place(setting.scratch / "intelmq", running.free_port())


# Installing


def installed(venv: Path, user: str | None) -> Path:
    """Return a virtual environment with IntelMQ, made when there is none; one that `user` may enter and run."""
    if not (venv / "done").is_file():
        shutil.rmtree(venv, ignore_errors=True)
        subprocess.run([_interpreter(user), "-m", "venv", str(venv)], check=True)
        pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "--requirement", str(LOCK)], check=True)
        (venv / "done").touch()
    if not _runs(str(venv / "bin" / "python"), "import intelmq", user):
        raise SystemExit(
            f"The account {_ACCOUNT}, which runs IntelMQ's bots, cannot run what stands in the bench's data folder. "
            "Name a folder that everybody may enter in TOCSIN_BENCH_DATA."
        )
    return venv


def _interpreter(user: str | None) -> str:
    """Return a Python that `user` may run: this one, or the system's."""
    for python in (os.path.realpath(sys.executable), "/usr/bin/python3"):
        if _runs(python, "import ensurepip, venv", user):
            return python
    raise SystemExit(f"No Python that the account {_ACCOUNT} may run. Install one with: apt install python3-venv")


def _runs(python: str, code: str, user: str | None) -> bool:
    try:
        done = subprocess.run([python, "-c", code], user=user, cwd="/", stderr=subprocess.DEVNULL, check=False)
    except OSError:
        return False
    return done.returncode == 0


def _packaged(venv: Path) -> Path:
    return next(venv.glob("lib/python3*/site-packages/intelmq/etc"))


# Measuring


@dataclasses.dataclass
class _Sides:
    theirs: list[Spent] = dataclasses.field(default_factory=list)
    ours: list[Cost] = dataclasses.field(default_factory=list)
    ours_whole: list[Cost] = dataclasses.field(default_factory=list)
    events: set[int] = dataclasses.field(default_factory=set)
    ours_events: set[int] = dataclasses.field(default_factory=set)


def _compared(setting: Setting, feeds: Feeds, rows: int, runner: Runner) -> list[Figure]:
    assert setting.schema is not None
    files, taken = reports.sample(feeds, rows, setting.scratch / "sample")
    made = product.instance(setting.scratch / "made", feeds.folder / "constituents.json", setting.schema)
    sides = _Sides()
    for number in range(setting.repeat):
        setting.say(f"E1, {feeds.name} feeds, round {number + 1} of {setting.repeat}")
        pipeline.install(runner.place, _packaged(runner.venv), setting.schema, feeds.folder, files)
        runner.own()
        began = time.monotonic()
        sides.theirs.append(running.run(runner))
        setting.say(f"    IntelMQ took {time.monotonic() - began:.0f} s with its start")
        sides.events.add(len(runner.place.events.read_bytes().splitlines()))
        spent, summary = made.copy(setting.scratch / "run").run(files)
        sides.ours.append(spent)
        sides.ours_events.add(summary["rows_kept"] - summary["duplicates"])
        spent, summary = made.copy(setting.scratch / "run").run(feeds.first)
        sides.ours_whole.append(spent)
        if len(feeds.days) == 1:
            checked(feeds, [summary])
    note = events_note(distinct(files), sides.events, sides.ours_events)
    for folder in ("sample", "made", "run", "intelmq"):
        shutil.rmtree(setting.scratch / folder)
    return _figures(feeds, taken, sides, note)


def distinct(files: Sequence[Path]) -> tuple[int, int]:
    """Return the number of distinct rows by file, and by type and day.

    IntelMQ's deduplicator compares within a file, since it looks at the instant of collecting too; Tocsin compares
    within a report type and its day.
    """
    by_file, by_cycle = set(), set()
    for path in files:
        cycle = path.name[:11] + path.name[11:].partition("-")[0]
        header, *rows = path.read_bytes().splitlines()
        by_file |= {(path.name, header, row) for row in rows}
        by_cycle |= {(cycle, header, row) for row in rows}
    return len(by_file), len(by_cycle)


def events_note(wanted: tuple[int, int], theirs: set[int], ours: set[int]) -> str:
    """Return what is to be said of the numbers of events. Raises Wrong when ours are not right."""
    if ours != {wanted[1]}:
        raise Wrong(f"Tocsin kept {sorted(ours)} events where {wanted[1]} is right.")
    if theirs != {wanted[0]}:
        return f"{wanted[0]:,} are right for a deduplicator that looks at one file at a time"
    return "a repetition in another file of the same report counts for IntelMQ" if wanted[0] != wanted[1] else ""


def _figures(feeds: Feeds, rows: int, sides: _Sides, note: str) -> list[Figure]:
    theirs = [rows / spent.cpu_s for spent in sides.theirs]
    whole = [feeds.rows / spent.cpu_s for spent in sides.ours_whole]
    sample = [rows / spent.cpu_s for spent in sides.ours]
    title = f"{feeds.name} feeds"
    as_costs = [Cost(spent.wall_s, spent.cpu_s, spent.peak_mb) for spent in sides.theirs]
    shares = {name: sum(s.bots[name] for s in sides.theirs) / len(sides.theirs) for name in sides.theirs[0].bots}
    return [
        median(f"E1 rows per CPU second against IntelMQ, {title}, {feeds.rows:,} rows", ratios(whole, theirs), "×",
               TIMES, "IntelMQ on a sample, its start-up excluded; Tocsin's start-up included"),
        median(f"E1 the same, {title}, {rows:,} rows", ratios(sample, theirs), "×",
               note="the same rows for both; Tocsin's start-up, included, is most of it"),
        cost(f"IntelMQ, {title}, {rows:,} rows", as_costs, rows),
        cost(f"Tocsin, {title}, {rows:,} rows", sides.ours, rows),
        cost(f"Tocsin, {title}, {feeds.rows:,} rows", sides.ours_whole, feeds.rows),
        median(f"IntelMQ, {title}: CPU for a row", (1000 / rate for rate in theirs), "ms"),
        *(Figure(f"IntelMQ, {title}: of this, {name}", round(s / rows * 1000, 3), "ms") for name, s in shares.items()),
        Figure(f"IntelMQ, {title}: of this, Redis",
               round(sum(s.redis_cpu_s for s in sides.theirs) / len(sides.theirs) / rows * 1000, 3), "ms"),
        Figure(f"E1 events out of IntelMQ, {title}", max(sides.events), note=note),
        Figure(f"E1 events out of Tocsin, {title}: rows kept without repetitions", max(sides.ours_events)),
    ]  # fmt: skip
