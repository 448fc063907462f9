"""Figures beside their targets: the table that is printed and the file that is kept."""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.processes import Cost

HEADINGS = ("measure", "value", "must", "moonshot", "verdict", "to moonshot")
COST_HEADINGS = ("what it costs", "wall", "CPU", "rows per CPU s", "peak memory")


@dataclasses.dataclass(frozen=True)
class Target:
    """What a figure must reach, and what would be splendid."""

    must: float
    moonshot: float
    at_least: bool = False
    """More is better; otherwise less is."""

    def verdict(self, value: float) -> str:
        """Return `moonshot`, `must` or `missed`."""
        for word, limit in (("moonshot", self.moonshot), ("must", self.must)):
            if value >= limit if self.at_least else value <= limit:
                return word
        return "missed"

    def distance(self, value: float) -> str:
        """Return by how much a figure is away from the moonshot; `reached` when it is not."""
        if self.verdict(value) == "moonshot":
            return "reached"
        if not self.moonshot:
            return f"{value:g} too many"
        return f"{(value / self.moonshot - 1) * 100:+.0f} %"

    def show(self, limit: float, unit: str) -> str:
        """Return a limit as the table has it."""
        return f"{'≥' if self.at_least else '≤'} {shown(limit, unit)}"


@dataclasses.dataclass(frozen=True)
class Figure:
    """One line of the table. `value` None is something that could not be measured; `note` says why."""

    measure: str
    value: float | None
    unit: str = ""
    target: Target | None = None
    note: str = ""
    samples: tuple[float, ...] = ()
    """What `value` is the median of."""
    spent: tuple[Cost, ...] = ()
    """What each round cost, where the figure is a run's rows per CPU second."""
    beside: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Other numbers of the same measurement, by heading: such figures have a table of their own."""

    @property
    def verdict(self) -> str:
        """Return the target's verdict; `skipped` without a value; empty without a target."""
        if self.value is None:
            return "skipped"
        return self.target.verdict(self.value) if self.target else ""

    def cells(self) -> tuple[str, ...]:
        """Return the line of the table."""
        value = "–" if self.value is None else shown(self.value, self.unit)
        if self.target is None:
            return (self.measure, value, "", "", self.verdict, "")
        limits = (self.target.show(limit, self.unit) for limit in (self.target.must, self.target.moonshot))
        distance = "" if self.value is None else self.target.distance(self.value)
        return (self.measure, value, *limits, self.verdict, distance)

    def as_json(self) -> dict[str, Any]:
        """Return the line for the file."""
        target = {} if self.target is None else dataclasses.asdict(self.target)
        return {
            "measure": self.measure,
            "value": self.value,
            "unit": self.unit,
            **target,
            "verdict": self.verdict,
            "note": self.note,
            "samples": list(self.samples),
            "rounds": [
                {name: round(value, 3) for name, value in dataclasses.asdict(cost).items()} for cost in self.spent
            ],
            **({"beside": dict(self.beside)} if self.beside else {}),
        }


def shown(value: float, unit: str) -> str:
    """Return a number with three figures that count, and its unit."""
    if value == round(value) and abs(value) < 1e15:
        number = f"{round(value):,}"
    else:
        number = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{number} {unit}".strip()


def median(
    measure: str, samples: Iterable[float], unit: str = "", target: Target | None = None, note: str = ""
) -> Figure:
    """Return the figure of several samples."""
    values = tuple(round(sample, 6) for sample in samples)
    return Figure(measure, round(statistics.median(values), 6), unit, target, note, values)


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Return the ratio of each round: what disturbs a round disturbs both."""
    return [one / other for one, other in zip(above, below, strict=True)]


def cost(what: str, spent: Sequence[Cost], rows: int) -> Figure:
    """Return what a run cost, without a target: rows per CPU second, with seconds and memory beside."""
    figure = median(what, (rows / one.cpu_s for one in spent), "rows/CPU s")
    return dataclasses.replace(figure, spent=tuple(spent))


def table(figures: Sequence[Figure]) -> str:
    """Return figures with targets, then what runs cost, those with others beside, other figures, and notes."""
    aimed = [figure.cells() for figure in figures if figure.target]
    runs = [_cost_cells(figure) for figure in figures if figure.spent]
    wide = [figure for figure in figures if figure.beside]
    beside = [(*figure.cells()[:2], *figure.beside.values()) for figure in wide]
    others = [figure.cells()[:2] for figure in figures if not (figure.target or figure.spent or figure.beside)]
    wide_headings = (*HEADINGS[:2], *(wide[0].beside if wide else ()))
    parts = [
        _columns([headings, *rows])
        for headings, rows in (
            (HEADINGS, aimed), (COST_HEADINGS, runs), (wide_headings, beside), (HEADINGS[:2], others),
        )
        if rows
    ]  # fmt: skip
    notes = dict.fromkeys(f"{figure.measure}: {figure.note}" for figure in figures if figure.note)
    return "\n\n".join([*parts, *(["\n".join(notes)] if notes else [])])


def _cost_cells(figure: Figure) -> tuple[str, ...]:
    seconds = (statistics.median(each) for each in zip(*((c.wall_s, c.cpu_s) for c in figure.spent), strict=True))
    peak = statistics.median(one.peak_mb for one in figure.spent)
    return (figure.measure, *(f"{s:.2f} s" for s in seconds), f"{figure.value:,.0f}", f"{peak:,.0f} MB")


def _columns(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = [_line(row, widths) for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
    aligned = [cell.strip().rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
    return "  ".join([first, *aligned]).rstrip()


def write(path: Path, machine: dict[str, Any], settings: dict[str, Any], figures: Sequence[Figure]) -> None:
    """Keep figures with the machine that they come from."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"machine": machine, "settings": settings, "figures": [figure.as_json() for figure in figures]}
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
