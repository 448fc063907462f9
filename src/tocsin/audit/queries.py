"""Reading the audit trail."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from django.db import connection
from django.db.models import QuerySet

from tocsin.audit import append_only, chain
from tocsin.audit.chain import Link, Verdict
from tocsin.audit.models import AuditRow

CHUNK_ROWS = 5_000


def latest_rows(limit: int = 50) -> QuerySet[AuditRow]:
    """Return the last rows, newest first."""
    return AuditRow.objects.order_by("-sequence")[:limit]


def rows_of(actor_key: str) -> QuerySet[AuditRow]:
    """Return what one actor did, newest first."""
    return AuditRow.objects.filter(actor_key=actor_key).order_by("-sequence")


def rows_mentioning(word: str, codes: Collection[str]) -> QuerySet[AuditRow]:
    """Return rows of these codes whose data hold `word` as a whole text, newest first. For the history of a thing."""
    return AuditRow.objects.filter(code__in=codes, data_json__contains=chain.canonical_json(word)).order_by("-sequence")


def verify() -> Verdict:
    """Check the whole chain and name the first row that is not as it was written.

    What was cut off at the end cannot be seen here: for that, heads are signed
    and kept elsewhere.
    """
    return chain.check(_links())


def _links() -> Iterator[Link]:
    rows = AuditRow.objects.order_by("sequence").values_list(*Link._fields)
    # A stream that commits meanwhile is cut on PostgreSQL; chunks by key hold on every database, in the same memory.
    last = 0
    while chunk := list(rows.filter(sequence__gt=last)[:CHUNK_ROWS]):
        yield from map(Link._make, chunk)
        last = chunk[-1][0]


def database_is_append_only() -> bool:
    """Say whether the database still refuses to change the trail: somebody may have removed the triggers."""
    return append_only.holds(connection)
