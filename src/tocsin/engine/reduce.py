"""Fold one partition of one report type, as a task that carries all it needs.

A task is a value: threads fold it here, a worker elsewhere folds it there. It
writes one state file under a name that follows from the task, so that doing it
again does no harm, and returns what the manifest must know.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tocsin.engine import lost, observations, parquet
from tocsin.engine.claims import Claims
from tocsin.engine.cycles import Calendar
from tocsin.engine.duplicates import Twins
from tocsin.engine.fold import STATE_SCHEMA, fold
from tocsin.engine.normalise import EVENT_COLUMNS
from tocsin.engine.reattribute import HOLDERS, reattributed
from tocsin.engine.store import Workspace

EVENTS = pa.schema([*EVENT_COLUMNS.items(), *observations.ATTRIBUTION.items()])
_SPILLED = pa.schema([*EVENTS, *observations.PLACE.items(), ("on", pa.date32()), ("report", pa.uint64())])
_KEYS_DIFFER = ("k1", "k2", "ip_high", "ip_low", "first_seen", "last_seen", "seen_at", "line")


@dataclasses.dataclass(frozen=True)
class Spill:
    """One spilled part: where it is, and of which cycle and report."""

    path: str
    on: dt.date
    word: int


@dataclasses.dataclass(frozen=True)
class FoldTask:
    """One partition of one type, to be folded."""

    type: str
    partition: int
    bits: int
    prior: tuple[str, ...]
    """State files that hold the type's keys now; empty for one that is lost."""
    spills: tuple[Spill, ...]
    calendar: Calendar
    since: dt.date
    claims: Claims | None
    """Given when the type is folded anew, from its baseline and its observations alone: open findings belong to whom
    the claims say now, closed ones stay with whom they were last with."""
    baseline: tuple[str, ...] = ()
    """Files of what was folded from days that are no longer kept."""


@dataclasses.dataclass(frozen=True)
class Reduced:
    """What came of a task."""

    path: str
    findings: int
    movements: pa.Table
    duplicates: int
    twins: Twins
    """What is left to be looked at, for more duplicates."""


def fold_partition(workspace: Workspace, task: FoldTask) -> Reduced:
    """Fold a task and write its state."""
    is_anew = task.claims is not None
    prior = partition_of(workspace, task.baseline if is_anew else task.prior, task.partition, task.bits)
    holders = partition_of(workspace, task.prior, task.partition, task.bits, HOLDERS) if is_anew else None
    rows = spilled_rows(workspace, task.spills, task.partition)
    folded = fold(task.type, prior, rows, task.calendar, task.since, holders)
    state = folded.state
    if task.claims is not None:
        state = reattributed(state, task.claims, task.calendar.horizon)
    path = workspace.write("state", task.type, f"{task.partition:04d}", functools.partial(write_state, state))
    return Reduced(path, state.num_rows, folded.movements, folded.duplicates, folded.twins)


def partition_of(
    workspace: Workspace, files: Sequence[str], partition: int, bits: int, columns: Sequence[str] = STATE_SCHEMA.names
) -> pa.Table:
    """Return one partition of the findings in files, of which there may be fewer, larger ones than partitions now."""
    if not files:
        return STATE_SCHEMA.empty_table().select(columns)
    shift = bits - (len(files) - 1).bit_length()
    file = files[partition >> shift]
    if not file:  # it is lost
        return STATE_SCHEMA.empty_table().select(columns)
    table = read_state(workspace.root / file, columns)
    if shift:
        mine = observations.partitions(table["k1"].to_numpy(), bits) == partition
        table = table.filter(pa.array(mine))
    return table


def spilled_rows(workspace: Workspace, spills: Sequence[Spill], partition: int) -> pa.Table:
    """Return the rows of one partition in spills."""
    tables = []
    for spill in spills:
        table = observations.read_spill(workspace.root / spill.path, partition)
        if count := table.num_rows:
            on = pa.repeat(pa.scalar(spill.on, pa.date32()), count)
            word = pa.repeat(pa.scalar(spill.word, pa.uint64()), count)
            tables.append(table.append_column("on", on).append_column("report", word))
    if not tables:
        return _SPILLED.empty_table()
    return pa.concat_tables(tables, promote_options="permissive").unify_dictionaries().combine_chunks()


@dataclasses.dataclass(frozen=True)
class RespillTask:
    """One part of an older report, to be spilled again because its type is folded anew."""

    number: int
    type: str
    part: str
    bits: int


def respill(workspace: Workspace, task: RespillTask) -> str:
    """Spill the observations of a part; return the path."""
    events = _read(workspace.root / task.part, EVENTS)
    path = workspace.path("spill", task.type, f"old-{task.number:06d}", ".arrow")
    nothing = np.zeros(events.num_rows, np.uint64)
    with workspace.placing(path) as temporary:
        observations.write_spill(events, temporary, bits=task.bits, part=-1, prints=nothing)
    return workspace.relative(path)


def write_state(state: pa.Table, path: Path) -> None:
    """Write one partition of findings."""
    parquet.write(state, path, plain=_KEYS_DIFFER, looked_up=("k1",), packing=parquet.TO_REPLACE)


def read_state(path: Path, columns: Sequence[str] = STATE_SCHEMA.names) -> pa.Table:
    """Read one partition of findings."""
    return _read(path, pa.schema([STATE_SCHEMA.field(name) for name in columns]))


def _read(path: Path, schema: pa.Schema) -> pa.Table:
    """Read columns; repeated texts stay in the dictionaries that they were written in.

    The file is compared with its digest: what is folded from damage would be a whole file with a false content.
    """
    repeated = [field.name for field in schema if pa.types.is_dictionary(field.type)]
    with lost.told(path), pq.ParquetFile(parquet.whole(path), read_dictionary=repeated) as file:
        return file.read(schema.names).cast(schema)
