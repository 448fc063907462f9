"""In which order findings are listed, and which of them come after one of them.

Whoever reads on from a finding need not count the rows before it: page 10,000
costs what page 1 does. Pure: makes SQL of names that stand here, with parameters.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Protocol

SORTS = {
    "severity": "severity, last_seen",
    "state": "state",
    "first_seen": "first_seen",
    "last_seen": "last_seen",
    "constituent": "constituent",
    "asset": "ip_high, ip_low, account",
    "type": "type",
    "count": "count",
}
"""What lists may be ordered by; a key of a request is looked up here, never put into a query."""

BY_NAME = "whose"
"""The column that takes the place of `constituent` where names are given to order by."""
_KEYS = ("k1", "k2", "ip_high", "ip_low")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

Term = tuple[str, bool]
"""A column, and whether its highest value comes first; unknown values come last either way."""


class Listed(Protocol):
    """What of a finding its place in a list depends on."""

    @property
    def k1(self) -> int:
        """High word of its key."""

    @property
    def k2(self) -> int:
        """Low word of its key."""

    @property
    def constituent(self) -> str | None:
        """Whose it is."""


def terms(sort: str, *, descending: bool, by_name: bool = False) -> list[Term]:
    """Return by what a list is ordered, down to the key. Descending severity begins with the mildest."""
    if sort == "severity":
        return [("severity", descending), ("last_seen", True), ("k1", False), ("k2", False)]
    if sort == "constituent" and by_name:
        return [(BY_NAME, descending), ("k1", False), ("k2", False)]
    return [*((column, descending) for column in SORTS[sort].split(", ")), ("k1", False), ("k2", False)]


def clause(order: Sequence[Term], *, backwards: bool = False) -> str:
    """Return the ORDER BY clause; backwards it is the same list from its end."""
    nulls = "FIRST" if backwards else "LAST"
    columns = (f"{column} {'DESC' if is_down != backwards else 'ASC'} NULLS {nulls}" for column, is_down in order)
    return f"ORDER BY {', '.join(columns)}"


def beyond(order: Sequence[Term], finding: Listed, names: Sequence[str], *, backwards: bool) -> tuple[str, list[Any]]:
    """Return the condition that holds for what comes after a finding, or before it backwards, and its parameters."""
    known = [(column, is_down, _value(finding, column, names)) for column, is_down in order]
    either: list[str] = []
    values: list[Any] = []
    for number, (column, is_down, value) in enumerate(known):
        step = _step(column, is_down != backwards, value is None, backwards=backwards)
        if step is None:
            continue
        same = [f"{name} IS NOT DISTINCT FROM {_parameter(name)}" for name, _, _ in known[:number]]
        either.append(f"({' AND '.join([*same, step])})")
        values += [each for _, _, each in known[:number]]
        values += [] if value is None else [value]
    return f"({' OR '.join(either)})", values


def _step(column: str, is_less: bool, is_unknown: bool, *, backwards: bool) -> str | None:
    """Return the condition for going on in one column; None where nothing comes after."""
    if is_unknown:
        return f"{column} IS NOT NULL" if backwards else None
    further = f"{column} {'<' if is_less else '>'} {_parameter(column)}"
    return further if backwards else f"({further} OR {column} IS NULL)"


def _parameter(column: str) -> str:
    return "?::UBIGINT" if column in _KEYS else "?"


def _value(finding: Listed, column: str, names: Sequence[str]) -> Any:
    if column == BY_NAME:
        return names.index(finding.constituent) if finding.constituent in names else None
    value = getattr(finding, column)
    return (value - _EPOCH) // dt.timedelta(microseconds=1) if isinstance(value, dt.datetime) else value
