"""Questions to findings and observations, answered by DuckDB over the files that the manifest names.

One database in memory, without extensions and with a memory limit: a web
process asks here, and never opens a file that is being written. Nothing of
PyArrow or NumPy is imported: a page must not cost their memory.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

SORTS = {
    "severity": "severity, last_seen",
    "first_seen": "first_seen",
    "last_seen": "last_seen",
    "constituent": "constituent",
    "asset": "ip_high, ip_low, account",
    "type": "type",
    "count": "count",
}
"""What lists may be ordered by; a key of a request is looked up here, never put into a query."""

FACETS = ("state", "severity", "class", "type", "constituent")

_STATE = """CASE WHEN s.last_cycle < t.horizon THEN 'gone' WHEN s.last_cycle < t.latest THEN 'still'
    WHEN s.label = 0 THEN 'new' WHEN s.label = 2 THEN 'returned' ELSE 'still' END"""
_COLUMNS = """s.k1, s.k2, s.type, s.ip_high, s.ip_low, s.account, s.port, s.protocol, s.detail, s.name, s.asn,
    s.country, s.identifier, s.class, s.severity, s.constituent, s.claim, epoch_us(s.first_seen) AS first_seen,
    epoch_us(s.last_seen) AS last_seen, s.count, s.cycles, s.last_cycle,
    s.opened_on, s.returns, s.recent"""


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
    came_back: bool = False

    def without(self, facet: str) -> Filter:
        """Return the filter with one facet left open: what its values are counted under."""
        field = {"state": "states", "severity": "severities", "class": "classes", "type": "types"}
        return dataclasses.replace(self, **{field.get(facet, "constituents"): ()})  # type: ignore[arg-type]


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
        }
        if scratch is not None:
            settings["temp_directory"] = str(scratch)
        self._connection = duckdb.connect(config=settings)
        self._local = threading.local()

    def ask(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> duckdb.DuckDBPyConnection:
        """Run one query and return its cursor."""
        cursor = getattr(self._local, "cursor", None)
        if cursor is None:
            cursor = self._local.cursor = self._connection.cursor()
        return cursor.execute(sql, parameters)

    def ask_apart(self, sql: str, parameters: Sequence[Any] = ()) -> duckdb.DuckDBPyConnection:
        """Run one query on a cursor of its own, for answers that are read while other questions are asked."""
        return self._connection.cursor().execute(sql, parameters)


class Findings:
    """The findings of one version of the manifest."""

    def __init__(self, database: Database, types: Sequence[TypeFiles]) -> None:
        self._database = database
        self.types = tuple(kind for kind in types if kind.files)

    def page(self, asked: Filter, *, sort: str, descending: bool, limit: int, offset: int = 0) -> list[Finding]:
        """Return some findings in order. `sort` is a key of `SORTS`."""
        direction = "DESC" if descending else "ASC"
        order = ", ".join(f"{column} {direction} NULLS LAST" for column in SORTS[sort].split(", "))
        if sort == "severity":
            order = f"severity {direction}, last_seen DESC"
        return self._findings(asked, f"ORDER BY {order}, k1, k2 LIMIT {int(limit)} OFFSET {int(offset)}")

    def stream(self, asked: Filter, *, limit: int | None = None, batch: int = 10_000) -> Iterator[Finding]:
        """Return all findings asked for, in order of type and key, without holding them in memory."""
        last = f"LIMIT {int(limit)}" if limit is not None else ""
        if not self.types:
            return
        cursor = self._database.ask_apart(*self._question("*", asked, f"ORDER BY type, k1, k2 {last}"))
        while rows := cursor.fetchmany(batch):
            yield from map(_finding, rows)

    def count(self, asked: Filter) -> int:
        """Return how many findings are asked for."""
        return int(self._select("count(*)", asked).fetchall()[0][0]) if self.types else 0

    def one(self, k1: int, k2: int) -> Finding | None:
        """Return the finding with a key."""
        found = self._findings(Filter(keys=((k1, k2),)), "")
        return found[0] if found else None

    def facet(self, facet: str, asked: Filter) -> dict[Any, int]:
        """Return how many findings each value of a facet would give, all other parts of the filter standing."""
        if not self.types or facet not in FACETS:
            return {}
        rows = self._select(f'"{facet}", count(*)', asked.without(facet), "GROUP BY ALL").fetchall()
        return {value: count for value, count in rows}

    def counts(self, by: Sequence[str], asked: Filter) -> list[tuple[Any, ...]]:
        """Return counts by several facets at once: one row a combination, the count last."""
        if not self.types or not set(by) <= set(FACETS):
            return []
        names = ", ".join(f'"{name}"' for name in by)
        return self._select(f"{names}, count(*)", asked, "GROUP BY ALL").fetchall()

    def _findings(self, asked: Filter, tail: str) -> list[Finding]:
        if not self.types:
            return []
        return [_finding(row) for row in self._select("*", asked, tail).fetchall()]

    def _select(self, what: str, asked: Filter, tail: str = "") -> duckdb.DuckDBPyConnection:
        return self._database.ask(*self._question(what, asked, tail))

    def _question(self, what: str, asked: Filter, tail: str = "") -> tuple[str, list[Any]]:
        where, parameters = _conditions(asked)
        kinds = [kind for kind in self.types if not asked.types or kind.type in asked.types] or list(self.types[:1])
        rows = ", ".join("(?, ?::DATE, ?::DATE)" for _ in kinds)
        given: list[Any] = [value for kind in kinds for value in (kind.type, kind.horizon, kind.latest)]
        given.append([file for kind in kinds for file in kind.files])
        sql = f"""WITH t(type, horizon, latest) AS (VALUES {rows}),
            f AS (SELECT {_COLUMNS}, {_STATE} AS state FROM read_parquet(?) s JOIN t USING (type))
            SELECT {what} FROM f {where} {tail}"""  # noqa: S608  only names of our own stand in it
        return sql, [*given, *parameters]


_WITHIN = """((ip_high > ?::UBIGINT OR (ip_high = ?::UBIGINT AND ip_low >= ?::UBIGINT))
    AND (ip_high < ?::UBIGINT OR (ip_high = ?::UBIGINT AND ip_low <= ?::UBIGINT)))"""


def _conditions(asked: Filter) -> tuple[str, list[Any]]:
    """Return the WHERE clause of a filter and its parameters."""
    parts: list[str] = []
    values: list[Any] = []

    def one_of(column: str, wanted: Sequence[Any]) -> None:
        if wanted:
            parts.append(f"{column} IN ({', '.join('?' for _ in wanted)})")
            values.extend(wanted)

    one_of("state", asked.states)
    one_of("severity", asked.severities)
    one_of("class", asked.classes)
    one_of("type", asked.types)
    one_of("coalesce(constituent, '')", asked.constituents)
    one_of("asn", asked.asns)
    one_of("port", asked.ports)
    if asked.only_constituents is not None:
        parts.append("list_contains(?, coalesce(constituent, ''))")
        values.append(list(asked.only_constituents))
    if asked.came_back:
        parts.append("returns > 0")
    if asked.addresses:
        parts.append("(" + " OR ".join(_WITHIN for _ in asked.addresses) + ")")
        values.extend(word for a, b, c, d in asked.addresses for word in (a, a, b, c, c, d))
    if asked.words:
        parts.append(
            "(contains(lower(coalesce(name, '')), ?) OR contains(lower(coalesce(account, '')), ?)"
            " OR contains(lower(coalesce(detail, '')), ?))"
        )
        values.extend([asked.words.lower()] * 3)
    if asked.keys is not None:
        keys = " OR ".join("(k1 = ?::UBIGINT AND k2 = ?::UBIGINT)" for _ in asked.keys)
        parts.append(f"({keys})" if keys else "false")
        values.extend(word for key in asked.keys for word in key)
    return ("WHERE " + " AND ".join(parts) if parts else ""), values


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


def quarantined(database: Database, files: Sequence[str], *, limit: int, offset: int = 0) -> list[tuple[Any, ...]]:
    """Return what could not be taken: file, line, column, reason, raw text, whether the whole row; in line order."""
    if not files:
        return []
    rows = database.ask(
        """SELECT filename, line, "column", reason, raw, whole_row FROM read_parquet(?, filename = true)
           ORDER BY filename, line, "column" LIMIT ? OFFSET ?""",
        [list(files), limit, offset],
    ).fetchall()
    return [(file, line, column, reason, _shown(raw or b""), whole) for file, line, column, reason, raw, whole in rows]
