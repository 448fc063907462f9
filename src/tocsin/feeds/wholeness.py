"""Files that the manifest names and that are missing or damaged, and what mends each.

Findings are computed from observations: theirs can be made anew. Observations are what was delivered: they come from a
backup, or from the report's own file.
"""

from __future__ import annotations

import dataclasses
import random
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from django.conf import settings

from tocsin.directory.choices import TableKind
from tocsin.directory.models import ReferenceTable
from tocsin.engine.wholeness import Expected, Fault, IsChanged, by_footers, faults, is_changed, lost_files
from tocsin.feeds.choices import ReportState
from tocsin.feeds.keeping import named_reports
from tocsin.feeds.models import Baseline, State
from tocsin.kernel.counting import counted

_SHOWN = 8
FINDINGS, OBSERVATIONS, HISTORY, BASELINE = "findings", "observations", "history", "baseline"
TABLE = "table"
_LOADS = {TableKind.ASN.value: "load-asn", TableKind.COUNTRY.value: "load-rir"}


@dataclasses.dataclass(frozen=True)
class Loss:
    """Files of one type's findings, or of one report, that are missing or damaged."""

    what: str
    """`findings`; `observations` of a report that counts; `history`: of one that was withdrawn or corrected;
    `baseline`: what is left of those that are no longer kept; or `table`: one of addresses."""
    type: str
    faults: tuple[Fault, ...]
    run: int | None = None
    """Of the report."""
    report: str = ""
    waits: bool = False
    """More of its type must be mended with it: of findings, what they are computed from; of a report, others."""

    @property
    def says(self) -> str:
        """How it is, in English."""
        shown = [str(fault) for fault in self.faults[:_SHOWN]]
        more = len(self.faults) - len(shown)
        return "; ".join([*shown, counted(more, "file") + " more"] if more else shown)

    @property
    def fix(self) -> str:
        """What mends it, in English."""
        if self.what == FINDINGS:
            after = "When what follows of its type is mended, run" if self.waits else "Run"
            return f"{after}: tocsin feed refold {self.type}"
        if self.what == TABLE:
            return f"Load it again: tocsin directory {_LOADS[self.type]} FILE"
        put_back = "Put it back from a backup (tar --zstd -xf FILE unpacks one)"
        if self.what == BASELINE:
            return f"{put_back}: what it was computed from is no longer kept."
        if self.what == HISTORY:
            return f"{put_back}; its report was withdrawn or corrected and counts no more."
        if self.waits:
            return f"{put_back}, or import {self.report} again with all of its type that is lost: tocsin feed run PATH…"
        return f"{put_back}, or import {self.report} again: tocsin feed run PATH"


def losses(found_changed: IsChanged = by_footers) -> list[Loss]:
    """Return what is missing or damaged of what the manifest names: findings first, then reports by run.

    `found_changed` says which bytes changed amid the data, where somebody has looked for that.
    """
    about = dict(_named())
    return list(_losses(about, found_changed))


def _losses(about: Mapping[Expected, Loss], found_changed: IsChanged) -> tuple[Loss, ...]:
    found = [(about[each], tuple(wrong)) for each, wrong in faults(settings.TOCSIN.store, about, found_changed)]
    needed = Counter(loss.type for loss, wrong in found if loss.what in (OBSERVATIONS, BASELINE) and _are_needed(wrong))
    most = {FINDINGS: 0, OBSERVATIONS: 1}
    return tuple(
        dataclasses.replace(loss, faults=wrong, waits=needed[loss.type] > most.get(loss.what, sys.maxsize))
        for loss, wrong in found
    )


def _are_needed(wrong: Iterable[Fault]) -> bool:
    """Say whether findings are computed from any of the files: from those of quarantine they are not."""
    return any(not fault.file.startswith("quarantine/") for fault in wrong)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What came of comparing files with their digests."""

    losses: tuple[Loss, ...]
    compared_bytes: int
    all_bytes: int


def compared(most_bytes: int | None, draw: random.Random) -> Comparison:
    """Return what is missing or damaged. All of the findings are read, and of the rest as much as there is room for.

    `most_bytes` None is for all of it; otherwise `draw` chooses, so that in time everything has its turn.
    """
    store: Path = settings.TOCSIN.store
    about = dict(_named())
    names = [(file, loss.what in (FINDINGS, BASELINE)) for each, loss in about.items() for file in each.files]
    draw.shuffle(names)
    chosen, compared_bytes, all_bytes = set(), 0, 0
    for file, is_first in sorted(names, key=lambda each: not each[1]):
        size = _size_of(store / file)
        all_bytes += size
        if is_first or most_bytes is None or compared_bytes + size <= most_bytes:
            chosen.add(file)
            compared_bytes += size
    found = _losses(about, lambda file: file in chosen and is_changed(store / file))
    return Comparison(found, compared_bytes, all_bytes)


def _size_of(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def lost_types() -> list[str]:
    """Return the types of which a file of findings is missing or damaged. All files of findings are read."""
    store: Path = settings.TOCSIN.store
    states = dict(State.objects.order_by("type__name").values_list("type__name", "partitions"))
    return [kind for kind, files in states.items() if lost_files(store, files)]


def _named() -> Iterator[tuple[Expected, Loss]]:
    """Yield what the manifest names, and what its loss would be."""
    for state in State.objects.select_related("type").order_by("type__name"):
        expected = Expected(tuple(state.partitions), state.findings)
        yield expected, Loss(FINDINGS, state.type.name, ())
    for baseline in Baseline.objects.select_related("type").order_by("type__name"):
        yield Expected(tuple(baseline.partitions)), Loss(BASELINE, baseline.type.name, ())
    for table in ReferenceTable.objects.filter(is_current=True).order_by("kind"):
        yield Expected((table.file,), table.rows), Loss(TABLE, table.kind, ())
    rows = named_reports().select_related("type")
    # Of tens of thousands of rows: to read what else they hold takes as long again.
    rows = rows.only("name", "run_id", "state", "kept", "parts", "quarantine", "type__name")
    for row in rows.order_by("run_id", "name", "pk").iterator(chunk_size=2000):
        what = OBSERVATIONS if row.state == ReportState.ACCEPTED else HISTORY
        loss = Loss(what, row.type.name, (), row.run_id, row.name)
        yield Expected(tuple(row.parts), row.kept), loss
        if row.quarantine:
            yield Expected((row.quarantine,)), loss
