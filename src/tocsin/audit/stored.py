"""The trail as the database holds it, row after row, for whoever checks it.

Straight from the columns: nothing between here and the database makes an instant, a text or a number of what somebody
may have put there. Chunks by number hold on every database, in the same memory; a stream that commits meanwhile is cut
on PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import connection

from tocsin.audit.chain import Link

CHUNK_ROWS = 20_000
_TEXTS = ("actor_key", "actor_label", "code", "data_json", "previous", "hash")
_AT = {
    "sqlite": "substr(at, 1, 10) || 'T' || substr(at, 12) || CASE WHEN length(at) = 19 THEN '.000000' ELSE '' END"
    " || '+00:00'",
    "postgresql": """to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')""",
}
_AS_BYTES = {"sqlite": "ifnull(CAST({} AS BLOB), x'')", "postgresql": "coalesce({}, '')"}


def links() -> Iterator[Link]:
    """Yield every row in the order of the numbers."""
    form = _AS_BYTES[connection.vendor]
    columns = ", ".join(("sequence", *(form.format(each) for each in (_AT[connection.vendor], *_TEXTS))))
    where, last = "", list[Any]()
    while chunk := _asked(f"{columns} FROM audit_auditrow {where} ORDER BY sequence LIMIT {CHUNK_ROWS}", last):
        yield from chunk
        where, last = "WHERE sequence > %s", [chunk[-1][0]]


def _asked(what: str, parameters: list[Any]) -> list[Link]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {what}", parameters)
        rows: list[Any] = cursor.fetchall()
    if connection.vendor == "postgresql":
        return [(row[0], *(text.encode() for text in row[1:])) for row in rows]  # type: ignore[misc]
    return rows
