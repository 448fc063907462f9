"""What the engine needs for a run: where it may write, and what the directory says."""

from __future__ import annotations

import functools
import secrets

from django.conf import settings

from tocsin.directory import queries as directory
from tocsin.directory.choices import TableKind
from tocsin.engine.claims import Claim, Claims
from tocsin.engine.enrich import Announcements, Delegations, announced_ranges, delegated_ranges
from tocsin.engine.intake import Context
from tocsin.engine.store import Checkpoint, Workspace
from tocsin.feeds.models import Run
from tocsin.feeds.sweeping import token


def context(run: Run | None, checkpoint: Checkpoint) -> Context:
    """Return what the engine needs to know of the directory, and where it may write."""
    name = f"{token(run)}-{secrets.token_hex(3)}" if run else f"s{secrets.token_hex(6)}"
    return Context(Workspace(settings.TOCSIN.store, name, checkpoint), claims(), announcements(), delegations())


def claims() -> Claims:
    """Return all claims of the directory."""
    return Claims(
        [
            Claim(
                str(row.claim_id),
                row.constituent,
                row.kind,
                row.value,
                row.valid_from,
                row.valid_to,
                row.confirmed_at,
                row.added_at,
            )
            for row in directory.claims_for_engine()
        ]
    )


def announcements() -> Announcements | None:
    """Return the reference table of announced prefixes, if one is loaded."""
    path = directory.reference_table(TableKind.ASN, settings.TOCSIN.store)
    # A partial of a pure function: it is sent to workers that know neither Django nor this room.
    return Announcements(functools.partial(announced_ranges, path)) if path else None


def delegations() -> Delegations | None:
    """Return the reference table of the countries of delegated ranges, if one is loaded."""
    path = directory.reference_table(TableKind.COUNTRY, settings.TOCSIN.store)
    return Delegations(functools.partial(delegated_ranges, path)) if path else None
