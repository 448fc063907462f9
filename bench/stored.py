"""Fill an instance with observations as many imports would have left them: parts, findings and manifest.

    TOCSIN_HOME=DIR python -m bench.stored ROWS [--days 100]

Straight to the engine's own files, since only asking is to be measured. Of each type, day after day, as many findings
are open; a tenth goes and a tenth comes each day, so that each lives ten days. What a finding is follows from its
number: who holds it (500 constituents, a few of which hold most, and nobody for a third), its address, its key.
The raw cells of reports are left out: no question of a dashboard reads them.
Prints one JSON object: observations, findings, movements, sums, parts, bytes.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import functools
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bench.feeds import DEFAULT_TYPES, parse_types
from bench.machine import CORES

FIRST_DAY = dt.date(2026, 1, 1)
CONSTITUENTS = 500
LIFE_DAYS = 10
_NOBODY = 1 / 3
_PORT = 443
_US_A_DAY = 86_400_000_000
_MAPPED = 0xFFFF_0000_0000

Numbers = NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Kind:
    """One report type over all days. Its findings are numbers; those of a day stand in a row."""

    name: str
    a_day: int
    days: int
    salt: int

    @property
    def step(self) -> int:
        """How many come and go each day."""
        return max(self.a_day // LIFE_DAYS, 1)

    @property
    def findings(self) -> int:
        """How many there ever were."""
        return self.a_day + (self.days - 1) * self.step

    def open_on(self, day: int) -> tuple[int, int]:
        """Return the first finding of a day, and the one after its last."""
        return day * self.step, day * self.step + self.a_day

    def first_day(self, findings: Numbers) -> Numbers:
        """Return the day on which each was first seen."""
        return np.maximum(-((self.a_day - 1 - findings) // self.step), 0)

    def last_day(self, findings: Numbers) -> Numbers:
        """Return the day on which each was last seen."""
        return np.minimum(findings // self.step, self.days - 1)

    def mixed(self, findings: Numbers, purpose: int) -> NDArray[np.uint64]:
        """Return 64 bits that follow from each finding (splitmix64)."""
        seed = np.uint64((self.salt << 40) + (purpose << 36))
        with np.errstate(over="ignore"):
            x = (findings.astype(np.uint64) + seed) * np.uint64(0x9E3779B97F4A7C15)
            x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))

    def holder(self, findings: Numbers) -> NDArray[np.int32]:
        """Return the number of who holds each; -1 for nobody."""
        chance = self.mixed(findings, 1).astype(np.float64) / 2**64
        held = (chance - _NOBODY) / (1 - _NOBODY)
        return np.where(held < 0, -1, np.floor(CONSTITUENTS * np.clip(held, 0, 1) ** 3)).astype(np.int32)


def kinds(rows: int, days: int) -> list[Kind]:
    """Return the types of the default mix with their rows a day."""
    weights = parse_types(DEFAULT_TYPES)
    whole = sum(weight for _name, weight in weights)
    return [
        Kind(name, max(round(rows / days * weight / whole), 10), days, salt)
        for salt, (name, weight) in enumerate(weights, 1)
    ]


def asset(kind: Kind, findings: Numbers, meaning: Any) -> dict[str, pa.Array]:
    """Return the columns of events that follow from the finding."""
    count = len(findings)
    holder = kind.holder(findings)
    held = np.maximum(holder, 0)
    nobody = holder < 0
    names = [f"c{number:04d}" for number in range(CONSTITUENTS)]
    return {
        "ip_high": pa.array(np.zeros(count, np.uint64)),
        "ip_low": pa.array(kind.mixed(findings, 2) >> np.uint64(32) | np.uint64(_MAPPED)),
        "account": pa.nulls(count, pa.utf8()),
        "port": pa.array(np.full(count, _PORT, np.int32)),
        "protocol": _same("tcp", count),
        "detail": pa.nulls(count, pa.utf8()),
        "name": pa.nulls(count, pa.utf8()),
        "asn": pa.array((held + 64_512).astype(np.uint32)),
        "country": _same("ZZ", count),
        "identifier": _same(kind.name, count),
        "class": _same(meaning[0], count),
        "severity": pa.array(np.full(count, meaning[1], np.int8)),
        "constituent": pa.DictionaryArray.from_arrays(pa.array(held, mask=nobody), pa.array(names)),
        "claim": pa.DictionaryArray.from_arrays(
            pa.array(held, mask=nobody), pa.array([f"claim-{name}" for name in names])
        ),
    }


def _same(text: str, count: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), pa.array([text]))


def day_number(day: int) -> int:
    """Return a day of the store as days since 1970."""
    return (FIRST_DAY - dt.date(1970, 1, 1)).days + day


def observed(kind: Kind, day: int, meaning: Any) -> Iterator[pa.Table]:
    """Return the observations of one day, a table for each part that the engine would write."""
    from tocsin.engine.normalise import EVENT_COLUMNS
    from tocsin.engine.observations import ATTRIBUTION
    from tocsin.engine.records import CHUNK_ROWS

    first, last = kind.open_on(day)
    rng = np.random.default_rng([kind.salt, day])
    order = rng.permutation(np.arange(first, last, dtype=np.int64))
    times = day_number(day) * _US_A_DAY + rng.integers(0, 86_400, len(order)) * 1_000_000
    for start in range(0, len(order), CHUNK_ROWS):
        findings = order[start : start + CHUNK_ROWS]
        columns = {
            "line": pa.array(np.arange(start + 2, start + 2 + len(findings), dtype=np.int64)),
            "time": pa.array(times[start : start + CHUNK_ROWS]).cast(EVENT_COLUMNS["time"]),
            "k1": pa.array(kind.mixed(findings, 3)),
            "k2": pa.array(kind.mixed(findings, 4)),
            **asset(kind, findings, meaning),
        }
        yield pa.table({name: columns[name] for name in (*EVENT_COLUMNS, *ATTRIBUTION)})


def state(kind: Kind, findings: Numbers, meaning: Any) -> pa.Table:
    """Return findings as the engine keeps them, in order of their keys."""
    from tocsin.engine.fold import STATE_SCHEMA, Label

    k1 = kind.mixed(findings, 3)
    findings = findings[np.argsort(k1)]
    first, last = kind.first_day(findings), kind.last_day(findings)
    days = last - first + 1
    noon = _US_A_DAY // 2
    count = len(findings)
    columns = {
        "type": _same(kind.name, count),
        "k1": kind.mixed(findings, 3),
        "k2": kind.mixed(findings, 4),
        **asset(kind, findings, meaning),
        "first_seen": (first + day_number(0)) * _US_A_DAY + noon,
        "last_seen": (last + day_number(0)) * _US_A_DAY + noon,
        "count": days,
        "cycles": days.astype(np.int32),
        "last_cycle": (last + day_number(0)).astype(np.int32),
        "opened_on": (first + day_number(0)).astype(np.int32),
        "label": np.where(days == 1, int(Label.NEW), int(Label.STILL)).astype(np.int8),
        "returns": np.zeros(count, np.int32),
        "recent": (np.uint64(1) << days.astype(np.uint64)) - np.uint64(1),
        "seen_at": (last + day_number(0)) * _US_A_DAY + noon,
        "report": np.zeros(count, np.uint64),
        "line": np.arange(count, dtype=np.int64),
    }
    arrays = [pa.array(columns[field.name]).cast(field.type) for field in STATE_SCHEMA]
    return pa.table(arrays, schema=STATE_SCHEMA)


class Store:
    """Writes the files of one type, in the engine's folders and formats."""

    def __init__(self, root: Path, kind: Kind) -> None:
        from tocsin.engine.store import Workspace
        from tocsin.formats import shadowserver

        mapping = shadowserver.mappings().for_type(kind.name)
        self.kind, self.meaning = kind, (mapping.constant("classification.type"), int(mapping.severity))
        self._workspace = Workspace(root, "bench")

    def write_day(self, day: int) -> list[str]:
        """Write the parts of a day and return their names."""
        from tocsin.engine.observations import write_part

        names = []
        for number, table in enumerate(observed(self.kind, day, self.meaning)):
            write = functools.partial(write_part, table)
            names.append(self._workspace.write("observations", self.kind.name, f"{day:05d}-{number:05d}", write))
        return names

    def write_state(self) -> list[str]:
        """Write the findings in as many partitions as the engine would."""
        from tocsin.engine import observations, reduce
        from tocsin.engine.partitions import bits_for

        bits = bits_for(self.kind.findings, None)
        findings = np.arange(self.kind.findings, dtype=np.int64)
        partition = observations.partitions(self.kind.mixed(findings, 3), bits)
        names = []
        for number in range(1 << bits):
            table = state(self.kind, findings[partition == number], self.meaning)
            write = functools.partial(reduce.write_state, table)
            names.append(self._workspace.write("state", self.kind.name, f"{number:04d}", write))
        return names


class Record:
    """Writes the manifest of one type."""

    def __init__(self, store: Store, run: Any) -> None:
        from tocsin.feeds.models import Feed, ReportType

        self.kind, self.meaning = store.kind, store.meaning
        self._run, self._at = run, dt.datetime.now(dt.UTC)
        feed, _made = Feed.objects.get_or_create(code="bench", defaults={"name": "Bench"})
        self._type = ReportType.objects.create(name=self.kind.name, feed=feed, origin="built-in")

    def reports(self, parts: list[list[str]]) -> None:
        """Record one report and one cycle a day."""
        from tocsin.feeds.models import Cycle, Report

        rows = self.kind.a_day
        Report.objects.bulk_create(
            Report(
                digest=f"{self.kind.name}/{day}", run=self._run, type=self._type, on=FIRST_DAY + dt.timedelta(days=day),
                name=f"{self.kind.name}-{day}.csv", records=rows, kept=rows, rows_quarantined=0, cells_quarantined=0,
                parts=names, size=0, origin="built-in",
            )
            for day, names in enumerate(parts)
        )  # fmt: skip
        Cycle.objects.bulk_create(
            Cycle(type=self._type, on=FIRST_DAY + dt.timedelta(days=day), rows=rows, closed=True, counts=True,
                  arrived_at=self._at)
            for day in range(self.kind.days)
        )  # fmt: skip

    def state(self, partitions: list[str]) -> None:
        """Record the files of findings."""
        from tocsin.feeds.models import State

        days = [FIRST_DAY + dt.timedelta(days=day) for day in range(self.kind.days)]
        counted = [day.isoformat() for day in days]
        State.objects.create(
            type=self._type, partitions=partitions, folded_to=days[-1], counted=counted, gone_after=1,
            findings=self.kind.findings, horizon=days[-1],
        )  # fmt: skip

    def movements(self) -> int:
        """Record what became of findings each day, by constituent; return how many rows that are."""
        from tocsin.feeds.models import Movement

        holder = self.kind.holder(np.arange(self.kind.findings, dtype=np.int64)) + 1
        written = 0
        for day in range(self.kind.days):
            rows = list(self._day_of_movements(Movement, holder, day))
            Movement.objects.bulk_create(rows, batch_size=2_000)
            written += len(rows)
        return written

    def _day_of_movements(self, movement: Any, holder: NDArray[np.int32], day: int) -> Iterator[Any]:
        first, last = self.kind.open_on(day)
        before = last - self.kind.step if day else first
        ranges = {"new": (before, last), "still": (first, before), "gone": (max(first - self.kind.step, 0), first)}
        counts = {
            word: np.bincount(holder[start:end], minlength=CONSTITUENTS + 1) for word, (start, end) in ranges.items()
        }
        on = FIRST_DAY + dt.timedelta(days=day)
        for number in np.flatnonzero(sum(counts.values())).tolist():
            yield movement(
                type=self._type, on=on, constituent=f"c{number - 1:04d}" if number else "", category=self.meaning[0],
                severity=self.meaning[1], **{word: int(count[number]) for word, count in counts.items()},
            )  # fmt: skip


def fill(rows: int, days: int) -> dict[str, int]:
    """Fill the instance of TOCSIN_HOME and return what is in it."""
    from django.conf import settings
    from django.db import transaction

    from tocsin.feeds import manifest, rollup
    from tocsin.feeds.models import ConstituentMovement, Run, TypeMovement

    root = settings.TOCSIN.store
    done = {"observations": 0, "findings": 0, "movements": 0, "parts": 0}
    run = Run.objects.create(state="done", started_at=dt.datetime.now(dt.UTC), actor_label="bench")
    for kind in kinds(rows, days):
        store = Store(root, kind)
        with ThreadPoolExecutor(CORES) as pool:
            parts = list(pool.map(store.write_day, range(kind.days)))
        with transaction.atomic():
            record = Record(store, run)
            record.reports(parts)
            record.state(store.write_state())
            done["movements"] += record.movements()
        done["observations"] += kind.a_day * kind.days
        done["findings"] += kind.findings
        done["parts"] += sum(map(len, parts))
    with transaction.atomic():
        rollup.rebuild()
        manifest.touch()
    done["sums"] = TypeMovement.objects.count() + ConstituentMovement.objects.count()
    done["bytes"] = sum(path.stat().st_size for path in root.rglob("*.parquet"))
    return done


def main() -> None:
    """Fill, and say what was filled."""
    from tocsin.site.starting import set_up_django

    parser = argparse.ArgumentParser(prog="python -m bench.stored")
    parser.add_argument("rows", type=int)
    parser.add_argument("--days", type=int, default=100)
    options = parser.parse_args()
    set_up_django()
    json.dump(fill(options.rows, options.days), sys.stdout)


if __name__ == "__main__":
    main()
