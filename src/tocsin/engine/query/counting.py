"""How many findings each combination of facets gives, counted once and kept.

A table has a row for each combination of state, severity, class, type and constituent that there is: a few thousand for
a million findings. It answers every count of a page, and says where in an order a page begins, so that only those files
and values are read that it shows.
"""

from __future__ import annotations

import dataclasses
import itertools
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from tocsin.engine.orders import SORTS
from tocsin.engine.query.asked import FACETS, FIELDS, Filter, Tally, conditions
from tocsin.engine.query.database import Database

_SEARCHES_KEPT = 8
_NUMBERS = itertools.count(1)
COUNTED = """state, severity, "class", type, constituent, CASE WHEN returns > 0 THEN 1 ELSE 0 END AS returns, just_gone,
    count(*) AS n"""
"""`returns` is 0 or 1 here, so that the conditions of a filter read it as they read that of a finding."""

Counting = Callable[[Filter], tuple[str, list[Any]]]
"""Gives a query that counts `COUNTED` among the findings of a filter, and its parameters."""


class Counts:
    """Tables of counts of one version of the findings: of all, and of those that the last few searches found."""

    def __init__(self, database: Database, counting: Counting) -> None:
        self._database, self._counting = database, counting
        self._making = threading.Lock()
        self._tables: dict[Filter, Table] = {}

    def of(self, asked: Filter) -> Table:
        """Return the table that counts what a filter asks of each finding; the first who asks has it made."""
        searched = asked.on_rows
        with self._making:
            made = self._tables.pop(searched, None) or self._made(searched)
            self._tables[searched] = made  # the one asked for last stands last
            return made

    def known(self, asked: Filter) -> Table | None:
        """Return the same, but make none for a search: reading all files to know where one page begins pays not."""
        return self.of(asked) if asked.on_rows == Filter() else self._tables.get(asked.on_rows)

    def _made(self, searched: Filter) -> Table:
        searches = [each for each in self._tables if each != Filter()]
        if len(searches) >= _SEARCHES_KEPT:
            del self._tables[searches[0]]
        return Table(self._database, *self._counting(searched))


class Table:
    """A table of counts. It is dropped when nobody holds it any more, so never under somebody who reads it."""

    def __init__(self, database: Database, counting: str, values: Sequence[Any]) -> None:
        self._database, self._name = database, f"counts_{next(_NUMBERS)}"
        database.ask(f"CREATE TABLE {self._name} AS {counting}", values)
        weakref.finalize(self, database.forget, self._name)

    def tally(self, asked: Filter, facets: Sequence[str]) -> Tally:
        """Return how many findings are asked for, and the same for every value of the facets."""
        counted: dict[str, dict[str, int]] = {facet: {} for facet in ("", *facets)}
        parts, values = [], []
        for facet in counted:
            column = f'"{facet}"::VARCHAR' if facet else "''"
            where, wanted = conditions(asked.without(facet).on_facets if facet else asked.on_facets)
            sums = f"SELECT '{facet}', {column}, coalesce(sum(n), 0)::BIGINT"
            parts.append(f"{sums} FROM {self._name} {where} GROUP BY ALL")
            values += wanted
        for facet, value, count in self._database.ask(" UNION ALL ".join(parts), values).fetchall():
            counted[facet][value or ""] = count
        return Tally(counted.pop("").get("", 0), counted)

    def counts(self, by: Sequence[str], asked: Filter) -> list[tuple[Any, ...]]:
        """Return counts by several facets at once: a row a combination, the count last."""
        columns = "".join(f'"{name}", ' if name != "constituent" else "coalesce(constituent, ''), " for name in by)
        where, wanted = conditions(asked.on_facets)
        sql = f"SELECT {columns}sum(n)::BIGINT AS n FROM {self._name} {where} GROUP BY ALL HAVING sum(n) > 0"  # noqa: S608
        return self._database.ask(sql, wanted).fetchall()

    def narrowed(
        self, asked: Filter, *, sort: str, descending: bool, limit: int, offset: int
    ) -> tuple[Filter, int] | None:
        """Return a filter and an offset that give the same page from fewer findings; None when the page is empty.

        What lies before or after the page in the order of a facet is left out, and types that have nothing in it.
        """
        facet = SORTS[sort].partition(",")[0]
        if facet not in FACETS:
            types = {kind for (kind, _) in self.counts(("type",), asked)}
            return (dataclasses.replace(asked, types=tuple(sorted(types))), offset) if types else None
        counted = self.counts((facet, "type"), asked)
        wanted, before = _span(_sums(counted), descending=descending, limit=limit, offset=offset)
        if not wanted:
            return None
        types = {kind for value, kind, _ in counted if value in wanted}
        fields: dict[str, Any] = {"types": tuple(sorted(types)), FIELDS[facet]: tuple(wanted)}
        return dataclasses.replace(asked, **fields), offset - before


def _sums(counted: Sequence[tuple[Any, ...]]) -> dict[Any, int]:
    sums: dict[Any, int] = {}
    for value, _, count in counted:
        sums[value] = sums.get(value, 0) + count
    return sums


def _span(sums: dict[Any, int], *, descending: bool, limit: int, offset: int) -> tuple[list[Any], int]:
    """Return the values among which the rows from `offset` on lie, and how many rows come before the first of them."""
    named = sorted((value for value in sums if value != ""), reverse=descending)
    wanted: list[Any] = []
    skipped = before = 0
    for value in [*named, *(value for value in sums if value == "")]:  # nobody is last, whatever the direction
        if skipped + sums[value] <= offset:
            before = skipped = skipped + sums[value]
            continue
        if skipped >= offset + limit:
            break
        wanted.append(value)
        skipped += sums[value]
    return wanted, before
