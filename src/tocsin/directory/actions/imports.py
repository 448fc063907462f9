"""Import directory files, all or nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.courier import mail_addresses
from tocsin.directory import attribution
from tocsin.directory.actions.contacts import write_again_if_confirmed
from tocsin.directory.choices import Status
from tocsin.directory.events import DirectoryImported
from tocsin.directory.imports.planning import ConstituentPlan, Plan, confirmation, plan_import
from tocsin.directory.imports.records import ClaimRecord, ReadFiles, contact_key
from tocsin.directory.models import Claim, Constituent, Contact, Settlement
from tocsin.directory.rules import address_range
from tocsin.kernel.clock import Instant, day_of
from tocsin.kernel.refusals import Conflict

BATCH = 1_000
CLAIM_FIELDS = ["valid_from", "valid_to", "source", "confirmed_at", "confirmed_by", "changed_at"]
CONTACT_FIELDS = [
    "name", "phone", "language", "openpgp_key", "openpgp_fingerprint", "verified_on", "is_active",
    "undelivered_since", "undelivered_answer",
]  # fmt: skip
FACTS = ["name", "names", "sector", "languages", "status", "region", "note", "search_words", "changed_at"]


@action("directory.imported")
def import_directory(files: ReadFiles, *, end_missing: bool = False, by: Actor, at: Instant) -> DirectoryImported:
    """Apply the files. Claims that a file leaves out are ended, as of yesterday, only with `end_missing`.

    The plan is made anew inside the transaction, so that it fits what is there.
    Refused when there is nothing to change: ask `queries.plan_import` first.
    """
    plan = plan_import(files, end_missing=end_missing)
    if plan.is_empty:
        raise Conflict(_("Everything is as the files say already: there is nothing to change."))
    rows = _write_constituents(plan, at)
    _write_claims(plan, rows, by, at)
    _write_contacts(plan, rows)
    data = plan.as_data()
    if data["claims_added"] or data["claims_changed"] or data["claims_ended"]:
        attribution.order(at)
    return DirectoryImported(
        files=files.names,
        content_hashes=files.content_hashes,
        added=tuple(item.public_id for item in plan.added),
        changed=tuple(item.public_id for item in plan.changed),
        unchanged=plan.unchanged,
        **{
            name: data[name]
            for name in ("claims_added", "claims_changed", "claims_ended", "contacts_added", "contacts_changed")
        },
    )


Rows = dict[str, Constituent]


def _write_constituents(plan: Plan, at: Instant) -> Rows:
    """Write new and changed constituents; return every constituent of the files by public id."""
    new = [
        Constituent(
            public_id=item.public_id,
            **{"sector": "other", "status": Status.ACTIVE, **item.changes},
            added_at=at,
            changed_at=at,
        )
        for item in plan.added
    ]
    for row in new:
        row.fold_words()
    Constituent.objects.bulk_create(new, batch_size=BATCH)
    known = [item.constituent for item in plan.items if item.constituent]
    changed = [(item.constituent, item.changes) for item in plan.changed if item.constituent]
    for row, values in changed:
        _set(row, {**values, "changed_at": at})
        row.fold_words()
    Constituent.objects.bulk_update([row for row, _values in changed], FACTS, BATCH)
    rows = {row.public_id: row for row in (*new, *known)}
    _write_parents(plan.items, rows)
    return rows


def _write_parents(items: Iterable[ConstituentPlan], rows: Rows) -> None:
    moved = [item for item in items if item.parent is not None]
    elsewhere = {item.parent for item in moved if item.parent and item.parent not in rows}
    parents = {**rows, **{row.public_id: row for row in Constituent.objects.filter(public_id__in=elsewhere)}}
    for item in moved:
        rows[item.public_id].parent = parents[item.parent] if item.parent else None
    Constituent.objects.bulk_update([rows[item.public_id] for item in moved], ["parent"], BATCH)


def _set(row: Any, values: dict[str, Any]) -> None:
    for key, value in values.items():
        setattr(row, key, value)


def _write_claims(plan: Plan, rows: Rows, by: Actor, at: Instant) -> None:
    new = [_claim(rows[item.public_id], record, by, at) for item in plan.items for record in item.claims_added]
    Claim.objects.bulk_create(new, batch_size=BATCH)
    changed: list[Claim] = []
    redated: list[Claim] = []
    for item in plan.items:
        for claim, values in item.claims_changed:
            redated += [claim] if {"valid_from", "valid_to"} & values.keys() else []
            _set(claim, {**values, "changed_at": at})
            if "confirmed_at" in values and not claim.confirmed_by:
                claim.confirmed_by = by.audit_label
            changed.append(claim)
    if plan.end_missing:
        for claim in plan.missing_claims:
            # Yesterday, so that from today on nothing is attributed to it; never before its first day.
            last = day_of(at) - dt.timedelta(days=1)
            _set(claim, {"valid_to": max(last, claim.valid_from or last), "changed_at": at})
            changed.append(claim)
            redated.append(claim)
    Claim.objects.bulk_update(changed, CLAIM_FIELDS, BATCH)
    for start in range(0, len(redated), BATCH):
        touched = redated[start : start + BATCH]
        Settlement.objects.filter(Q(one__in=touched) | Q(other__in=touched)).delete()


def _claim(constituent: Constituent, record: ClaimRecord, by: Actor, at: Instant) -> Claim:
    first, last = address_range(record.kind, record.value)
    confirmed_at = confirmation(record)
    return Claim(
        constituent=constituent,
        kind=record.kind,
        value=record.value,
        first_address=first,
        last_address=last,
        valid_from=record.valid_from,
        valid_to=record.valid_to,
        confirmed_by=(record.confirmed_by or by.audit_label) if confirmed_at else "",
        confirmed_at=confirmed_at,
        source=record.source or record.place.file[:200],
        added_at=at,
        changed_at=at,
    )


def _write_contacts(plan: Plan, rows: Rows) -> None:
    Contact.objects.bulk_create(
        [
            Contact(constituent=rows[item.public_id], role=record.role, email=record.email, **record.given)
            for item in plan.items
            for record in item.contacts_added
        ],
        batch_size=BATCH,
    )
    changed: list[Contact] = []
    for item in plan.items:
        for contact, values in item.contacts_changed:
            _set(contact, values)
            write_again_if_confirmed(contact, contact.email)
            changed.append(contact)
    Contact.objects.bulk_update(changed, CONTACT_FIELDS, BATCH)
    for item in plan.items:
        if item.deputies:
            _write_deputies(item, rows[item.public_id])


def _write_deputies(item: ConstituentPlan, constituent: Constituent) -> None:
    contacts = list(constituent.contacts.all())
    by_key = {contact_key(row.role, row.email, row.name): row for row in contacts}
    by_mailbox = {mail_addresses.mailbox(row.email): row for row in contacts}
    for key, email in item.deputies:
        by_key[key].deputy_of = by_mailbox[mail_addresses.mailbox(email)]
    Contact.objects.bulk_update([by_key[key] for key, _email in item.deputies], ["deputy_of"], BATCH)
