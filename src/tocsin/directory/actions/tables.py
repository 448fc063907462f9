"""Replace a reference table."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path

from django.db import transaction

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.directory.choices import TableKind
from tocsin.directory.events import ReferenceTableLoaded
from tocsin.directory.models import ReferenceTable
from tocsin.kernel.clock import Instant


def load_reference_table(
    kind: TableKind, source: Path, *, store: Path, by: Actor, at: Instant
) -> ReferenceTableLoaded | None:
    """Read a file of prefixes or delegations into the store and make it the current table of its kind.

    The file is written before the short transaction that names it in the
    manifest. None when this very file is current already; it is whole then, if
    it was not before.
    """
    # Arrow is large; only who loads a table pays for it.
    from tocsin.directory.tables import write_table

    written = write_table(kind, source, store)
    current = ReferenceTable.objects.filter(kind=kind, is_current=True).first()
    if current and (current.content_hash, current.file) == (written.content_hash, written.file):
        return None
    return _enter(
        kind, file=written.file, rows=written.rows, content_hash=written.content_hash,
        source=source.name[:200], store=store, by=by, at=at,
    )  # fmt: skip


@action("reference-table.loaded")
def _enter(
    kind: TableKind, *, file: str, rows: int, content_hash: str, source: str, store: Path, by: Actor, at: Instant
) -> ReferenceTableLoaded:
    ReferenceTable.objects.filter(kind=kind).update(is_current=False)
    ReferenceTable.objects.create(
        kind=kind,
        file=file,
        content_hash=content_hash,
        rows=rows,
        source=source,
        loaded_by=by.audit_label,
        loaded_at=at,
    )
    # A run in progress may still read the table before; what is older than that goes.
    kept = set(ReferenceTable.objects.filter(kind=kind).order_by("-id").values_list("file", flat=True)[:2])
    old = set(ReferenceTable.objects.filter(kind=kind).values_list("file", flat=True)) - kept
    transaction.on_commit(functools.partial(_remove, [store / name for name in old]))
    return ReferenceTableLoaded(kind=kind.value, rows=rows, source=source, content_hash=content_hash)


def _remove(files: Iterable[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)
