"""A manifest in memory, for tests and benchmarks of the engine without the product's database."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tocsin.engine import run as engine
from tocsin.engine.claims import ASN, NETWORK, SUFFIX, Claim, Claims
from tocsin.engine.executors import Executor, Threads
from tocsin.engine.fold import Label
from tocsin.engine.intake import Context
from tocsin.engine.run import Delta, Options
from tocsin.engine.store import CycleRecord, Report, State, Workspace, no_checkpoint
from tocsin.formats import shadowserver
from tocsin.formats.recognition import Recognition


@dataclasses.dataclass
class Manifest:
    """What the product's database would hold."""

    by_id: dict[str, Report] = dataclasses.field(default_factory=dict)
    by_day: dict[tuple[str, dt.date], CycleRecord] = dataclasses.field(default_factory=dict)
    states: dict[str, State] = dataclasses.field(default_factory=dict)
    movements: dict[str, list[dict[str, Any]]] = dataclasses.field(default_factory=dict)

    def reports(self, report_type: str) -> list[Report]:
        return [report for report in self.by_id.values() if report.type == report_type]

    def cycles(self, report_type: str) -> list[CycleRecord]:
        return [cycle for cycle in self.by_day.values() if cycle.type == report_type]

    def state(self, report_type: str) -> State | None:
        return self.states.get(report_type)

    def apply(self, delta: Delta) -> None:
        for superseded in delta.superseded:
            del self.by_id[superseded]
        self.by_id.update({report.id: report for report in delta.accepted})
        for one in delta.types:
            self.by_day.update({(cycle.type, cycle.on): cycle for cycle in one.cycles})
            kept = [row for row in self.movements.get(one.type, []) if row["on"] < one.since]
            self.movements[one.type] = kept + one.movements.to_pylist()
            if one.state:
                self.states[one.type] = one.state

    def count(self, label: Label, days: set[dt.date] | None = None) -> int:
        rows = itertools.chain.from_iterable(self.movements.values())
        return sum(r["findings_sum"] for r in rows if r["label"] == label and (days is None or r["on"] in days))


class Bench:
    """An engine with a store and a manifest."""

    def __init__(
        self, root: Path, claims: Sequence[Claim] = (), *, published: shadowserver.Schema | None = None
    ) -> None:
        self.root, self.claims, self.manifest = root, Claims(list(claims)), Manifest()
        self.recognise = Recognition(shadowserver.mappings(published))
        self._tokens = itertools.count(1)

    def run(
        self, paths: Sequence[Path], executor: Executor | None = None, checkpoint: Any = no_checkpoint, **options: Any
    ) -> Delta:
        workspace = Workspace(self.root, f"run{next(self._tokens):06d}", checkpoint)
        delta = engine.run(
            paths,
            catalogue=self.manifest,
            context=Context(workspace, self.claims),
            recognise=self.recognise,
            executor=executor or Threads(),
            options=Options(**{"gone_after": 1, **options}),
        )
        self.manifest.apply(delta)
        checkpoint("committed")
        for path in delta.debris:
            (self.root / path).unlink(missing_ok=True)
        return delta

    def constituents(self) -> Counter[str]:
        return sum((Counter(report.constituents) for report in self.manifest.by_id.values()), Counter())


def claims_of(constituents: list[dict[str, Any]]) -> list[Claim]:
    """Return claims from the shape in which feed generators write constituents."""
    made = []
    for entry in constituents:
        for kind, key in ((NETWORK, "networks"), (ASN, "asns"), (SUFFIX, "domains")):
            made += [Claim(f"{entry['id']}/{kind}/{value}", entry["id"], kind, str(value)) for value in entry[key]]
    return made
