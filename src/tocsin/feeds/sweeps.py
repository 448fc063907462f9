"""What has changed of findings since somebody read them all: told by the days of their types.

A reader keeps a mark of each type in which it had findings. When the reader
comes again, a type that stands as it stood has nothing new. Of one to which only
later days came, the days tell which findings changed. Of one whose past is not
what it was (a run was withdrawn or read again, a late report came, findings
changed hands, a label changed) all are read again: rather once too often than
a change that nobody hears of.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import hashlib
import operator
from collections.abc import Iterable, Iterator, Mapping

from django.db.models import Count, F, Max, Q, QuerySet, Sum

from tocsin.audit.models import AuditRow
from tocsin.engine.query import Filter, Finding, Findings, Moved, TypeFiles
from tocsin.feeds.choices import ReportState
from tocsin.feeds.models import Cycle, Handover, Report, ReportType, State

BATCH = 5_000
"""Findings that are read at a time: each batch is a search of its own."""
_REFOLDED = "finding.refolded"


@dataclasses.dataclass(frozen=True)
class Mark:
    """How a type stood at a moment."""

    latest: dt.date
    """Its latest cycle."""
    horizon: dt.date | None
    """Findings last seen before it were gone."""
    past: str
    """Digest of all that was behind its findings, up to that cycle."""


def in_order(found: Findings, asked: Filter, *, past: tuple[int, int] | None = None) -> Iterator[Finding]:
    """Yield findings in the order of their keys, from behind one on, a few thousand in memory at a time."""
    while True:
        batch = found.beyond_key(asked, past=past, limit=BATCH)
        yield from batch
        if len(batch) < BATCH:
            return
        past = (batch[-1].k1, batch[-1].k2)


def marks(found: Findings, asked: Filter) -> dict[str, Mark]:
    """Return the marks of the types in which there are findings of a filter, in the order of their names."""
    with_some = {name for (name, number) in found.counts(("type",), asked) if number}
    kinds = sorted((kind for kind in found.types if kind.type in with_some), key=lambda kind: kind.type)
    pasts = _pasts({kind.type: kind.latest for kind in kinds})
    return {kind.type: Mark(kind.latest, kind.horizon, pasts[kind.type]) for kind in kinds}


def changed(found: Findings, asked: Filter, since: Mapping[str, Mark]) -> Filter:
    """Return the filter narrowed to what may have changed since these marks were taken of it."""
    kinds = [kind for kind in found.types if not asked.types or kind.type in asked.types]
    pasts = _pasts({kind.type: since[kind.type].latest for kind in kinds if kind.type in since})
    types: list[str] = []
    moved: list[Moved] = []
    for kind in kinds:
        mark = since.get(kind.type)
        if mark is None or pasts[kind.type] != mark.past:
            types.append(kind.type)
        elif (kind.latest, kind.horizon) != (mark.latest, mark.horizon):
            types.append(kind.type)
            moved.append(_moved(kind, mark))
    if not types:
        return dataclasses.replace(asked, keys=())
    return dataclasses.replace(asked, types=tuple(types), moved=tuple(moved))


def _moved(kind: TypeFiles, mark: Mark) -> Moved:
    ends = sorted((kind.horizon or dt.date.min, mark.horizon or dt.date.min))
    return Moved(kind.type, mark.latest, *ends)


def _pasts(up_to: Mapping[str, dt.date]) -> dict[str, str]:
    """Return digests of what is behind the findings of types, each up to a day."""
    if not up_to:
        return {}
    reports = _sums(Report.objects.filter(_until(up_to, ""), state=ReportState.ACCEPTED), "pk", "run_id")
    cycles = _sums(Cycle.objects.filter(_until(up_to, "before"), counts=True), "pk")
    hands = dict(_of(Handover, up_to).values_list("type__name").annotate(Max("pk")))
    after = dict(State.objects.filter(type__name__in=up_to).values_list("type__name", "gone_after"))
    terms = {name: said for name, *said in _terms(up_to)}
    refolded = AuditRow.objects.filter(code=_REFOLDED).aggregate(last=Max("sequence"))["last"]
    said = {
        name: (reports.get(name), cycles.get(name), hands.get(name), after.get(name), terms.get(name), refolded)
        for name in up_to
    }
    return {name: hashlib.blake2b(repr(values).encode(), digest_size=6).hexdigest() for name, values in said.items()}


def _until(up_to: Mapping[str, dt.date], kind: str) -> Q:
    """Ask for rows of each type up to its day; `before`: of earlier days alone, for that day may still be judged."""
    how = "on__lt" if kind == "before" else "on__lte"
    return functools.reduce(operator.or_, (Q(type__name=name, **{how: day}) for name, day in up_to.items()))


def _sums(rows: QuerySet[Report] | QuerySet[Cycle], *columns: str) -> dict[str, tuple[int, ...]]:
    """Return for each type how many rows there are and which, as sums of their numbers and of the squares of these."""
    sums = [total for column in columns for total in (Sum(column), Sum(F(column) * F(column)))]
    asked = {f"sum_{number}": each for number, each in enumerate((Count("pk"), *sums))}
    found = rows.order_by().values_list("type__name").annotate(**asked)
    return {name: tuple(map(int, numbers)) for name, *numbers in found}


def _of(model: type[Handover], names: Iterable[str]) -> QuerySet[Handover]:
    return model.objects.order_by().filter(type__name__in=list(names))


def _terms(names: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    rows = ReportType.objects.order_by().filter(name__in=list(names))
    yield from rows.values_list("name", "feed__tlp", "feed__terms")
