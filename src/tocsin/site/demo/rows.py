"""Turn a finding into the text of its report row.

Everything but the time and an ephemeral port is the same each day, so a row is
rendered once and stamped once for each sighting.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping
from itertools import accumulate
from random import Random
from typing import TypeAlias

from tocsin.site.demo.assets import Machine
from tocsin.site.demo.country import Cells, Country, Population, ReportPlan

Recipe: TypeAlias = Callable[[Random, Machine], str]

_PORT = "\0"
"""Stands in a rendered row where each sighting has its own source port."""


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One thing on one machine, as the report shows it on every day that it is open."""

    row: str
    """All cells after the time, quoted and joined."""
    key: tuple[str, str, str, str]
    """Address, port, infection and host name: what tells it apart within its report type."""

    def sighting(self, second: str, rng: Random) -> str:
        """Return the row of the report for one time, written `2026-11-20 04:10:00`."""
        row = self.row.replace(_PORT, str(rng.randrange(1024, 65_536))) if _PORT in self.row else self.row
        return f'"{second}",{row}'


class Writer:
    """Makes the findings of one report type."""

    def __init__(self, plan: ReportPlan, country: Country, first_day: dt.date) -> None:
        self._plan = plan
        self._geo = country.facts["geo"]
        self._recipes = Recipes(country, first_day)
        self._profiles = [self._recipes.compile({**plan.cells, **p.cells}) for p in plan.profiles]
        self._weights = list(accumulate(p.weight for p in plan.profiles))
        self._own = {p.name: self._recipes.compile(p.cells) for p in plan.populations}
        self._is_event = "src_ip" in plan.columns
        self._ports = list(plan.ports), list(accumulate(plan.ports.values()))

    def finding(self, machine: Machine, population: Population, rng: Random) -> Finding:
        """Return a finding on `machine`, with a profile drawn for it."""
        port = rng.choices(self._ports[0], cum_weights=self._ports[1])[0] if self._plan.ports else ""
        cells = self._base(machine, port)
        profile = rng.choices(self._profiles, cum_weights=self._weights)[0]
        for column, recipe in (profile | self._own[population.name]).items():
            cells[column] = recipe(rng, machine)
        if "url" in self._plan.columns:
            cells["url"] = _url(self._plan.type, cells, machine, rng)
        row = ",".join([quoted(cells.get(column, "")) for column in self._plan.columns[1:]])
        return Finding(row, (machine.address, port, cells.get("infection", ""), cells.get("http_host", "")))

    def _base(self, machine: Machine, port: str) -> dict[str, str]:
        """Return what every report says about a machine."""
        side = "src_" if self._is_event else ""
        named = self._plan.type != "malware_url"  # there, `hostname` is the host of the URL
        return {
            "severity": self._plan.severity,
            "protocol": self._plan.protocol,
            "tag": "",
            f"{side}ip": machine.address,
            f"{side}port": _PORT if self._is_event else port,
            f"{side}asn": str(machine.asn),
            f"{side}geo": self._geo,
            f"{side}region": machine.region,
            f"{side}city": machine.city,
            f"{side}naics": "0",
            f"{side}hostname": machine.name if named else "",
            "hostname_source": "ptr" if machine.name else "",
        }


class Recipes:
    """Compile the cells of the data files: text, a list to draw from, or `=recipe`."""

    def __init__(self, country: Country, first_day: dt.date) -> None:
        self._first_day = first_day
        self._shops = country.facts["shop_words"]
        self._sites = [f"www.{o['domains'][0]}" for o in country.organisations if o["sector"] != "telecom"]

    def compile(self, cells: Cells) -> dict[str, Recipe]:
        """Return for each column the function that fills it."""
        return {column: self._recipe(value) for column, value in cells.items()}

    def _recipe(self, value: str | list[str]) -> Recipe:
        if isinstance(value, list):
            return lambda rng, _machine: rng.choice(value)
        if not value.startswith("="):
            return lambda _rng, _machine: value
        word, *numbers = value[1:].split()
        return self._named(word, [int(n) for n in numbers])

    def _named(self, word: str, numbers: list[int]) -> Recipe:
        recipes: Mapping[str, Recipe] = {
            "hex": lambda rng, _machine: rng.randbytes(numbers[0]).hex(":").upper(),
            "number": lambda rng, _machine: str(rng.randint(*numbers)),
            "day": lambda rng, _machine: f"{self._first_day + dt.timedelta(days=rng.randint(*numbers))} 00:00:00",
            "mac": lambda rng, _machine: "02:" + rng.randbytes(5).hex(":"),
            "network": lambda _rng, machine: machine.network,
            "name": lambda _rng, machine: machine.name or "localhost",
            "site": lambda rng, _machine: rng.choice(self._sites),
            "shop": lambda rng, _machine: (
                f"{'-'.join(rng.choice(w) for w in self._shops)}-{rng.randrange(400)}.example"
            ),
        }
        if word not in recipes:
            raise ValueError(f"There is no recipe {word!r}. Known are {', '.join(recipes)}.")
        return recipes[word]


def quoted(cell: str) -> str:
    """Return `cell` as a quoted CSV cell."""
    return '"' + cell.replace('"', '""') + '"'


def _url(kind: str, cells: Mapping[str, str], machine: Machine, rng: Random) -> str:
    host = cells.get("http_host") or (cells["hostname"] if kind == "malware_url" else "") or machine.address
    scheme = "https" if cells.get("port") == "443" else "http"
    path = rng.choice(("/old/", "/wp-old/index.php", "/images/x.php", "/bins/t.arm7", "/update.exe"))
    return f"{scheme}://{host}{path}"
