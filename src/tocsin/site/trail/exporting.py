"""Rows of the trail as a file: CSV for people, JSON lines for programs. Streamed, newest first.

The file holds what checking needs: number, hash and the hash before. It stands under TLP:AMBER+STRICT: rows hold the
names of constituents and people.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
from collections.abc import Iterator
from typing import Any

from django.utils import translation

from tocsin.audit import queries, wording
from tocsin.audit.models import AuditRow
from tocsin.audit.queries import Filter
from tocsin.feeds.exports import as_csv
from tocsin.kernel.clock import Instant
from tocsin.kernel.tlp import TLP

MEDIA = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}
TLP_LABEL = TLP.AMBER_STRICT.label
COLUMNS = ("row", "at", "actor_key", "actor", "code", "sentence", "data", "previous", "hash")
_AT_ONCE = 500


def lines(asked: Filter, form: str, up_to: int) -> Iterator[bytes]:
    """Yield the file, in the language of whoever asks: that of the answer ends before the last row is sent."""
    language = translation.get_language()
    rows = queries.rows_like(asked, newest=up_to)
    records = (_record(row, language) for row in rows)
    if form == "csv":
        yield from as_csv(({**each, "data": _text(each["data"])} for each in records), COLUMNS)
        return
    while some := list(itertools.islice(records, _AT_ONCE)):
        yield "".join(f"{_text(each)}\n" for each in some).encode()


def _record(row: AuditRow, language: str | None) -> dict[str, Any]:
    with translation.override(language):
        sentence = wording.sentence(row.code, row.data)
    return {
        "row": row.sequence,
        "at": row.at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
        "actor_key": row.actor_key,
        "actor": row.actor_label,
        "code": row.code,
        "sentence": sentence,
        "data": row.data,
        "previous": row.previous,
        "hash": row.hash,
    }


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def file_name(at: Instant, form: str) -> str:
    """Return a name that says what may be done with it."""
    return f"audit-{at:%Y-%m-%d-%H%M}-{TLP_LABEL.replace(':', '-').replace('+', '-')}.{form}"
