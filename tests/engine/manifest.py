"""A manifest in memory, for tests and benchmarks of the engine without the product's database."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import itertools
import json
import uuid
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tocsin.engine import retention
from tocsin.engine import run as engine
from tocsin.engine.claims import ASN, NETWORK, SUFFIX, Claim, Claims
from tocsin.engine.counting import moved
from tocsin.engine.cycles import Calendar, Judged
from tocsin.engine.delivered import Recount, decided, read_now
from tocsin.engine.enrich import Announcements
from tocsin.engine.executors import Executor, Threads
from tocsin.engine.fold import STATE, Label
from tocsin.engine.intake import Context, Recogniser
from tocsin.engine.query import Database, Findings, TypeFiles
from tocsin.engine.retention import Expiry
from tocsin.engine.run import Delta, Options
from tocsin.engine.said import THIS_RUN, Said
from tocsin.engine.store import (
    Baseline,
    CycleKey,
    CycleRecord,
    Delivered,
    Report,
    State,
    Workspace,
    judged,
    no_checkpoint,
)
from tocsin.formats import shadowserver
from tocsin.formats.recognition import Recognition


@dataclasses.dataclass
class Manifest:
    """What the product's database would hold."""

    by_id: dict[str, Report] = dataclasses.field(default_factory=dict)
    by_day: dict[tuple[str, dt.date], CycleRecord] = dataclasses.field(default_factory=dict)
    states: dict[str, State] = dataclasses.field(default_factory=dict)
    movements: dict[str, list[dict[str, Any]]] = dataclasses.field(default_factory=dict)
    baselines: dict[str, Baseline] = dataclasses.field(default_factory=dict)
    deliveries: list[Delivered] = dataclasses.field(default_factory=list)
    put_aside: dict[str, Report] = dataclasses.field(default_factory=dict)
    """Reports in whose place another came, by id."""
    told: list[Said] = dataclasses.field(default_factory=list)
    """What was said of days."""
    runs: list[int] = dataclasses.field(default_factory=list)
    """Of each delivery."""
    number: int = 0
    """Of the last run."""
    come: dt.date | None = None
    """The last day that has come, by which it was judged last."""

    def reports(self, report_type: str) -> list[Report]:
        return [report for report in self.by_id.values() if report.type == report_type]

    def with_content(self, content: str) -> list[Report]:
        return [report for report in self.by_id.values() if report.content == content]

    def cycles(self, report_type: str) -> list[CycleRecord]:
        return [cycle for cycle in self.by_day.values() if cycle.type == report_type]

    def said(self, *report_types: str) -> list[Said]:
        return [one for one in self.told if one.type in report_types]

    def has_heard(self, one: Said) -> bool:
        return any(dataclasses.replace(each, by=one.by) == one for each in self.told)

    def delivered(self, days: Collection[CycleKey]) -> list[Delivered]:
        numbered = zip(self.deliveries, self.runs, strict=True)
        return [dataclasses.replace(one, run=run) for one, run in numbered if (one.type, one.on) in days]

    def replaced(self, days: Collection[CycleKey]) -> list[Report]:
        delivered = {one.report for one in self.delivered(days)}
        return [one for one in self.put_aside.values() if one.id in delivered and not one.expired]

    def unfinished(self) -> list[CycleRecord]:
        return [cycle for cycle in self.by_day.values() if cycle.broken or not cycle.closed]

    def untimely(self, come: dt.date) -> set[str]:
        judged_by = {kind: judged(self.cycles(kind), self.reports(kind), come) for kind in self.states}
        counted = {kind: tuple(one.cycle.on for one in of if one.counts) for kind, of in judged_by.items()}
        return {kind for kind, state in self.states.items() if counted[kind] != state.counted}

    def state(self, report_type: str) -> State | None:
        return self.states.get(report_type)

    def baseline(self, report_type: str) -> Baseline | None:
        return self.baselines.get(report_type)

    def expire(self, expiry: Expiry, reports: Sequence[Report]) -> None:
        """Take what is left of days that are no longer kept."""
        self.baselines[expiry.baseline.type] = expiry.baseline
        for report in reports:
            self.by_id[report.id] = dataclasses.replace(report, parts=(), quarantine="", expired=True)
        one = expiry.change
        self.by_day.update({(cycle.type, cycle.on): cycle for cycle in one.cycles})
        if one.state:
            self.states[one.type] = one.state

    def apply(self, delta: Delta) -> None:
        """Take a run's outcome; the state of a type without any report is forgotten."""
        before = {name: self.by_id.pop(name, None) or self.put_aside.pop(name) for name in delta.superseded}
        self.put_aside |= {name: before[name] for name in delta.replaced}
        self.by_id.update({report.id: report for report in (*delta.accepted, *delta.renamed, *delta.restored)})
        self.put_aside |= {report.id: report for report in delta.shelved}
        self.by_id = {name: one for name, one in self.by_id.items() if name not in {r.id for r in delta.shelved}}
        self.put_aside = {name: one for name, one in self.put_aside.items() if name not in self.by_id}
        self.note(delta)
        self.told = moved(self.told, delta.moves)
        self.told += [dataclasses.replace(one, by=self.number) if one.by == THIS_RUN else one for one in delta.said]
        for one in delta.types:
            self.by_day = {key: cycle for key, cycle in self.by_day.items() if key[0] != one.type}
            self.by_day.update({(cycle.type, cycle.on): cycle for cycle in one.cycles})
            kept = [row for row in self.movements.get(one.type, []) if row["on"] < one.since]
            self.movements[one.type] = kept + one.movements.to_pylist()
            self.states.pop(one.type, None)
            if one.state:
                self.states[one.type] = one.state

    def note(self, delta: Delta) -> None:
        """Note what a run delivered under which names."""
        moved = read_now(delta.read_as)
        for at, one in enumerate(self.deliveries):
            if report := moved.get((one.report, one.name)):
                self.deliveries[at] = Delivered(report.type, report.on, one.name, report.id)
        self.deliveries += delta.came
        self.runs += [self.number] * len(delta.came)

    def without(self, reports: Sequence[Report]) -> Recount:
        """Take back all deliveries of some reports."""
        ids = {report.id for report in reports}
        return self._take_back([one.report in ids for one in self.deliveries])

    def without_run(self, run: int) -> Recount:
        """Take back what a run delivered, and what it said."""
        self.told = [one for one in self.told if one.by != run]
        return self._take_back([number == run for number in self.runs])

    def _take_back(self, taken: Sequence[bool]) -> Recount:
        keys = {one.key for one, is_taken in zip(self.deliveries, taken, strict=True) if is_taken}
        self.runs = [number for number, is_taken in zip(self.runs, taken, strict=True) if not is_taken]
        self.deliveries = [one for one, is_taken in zip(self.deliveries, taken, strict=True) if not is_taken]
        return decided(keys, self.deliveries, self.by_id, self.put_aside, lambda one: not one.expired)

    def count(self, label: Label, days: set[dt.date] | None = None) -> int:
        """Return how many findings were `label`, on some days or ever."""
        rows = itertools.chain.from_iterable(self.movements.values())
        return sum(r["findings_sum"] for r in rows if r["label"] == label and (days is None or r["on"] in days))

    def files(self) -> set[str]:
        """Return every file that counts, relative to the store."""
        held = (*self.states.values(), *self.baselines.values())
        named = {path for each in held for path in each.partitions}
        for report in (*self.by_id.values(), *self.put_aside.values()):
            named |= set(report.files)
        return named

    def judged(self, report_type: str) -> list[Judged]:
        """Return the cycles of a type as judged now."""
        return judged(self.cycles(report_type), self.reports(report_type), self.come)


class Bench:
    """An engine with a store and a manifest."""

    def __init__(
        self,
        root: Path,
        claims: Sequence[Claim] = (),
        *,
        published: shadowserver.Schema | None = None,
        recognise: Recogniser | None = None,
        announcements: Announcements | None = None,
    ) -> None:
        self.root, self.claims, self.manifest = root, Claims(list(claims)), Manifest()
        self.recognise = recognise or Recognition(shadowserver.mappings(published))
        self.announcements = announcements

    def run(
        self,
        paths: Sequence[Path],
        executor: Executor | None = None,
        checkpoint: Any = no_checkpoint,
        **options: Any,
    ) -> Delta:
        """Import reports and commit."""
        self.manifest.number += 1
        delta = engine.run(
            paths,
            catalogue=self.manifest,
            context=self._context(checkpoint),
            recognise=self.recognise,
            executor=executor or Threads(),
            options=Options(**{"gone_after": 1, "come": self.manifest.come, **options}),
        )
        self.commit(delta, checkpoint)
        return delta

    def refold(
        self,
        types: Sequence[str],
        *,
        withdrawn: Sequence[Report] = (),
        said: Sequence[Said] = (),
        run: int = 0,
        **options: Any,
    ) -> Delta:
        """Withdraw reports or a run, or say something of days, and commit."""
        delta = engine.refold(
            types,
            catalogue=self.manifest,
            context=self._context(no_checkpoint),
            executor=Threads(),
            options=Options(**{"gone_after": 1, "come": self.manifest.come, **options}),
            recount=self.manifest.without_run(run) if run else self.manifest.without(withdrawn),
            said=said,
        )
        self.commit(delta, no_checkpoint)
        return delta

    def expire(self, report_type: str, up_to: dt.date, checkpoint: Any = no_checkpoint) -> Expiry:
        """Keep nothing of the days of a type up to one, and commit."""
        plan = retention.plan(report_type, up_to, self.manifest, 1, self.manifest.come)
        expiry = retention.expire(plan, workspace=self._context(checkpoint).workspace, executor=Threads())
        self.manifest.expire(expiry, plan.reports)
        self.save()
        checkpoint("committed")
        files = [path for report in plan.reports for path in (*report.parts, report.quarantine) if path]
        for path in (*expiry.debris, *expiry.spills, *files):
            (self.root / path).unlink(missing_ok=True)
        return expiry

    def _context(self, checkpoint: Any) -> Context:
        workspace = Workspace(self.root, f"run{uuid.uuid4().hex[:12]}", checkpoint)
        return Context(workspace, self.claims, self.announcements)

    def commit(self, delta: Delta, checkpoint: Any = no_checkpoint) -> None:
        """Take a run's outcome, and remove the files that nothing needs then."""
        again = [
            path
            for r in (*delta.accepted, *delta.shelved)
            if r.id in self.manifest.put_aside
            for path in self.manifest.put_aside[r.id].files
        ]
        self.manifest.apply(delta)
        self.save()
        checkpoint("committed")
        for path in (*delta.debris, *again):
            (self.root / path).unlink(missing_ok=True)

    def save(self) -> None:
        """Make the manifest durable: nothing, in memory."""

    def constituents(self) -> Counter[str]:
        """Return the rows of each constituent."""
        return sum((Counter(report.constituents) for report in self.manifest.by_id.values()), Counter())

    def state(self, report_type: str) -> list[dict[str, Any]]:
        """Return the findings of a type, in order of their keys."""
        state = self.manifest.state(report_type)
        tables = [pq.read_table(self.root / path) for path in state.partitions] if state else []
        rows = [row for table in tables for row in table.select(list(STATE)).to_pylist()]
        return sorted(rows, key=lambda row: (row["k1"], row["k2"]))

    def quarantine(self, report: Report) -> list[dict[str, Any]]:
        """Return what could not be taken of a report."""
        return pq.read_table(self.root / report.quarantine).to_pylist() if report.quarantine else []

    def observations(self, report: Report) -> pa.Table:
        """Return the observations of a report, in file order."""
        return pa.concat_tables([pq.read_table(self.root / part) for part in report.parts])

    def findings(self, database: Database | None = None) -> Findings:
        """Return the door to questions."""
        kinds = []
        for name, state in sorted(self.manifest.states.items()):
            files = tuple(str(self.root / path) for path in state.partitions)
            latest = max(report.on for report in self.manifest.reports(name))
            kinds.append(TypeFiles(name, files, Calendar(state.counted, state.gone_after).horizon, latest))
        return Findings(database or Database(threads=1), kinds)

    def debris(self) -> set[str]:
        """Return the files in the store that nothing names."""
        here = {path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if path.is_file()}
        return here - self.manifest.files()


def claims_of(constituents: list[dict[str, Any]]) -> list[Claim]:
    """Return claims from the shape in which feed generators write constituents."""
    made = []
    for entry in constituents:
        for kind, key in ((NETWORK, "networks"), (ASN, "asns"), (SUFFIX, "domains")):
            made += [Claim(f"{entry['id']}/{kind}/{value}", entry["id"], kind, str(value)) for value in entry[key]]
    return made


def content(bench: Bench) -> dict[str, Any]:
    """Return all that a store says, in an order of its own: findings, movements, cycles, reports, quarantine."""
    manifest = bench.manifest
    types = sorted({*manifest.movements, *manifest.states, *(kind for kind, _ in manifest.by_day)})
    return {kind: _content_of_type(bench, kind) for kind in types}


def _content_of_type(bench: Bench, kind: str) -> dict[str, Any]:
    moved: Counter[tuple[str, ...]] = Counter()
    for row in bench.manifest.movements.get(kind, []):
        by = (row["on"], row["label"], row["constituent"], row["class"], row["severity"])
        moved[tuple(map(str, by))] += row["findings_sum"]
    reports = sorted(bench.manifest.reports(kind), key=lambda report: report.id)
    return {
        "findings": bench.state(kind),
        "movements": sorted((list(by), count) for by, count in moved.items() if count),
        "cycles": [
            (str(one.cycle.on), one.cycle.rows, one.usual, one.cycle.findings, one.usual_findings, one.held, one.counts)
            for one in bench.manifest.judged(kind)
        ],
        "reports": [
            (
                *(r.id, r.names, str(r.on), r.records, r.kept, r.rows_quarantined, r.cells_quarantined),
                *(r.constituents, r.findings, str(r.newest)),
            )
            for r in reports
        ],
        "quarantine": [bench.quarantine(report) for report in reports],
    }


def state_digest(bench: Bench) -> str:
    """Return a digest of all that a store says: equal for equal content, however it came to be."""
    text = json.dumps(content(bench), default=str, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
