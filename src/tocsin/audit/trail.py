"""Writing the audit trail. Only `action` calls this."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection

from tocsin.audit.actors import Actor
from tocsin.audit.chain import GENESIS, canonical_json, row_hash
from tocsin.audit.models import AuditRow

LOCK = 0x70C51
"""Number of the PostgreSQL advisory lock that an action holds from its beginning to its commit."""


def take_turn() -> None:
    """Wait until no other action runs, and keep others waiting until the transaction ends."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def append(code: str, data: dict[str, Any], *, by: Actor, at: dt.datetime) -> AuditRow:
    """Write the next row."""
    last = AuditRow.objects.order_by("-sequence").values_list("sequence", "hash").first()
    sequence, previous = (last[0] + 1, last[1]) if last else (1, GENESIS)
    fields = (by.audit_key, by.audit_label, code, canonical_json(data), previous)
    return AuditRow.objects.create(
        sequence=sequence,
        at=at.astimezone(dt.UTC),
        actor_key=fields[0],
        actor_label=fields[1],
        code=code,
        data_json=fields[3],
        previous=previous,
        hash=row_hash(sequence, at, *fields),
    )
