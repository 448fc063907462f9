"""What counts by what was delivered: under each name of a day, what came last.

A report is its content, and it counts while a name delivers it. Who delivered
what under which name, and in which order, is kept. So a delivery that is taken
back leaves what would be had it never come; and one that is read again as of
another type or day stands there in its old place, as if it had been read so at
first.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from tocsin.engine.store import Delivered, Key, Report


@dataclasses.dataclass(frozen=True)
class ReadAs:
    """What became of a report that was read again, where it came under some of its names."""

    before: Report
    after: Report
    """Of another type or day."""
    names: frozenset[str]


def read_now(read_as: Iterable[ReadAs]) -> dict[tuple[str, str], Report]:
    """Return by the id of a report and a name under which it came what that is now."""
    return {(one.before.id, name): one.after for one in read_as for name in one.names}


@dataclasses.dataclass(frozen=True)
class Recount:
    """Which reports count otherwise than before."""

    gone: tuple[Report, ...] = ()
    """Which count no more."""
    renamed: tuple[Report, ...] = ()
    """Which go on under other names, by these."""
    restored: tuple[Report, ...] = ()
    """Which count again, by their names."""
    missing: tuple[Report, ...] = ()
    """Which would, if their rows were here."""


def decided(
    keys: Collection[Key],
    left: Sequence[Delivered],
    here: Mapping[str, Report],
    kept: Mapping[str, Report],
    is_whole: Callable[[Report], bool],
) -> Recount:
    """Return what counts when what came under these names is judged anew.

    `left` are the deliveries that are not taken back, in the order in which they came; `here` are the reports that
    count, by id, `kept` those that do not and have their rows, if `is_whole` says so of them.
    """
    names = {report.id: set(report.names) for report in here.values()}
    before = {name: set(own) for name, own in names.items()}
    last: dict[Key, str] = {}
    missing: dict[Key, str] = {}
    whole = {name for name, report in kept.items() if is_whole(report)}
    for delivery in left:
        if delivery.report in here or delivery.report in whole:
            last[delivery.key] = delivery.report
            missing.pop(delivery.key, None)
        elif delivery.report in kept:
            missing[delivery.key] = delivery.report
    for kind, on, name in keys:
        for report in here.values():
            if (report.type, report.on) == (kind, on):
                names[report.id].discard(name)
        if (kind, on, name) in last:
            names.setdefault(last[kind, on, name], set()).add(name)
    return Recount(
        gone=tuple(here[name] for name, own in names.items() if name in here and not own),
        renamed=tuple(here[name].named(own) for name, own in names.items() if own and before.get(name, own) != own),
        restored=tuple(kept[name].named(own) for name, own in names.items() if name not in here),
        missing=tuple(kept[missing[key]] for key in sorted(keys) if key in missing),
    )
