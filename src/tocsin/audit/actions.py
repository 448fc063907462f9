"""Every write about the trail: its key, its signed heads, what checking found, and who took it away."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tocsin.audit import signing
from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.audit.events import HeadSigned, KeyMade, TrailChecked, TrailExported
from tocsin.audit.models import AuditRow, SignedHead
from tocsin.audit.verifying import Verification
from tocsin.kernel.refusals import Conflict


@action("audit.key_made")
def record_key(*, path: Path, by: Actor, at: dt.datetime) -> KeyMade:
    """Put the public half of the key in a file on record: heads that another one signed are then found out."""
    return KeyMade(key=signing.public_key(path))


@action("audit.head_signed")
def sign_head(*, path: Path, by: Actor, at: dt.datetime) -> HeadSigned:
    """Sign the head of the trail with the key in a file, once a day (UTC).

    Raises Conflict when that was done or there is no row yet, Unavailable without the key.
    """
    on = at.astimezone(dt.UTC).date()
    last = AuditRow.objects.order_by("-sequence").values_list("sequence", "hash").first()
    if last is None or SignedHead.objects.filter(on=on).exists():
        raise Conflict(f"The head of {on} is signed already." if last else "The audit trail has no row yet.")
    head = signing.sign(signing.Head(on, *last, signing.public_key(path)), path)
    SignedHead.objects.create(
        on=head.on, sequence=head.sequence, hash=head.hash, key=head.key, signature=head.signature
    )
    return HeadSigned(
        on=head.on, sequence=head.sequence, hash=head.hash, key=head.key, signature=head.signature, text=head.text
    )


@action("audit.checked")
def record_check(found: Verification, *, by: Actor, at: dt.datetime) -> TrailChecked:
    """Put on record what checking the trail found, for the page."""
    faults = tuple(fault.as_data() for fault in found.faults)
    return TrailChecked(rows=found.rows, heads=found.heads, faults=faults, more=found.more)


@action("audit.exported")
def record_export(*, form: str, filters: Mapping[str, Any], up_to: int, by: Actor, at: dt.datetime) -> TrailExported:
    """Put on record that somebody takes rows of the trail away."""
    return TrailExported(form=form, filters=dict(filters), up_to=up_to)
