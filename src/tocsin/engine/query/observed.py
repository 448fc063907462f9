"""Questions to the files of observations and to those of quarantine.

Each has its files compared with their digests first, once in a process: a changed byte would hide a row, or tell of one
that never was.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Sequence
from typing import Any

from tocsin.engine.query.asked import WITHIN
from tocsin.engine.query.database import Database, instant


def sightings(database: Database, parts: Sequence[str], k1: int, k2: int) -> dict[str, int]:
    """Return how many observations of one finding stand in each part; parts without one are left out."""
    if not parts:
        return {}
    database.require(parts)
    rows = database.ask(
        """SELECT filename, count(*) FROM read_parquet(?, filename = true)
           WHERE k1 = ?::UBIGINT AND k2 = ?::UBIGINT GROUP BY ALL""",
        [list(parts), k1, k2],
    )
    return {file: count for file, count in rows.fetchall()}


def sighted(
    database: Database, parts: Sequence[str], k1: int, k2: int, *, limit: int, offset: int = 0
) -> list[tuple[dt.datetime, int, str]]:
    """Return observations of one finding: time, line and part's path, part after part, of each the latest first."""
    if not parts:
        return []
    database.require(parts)
    rows = database.ask(
        """SELECT epoch_us(time), line, filename FROM read_parquet(?, filename = true)
           WHERE k1 = ?::UBIGINT AND k2 = ?::UBIGINT
           ORDER BY list_position(?::VARCHAR[], filename), time DESC, line DESC LIMIT ? OFFSET ?""",
        [list(parts), k1, k2, list(parts), limit, offset],
    )
    return [(instant(time), line, file) for time, line, file in rows.fetchall()]


def observations(
    database: Database, parts: Sequence[str], k1: int, k2: int, *, limit: int, line: int | None = None
) -> list[tuple[dt.datetime, int, str, str | None, str | None, dict[str, Any]]]:
    """Return the latest observations of one finding from parts of its type, or those of one line.

    Each is time, line, part's path, constituent then, claim then, and the cells of the report by column.
    """
    if not parts:
        return []
    database.require(parts)
    columns = _columns(database, parts)
    held = {name for names in columns.values() for name in names}
    if len({name.lower() for name in held}) == len(held):
        return _observations(database, list(parts), (), (k1, k2, line), limit)
    # DuckDB takes columns that differ by case alone for one; within one file their places tell them apart.
    found = [row for part in parts for row in _observations(database, [part], columns[part], (k1, k2, line), limit)]
    return sorted(found, key=lambda row: row[:2], reverse=True)[:limit]


def last_cells(
    database: Database, parts: Sequence[str], keys: Sequence[tuple[int, int]], columns: Sequence[str]
) -> dict[tuple[int, int], dict[str, str]]:
    """Return some cells of the latest observation of each of several findings of a type, by column; empty ones are not.

    Columns that no part has are left out, and so are those of which one has another that differs by case alone.
    """
    held = _told_apart(database, parts, columns) if parts and keys else []
    if not held:
        return {}
    database.require(parts)
    shown = ", ".join(f'"c.{name.replace(chr(34), chr(34) * 2)}"' for name in held)
    answer = database.ask(
        f"""WITH asked AS (SELECT unnest(?::UBIGINT[]) AS k1, unnest(?::UBIGINT[]) AS k2)
            SELECT k1, k2, {shown} FROM read_parquet(?, union_by_name = true) SEMI JOIN asked USING (k1, k2)
            QUALIFY row_number() OVER (PARTITION BY k1, k2 ORDER BY time DESC, line DESC) = 1""",  # noqa: S608
        [[k1 for k1, _ in keys], [k2 for _, k2 in keys], list(parts)],
    )
    return {
        (k1, k2): {name: _shown(cell).strip() for name, cell in zip(held, cells, strict=True) if cell}
        for k1, k2, *cells in answer.rows
    }


def _told_apart(database: Database, parts: Sequence[str], columns: Sequence[str]) -> list[str]:
    """Return those of some columns of reports that parts have, and that DuckDB can tell from all others."""
    names = {name for held in _columns(database, parts).values() for name in held}
    folded = Counter(name.lower() for name in names)
    return [each for each in columns if f"c.{each}" in names and folded[f"c.{each}".lower()] == 1]


def _columns(database: Database, parts: Sequence[str]) -> dict[str, list[str]]:
    """Return the columns of each part, in their order, as they are written."""
    columns: dict[str, list[str]] = {part: [] for part in parts}
    asked = "SELECT file_name, name FROM parquet_schema(?) WHERE num_children IS NULL"
    for part, name in database.ask(asked, [list(parts)]).rows:
        columns[part].append(name)
    return columns


def _observations(
    database: Database, parts: list[str], columns: Sequence[str], asked: tuple[int, int, int | None], limit: int
) -> list[tuple[dt.datetime, int, str, str | None, str | None, dict[str, Any]]]:
    """Return observations from parts; `columns` are what their first columns are called, where DuckDB does not know."""
    answer = database.ask(
        """SELECT * REPLACE (epoch_us(time) AS time) FROM read_parquet(?, union_by_name = true, filename = true)
           WHERE k1 = ?::UBIGINT AND k2 = ?::UBIGINT AND line = coalesce(?::BIGINT, line)
           ORDER BY time DESC, line DESC LIMIT ?""",
        [parts, *asked, limit],
    )
    names = [*columns, *answer.columns[len(columns) :]]
    found = []
    for row in answer.rows:
        cells = dict(zip(names, row, strict=True))
        raw = {name[2:]: _shown(value) for name, value in cells.items() if name.startswith("c.") and value is not None}
        found.append(
            (instant(cells["time"]), cells["line"], cells["filename"], cells["constituent"], cells["claim"], raw)
        )
    return found


def _shown(cell: bytes | str) -> str:
    return cell.decode("utf-8", "replace") if isinstance(cell, bytes) else cell


_SHAPE = """regexp_replace(reason, '''.*''|".*"', '…')"""
"""A reason without what it quotes, in single quotes or, where that holds one, in double ones: equal for all rows with
the same fault."""


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
    database.require(files)
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
    database.require(files)
    rows = database.ask(
        f"""SELECT filename, line, "column", reason, raw, whole_row FROM read_parquet(?, filename = true)
            WHERE (? = '' OR {_SHAPE} = ?) AND (? = '' OR "column" = ?)
            ORDER BY filename, line, "column" LIMIT ? OFFSET ?""",  # noqa: S608
        [list(files), reason, reason, column, column, limit, offset],
    ).fetchall()
    return [(file, line, column, reason, _shown(raw or b""), whole) for file, line, column, reason, raw, whole in rows]


_REVERSE = ("c.hostname", "c.src_hostname")
"""Where Shadowserver's reports carry the name that reverse DNS gives an address."""


def reverse_names(
    database: Database, parts: Sequence[str], ranges: Sequence[tuple[int, int, int, int]], *, limit: int = 2_000
) -> list[tuple[int, int, str]]:
    """Return reverse DNS names (address as two words, name) that nobody's rows carry within ranges of addresses.

    None where no report of theirs has a column for it.
    """
    if not parts or not ranges:
        return []
    database.require(parts)
    columns = database.ask("SELECT * FROM read_parquet(?, union_by_name = true) LIMIT 0", [list(parts)]).columns
    held = [f"nullif(\"{name}\", '')" for name in _REVERSE if name in columns]
    if not held:
        return []
    where = " OR ".join(WITHIN for _ in ranges)
    values = [word for a, b, c, d in ranges for word in (a, a, b, c, c, d)]
    rows = database.ask(
        f"""SELECT ip_high, ip_low, coalesce({", ".join(held)}) AS hint FROM read_parquet(?, union_by_name = true)
            WHERE constituent IS NULL AND hint IS NOT NULL AND ({where}) LIMIT {int(limit)}""",  # noqa: S608
        [list(parts), *values],
    ).fetchall()
    return [(high, low, _shown(name)) for high, low, name in rows]
