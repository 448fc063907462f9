"""Read what the data files say about Meridia: organisations, address plan, and the plan of each report.

Values only. The data stands in `data/meridia`; nothing here knows a name from it.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeAlias

from tocsin.kernel.networks import Network
from tocsin.kernel.reference_data import DATA

DAYS = 7
"""Length of the story; `levels` and the days of accidents in the data count on it."""

Cells: TypeAlias = Mapping[str, str | list[str]]


@dataclasses.dataclass(frozen=True)
class Block:
    """Addresses that show findings: a claimed network, or one that nobody claims."""

    network: Network
    organisation: str
    """Its claimant's id; empty when nobody claims the block."""
    use: str
    """`home`, `mobile`, `hosting`, `office` or `unclaimed`."""
    hosts: int
    """How many of its addresses ever show a finding, at scale 1."""


@dataclasses.dataclass(frozen=True)
class Population:
    """Findings of one report type that live alike."""

    name: str
    open: int
    """Findings open on one day where `levels` is 1."""
    persistence: float
    """Share that is open on the next day too."""
    returns: float
    """Share of those that left which come back within the week."""
    where: Mapping[str, float]
    """Weight by use (`home`), by organisation (`@id`) or by network (`#198.18.141.0/26`)."""
    levels: tuple[float, ...] = (1.0,) * DAYS
    cells: Cells = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Profile:
    """A kind of device or event: cells that belong together."""

    weight: float
    cells: Cells


@dataclasses.dataclass(frozen=True)
class Spoiled:
    """Cells of one column that hold text of another kind."""

    day: int
    column: str
    text: str
    rows: int


@dataclasses.dataclass(frozen=True)
class Accidents:
    """What goes wrong with a feed."""

    missing_last: int = 0
    """The feed is silent on the last days, this many."""
    cut_last: float = 1.0
    """Share of the last day's rows that arrived."""
    bad_cells: Spoiled | None = None
    unreadable_day: int = -1
    """The day on which three rows cannot be read; -1 for never."""


@dataclasses.dataclass(frozen=True)
class ReportPlan:
    """What the reports of one type say during the week."""

    type: str
    columns: tuple[str, ...]
    populations: tuple[Population, ...]
    profiles: tuple[Profile, ...]
    cells: Cells
    severity: str
    window: tuple[int, int]
    """First hour (UTC) and length in hours of the scan, or of the time in which events are seen."""
    weekend: float
    """Level on Saturday and Sunday, as a share of the usual."""
    protocol: str = ""
    ports: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """Weight by port; empty for types whose port is ephemeral or missing."""
    version: int = 4
    sightings: float = 1.0
    """Mean number of rows a day for one open finding."""
    accidents: Accidents = Accidents()


@dataclasses.dataclass(frozen=True)
class Country:
    """Everything the data files say."""

    facts: Mapping[str, Any]
    organisations: tuple[Mapping[str, Any], ...]
    reports: tuple[ReportPlan, ...]

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Return every block in which findings may lie, claimed ones first."""
        claimed = [
            Block(ip_network(entry["value"]), organisation["id"], entry["use"], entry["hosts"])
            for organisation in self.organisations
            for entry in organisation["networks"]
            if "use" in entry
        ]
        nobody = [Block(ip_network(u["value"]), "", u["use"], u["hosts"]) for u in self.facts["unclaimed"]]
        return (*claimed, *nobody)

    @cached_property
    def routes(self) -> tuple[tuple[Network, int], ...]:
        """Return what the routing table would say: prefix and origin, in address order."""
        pairs = [
            (ip_network(prefix), int(asn)) for asn, prefixes in self.facts["routes"].items() for prefix in prefixes
        ]
        return tuple(sorted(pairs, key=lambda pair: (pair[0].version, int(pair[0].network_address), pair[0].prefixlen)))

    def origin(self, network: Network) -> int:
        """Return the autonomous system that announces `network`: the longest prefix around it; 0 for none."""
        around = [(p.prefixlen, asn) for p, asn in self.routes if p.version == network.version and _within(network, p)]
        return max(around, default=(0, 0))[1]


def read_country(folder: Path = DATA / "meridia") -> Country:
    """Return the country that the TOML files of `folder` describe."""
    columns = _toml(folder / "columns.toml")
    plans = _toml(folder / "reports.toml")
    return Country(
        facts=_toml(folder / "country.toml"),
        organisations=tuple(_toml(folder / "organisations.toml")["organisations"]),
        reports=tuple(_plan(name, columns[name], dict(entry)) for name, entry in plans.items()),
    )


def _plan(name: str, columns: list[str], entry: dict[str, Any]) -> ReportPlan:
    return ReportPlan(
        type=name,
        columns=tuple(columns),
        populations=tuple(_population(p) for p in entry.pop("populations")),
        profiles=tuple(Profile(**p) for p in entry.pop("profiles")),
        cells=entry.pop("cells", {}),
        window=tuple(entry.pop("window")),
        accidents=_accidents(entry.pop("accidents", {})),
        version=entry.pop("ip", 4),
        **entry,
    )


def _population(entry: dict[str, Any]) -> Population:
    levels = tuple(entry.get("levels", (1.0,) * DAYS))
    if len(levels) != DAYS:
        raise ValueError(f"Population {entry['name']!r} names {len(levels)} levels. Write one for each of {DAYS} days.")
    return Population(**{**entry, "levels": levels})


def _accidents(entry: dict[str, Any]) -> Accidents:
    spoiled = entry.get("bad_cells")
    return Accidents(
        missing_last=entry.get("missing_last", 0),
        cut_last=entry.get("cut_last", 1.0),
        bad_cells=Spoiled(**spoiled) if spoiled else None,
        unreadable_day=entry.get("unreadable", {}).get("day", -1),
    )


def _within(inner: Network, outer: Network) -> bool:
    return inner.subnet_of(outer)  # type: ignore[arg-type]  # the caller has compared the versions


def _toml(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return tomllib.load(file)
