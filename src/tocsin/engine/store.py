"""The files of the engine and the values that describe them.

Files are written under a temporary name, made durable, renamed, and never
changed again. Which of them count is said by the manifest alone: the product's
database holds it, gives it out as the values below, and takes a `Delta` in one
transaction. A file that no manifest row names is debris of a crash.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import hashlib
import re
import secrets
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Protocol

from tocsin.engine import digests
from tocsin.engine.cycles import Cycle, Decision, Judged, judge
from tocsin.engine.datedness import Dated
from tocsin.engine.lists import list_of, whole_of
from tocsin.engine.said import THIS_RUN, Said, stand
from tocsin.kernel import durable

TEMPORARY = ".tmp"


@dataclasses.dataclass(frozen=True)
class Report:
    """A report that was accepted. Identity is content: type, day and SHA-256 of the unpacked bytes."""

    id: str
    name: str
    type: str
    on: dt.date
    records: int
    kept: int
    rows_quarantined: int
    cells_quarantined: int
    parts: tuple[str, ...]
    """Observations, relative to the store."""
    quarantine: str
    """What could not be taken, relative to the store; empty for nothing."""
    constituents: dict[str, int]
    """Rows of each constituent, as attributed when it was read."""
    size: int
    """Bytes of the file as it was delivered; of an archive's member unpacked."""
    columns: tuple[str, ...] = ()
    unknown_columns: tuple[str, ...] = ()
    lacking_columns: tuple[str, ...] = ()
    """Those that its mapping file names and it does not have. Said when it is read; the manifest does not keep them."""
    origin: str = ""
    """Of the mapping that read it: `none` says that the type needs one."""
    content: str = ""
    """SHA-256 of the unpacked bytes: what the id is made from, beside type and day."""
    expired: bool = False
    """Its observations and its quarantine are no longer kept: what it counted for stands in the type's baseline."""
    also: tuple[str, ...] = ()
    """Further names under which the same content came. It counts while one name delivers it: a correction takes away
    the name under which it comes, no more. So it does not matter which of them came first."""

    cut: bool = False
    """It ends in the middle of its last record: more of it was to come."""
    findings: int | None = None
    """How many distinct findings it shows (`engine.distinct`); None where an older version read it."""
    newest: dt.datetime | None = None
    """The newest time that a kept row says; None where none does, or an older version read it."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return every name under which it counts."""
        return (self.name, *self.also)

    @property
    def lists(self) -> frozenset[str]:
        """Which lists it is of; the empty name for one whose name says nothing but a day."""
        return frozenset(map(list_of, self.names))

    def dated(self, lists: frozenset[str]) -> Dated:
        """Return what it says of its day. Bytes without a row are the same each day, and say nothing."""
        return Dated(
            self.name,
            frozenset(map(whole_of, lists)),
            self.content if self.kept and self.findings is not None else "",
            (self.on - self.newest.date()).days if self.newest else None,
        )

    @property
    def files(self) -> tuple[str, ...]:
        """Return where it stands, relative to the store."""
        return (*self.parts, self.quarantine) if self.quarantine else self.parts

    def named(self, names: Iterable[str]) -> Report:
        """Return the report under other names. The first of them in the alphabet stands for all, in whatever order
        they came."""
        name, *also = sorted(set(names))
        return dataclasses.replace(self, name=name, also=tuple(also))

    @property
    def what(self) -> str:
        """What tells it from the others of its day, of whatever type and day it is read: its content."""
        return self.content or self.id

    @property
    def word(self) -> int:
        """64 bits of the id, to order observations of one instant."""
        return int(self.id[:16], 16)


CycleKey = tuple[str, dt.date]
"""Type and day."""
Key = tuple[str, dt.date, str]
"""Type, day and name."""


@dataclasses.dataclass(frozen=True)
class Delivered:
    """A content that came under a name for a day."""

    type: str
    on: dt.date
    name: str
    report: str
    """Id of the content."""
    run: int = THIS_RUN
    """Who delivered it."""

    @property
    def key(self) -> Key:
        """Of these what came last counts."""
        return self.type, self.on, self.name


@dataclasses.dataclass(frozen=True)
class CycleRecord:
    """What the manifest holds of a cycle; its rows are its reports'."""

    type: str
    on: dt.date
    closed: bool
    """A run or a person said that no more reports of it will come."""
    decision: Decision = Decision.NONE
    broken: tuple[str, ...] = ()
    """Names of delivered reports that could not be read: while there is one, the cycle is not complete."""

    def cycle(self, reports: Iterable[Report], come: dt.date | None = None) -> Cycle:
        """Return the cycle for judging, with the reports of its day. What was said of a day holds from when it has
        come: `come` is the last that has, None for any."""
        here = sorted(reports, key=lambda report: report.name)
        lists = [report.lists for report in here]
        return Cycle(
            self.type,
            self.on,
            rows=sum(report.kept for report in here),  # what could not be read says nothing of who is missing
            complete=self.closed and not self.broken and (come is None or self.on <= come),
            decision=self.decision,
            cut=tuple(report.name for report in here if report.cut),
            lists=frozenset().union(*lists) - {""},
            findings=_sum_known(report.findings for report in here),
            reports=tuple(report.dated(its) for report, its in zip(here, lists, strict=True)),
        )


def _sum_known(numbers: Iterable[int | None]) -> int | None:
    """Return the sum; None where a number is not known."""
    total = 0
    for number in numbers:
        if number is None:
            return None
        total += number
    return total


def judged(records: Iterable[CycleRecord], reports: Iterable[Report], come: dt.date | None = None) -> list[Judged]:
    """Return the cycles of one type in date order, each with what follows from those before it and from its reports.
    One of a day after `come` makes nothing go gone: that day has not come."""
    by_day: defaultdict[dt.date, list[Report]] = defaultdict(list)
    for report in reports:
        by_day[report.on].append(report)
    return judge(record.cycle(by_day[record.on], come) for record in records)


def records(
    report_type: str, said: Iterable[Said], reports: Iterable[Report], come: dt.date | None = None
) -> dict[dt.date, CycleRecord]:
    """Return the cycles of a type by day, as they follow from what was said of them, in order, and from the reports
    that count.

    That one is complete because a later one has begun is so while there is one, not after `come`: whichever it is, and
    however the one went because of which it was said.
    """
    here: defaultdict[dt.date, list[Report]] = defaultdict(list)
    spoken: defaultdict[dt.date, list[Said]] = defaultdict(list)
    for report in reports:
        here[report.on].append(report)
    for one in said:
        spoken[one.on].append(one)
    found: dict[dt.date, CycleRecord] = {}
    has_later = False
    for on in sorted(here.keys() | spoken.keys(), reverse=True):
        told = (one for one in spoken[on] if has_later or not one.is_because_of_later)
        names = {name for report in here[on] for name in report.names}
        day = stand(told, names, {one.what for one in here[on]}, {one.id for one in here[on]})
        if here[on] or day.is_spoken_of:
            found[on] = CycleRecord(report_type, on, day.closed, day.decision, day.broken)
            has_later |= come is None or on <= come
    return found


@dataclasses.dataclass(frozen=True)
class State:
    """The findings of one type: one file for each partition of their keys, a power of two."""

    type: str
    partitions: tuple[str, ...]
    folded_to: dt.date
    """The latest cycle in it."""
    counted: tuple[dt.date, ...]
    """The cycles that counted when it was folded."""
    gone_after: int
    findings: int
    handed_over: bool = False
    """Whether findings have changed hands since the latest cycle in it was folded: how that one is counted goes by
    its rows, not by who holds them now."""


@dataclasses.dataclass(frozen=True)
class Baseline:
    """The findings of one type as folded from what is no longer kept. What is folded anew begins from it."""

    type: str
    partitions: tuple[str, ...]
    """As of a `State`; none when there was nothing to fold."""
    up_to: dt.date
    """The last day whose observations are not kept."""

    @property
    def kept_from(self) -> dt.date:
        """The first day that is kept."""
        return self.up_to + dt.timedelta(days=1)


class Catalogue(Protocol):
    """The manifest as the engine reads it."""

    def reports(self, report_type: str) -> list[Report]:
        """Return the accepted reports of a type that were neither superseded nor withdrawn."""
        ...

    def with_content(self, content: str) -> list[Report]:
        """Return the accepted reports of whatever type whose bytes have this digest."""
        ...

    def cycles(self, report_type: str) -> list[CycleRecord]:
        """Return the cycles of a type."""
        ...

    def said(self, *report_types: str) -> list[Said]:
        """Return what was said of the days of types and is not withdrawn, in the order in which it was said."""
        ...

    def has_heard(self, one: Said) -> bool:
        """Tell whether that was said before, by anybody, be it withdrawn since."""
        ...

    def delivered(self, days: Collection[CycleKey]) -> list[Delivered]:
        """Return what was delivered for days and is not withdrawn, in the order in which it came."""
        ...

    def replaced(self, days: Collection[CycleKey]) -> list[Report]:
        """Return reports of days that were delivered and not withdrawn, and do not count: what came later under their
        names does. Those whose rows are no longer kept are left out."""
        ...

    def unfinished(self) -> list[CycleRecord]:
        """Return the cycles, of whatever type, that are open or wait for a file which could not be read."""
        ...

    def untimely(self, come: dt.date) -> set[str]:
        """Return the types of which a day was judged before it had come, and has now; or counts and lies ahead. `come`
        is the last day that has come."""
        ...

    def state(self, report_type: str) -> State | None:
        """Return the findings of a type as folded last."""
        ...

    def baseline(self, report_type: str) -> Baseline | None:
        """Return what is left of the days of a type that are no longer kept; None when all are."""
        ...


Checkpoint = Callable[[str], None]
"""Called with the name of each point at which a crash must do no harm."""


def no_checkpoint(_point: str) -> None:
    """Go on."""


@dataclasses.dataclass(frozen=True)
class Workspace:
    """A folder of files that are written once."""

    root: Path
    token: str
    """Distinguishes the files of this run from all others'."""
    checkpoint: Checkpoint = no_checkpoint

    def path(self, kind: str, report_type: str, name: str, suffix: str = ".parquet") -> Path:
        """Return where a file of this run stands: `kind/type/token-name.parquet`."""
        folder = self.root / kind / safe(report_type)
        self._make(folder)
        return folder / f"{self.token}-{name}{suffix}"

    def _make(self, folder: Path) -> None:
        """Make a folder below the root that outlives a power cut as surely as the files that will stand in it."""
        if folder.is_dir():
            return
        self._make(folder.parent)
        folder.mkdir(exist_ok=True)
        durable.sync(folder.parent)

    def written_for(self, delivery: int) -> list[str]:
        """Return the files that this run wrote for one delivery, those of tasks that failed among them."""
        return sorted(map(self.relative, self.root.glob(f"*/*/{self.token}-{delivery:05d}-*")))

    def relative(self, path: Path) -> str:
        """Return a path as the manifest holds it."""
        return path.relative_to(self.root).as_posix()

    @contextlib.contextmanager
    def placing(self, path: Path) -> Iterator[Path]:
        """Give a temporary path to write to; then rename it to `path`. For files that do not outlive their run."""
        temporary = _beside(path)
        yield temporary
        temporary.rename(path)

    def write(self, kind: str, report_type: str, name: str, write: Callable[[Path], None]) -> str:
        """Have a file written to a temporary path, and make it durable under its name, which says its digest.

        Return where it stands, relative to the store.
        """
        path = self.path(kind, report_type, name)
        temporary = _beside(path)
        write(temporary)
        self.checkpoint("written")
        path = digests.name_with(path, digests.of(temporary))  # read from memory: the disk has not seen it yet
        durable.sync(temporary)
        temporary.rename(path)
        durable.sync(path.parent)
        self.checkpoint("renamed")
        return self.relative(path)


def _beside(path: Path) -> Path:
    """Return a temporary path of nobody else's: a task believed dead may go on beside the one that replaced it."""
    return path.with_name(f"{path.name}.{secrets.token_hex(4)}{TEMPORARY}")


def safe(report_type: str) -> str:
    """Return a report type as the name of a folder, which no other type shares."""
    plain = re.sub(r"[^a-z0-9_.-]", "_", report_type.lower()).strip(".")[:80]
    if plain == report_type and plain:
        return plain
    return f"{plain}-{hashlib.sha256(report_type.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"
