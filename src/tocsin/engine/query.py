"""Questions to findings and observations, answered by DuckDB over the files that the manifest names.

One database in memory, without extensions and with a memory limit: a web
process asks here, and never opens a file that is being written. Nothing of
PyArrow or NumPy is imported: a page must not cost their memory.

Deep in a list few columns of all findings are read to order them, then all
columns of the few that are shown. How many findings each value of a filter would give is
counted once for each version of the manifest, in a table of a few thousand rows.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import threading
import weakref
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from tocsin.engine.orders import BY_NAME, beyond, clause, terms
from tocsin.engine.orders import SORTS as SORTS  # what lists may be ordered by is part of asking

FACETS = ("state", "severity", "class", "type", "constituent")

_STATE = """CASE WHEN s.last_cycle < t.horizon THEN 'gone' WHEN s.last_cycle < t.latest THEN 'still'
    WHEN s.label = 0 THEN 'new' WHEN s.label = 2 THEN 'returned' ELSE 'still' END"""
_COLUMNS = """s.k1, s.k2, s.type, s.ip_high, s.ip_low, s.account, s.port, s.protocol, s.detail, s.name, s.asn,
    s.country, s.identifier, s.class, s.severity, s.constituent, s.claim, epoch_us(s.first_seen) AS first_seen,
    epoch_us(s.last_seen) AS last_seen, s.count, s.cycles, s.last_cycle,
    s.opened_on, s.returns, s.recent"""
_JUST_GONE = "CASE WHEN s.last_cycle < t.horizon AND s.last_cycle >= t.gone_since THEN 1 ELSE 0 END"


@dataclasses.dataclass(frozen=True)
class TypeFiles:
    """The findings of one type, and the days that tell open from gone."""

    type: str
    files: tuple[str, ...]
    """Absolute paths."""
    horizon: dt.date | None
    """Findings last seen before it are gone."""
    latest: dt.date
    """The latest cycle: what it did not see is not new."""
    gone_since: dt.date | None = None
    """Findings last seen from then to `horizon` went gone in the latest cycle; None where none did."""


@dataclasses.dataclass(frozen=True)
class Filter:
    """Which findings are asked for. An empty part does not restrict."""

    states: tuple[str, ...] = ()
    severities: tuple[int, ...] = ()
    classes: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    constituents: tuple[str, ...] = ()
    """Public ids; an empty text stands for nobody."""
    asns: tuple[int, ...] = ()
    ports: tuple[int, ...] = ()
    addresses: tuple[tuple[int, int, int, int], ...] = ()
    """Ranges: first and last address as high and low words."""
    words: str = ""
    """Found in name, account or detail."""
    keys: tuple[tuple[int, int], ...] | None = None
    """Only these findings; an empty tuple is none at all."""
    only_constituents: tuple[str, ...] | None = None
    """What the reader may see; None for everything."""
    not_keys: tuple[tuple[int, int], ...] = ()
    """All but these findings."""
    came_back: bool = False
    just_gone: bool = False
    """Went gone in the latest cycle of their type."""
    last_cycle_before: dt.date | None = None
    """Last seen before that day."""

    def without(self, facet: str) -> Filter:
        """Return the filter with one facet left open: what its values are counted under."""
        field = {"state": "states", "severity": "severities", "class": "classes", "type": "types"}
        return dataclasses.replace(self, **{field.get(facet, "constituents"): ()})  # type: ignore[arg-type]

    @property
    def on_facets(self) -> Filter:
        """The part that counts by facet can answer."""
        return dataclasses.replace(
            self, asns=(), ports=(), addresses=(), words="", keys=None, not_keys=(), last_cycle_before=None
        )

    @property
    def on_rows(self) -> Filter:
        """The part for which each finding must be looked at."""
        return Filter(
            asns=self.asns,
            ports=self.ports,
            addresses=self.addresses,
            words=self.words,
            keys=self.keys,
            not_keys=self.not_keys,
            last_cycle_before=self.last_cycle_before,
        )


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


@dataclasses.dataclass(frozen=True)
class Tally:
    """How many findings a filter gives, and how many each value of each facet would give in its place."""

    total: int
    by_facet: Mapping[str, Mapping[str, int]]
    """Facet → value as text → findings, all other parts of the filter standing. Nobody's constituent is ''."""


_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_FIRST_SEEN = [field.name for field in dataclasses.fields(Finding)].index("first_seen")


def _instant(microseconds: int) -> dt.datetime:
    """Return an instant. DuckDB would need a library of time zones to do it."""
    return _EPOCH + dt.timedelta(microseconds=microseconds)


def _finding(row: tuple[Any, ...]) -> Finding:
    first, last = row[_FIRST_SEEN : _FIRST_SEEN + 2]
    values: list[Any] = [*row[:_FIRST_SEEN], _instant(first), _instant(last), *row[_FIRST_SEEN + 2 :]]
    return Finding(*values)


class Database:
    """A DuckDB of this process; each thread asks through a cursor of its own."""

    def __init__(self, memory_mb: int = 128, threads: int = 2, scratch: Path | None = None) -> None:
        settings: dict[str, Any] = {
            "memory_limit": f"{memory_mb}MB",
            "threads": threads,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "enable_object_cache": True,
            # Half the memory of a sort; whoever needs an order asks for it.
            "preserve_insertion_order": False,
        }
        if scratch is not None:
            settings["temp_directory"] = str(scratch)
        self._connection = duckdb.connect(config=settings)
        self._local = threading.local()

    def ask(
        self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = (), *, fresh: bool = False
    ) -> duckdb.DuckDBPyConnection:
        """Run one query and return its cursor; a `fresh` one is read while others ask."""
        if fresh:
            return self._connection.cursor().execute(sql, parameters)
        cursor = getattr(self._local, "cursor", None)
        if cursor is None:
            cursor = self._local.cursor = self._connection.cursor()
        return cursor.execute(sql, parameters)

    def forget(self, table: str) -> None:
        """Drop a table of this database."""
        self._connection.cursor().execute(f"DROP TABLE IF EXISTS {table}")


class Findings:
    """The findings of one version of the manifest."""

    def __init__(self, database: Database, types: Sequence[TypeFiles]) -> None:
        self._database = database
        self.types = tuple(kind for kind in types if kind.files)
        self._counting = threading.Lock()
        self._cube_name: str | None = None

    def page(
        self, asked: Filter, *, sort: str, descending: bool, limit: int, offset: int = 0, names: Sequence[str] = ()
    ) -> list[Finding]:
        """Return some findings in order. `sort` is a key of `SORTS`; descending severity begins with the mildest.

        `names` are the public ids of constituents in the order of their names; without them their ids are ordered.
        """
        order = terms(sort, descending=descending, by_name=bool(names))
        tail = f"{clause(order)} LIMIT {int(limit)} OFFSET {int(offset)}"
        return self._listed(asked, tail, limit + offset <= _FEW_ROWS, names if sort == "constituent" else ())

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
        order = terms(sort, descending=descending, by_name=bool(names))
        tail = f"{clause(order, backwards=backwards)} LIMIT {int(limit)}"
        past = beyond(order, finding, names, backwards=backwards)
        found = self._listed(asked, tail, limit <= _FEW_ROWS, names if sort == "constituent" else (), past)
        return found[::-1] if backwards else found

    def _listed(
        self, asked: Filter, tail: str, are_few: bool, names: Sequence[str], past: tuple[str, list[Any]] = ("", [])
    ) -> list[Finding]:
        """Return whole rows where they are few; of more, and where names are looked up, the keys are ordered first."""
        if not self.types:
            return []
        if are_few and not names:
            return [_finding(row) for row in self._select(_EVERYTHING, asked, tail, past=past).fetchall()]
        rows = self._select("k1, k2, type", asked, tail, names=names, past=past).fetchall()
        return self.many([(k1, k2) for k1, k2, _ in rows], {kind for _, _, kind in rows})

    def many(self, keys: Sequence[tuple[int, int]], types: Collection[str] = ()) -> list[Finding]:
        """Return the findings with these keys, in their order; those that are not there are left out."""
        if not keys or not self.types:
            return []
        found = self._select(_EVERYTHING, Filter(keys=tuple(keys), types=tuple(sorted(types)))).fetchall()
        by_key = {(finding.k1, finding.k2): finding for finding in map(_finding, found)}
        return [by_key[key] for key in keys if key in by_key]

    def stream(self, asked: Filter, *, limit: int | None = None, batch: int = 5_000) -> Iterator[Finding]:
        """Return all findings asked for, in order of type and key, without holding them in memory."""
        left = limit
        for kind in self.types:
            if asked.types and kind.type not in asked.types:
                continue
            # Partitions hold ranges of the key, in order: one at a time is the order of all.
            for file in kind.files:
                one = Findings(self._database, [dataclasses.replace(kind, files=(file,))])
                last = f"LIMIT {left}" if left is not None else ""
                cursor = one._select(_EVERYTHING, asked, f"ORDER BY k1, k2 {last}", fresh=True)
                while rows := cursor.fetchmany(batch):
                    left = None if left is None else left - len(rows)
                    yield from map(_finding, rows)
                if left == 0:
                    return

    def count(self, asked: Filter) -> int:
        """Return how many findings are asked for."""
        return sum(row[-1] for row in self.counts((), asked))

    def one(self, k1: int, k2: int) -> Finding | None:
        """Return the finding with a key."""
        found = self.many([(k1, k2)])
        return found[0] if found else None

    def tally(self, asked: Filter, facets: Sequence[str] = FACETS) -> Tally:
        """Return how many findings are asked for, and the same for every value of the facets."""
        counted: dict[str, dict[str, int]] = {facet: {} for facet in ("", *facets)}
        if not self.types:
            return Tally(0, counted)
        source, values = self._counted(asked)
        parts = []
        for facet in counted:
            column = f'"{facet}"::VARCHAR' if facet else "''"
            where, wanted = _conditions(asked.without(facet).on_facets if facet else asked.on_facets)
            parts.append(f"SELECT '{facet}', {column}, coalesce(sum(n), 0)::BIGINT FROM c {where} GROUP BY ALL")  # noqa: S608
            values += wanted
        sql = f"WITH c AS MATERIALIZED ({source}) {' UNION ALL '.join(parts)}"
        for facet, value, count in self._database.ask(sql, values).fetchall():
            counted[facet][value or ""] = count
        return Tally(counted.pop("").get("", 0), counted)

    def counts(self, by: Sequence[str], asked: Filter) -> list[tuple[Any, ...]]:
        """Return counts by several facets at once: a row a combination, the count last. Nobody's constituent is ''."""
        if not self.types or not set(by) <= set(FACETS):
            return []
        names = "".join(f'"{name}", ' for name in by)
        source, values = self._counted(asked)
        where, wanted = _conditions(asked.on_facets)
        sql = f"SELECT {names}sum(n)::BIGINT AS n FROM ({source}) {where} GROUP BY ALL HAVING sum(n) > 0"  # noqa: S608
        return self._database.ask(sql, [*values, *wanted]).fetchall()

    def _counted(self, asked: Filter) -> tuple[str, list[Any]]:
        """Return a query that gives `n` findings for each combination of facets, and its parameters."""
        if asked.on_rows == Filter():
            return f"SELECT * FROM {self._cube()}", []  # noqa: S608
        sql, values = self._sql(_CUBE, asked.on_rows, "GROUP BY ALL")
        return sql, values

    def _cube(self) -> str:
        """Return the table of counts of this version of the manifest; the first who asks makes it."""
        with self._counting:
            if self._cube_name is None:
                name = f"cube_{next(_NUMBERS)}"
                sql, values = self._sql(_CUBE, Filter(), "GROUP BY ALL")
                self._database.ask(f"CREATE TABLE {name} AS {sql}", values)
                weakref.finalize(self, self._database.forget, name)
                self._cube_name = name
            return self._cube_name

    def _select(
        self, what: str, asked: Filter, tail: str = "", *, fresh: bool = False, **more: Any
    ) -> duckdb.DuckDBPyConnection:
        return self._database.ask(*self._sql(what, asked, tail, **more), fresh=fresh)

    def _sql(
        self, what: str, asked: Filter, tail: str, *, names: Sequence[str] = (), past: tuple[str, list[Any]] = ("", [])
    ) -> tuple[str, list[Any]]:
        where, parameters = _conditions(asked)
        if past[0]:
            where = f"{where} AND {past[0]}" if where else f"WHERE {past[0]}"
        kinds = [kind for kind in self.types if not asked.types or kind.type in asked.types] or list(self.types[:1])
        rows = ", ".join("(?, ?::DATE, ?::DATE, ?::DATE)" for _ in kinds)
        given: list[Any] = [
            value for kind in kinds for value in (kind.type, kind.horizon, kind.latest, kind.gone_since)
        ]
        given.append([file for kind in kinds for file in kind.files])
        named = _NAMES if names else ""
        given += [list(names), list(range(len(names)))] if names else []
        sql = f"""WITH t(type, horizon, latest, gone_since) AS (VALUES {rows}),
            f AS (SELECT {_COLUMNS}, {_STATE} AS state, {_JUST_GONE} AS just_gone
                FROM read_parquet(?) s JOIN t USING (type))
            SELECT {what} FROM f {named} {where} {tail}"""  # noqa: S608  only names of our own stand in it
        return sql, [*given, *parameters, *past[1]]


_NAMES = f"LEFT JOIN (SELECT unnest(?::VARCHAR[]) AS constituent, unnest(?::BIGINT[]) AS {BY_NAME}) USING (constituent)"
_EVERYTHING = "* EXCLUDE (just_gone)"
_NUMBERS = itertools.count(1)
_CUBE = """state, severity, "class", type, coalesce(constituent, '') AS constituent,
    CASE WHEN returns > 0 THEN 1 ELSE 0 END AS returns, just_gone, count(*) AS n"""
"""`returns` is 0 or 1 here, so that the conditions of a filter read it as they read that of a finding."""

_FEW_KEYS = 200
_FEW_ROWS = 300
"""So many whole rows are kept in order in little memory; of more, the keys are ordered first."""
_WITHIN = """((ip_high > ?::UBIGINT OR (ip_high = ?::UBIGINT AND ip_low >= ?::UBIGINT))
    AND (ip_high < ?::UBIGINT OR (ip_high = ?::UBIGINT AND ip_low <= ?::UBIGINT)))"""


def _conditions(asked: Filter) -> tuple[str, list[Any]]:
    """Return the WHERE clause of a filter and its parameters."""
    found = [condition for condition in (*_on_facets(asked), *_on_rows(asked)) if condition]
    parts = [part for part, _ in found]
    return ("WHERE " + " AND ".join(parts) if parts else ""), [value for _, values in found for value in values]


Condition = tuple[str, list[Any]] | None


def _one_of(column: str, wanted: Sequence[Any]) -> Condition:
    return (f"{column} IN ({', '.join('?' for _ in wanted)})", list(wanted)) if wanted else None


def _on_facets(asked: Filter) -> Iterator[Condition]:
    """Yield conditions that counts by facet can answer too."""
    yield _one_of("state", asked.states)
    yield _one_of("severity", asked.severities)
    yield _one_of("class", asked.classes)
    yield _one_of("type", asked.types)
    yield _one_of("coalesce(constituent, '')", asked.constituents)
    if asked.only_constituents is not None:
        yield "list_contains(?::VARCHAR[], coalesce(constituent, ''))", [list(asked.only_constituents)]
    if asked.came_back:
        yield "returns > 0", []
    if asked.just_gone:
        yield "just_gone = 1", []


def _on_rows(asked: Filter) -> Iterator[Condition]:
    """Yield conditions for which each finding must be looked at."""
    yield _one_of("asn", asked.asns)
    yield _one_of("port", asked.ports)
    if asked.last_cycle_before is not None:
        yield "last_cycle < ?", [asked.last_cycle_before]
    if asked.addresses:
        within = " OR ".join(_WITHIN for _ in asked.addresses)
        yield f"({within})", [word for a, b, c, d in asked.addresses for word in (a, a, b, c, c, d)]
    if asked.words:
        cells = ("name", "account", "detail")
        either = " OR ".join(f"contains(lower(coalesce({cell}, '')), ?)" for cell in cells)
        yield f"({either})", [asked.words.lower()] * len(cells)
    if asked.keys is not None:
        if len(asked.keys) <= _FEW_KEYS:  # a list of constants is looked for while the file is read
            yield _one_of("k1", [key[0] for key in asked.keys])
        yield f"(k1, k2) IN {_PAIRS}", _columns(asked.keys)
    if asked.not_keys:
        yield f"(k1, k2) NOT IN {_PAIRS}", _columns(asked.not_keys)


_PAIRS = "(SELECT unnest(?::UBIGINT[]), unnest(?::UBIGINT[]))"


def _columns(keys: Sequence[tuple[int, int]]) -> list[Any]:
    return [[key[0] for key in keys], [key[1] for key in keys]]


def sightings(database: Database, parts: Sequence[str], k1: int, k2: int) -> dict[str, int]:
    """Return how many observations of one finding stand in each part; parts without one are left out."""
    if not parts:
        return {}
    cursor = database.ask(
        """SELECT filename, count(*) FROM read_parquet(?, filename = true)
           WHERE k1 = ?::UBIGINT AND k2 = ?::UBIGINT GROUP BY ALL""",
        [list(parts), k1, k2],
    )
    return {file: count for file, count in cursor.fetchall()}


def observations(
    database: Database, parts: Sequence[str], k1: int, k2: int, *, limit: int
) -> list[tuple[dt.datetime, int, str, str | None, str | None, dict[str, Any]]]:
    """Return the latest observations of one finding from parts of its type.

    Each is time, line, part's path, constituent then, claim then, and the cells of the report by column.
    """
    if not parts:
        return []
    cursor = database.ask(
        """SELECT * REPLACE (epoch_us(time) AS time) FROM read_parquet(?, union_by_name = true, filename = true)
           WHERE k1 = ?::UBIGINT AND k2 = ?::UBIGINT ORDER BY time DESC, line DESC LIMIT ?""",
        [list(parts), k1, k2, limit],
    )
    names = [column[0] for column in cursor.description or ()]
    found = []
    for row in cursor.fetchall():
        cells = dict(zip(names, row, strict=True))
        raw = {name[2:]: _shown(value) for name, value in cells.items() if name.startswith("c.") and value is not None}
        found.append(
            (_instant(cells["time"]), cells["line"], cells["filename"], cells["constituent"], cells["claim"], raw)
        )
    return found


def _shown(cell: bytes | str) -> str:
    return cell.decode("utf-8", "replace") if isinstance(cell, bytes) else cell


_SHAPE = "regexp_replace(reason, '''.*''', '…')"
"""A reason without what it quotes: equal for all rows with the same fault."""


@dataclasses.dataclass(frozen=True)
class Fault:
    """A kind of fault among what could not be taken."""

    reason: str
    """Without what it quotes."""
    column: str
    whole_rows: int
    cells: int


def faults(database: Database, files: Sequence[str]) -> list[Fault]:
    """Return the kinds of fault in quarantine files, most frequent first."""
    if not files:
        return []
    rows = database.ask(
        f"""SELECT {_SHAPE}, coalesce("column", ''), count_if(whole_row), count_if(NOT whole_row) FROM read_parquet(?)
            GROUP BY ALL ORDER BY count(*) DESC, 1, 2""",  # noqa: S608
        [list(files)],
    ).fetchall()
    return [Fault(*row) for row in rows]


def quarantined(
    database: Database, files: Sequence[str], *, limit: int, offset: int = 0, reason: str = "", column: str = ""
) -> list[tuple[Any, ...]]:
    """Return what could not be taken: file, line, column, reason, raw text, whether the whole row; in line order.

    `reason` is that of a `Fault`, `column` the name of a column; empty ones do not restrict.
    """
    if not files:
        return []
    rows = database.ask(
        f"""SELECT filename, line, "column", reason, raw, whole_row FROM read_parquet(?, filename = true)
            WHERE (? = '' OR {_SHAPE} = ?) AND (? = '' OR "column" = ?)
            ORDER BY filename, line, "column" LIMIT ? OFFSET ?""",  # noqa: S608
        [list(files), reason, reason, column, column, limit, offset],
    ).fetchall()
    return [(file, line, column, reason, _shown(raw or b""), whole) for file, line, column, reason, raw, whole in rows]


@dataclasses.dataclass(frozen=True)
class Block:
    """Findings of one announcing system in one /24 (IPv4) or /48 (IPv6); without addresses, accounts and names."""

    asn: int | None
    high: int | None
    low: int | None
    """First address."""
    is_v4: bool
    findings: int
    worst: int
    types: int


_V4 = "(ip_high = 0 AND (ip_low >> 32) = 65535)"


def blocks(found: Findings, asked: Filter, *, limit: int, offset: int = 0) -> tuple[int, list[Block]]:
    """Return how many blocks the findings asked for lie in, and some of them, fullest first."""
    if not found.types:
        return 0, []
    what = f"""asn, CASE WHEN {_V4} THEN 0::UBIGINT ELSE ip_high & 18446744073709486080::UBIGINT END AS high,
        CASE WHEN {_V4} THEN ip_low & 18446744073709551360::UBIGINT WHEN ip_low IS NOT NULL THEN 0::UBIGINT END AS low,
        coalesce({_V4}, false) AS is_v4, count(*) AS n, min(severity), count(DISTINCT type), count(*) OVER ()"""
    tail = f"GROUP BY 1, 2, 3, 4 ORDER BY n DESC, high, low, asn LIMIT {int(limit)} OFFSET {int(offset)}"
    rows = found._select(what, asked, tail).fetchall()
    return (rows[0][-1] if rows else 0), [Block(*row[:-1]) for row in rows]


def reverse_names(
    database: Database, parts: Sequence[str], ranges: Sequence[tuple[int, int, int, int]], *, limit: int = 2_000
) -> list[tuple[int, int, str]]:
    """Return reverse DNS names (address as two words, name) that nobody's rows carry within ranges of addresses."""
    if not parts or not ranges:
        return []
    where = " OR ".join(_WITHIN for _ in ranges)
    values = [word for a, b, c, d in ranges for word in (a, a, b, c, c, d)]
    rows = database.ask(
        f"""SELECT ip_high, ip_low, "c.hostname" FROM read_parquet(?, union_by_name = true)
            WHERE constituent IS NULL AND "c.hostname" <> '' AND ({where}) LIMIT {int(limit)}""",  # noqa: S608
        [list(parts), *values],
    ).fetchall()
    return [(high, low, _shown(name)) for high, low, name in rows]
