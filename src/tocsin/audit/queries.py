"""Reading the audit trail."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from django.db import connection
from django.db.models import QuerySet

from tocsin.audit import append_only, chain, stored
from tocsin.audit.chain import Verdict
from tocsin.audit.models import AuditRow, SignedHead


def latest_rows(limit: int = 50) -> QuerySet[AuditRow]:
    """Return the last rows, newest first."""
    return AuditRow.objects.order_by("-sequence")[:limit]


def rows_of(actor_key: str) -> QuerySet[AuditRow]:
    """Return what one actor did, newest first."""
    return AuditRow.objects.filter(actor_key=actor_key).order_by("-sequence")


def rows_mentioning(word: str, codes: Collection[str]) -> QuerySet[AuditRow]:
    """Return rows of these codes whose data hold `word` as a whole text, newest first. For the history of a thing."""
    return AuditRow.objects.filter(code__in=codes, data_json__contains=chain.canonical_json(word)).order_by("-sequence")


def database_is_append_only() -> bool:
    """Say whether the database still refuses to change the trail: somebody may have removed the triggers."""
    return append_only.holds(connection)


def verify() -> Verdict:
    """Check the chain and name the first row that is not as it was written.

    What was cut off at the end, and whether all hashes were computed anew, only signed heads tell: `verifying`.
    """
    return chain.check(stored.links())


def keys_on_record() -> set[str]:
    """Return the public keys that the trail says were made."""
    return {str(row.data.get("key")) for row in AuditRow.objects.filter(code="audit.key_made")}


def last_head() -> SignedHead | None:
    """Return the head that was signed last."""
    return SignedHead.objects.order_by("-on").first()


def last_check() -> AuditRow | None:
    """Return the row that says what was found when the whole trail was last checked."""
    return AuditRow.objects.filter(code="audit.checked").order_by("-sequence").first()


def key_made_at() -> dt.datetime:
    """Return since when heads are to be signed."""
    return AuditRow.objects.filter(code="audit.key_made").order_by("sequence").values_list("at", flat=True)[0]


def hash_of(sequence: int) -> str:
    """Return the hash of a row; empty when it is not there."""
    return AuditRow.objects.filter(sequence=sequence).values_list("hash", flat=True).first() or ""
