"""Reading the audit trail."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import functools
import operator
from collections.abc import Collection, Iterator

from django.apps import apps
from django.db import connection
from django.db.models import Q, QuerySet

from tocsin.audit import append_only, chain, stored, wording
from tocsin.audit.chain import Verdict
from tocsin.audit.models import AuditRow, SignedHead

CHUNK_ROWS = 200


def latest_rows(limit: int = 50) -> QuerySet[AuditRow]:
    """Return the last rows, newest first."""
    return AuditRow.objects.order_by("-sequence")[:limit]


def rows_of(actor_key: str) -> QuerySet[AuditRow]:
    """Return what one actor did, newest first."""
    return AuditRow.objects.filter(actor_key=actor_key).order_by("-sequence")


def rows_mentioning(word: str, codes: Collection[str]) -> QuerySet[AuditRow]:
    """Return rows of these codes whose data hold `word` as a whole text, newest first. For the history of a thing."""
    return AuditRow.objects.filter(code__in=codes, data_json__contains=chain.canonical_json(word)).order_by("-sequence")


@dataclasses.dataclass(frozen=True)
class Filter:
    """What is asked of the trail. Nothing asks for everything."""

    who: str = ""
    """Key of an actor."""
    codes: tuple[str, ...] = ()
    about: tuple[str, str] | None = None
    """Kind and key of a thing."""
    since: dt.datetime | None = None
    before: dt.datetime | None = None


def rows_like(asked: Filter, *, newest: int | None = None, oldest: int | None = None) -> Iterator[AuditRow]:
    """Yield rows as asked, newest first, those with numbers from `oldest` to `newest`; from `oldest` upwards without.

    In chunks by number, never by counting over what was shown: the thousandth page costs what the first one does.
    """
    found, upwards = _narrowed(asked), newest is None and oldest is not None
    place = oldest if upwards else newest
    while True:
        bound = {} if place is None else {"sequence__gte" if upwards else "sequence__lte": place}
        rows = list(found.filter(**bound).order_by("sequence" if upwards else "-sequence")[:CHUNK_ROWS])
        yield from (row for row in rows if asked.about is None or asked.about in wording.things(row.code, row.data))
        if len(rows) < CHUNK_ROWS:
            return
        place = rows[-1].sequence + (1 if upwards else -1)


def _narrowed(asked: Filter) -> QuerySet[AuditRow]:
    """Return the rows that may be meant, those about a thing by the text of their data, which `rows_like` reads."""
    found = AuditRow.objects.all()
    if asked.who:
        found = found.filter(actor_key=asked.who)
    if asked.codes:
        found = found.filter(code__in=asked.codes)
    if asked.since:
        found = found.filter(at__gte=asked.since)
    if asked.before:
        found = found.filter(at__lt=asked.before)
    if asked.about:
        found = found.filter(_may_be_about(*asked.about))
    return found


def _may_be_about(kind: str, key: str) -> Q:
    """Ask for the text of a thing in the data: `"run":7` for numbers, which `"run":70` holds as well."""
    texts = {chain.canonical_json(key)}
    if wording.kinds()[kind].is_number:
        texts = {f'"{field}":{key}' for field in wording.fields_about(kind)}
    held = [Q(data_json__contains=text) for text in sorted(texts)]
    return functools.reduce(operator.or_, held) & Q(code__in=wording.codes_about(kind))


def last_number() -> int:
    """Return the number of the newest row; 0 where there is none."""
    return AuditRow.objects.order_by("-sequence").values_list("sequence", flat=True).first() or 0


_ACTORS = """
    SELECT key, (SELECT actor_label FROM audit_auditrow WHERE actor_key = key LIMIT 1)
    FROM (
        WITH RECURSIVE each_actor(key) AS (
            SELECT min(actor_key) FROM audit_auditrow
            UNION ALL
            SELECT (SELECT min(actor_key) FROM audit_auditrow WHERE actor_key > key)
            FROM each_actor WHERE key IS NOT NULL
        )
        SELECT key FROM each_actor WHERE key IS NOT NULL LIMIT %s
    ) AS found
"""
MOST_ACTORS = 1_000


def actors() -> dict[str, str]:
    """Return who has ever acted: key and a label. From one key to the next by the index: no row is looked at twice."""
    with connection.cursor() as cursor:
        cursor.execute(_ACTORS, [MOST_ACTORS])
        return dict(cursor.fetchall())


def is_in_use() -> bool:
    """Say whether a table of another room holds anything: whatever was put there left rows here."""
    rooms = (app for app in apps.get_app_configs() if app.name.startswith("tocsin.") and app.label != "audit")
    return any(model._base_manager.exists() for app in rooms for model in app.get_models())


def database_is_append_only() -> bool:
    """Say whether the database still refuses to change the trail: somebody may have removed the triggers."""
    return append_only.holds(connection)


def verify() -> Verdict:
    """Check the chain and name the first row that is not as it was written.

    What was cut off at the end, and whether all hashes were computed anew, only signed heads tell: `verifying`.
    """
    return chain.check(stored.links())


def keys_on_record() -> set[str]:
    """Return the public keys that the trail says were made. A row that says no such thing any more was changed."""
    keys = set[str]()
    for row in AuditRow.objects.filter(code="audit.key_made"):
        with contextlib.suppress(ValueError, LookupError, TypeError):
            keys.add(str(row.data["key"]))
    return keys


def last_head() -> SignedHead | None:
    """Return the head that was signed last."""
    return SignedHead.objects.order_by("-on").first()


def heads_told() -> int:
    """Return of how many signed heads the rows tell."""
    return AuditRow.objects.filter(code="audit.head_signed").count()


def last_check() -> AuditRow | None:
    """Return the row that says what was found when the whole trail was last checked."""
    return AuditRow.objects.filter(code="audit.checked").order_by("-sequence").first()


def key_made_at() -> dt.datetime:
    """Return since when heads are to be signed."""
    return AuditRow.objects.filter(code="audit.key_made").order_by("sequence").values_list("at", flat=True)[0]


def hash_of(sequence: int) -> str:
    """Return the hash of a row; empty when it is not there."""
    return AuditRow.objects.filter(sequence=sequence).values_list("hash", flat=True).first() or ""
