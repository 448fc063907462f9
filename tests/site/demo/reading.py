"""A written week, read back as anybody would read it: from the files. Knows nothing of how they were made."""

from __future__ import annotations

import collections
import csv
import dataclasses
import datetime as dt
import functools
import ipaddress
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tocsin.site.demo.writing import DemoFiles

FRIDAY = dt.date(2026, 11, 20)


@dataclasses.dataclass(frozen=True)
class Week:
    """The files of one week, and the plain questions that tests ask them."""

    files: DemoFiles

    @functools.cached_property
    def rows(self) -> dict[tuple[str, int], list[list[str]]]:
        """Rows without header, by report type and number of the day (0 to 6)."""
        found: dict[tuple[str, int], list[list[str]]] = {}
        for path in self.files.reports:
            with path.open(encoding="utf-8", newline="") as file:
                found[report_type(path), self.files.days.index(report_date(path))] = list(csv.reader(file))[1:]
        return found

    @functools.cached_property
    def headers(self) -> dict[str, list[str]]:
        return {report_type(path): _header(path) for path in self.files.reports}

    @functools.cached_property
    def directory(self) -> list[dict[str, Any]]:
        return list(json.loads(self.files.directory.read_text(encoding="utf-8")))

    def types(self) -> set[str]:
        return {name for name, _day in self.rows}

    def column(self, name: str, column: str, day: int) -> list[str]:
        at = self.headers[name].index(column)
        return [row[at] for row in self.rows.get((name, day), []) if len(row) == len(self.headers[name])]

    def findings(self, name: str, day: int) -> set[tuple[str, ...]]:
        """Address, port, infection and host name of each finding, as far as the type has them."""
        header = self.headers[name]
        identity = [c for c in ("ip", "src_ip", "port", "infection", "http_host") if c in header]
        return set(zip(*(self.column(name, column, day) for column in identity), strict=True))

    def owner(self, address: str, day: int) -> str:
        """The claimant of the most specific network on that day, of equal ones the last confirmed; empty for nobody."""
        held = [claim for claim in self._around(address) if claim.holds_on(self.files.days[day].isoformat())]
        return max(held, key=lambda c: (c.network.prefixlen, c.confirmed), default=NOBODY).organisation

    @functools.cache  # noqa: B019  # one week lives as long as the tests
    def _around(self, address: str) -> list[Claim]:
        ip = ipaddress.ip_address(address)
        return [claim for claim in claims_of(self.directory) if ip in claim.network]

    def owners(self, name: str, day: int) -> collections.Counter[str]:
        header = self.headers[name]
        return collections.Counter(
            self.owner(a, day) for a in self.column(name, "ip" if "ip" in header else "src_ip", day) if a
        )

    def __hash__(self) -> int:
        return id(self)


@dataclasses.dataclass(frozen=True)
class Claim:
    organisation: str
    network: ipaddress.IPv4Network | ipaddress.IPv6Network
    first: str = "0000"
    last: str = "9999"
    confirmed: str = ""

    def holds_on(self, date: str) -> bool:
        return self.first <= date <= self.last


NOBODY = Claim("", ipaddress.ip_network("0.0.0.0/0"))


def claims_of(directory: list[dict[str, Any]]) -> Iterator[Claim]:
    for organisation in directory:
        for entry in organisation["networks"]:
            claim = entry if isinstance(entry, dict) else {"value": entry}
            yield Claim(
                organisation["id"],
                ipaddress.ip_network(claim["value"]),
                claim.get("valid_from", "0000"),
                claim.get("valid_to", "9999"),
                claim.get("confirmed_on", ""),
            )


def report_date(path: Path) -> dt.date:
    return dt.date.fromisoformat(path.name[:10])


def report_type(path: Path) -> str:
    return path.name[11:].removesuffix("-meridia.csv")


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))
