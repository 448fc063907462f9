"""What the pages of an instance cost: seconds, queries, size, and the memory of the web processes."""

from __future__ import annotations

import dataclasses
import json
import math
import random
import statistics
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.figures import Figure, Target, shown
from bench.measures import Setting
from bench.pages.asked import LIST, OTHER, SITUATION, Page, pages
from bench.pages.stock import Stock, stocked
from bench.pages.visitor import Served, Visitor, serving, signed_in
from bench.processes import Failed
from bench.product import Instance

CLOCK_MS = {LIST: Target(300, 100), SITUATION: Target(500, 150), OTHER: Target(500, 150)}
"""The list and Situation have a target of their own; no other page may be slower than Situation."""
QUERIES = Target(15, 10)
PEAK_MB = Target(250, 200)
P95 = 0.95
AT_ONCE = 4
"""People who ask at the same time, once every round is through."""


@dataclasses.dataclass(frozen=True)
class Asked:
    """What one page took, round by round."""

    page: Page
    first_ms: float
    """The very first time that it was asked for."""
    wall_ms: tuple[float, ...]
    cpu_ms: tuple[float, ...]
    """Of the web processes; their clock ticks a hundred times a second."""
    kilobytes: float

    @property
    def p95_ms(self) -> float:
        """Return the time that one in twenty requests exceeds."""
        return percentile(self.wall_ms, P95)


def percentile(samples: Sequence[float], share: float) -> float:
    """Return the smallest sample that no less than that share of all samples does not exceed."""
    return sorted(samples)[math.ceil(share * len(samples)) - 1]


def served(setting: Setting, database: str) -> list[Figure]:
    """Measure the pages of an instance on one database."""
    with stocked(setting.data, setting.rows, database, setting.say) as stock:
        with serving(stock.instance) as web:
            visitor, email = signed_in(stock.instance, web)
            listed = pages(stock, visitor)
            setting.say(f"pages on {database}: {len(listed)} pages, {setting.repeat} rounds")
            asked = rounds(web, visitor, listed, setting.repeat)
            peak_mb = web.peak_mb()
            crowd_ms = crowd(visitor, listed)
            crowded_mb = web.peak_mb()
        queries = queries_of(stock.instance, email, listed)
    figures = [page_figure(database, each, queries) for each in asked]
    return [
        *_slowest(database, asked),
        _most_queries(database, listed, queries),
        Figure(f"{database}: peak memory of a web process", round(crowded_mb), "MB", PEAK_MB),
        *figures,
        Figure(f"{database}: peak memory of a web process, one person", round(peak_mb), "MB"),
        Figure(f"{database}: p95 with {AT_ONCE} people at once", round(percentile(crowd_ms, P95)), "ms"),
        *_about(database, stock),
    ]


def rounds(web: Served, visitor: Visitor, listed: Sequence[Page], repeat: int) -> list[Asked]:
    """Ask every page once, then so many times more, in another order each time. Raises Failed."""
    order, shuffled = list(enumerate(listed)), random.Random(58)
    first, sizes = [0.0] * len(listed), [0] * len(listed)
    walls: list[list[float]] = [[] for _ in listed]
    cpu: list[list[float]] = [[] for _ in listed]
    for number in range(repeat + 1):
        for at, page in order:
            before = web.cpu_s()
            wall_s, size = _ask(visitor, page.path(number))
            sizes[at] = max(sizes[at], size)
            if number:
                walls[at].append(wall_s * 1000)
                cpu[at].append((web.cpu_s() - before) * 1000)
            else:
                first[at] = wall_s * 1000
        shuffled.shuffle(order)
    return [
        Asked(page, round(first[at]), tuple(walls[at]), tuple(cpu[at]), sizes[at] / 1000)
        for at, page in enumerate(listed)
    ]


def _ask(visitor: Visitor, path: str) -> tuple[float, int]:
    answer = visitor.get(path)
    if answer.status not in (200, 302):  # a search that finds one finding goes there
        raise Failed(f"{path} was answered with {answer.status}.")
    return answer.wall_s, len(answer.body)


def crowd(visitor: Visitor, listed: Sequence[Page]) -> list[float]:
    """Let several people ask every page once, at the same time; return the milliseconds of each request."""
    paths = [(page.path(number), number) for number in range(AT_ONCE) for page in listed]
    random.Random(58).shuffle(paths)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [wall_s * 1000 for wall_s, _size in pool.map(lambda asked: _ask(visitor, asked[0]), paths)]


def queries_of(instance: Instance, email: str, listed: Sequence[Page]) -> dict[str, tuple[int, int]]:
    """Return the queries of each page by name: the first time after an import, and the next."""
    paths = {page.name: page.path(0) for page in listed}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(list(paths.values()), file)
        file.flush()
        _cost, said = instance.python("-m", "bench.pages.counted", email, Path(file.name))
    counted = json.loads(said)
    return {name: tuple(counted[path]) for name, path in paths.items()}


def page_figure(database: str, asked: Asked, queries: Mapping[str, tuple[int, int]]) -> Figure:
    """Return the line of one page."""
    first, again = queries[asked.page.name]
    beside = {
        "p50": f"{statistics.median(asked.wall_ms):.0f} ms",
        "first": f"{asked.first_ms:.0f} ms",
        "CPU": f"{statistics.mean(asked.cpu_ms):.0f} ms",
        "p95 of CPU": f"{percentile(asked.cpu_ms, P95):.0f} ms",
        "queries": f"{again}",
        "after an import": f"{first}",
        "size": f"{asked.kilobytes:.0f} kB",
    }
    samples = tuple(round(each, 1) for each in asked.wall_ms)
    return Figure(_title(database, asked), round(asked.p95_ms), "ms", samples=samples, beside=beside)


def _title(database: str, asked: Asked) -> str:
    before = "Findings, " if asked.page.group == LIST else ""
    return f"{database}: {before}{asked.page.name}"


def _slowest(database: str, asked: Sequence[Asked]) -> Iterator[Figure]:
    """Yield the figure of each group: that of its slowest page."""
    for group, target in CLOCK_MS.items():
        if here := [each for each in asked if each.page.group == group]:
            worst = max(here, key=lambda each: each.p95_ms)
            over = [each for each in here if target.verdict(each.p95_ms) == "missed"]
            note = f"{worst.page.name}; {len(over)} of {len(here)} over {shown(target.must, 'ms')}"
            yield Figure(f"{database}: {group}, slowest p95", round(worst.p95_ms), "ms", target, note)


def _most_queries(database: str, listed: Sequence[Page], queries: Mapping[str, tuple[int, int]]) -> Figure:
    name = max((page.name for page in listed), key=lambda name: queries[name][1])
    return Figure(f"{database}: most queries of a page", queries[name][1], "", QUERIES, name)


def _about(database: str, stock: Stock) -> Iterator[Figure]:
    yield Figure(f"{database}: observations stored", stock.observations)
    yield Figure(f"{database}: findings stored", stock.findings)
    yield Figure(f"{database}: wall seconds of their imports", stock.import_s, "s")
    yield Figure(f"{database}: CPU seconds of their imports", stock.import_cpu_s, "s")
