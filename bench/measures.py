"""What is measured on reports of up to a day's size: E2, E3, E4, E6 and E7 of the targets."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench import product, reports
from bench.figures import Figure, Target, cost, median, ratios
from bench.processes import Cost
from bench.reports import SCHEMA, Feeds

WHOLE = Target(4.5, 2.5)
PEAK_MB = Target(2048, 1024)
PEAK_GROWTH = Target(1.5, 1.1)
START = Target(2.0, 0.8)
WRONG = Target(0, 0)
DIRTY = Target(1.2, 1.05)
SLOWER_PER_ROW = (1.05, 1.0)
"""How much longer a row may take in the larger of two runs: 10M rows in at most 10.5 times the time of 1M."""
DIRTY_SHARE = 0.148
"""Of the findings. The truth counts a dirty row once, and one row in twenty is a copy: of the rows it is 14 %."""
# A type half of whose columns are converted, so that a bad cell has the most to spoil.
DIRTY_TYPES = "scan_ssl:3,scan_http:2"


@dataclasses.dataclass(frozen=True)
class Setting:
    """What all measures share."""

    data: Path
    """Folder for files that are made; they are kept for the next time, all but instances."""
    rows: int
    repeat: int
    schema: Path | None = None
    given: Feeds | None = None
    """Feeds from outside."""
    say: Callable[[str], None] = print

    @property
    def scratch(self) -> Path:
        """Where instances stand while they are measured."""
        return self.data / "scratch"

    def feeds(self) -> list[Feeds]:
        """Return the feeds to measure, each of two days."""
        own = reports.own(self.data, self.rows, days=2)
        given = [reports.two_days(self.given, self.data / "given")] if self.given else []
        return [own, *given]


class Wrong(Exception):
    """What was measured gave a wrong answer: its speed is of no interest."""


def checked(feeds: Feeds, summaries: Sequence[dict[str, Any]]) -> None:
    """Compare summaries of runs with the truth. Raises Wrong."""
    known = summaries[: 1 if feeds.repeated else None]
    if wrong := feeds.wrong(known):
        raise Wrong(f"The {feeds.name} feeds: {'; '.join(wrong)}.")


# E2


def whole_run(setting: Setting) -> list[Figure]:
    """E2: the whole run with state commit, beside the plain parse."""
    figures: list[Figure] = []
    for feeds in setting.feeds():
        figures += _whole_run_of(setting, feeds)
    if setting.schema is None:
        why = f"{SCHEMA} does not name a folder with the published schema"
        figures.append(Figure("E2 published schema, first import", None, "× L", WHOLE, why))
    return figures


class _Rounds:
    """The same measures again and again, side by side: what disturbs one disturbs its neighbours."""

    def __init__(self) -> None:
        self.spent: dict[str, list[Cost]] = {}

    def add(self, name: str, cost: Cost) -> None:
        self.spent.setdefault(name, []).append(cost)

    def walls(self, name: str) -> list[float]:
        return [cost.wall_s for cost in self.spent[name]]

    def cpus(self, name: str) -> list[float]:
        return [cost.cpu_s for cost in self.spent[name]]


def _whole_run_of(setting: Setting, feeds: Feeds) -> list[Figure]:
    mappings: dict[str, Path | None] = {"built-in": None}
    if setting.schema:
        mappings["published"] = setting.schema
    folder = setting.scratch / "whole"
    made = {
        name: product.instance(folder / f"made-{name}", feeds.folder / "constituents.json", schema)
        for name, schema in mappings.items()
    }
    plain_parse(feeds.first)  # brings the files into memory
    rounds = _Rounds()
    for number in range(setting.repeat):
        setting.say(f"E2, {feeds.name} feeds, round {number + 1} of {setting.repeat}")
        rounds.add("L", plain_parse(feeds.first))
        rounds.add("engine", _inside(feeds, folder / "inside"))
        for name in mappings:
            instance = made[name].copy(folder / "run")
            summaries = []
            for day, files in zip(("first import", "second day"), feeds.days, strict=False):
                spent, summary = instance.run(files)
                rounds.add(f"{name}, {day}", spent)
                summaries.append(summary)
            if len(feeds.days) == len(summaries) or feeds.repeated:
                checked(feeds, summaries)
    shutil.rmtree(folder)
    return _whole_figures(feeds, rounds)


def _whole_figures(feeds: Feeds, rounds: _Rounds) -> list[Figure]:
    title = f"{feeds.name} feeds, {feeds.rows:,} rows"
    figures = [cost(f"L, {title}", rounds.spent["L"], feeds.rows)]
    for name, spent in rounds.spent.items():
        if name == "L":
            continue
        target = None if name == "engine" else WHOLE
        what = "engine without product, built-in, first import" if name == "engine" else f"whole run, {name}"
        note = ""
        if feeds.repeated and "second" in name:
            note = "the first day's rows again, under the next date"
        measure = f"E2 {what}, {title}"
        figures.append(median(measure, ratios(rounds.walls(name), rounds.walls("L")), "× L", target, note))
        cpu = ratios(rounds.cpus(name), rounds.cpus("L"))
        figures.append(median(f"{measure}: CPU in CPU of L", cpu, "×"))
        figures.append(cost(f"{what}, {title}", spent, feeds.rows))
    return figures


def plain_parse(files: Sequence[Path]) -> Cost:
    """Return what L costs: reading alone, without the start of its process."""
    whole, said = product.python("-m", "bench.plain", *files)
    inner = json.loads(said)
    return Cost(inner["wall_s"], inner["cpu_s"], whole.peak_mb)


def _inside(feeds: Feeds, store: Path) -> Cost:
    shutil.rmtree(store, ignore_errors=True)
    whole, said = product.python("-m", "bench.inside", store, feeds.folder / "constituents.json", *feeds.first)
    inner = json.loads(said)
    if inner["rows"] != feeds.rows:
        raise Wrong(f"The engine read {inner['rows']} rows of {feeds.rows}.")
    return Cost(inner["wall_s"], inner["cpu_s"], whole.peak_mb)


# E3


def growth(setting: Setting, few: int, many: int, repeat: int) -> list[Figure]:
    """E3: how time and memory grow with the rows of a first import."""
    sizes = (few, many)
    feeds = {rows: reports.own(setting.data, rows) for rows in sizes}
    rounds = _Rounds()
    for number in range(repeat):
        for rows in sizes:
            setting.say(f"E3, {rows:,} rows, round {number + 1} of {repeat}")
            made = product.instance(setting.scratch / "made", feeds[rows].folder / "constituents.json")
            spent, summary = made.run(feeds[rows].first)
            rounds.add(str(rows), spent)
            checked(feeds[rows], [summary])
    shutil.rmtree(setting.scratch / "made")
    return _growth_figures(rounds, few, many)


def _growth_figures(rounds: _Rounds, few: int, many: int) -> list[Figure]:
    times = many / few
    title = f"{few:,} → {many:,} rows"
    must, moonshot = (round(times * slower, 3) for slower in SLOWER_PER_ROW)
    small, large = rounds.spent[str(few)], rounds.spent[str(many)]
    peaks = [[cost.peak_mb for cost in spent] for spent in (large, small)]
    return [
        median(
            f"E3 time, {title}", ratios(rounds.walls(str(many)), rounds.walls(str(few))), "×", Target(must, moonshot)
        ),
        median(f"E3 CPU, {title}", ratios(rounds.cpus(str(many)), rounds.cpus(str(few))), "×"),
        # Chunks fill up only in large files: what a few rows need says nothing of what bounds many.
        median(f"E3 peak memory, {title}", ratios(*peaks), "×", PEAK_GROWTH if times >= 10 else None),
        median(f"E3 peak memory, {many:,} rows", peaks[0], "MB", PEAK_MB),
        median(f"E3 peak memory, {few:,} rows", peaks[1], "MB"),
        cost(f"whole run, {many:,} rows", large, many),
        cost(f"whole run, {few:,} rows", small, few),
    ]


# E4


def start(setting: Setting) -> list[Figure]:
    """E4: a cold process and a file of 1,000 rows."""
    feeds = reports.own(setting.data, 1_000, types="scan_ssl")
    made = product.instance(setting.scratch / "made", feeds.folder / "constituents.json")
    rounds = _Rounds()
    for _ in range(setting.repeat):
        spent, said = product.python("-m", "tocsin", "feed", "read", "--format", "idf", *feeds.first)
        if said.count("\n") != feeds.rows:
            raise Wrong(f"feed read printed {said.count(chr(10))} lines of {feeds.rows}.")
        rounds.add("read", spent)
        spent, summary = made.copy(setting.scratch / "run").run(feeds.first)
        checked(feeds, [summary])
        rounds.add("run", spent)
        rounds.add("nothing", product.python("-m", "tocsin", "--version")[0])
    for name in ("made", "run"):
        shutil.rmtree(setting.scratch / name)
    return [
        median("E4 feed read --format idf, 1,000 rows, cold process", rounds.walls("read"), "s", START),
        median("E4 feed read: CPU", rounds.cpus("read"), "s"),
        median("E4 feed run, 1,000 rows, cold process", rounds.walls("run"), "s", START),
        median("E4 feed run: CPU", rounds.cpus("run"), "s"),
        median("E4 tocsin --version: wall", rounds.walls("nothing"), "s"),
    ]


# E6


def attribution(
    setting: Setting, networks: int = 50_000, asns: int = 3_000, domains: int = 20_000, questions: int = 20_000
) -> list[Figure]:
    """E6: nested claims, and whether the fast answer is the brute-force one."""
    lookups = 1_000_000
    counts = map(str, (networks, asns, domains, questions, lookups))
    _whole, said = product.python("-m", "bench.attribution", setting.scratch / "claims", *counts)
    shutil.rmtree(setting.scratch / "claims")
    got = json.loads(said)
    title = f"{networks:,} networks, {asns:,} ASNs, {domains:,} domains"
    return [
        Figure(f"E6 wrong answers to {questions:,} questions; {title}", got["wrong"], "", WRONG),
        Figure("E6 look-ups per CPU second, names and dates included", round(got["lookups"] / got["cpu_s"])),
        Figure("E6 the first answers, with building the indexes: CPU", round(got["first_cpu_s"], 3), "s"),
    ]


# E7


def bad_cells(setting: Setting) -> list[Figure]:
    """E7: one bad cell in some rows, against the clean files."""
    rows = max(setting.rows // 2, 1_000)
    clean = reports.own(setting.data, rows, types=DIRTY_TYPES)
    dirty = reports.own(setting.data, rows, types=DIRTY_TYPES, dirty=DIRTY_SHARE)
    figures: list[Figure] = []
    mappings: dict[str, Path | None] = {"built-in": None}
    if setting.schema:
        mappings["published"] = setting.schema
    for name, schema in mappings.items():
        rounds = _Rounds()
        made = product.instance(setting.scratch / "made", clean.folder / "constituents.json", schema)
        for number in range(setting.repeat):
            setting.say(f"E7, {name} mapping, round {number + 1} of {setting.repeat}")
            for word, feeds in (("clean", clean), ("dirty", dirty)):
                spent, summary = made.copy(setting.scratch / "run").run(feeds.first)
                rounds.add(word, spent)
                checked(feeds, [summary])
                _counted_bad_cells(feeds, summary)
        for folder in ("made", "run"):
            shutil.rmtree(setting.scratch / folder)
        share = dirty.truth["dirty"] / dirty.rows
        title = f"a bad cell in {share:.0%} of {rows:,} rows, {name}"
        wall, cpu = (ratios(side("dirty"), side("clean")) for side in (rounds.walls, rounds.cpus))
        figures.append(median(f"E7 {title}: wall", wall, "×", DIRTY))
        figures.append(median(f"E7 {title}: CPU", cpu, "×", DIRTY))
    return figures


def _counted_bad_cells(feeds: Feeds, summary: dict[str, Any]) -> None:
    least = feeds.truth["dirty"]
    if not least <= summary["cells_quarantined"] <= 2 * least:  # exact duplicates carry theirs twice
        raise Wrong(f"{summary['cells_quarantined']} cells were quarantined of {least} bad ones.")
