"""A made-up country of which it is known how long every finding lives, and whether telling makes it go sooner.

It writes real reports, one a day, is told by the product's own notices, and keeps its own account of what was true.
"""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import json
import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.feeds.conftest import Store
from tests.feeds.reports import COLUMNS, day

GONE_AFTER = 2
KIND = "scan_rdp"


@dataclasses.dataclass
class Truth:
    """A finding as it really was, in numbers of days. It is seen from `begin` on, up to the day before `end`."""

    organisation: int
    host: int
    begin: int
    end: int
    told: int | None = None


@dataclasses.dataclass
class Country:
    """Organisations that differ, findings that begin by chance, and what telling does to those that are there."""

    seed: int
    ratio: float = 1.0
    """How many times as fast a told finding goes."""
    organisations: int = 24
    each_day: float = 0.6
    """Findings that begin in an organisation."""
    lasts: float = 11.0
    spread: float = 0.4
    truth: list[Truth] = dataclasses.field(default_factory=list)
    today: int = 0

    def __post_init__(self) -> None:
        self._draw = random.Random(self.seed)
        self._rates = [math.exp(self._draw.gauss(0, self.spread)) / self.lasts for _each in range(self.organisations)]
        self._hosts = [0] * self.organisations

    def directory(self) -> bytes:
        """Return the file of the organisations, each with a network and somebody to tell."""
        rows = [
            {
                "id": name(each), "name": f"Organisation {each}", "sector": ("health", "energy")[each % 2],
                "networks": [f"198.18.{each}.0/24"],
                "contacts": [{"role": "security", "email": f"soc@org{each}.example"}],
            }
            for each in range(self.organisations)
        ]  # fmt: skip
        return json.dumps(rows).encode()

    def live_until(self, last: int, folder: Path) -> list[Path]:
        """Let days pass, up to one; return their reports."""
        return [self._live(on, folder) for on in range(self.today, last + 1)]

    def _live(self, on: int, folder: Path) -> Path:
        self.today = on + 1
        for each in range(self.organisations):
            begun = 3 if on == 0 else sum(self._draw.random() < self.each_day / 3 for _try in range(3))
            for _one in range(begun):
                if self._hosts[each] < 254:
                    self._hosts[each] += 1
                    self.truth.append(Truth(each, self._hosts[each], on, on + self._lasts(each, 1.0)))
        return self._write(on, folder)

    def _lasts(self, organisation: int, times: float) -> int:
        return 1 + math.floor(self._draw.expovariate(self._rates[organisation] * times))

    def _write(self, on: int, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{day(on)}-{KIND}-xm-geo.csv"
        fixed = {"severity": "low", "protocol": "tcp", "port": "3389", "tag": "rdp", "asn": "64496", "geo": "XM"}
        with path.open("w", newline="", encoding="utf-8") as file:
            lines = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
            lines.writeheader()
            for each in self.truth:
                if each.begin <= on < each.end:
                    address = f"198.18.{each.organisation}.{each.host}"
                    lines.writerow({"timestamp": f"{day(on)} 06:00:00", "ip": address, **fixed})
        return path

    def are_told(self, is_told: Callable[[int], bool] = lambda _each: True) -> None:
        """Let organisations hear on this day (the last that passed) of what is there: the rest of it goes sooner."""
        on = self.today - 1
        for each in self.truth:
            if each.begin <= on < each.end and each.told is None and is_told(each.organisation):
                each.told = on
                each.end = on + self._lasts(each.organisation, self.ratio)


def name(organisation: int) -> str:
    """Return the public id of an organisation."""
    return f"org-{organisation:02d}"


def at(on: int) -> dt.datetime:
    """Return the noon of a day of the country."""
    return dt.datetime.combine(day(on), dt.time(12), dt.UTC)


def settle(country: Country, by: Any) -> None:
    """Enter its organisations, and a policy that tells everything once it holds."""
    from tocsin.directory import actions, queries

    read = queries.read_files([("country.json", country.directory())], today=day(0))
    actions.import_directory(read, by=by, at=at(0))


def live(country: Country, store: Store, folder: Path, until: int) -> None:
    """Let days pass and import their reports."""
    paths = country.live_until(until, folder / f"until-{until}")
    if paths:
        store.run(*paths, gone_after=GONE_AFTER, accept_drop=True, at=at(until))


def tell(on: int, by: Any) -> int:
    """Tell everybody who is to be told, by the product's own plan; return how many findings."""
    from tocsin.notices import actions, queries
    from tocsin.notices.choices import NoticeState
    from tocsin.notices.models import Notice

    plan = queries.plan_now(at(on))
    if not plan.notices:
        return 0
    event = actions.prepare_notices(plan, most=1000, by=by, at=at(on))
    for notice in Notice.objects.filter(reference__in=event.references):
        actions.preview_notice(notice, by=by, at=at(on))
        actions.queue_notice(notice, by=by, at=at(on))
        actions.record_outcome(notice, what=NoticeState.SENT, by=by, at=at(on))
    return event.findings


def pieces(country: Country, horizon: int, began: int) -> Iterator[tuple[bool, dict[str, Any]]]:
    """Yield what is to be compared, by the country's own account: whether it was told, and a life as lifelines has it.

    `began` is the day on which anybody was first told. What was there on day 0 began nobody knows when.
    """
    for each in country.truth:
        if 0 < each.begin < horizon:
            until = min(each.end, horizon, began)
            if until > each.begin:
                yield False, _life(each, each.begin, until)
            if each.told is not None and each.told < min(each.end, horizon):
                yield True, _life(each, each.told, min(each.end, horizon))


def drawn(
    country: Country, horizon: int, began: int, is_held: Callable[[int], bool]
) -> Iterator[tuple[bool, dict[str, Any]]]:
    """Yield the same for what began while some were held out: whether its organisation was not, and its life."""
    for each in country.truth:
        if began < each.begin < horizon:
            yield not is_held(each.organisation), _life(each, each.begin, min(each.end, horizon))


def _life(each: Truth, entered: int, until: int) -> dict[str, Any]:
    return {
        "entered": entered - each.begin, "lasted": until - each.begin, "ended": each.end <= until,
        "cluster": each.organisation,
    }  # fmt: skip
