"""Write Meridia's seven days into a folder.

The story that the files tell (docs/explanation/meridia.md tells it to readers):

- Most findings stay open from day to day; some leave, and some of those return.
- **An outbreak**: the bot network Tidewash grows from 3 machines to several
  hundred within four days, most of them at Lagoon Telecom's home customers.
- **A clean-up**: Outer Isles Cable closes 70 % of its open resolvers after day 4.
- **A block with two claims**: the Ministry of Lands and Island Net both claim
  198.18.141.0/26; open remote desktops wait for whoever settles it.
- **A block that changed hands** three days ago, from the airports to the harbour.
- **Addresses of nobody**: blocks that are announced, but that no one has claimed.
- **A feed that goes silent** (SNMP, two days), **one cut short** (Telnet, today),
  one with spoiled cells (TLS), one with unreadable rows (HTTP), and one type
  that no mapping knows (lantern controllers).

The same day, seed, scale and hour give the same bytes.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from tocsin.site.demo.assets import Machines
from tocsin.site.demo.country import DAYS, Country, Population, ReportPlan, read_country
from tocsin.site.demo.directory import describe, routes
from tocsin.site.demo.lives import live
from tocsin.site.demo.reports import Report, compose
from tocsin.site.demo.rows import Finding, Writer

_SATURDAY = 5
_WOBBLE = 0.02
"""How much the level of a large population moves by chance from day to day."""
_CROWDED = 50
"""Draws in vain after which the places of a population count as full."""


@dataclasses.dataclass(frozen=True)
class DemoFiles:
    """What was written."""

    folder: Path
    directory: Path
    """JSON for `tocsin directory import`."""
    rib: Path
    """`prefix<TAB>asn` lines."""
    reports: tuple[Path, ...]
    """Report files, in order of date and type."""
    days: tuple[dt.date, ...]
    rows: int
    """Rows in all reports, header lines not counted, unreadable rows counted."""
    copies: int
    """How many of them are an exact copy of the row before."""


def write_country(
    folder: Path, today: dt.date, scale: float = 1.0, seed: int = 58, until: dt.time = dt.time(6)
) -> DemoFiles:
    """Write directory, routes and the reports of the seven days that end on `today`.

    `scale` multiplies the number of findings (1.0 gives about 110,000 rows).
    `until` is the time of day, UTC, after which nothing has been seen yet on the
    last day. Raises ValueError when `scale` asks for more than the country holds.
    """
    week = _Week(read_country(), today, scale, seed, until)
    (folder / "reports").mkdir(parents=True, exist_ok=True)
    directory, rib = folder / "directory.json", folder / "rib.txt"
    organisations = json.dumps(describe(week.country, today), ensure_ascii=False, indent=1)
    directory.write_text(organisations + "\n", encoding="utf-8")
    rib.write_text("\n".join(routes(week.country)) + "\n", encoding="utf-8")
    written: dict[Path, Report] = {}
    for plan in week.country.reports:
        for date, report in week.reports(plan):
            path = folder / "reports" / f"{date}-{plan.type}-meridia.csv"
            path.write_text(report.text(), encoding="utf-8", newline="\n")
            written[path] = report
    return DemoFiles(
        folder=folder,
        directory=directory,
        rib=rib,
        reports=tuple(sorted(written)),
        days=week.days,
        rows=sum(len(report.rows) for report in written.values()),
        copies=sum(report.copies for report in written.values()),
    )


class _Week:
    """The seven days of one country: every type draws from the same machines, each with chance of its own."""

    def __init__(self, country: Country, today: dt.date, scale: float, seed: int, until: dt.time) -> None:
        self.country = country
        self.days = tuple(today - dt.timedelta(days=DAYS - 1 - n) for n in range(DAYS))
        self._scale, self._seed = scale, seed
        self._until_s = until.hour * 3600 + until.minute * 60 + until.second
        self._machines = {v: Machines(country, v, scale, self._random(f"machines/{v}")) for v in (4, 6)}

    def reports(self, plan: ReportPlan) -> Iterator[tuple[dt.date, Report]]:
        """Yield the reports of one type that arrive during the week."""
        rng = self._random(plan.type)
        writer = Writer(plan, self.country, self.days[0])
        taken: set[tuple[str, ...]] = set()
        lives = [
            live(
                population,
                self._targets(plan, population, rng),
                self._discoverer(plan, population, writer, taken, rng),
                rng,
            )
            for population in plan.populations
        ]
        for day in range(DAYS - plan.accidents.missing_last):
            open_findings = [finding for days in lives for finding in days[day]]
            until_s = self._until_s if day == DAYS - 1 else 86_400
            yield self.days[day], compose(plan, day, self.days[day], open_findings, until_s, rng)

    def _targets(self, plan: ReportPlan, population: Population, rng: Random) -> list[int]:
        """Return how many findings are open on each day."""
        targets = []
        shaped = len(set(population.levels)) > 1
        for date, level in zip(self.days, population.levels, strict=True):
            usual = population.open * self._scale * level
            if not shaped:
                usual *= plan.weekend if date.weekday() >= _SATURDAY else 1.0
                usual *= 1 + rng.uniform(-_WOBBLE, _WOBBLE)
            targets.append(max(round(usual), 1 if level else 0))
        return targets

    def _discoverer(
        self, plan: ReportPlan, population: Population, writer: Writer, taken: set[tuple[str, ...]], rng: Random
    ) -> Callable[[], Finding]:
        """Return the function that finds something not seen before."""
        machines = self._machines[plan.version]
        if population.open * self._scale > machines.room(population.where) * max(1, len(plan.ports)):
            raise _full(plan, population)

        def discover() -> Finding:
            for _ in range(_CROWDED):
                finding = writer.finding(machines.draw(population.where, rng), population, rng)
                if finding.key not in taken:
                    taken.add(finding.key)
                    return finding
            raise _full(plan, population)

        return discover

    def _random(self, what: str) -> Random:
        return Random(f"{self._seed}/{what}")  # noqa: S311  # chance for a story, not for a secret


def _full(plan: ReportPlan, population: Population) -> ValueError:
    return ValueError(f"{plan.type}, {population.name!r}: the country has no room for more. Choose a smaller scale.")
