"""The findings of one version of the manifest: pages, exports and counts of them.

Of all findings few columns are read to put them in order, and of those few files and values in which the page can lie;
then all columns of the few that are shown.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import ipaddress
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from tocsin.engine.orders import BY_NAME, beyond, clause, terms
from tocsin.engine.query.asked import FACETS, Filter, Tally, conditions
from tocsin.engine.query.counting import COUNTED, Counts
from tocsin.engine.query.database import Answer, Database, instant
from tocsin.engine.query.standing import TypeFiles, groups, undecided
from tocsin.kernel.networks import spans


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One finding as it stands."""

    k1: int
    k2: int
    type: str
    ip_high: int | None
    ip_low: int | None
    account: str | None
    port: int | None
    protocol: str | None
    detail: str | None
    name: str | None
    asn: int | None
    country: str | None
    identifier: str | None
    category: str | None
    severity: int
    constituent: str | None
    claim: str | None
    first_seen: dt.datetime
    last_seen: dt.datetime
    count: int
    cycles: int
    last_cycle: dt.date
    opened_on: dt.date
    returns: int
    recent: int
    state: str


_STORED = {field.name: "class" if field.name == "category" else field.name for field in dataclasses.fields(Finding)}
"""What files call the columns."""
_FIRST_SEEN = [field.name for field in dataclasses.fields(Finding)].index("first_seen")


def _finding(row: tuple[Any, ...]) -> Finding:
    first, last = row[_FIRST_SEEN : _FIRST_SEEN + 2]
    values: list[Any] = [*row[:_FIRST_SEEN], instant(first), instant(last), *row[_FIRST_SEEN + 2 :]]
    return Finding(*values)


class Findings:
    """The findings of one version of the manifest."""

    def __init__(self, database: Database, types: Sequence[TypeFiles]) -> None:
        self._database = database
        self.types = tuple(kind for kind in types if kind.files)
        self._counts = Counts(database, lambda searched: self._sql(COUNTED, searched, "GROUP BY ALL"))

    def page(
        self, asked: Filter, *, sort: str, descending: bool, limit: int, offset: int = 0, names: Sequence[str] = ()
    ) -> list[Finding]:
        """Return some findings in order. `sort` is a key of `SORTS`; descending severity begins with the mildest.

        `names` are the public ids of constituents in the order of their names; without them their ids are ordered.
        """
        limit, offset = int(limit), int(offset)
        named = names if sort == "constituent" else ()
        if not self.types:
            return []
        if not named and (table := self._counts.known(asked)):
            narrowed = table.narrowed(asked, sort=sort, descending=descending, limit=limit, offset=offset)
            if narrowed is None:
                return []
            asked, offset = narrowed
        order = terms(sort, descending=descending, by_name=bool(names))
        tail = f"{clause(order)} LIMIT {limit} OFFSET {offset}"
        return self._listed(asked, tail, limit + offset <= _FEW_ROWS, named)

    def page_beyond(
        self,
        finding: Finding,
        asked: Filter,
        *,
        sort: str,
        descending: bool,
        limit: int,
        names: Sequence[str] = (),
        backwards: bool = False,
    ) -> list[Finding]:
        """Return the findings that follow one of the list, or stand just before it backwards, in the list's order."""
        if not self.types:
            return []
        order = terms(sort, descending=descending, by_name=bool(names))
        tail = f"{clause(order, backwards=backwards)} LIMIT {int(limit)}"
        past = beyond(order, finding, names, backwards=backwards)
        found = self._listed(asked, tail, limit <= _FEW_ROWS, names if sort == "constituent" else (), past)
        return found[::-1] if backwards else found

    def beyond_key(self, asked: Filter, *, past: tuple[int, int] | None, limit: int) -> list[Finding]:
        """Return the findings that follow a key, in the order of keys: a place that no finding ever leaves.

        So whoever goes on from the last one has each once, whatever came meanwhile.
        """
        if not self.types:
            return []
        after = ("(k1 > ?::UBIGINT OR (k1 = ?::UBIGINT AND k2 > ?::UBIGINT))", [past[0], *past]) if past else ("", [])
        return self._listed(asked, f"ORDER BY k1, k2 LIMIT {int(limit)}", limit <= _FEW_ROWS, (), after)

    def _listed(
        self, asked: Filter, tail: str, are_few: bool, names: Sequence[str], past: tuple[str, list[Any]] = ("", [])
    ) -> list[Finding]:
        """Return whole rows where they are few; of more, and where names are looked up, the keys are ordered first."""
        if are_few and not names:
            return [_finding(row) for row in self.select(_EVERYTHING, asked, tail, past=past).fetchall()]
        rows = self.select("k1, k2, type", asked, tail, names=names, past=past).fetchall()
        return self.many([(k1, k2) for k1, k2, _ in rows], {kind for _, _, kind in rows})

    def many(self, keys: Sequence[tuple[int, int]], types: Collection[str] = ()) -> list[Finding]:
        """Return the findings with these keys, in their order; those that are not there are left out."""
        if not keys or not self.types:
            return []
        found = self.select(_EVERYTHING, Filter(keys=tuple(keys), types=tuple(sorted(types)))).fetchall()
        by_key = {(finding.k1, finding.k2): finding for finding in map(_finding, found)}
        return [by_key[key] for key in keys if key in by_key]

    def stream(self, asked: Filter, *, limit: int | None = None, batch: int = 5_000) -> Iterator[Finding]:
        """Return all findings asked for, in order of type and key, without holding them in memory.

        Raises LostFile before the first: a file that breaks off is taken for a whole one.
        """
        kinds = [kind for kind in self.types if not asked.types or kind.type in asked.types]
        self._database.require([file for kind in kinds for file in kind.files])
        return self._streamed(kinds, asked, limit, batch)

    def _streamed(self, kinds: Sequence[TypeFiles], asked: Filter, limit: int | None, batch: int) -> Iterator[Finding]:
        left = limit
        for kind in kinds:
            # Partitions hold ranges of the key, in order: one at a time is the order of all.
            for file in kind.files:
                one = Findings(self._database, [dataclasses.replace(kind, files=(file,))])
                last = f"LIMIT {left}" if left is not None else ""
                cursor = self._database.stream(*one._sql(_EVERYTHING, asked, f"ORDER BY k1, k2 {last}"))
                while rows := self._database.fetched(cursor, batch, [file]):
                    left = None if left is None else left - len(rows)
                    yield from map(_finding, rows)
                if left == 0:
                    return

    def held(self, names: Sequence[str], asked: Filter, *, batch: int = 20_000) -> Iterator[tuple[Sequence[Any], ...]]:
        """Return some columns of all findings asked for that are somebody's, a batch at a time, type by type.

        `names` are columns of a finding. Raises LostFile before the first: see `stream`.
        """
        columns = ", ".join(f'"{_STORED[name]}"' for name in names)
        kinds = [kind for kind in self.types if not asked.types or kind.type in asked.types]
        self._database.require([file for kind in kinds for file in kind.files])
        return self._in_columns(kinds, columns, asked, batch)

    def _in_columns(
        self, kinds: Sequence[TypeFiles], columns: str, asked: Filter, batch: int
    ) -> Iterator[tuple[Sequence[Any], ...]]:
        for kind in kinds:
            one = Findings(self._database, [kind])
            cursor = self._database.stream(*one._sql(columns, asked, "", past=("constituent IS NOT NULL", [])))
            while rows := self._database.fetched(cursor, batch, kind.files):
                yield tuple(zip(*rows, strict=True))

    def count(self, asked: Filter) -> int:
        """Return how many findings are asked for."""
        return sum(row[-1] for row in self.counts((), asked))

    def one(self, k1: int, k2: int) -> Finding | None:
        """Return the finding with a key."""
        found = self.many([(k1, k2)])
        return found[0] if found else None

    def _networks_in(self, spans: Sequence[tuple[int, int, int, int]]) -> list[str]:
        """Return the networks that findings are about and that share an address with any of some ranges.

        They stand in place of an address as text, which no search by ranges finds.
        """
        asked = [(a << 64 | b, c << 64 | d) for a, b, c, d in spans]
        held = self._networks if asked else []
        shares = ((text, any(a <= last and first <= b for a, b in asked)) for text, first, last in held)
        return list(dict.fromkeys(text for text, is_among in shares if is_among))

    @functools.cached_property
    def _networks(self) -> list[tuple[str, int, int]]:
        """Each network that a finding is about, with first and last addresses; IPv4 in its mapped place."""
        files = [file for kind in self.types for file in kind.files]
        found = "SELECT DISTINCT account FROM read_parquet(?) WHERE regexp_full_match(account, ?) ORDER BY account"
        rows = self._database.ask(found, [files, _NETWORK]).fetchall() if files else []
        return [(text, *ends) for (text,) in rows for ends in _spans(text)]

    def tally(self, asked: Filter, facets: Sequence[str] = FACETS) -> Tally:
        """Return how many findings are asked for, and the same for every value of the facets."""
        if not self.types:
            return Tally(0, {facet: {} for facet in facets})
        return self._counts.of(asked).tally(asked, facets)

    def counts(self, by: Sequence[str], asked: Filter) -> list[tuple[Any, ...]]:
        """Return counts by several facets at once: a row a combination, the count last. Nobody's constituent is ''."""
        if not self.types or not set(by) <= set(FACETS):
            return []
        return self._counts.of(asked).counts(by, asked)

    def select(self, what: str, asked: Filter, tail: str = "", **more: Any) -> Answer:
        """Ask for expressions over the findings of a filter. Neither `what` nor `tail` may hold a text of a request."""
        return self._database.ask(*self._sql(what, asked, tail, **more))

    def _sql(
        self, what: str, asked: Filter, tail: str, *, names: Sequence[str] = (), past: tuple[str, list[Any]] = ("", [])
    ) -> tuple[str, list[Any]]:
        kinds = [kind for kind in self.types if not asked.types or kind.type in asked.types] or list(self.types[:1])
        sources = [group.source(asked) for group in groups(kinds)]
        where, parameters = conditions(undecided(asked), self._networks_in(asked.addresses))
        if past[0]:
            where = f"{where} AND {past[0]}" if where else f"WHERE {past[0]}"
        rows = " UNION ALL ".join(source for source, _ in sources)
        given = [value for _, values in sources for value in values]
        named = _NAMES if names else ""
        given += [list(names), list(range(len(names)))] if names else []
        sql = f"WITH f AS ({rows}) SELECT {what} FROM f {named} {where} {tail}"  # noqa: S608  only names of our own
        return sql, [*given, *parameters, *past[1]]


_NETWORK = "[0-9a-f:.]+/[0-9]{1,3}"


def _spans(text: str) -> list[tuple[int, int]]:
    try:
        return spans(ipaddress.ip_network(text))
    except ValueError:
        return []


_NAMES = f"LEFT JOIN (SELECT unnest(?::VARCHAR[]) AS constituent, unnest(?::BIGINT[]) AS {BY_NAME}) USING (constituent)"
_EVERYTHING = "* EXCLUDE (just_gone, label)"
_FEW_ROWS = 300
"""So many whole rows are kept in order in little memory; of more, the keys are ordered first."""
