"""What an import would change: checked records against the tables. Reads, never writes.

What a file does not mention stays. A claim that a file gives without dates and
that has a last day here is not opened again: somebody ended it on purpose.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from tocsin.courier import mail_addresses, openpgp
from tocsin.directory.choices import ClaimKind, Status
from tocsin.directory.imports.records import (
    ClaimRecord,
    ConstituentRecord,
    ContactRecord,
    ImportRefused,
    Problem,
    ReadFiles,
    contact_key,
    no_other_contact,
)
from tocsin.directory.models import Claim, Constituent, Contact
from tocsin.directory.rules import made_ids, periods_overlap
from tocsin.kernel import clock

Key = tuple[str, str]
"""Kind and value of a claim."""


@dataclasses.dataclass
class ConstituentPlan:
    """What happens to one constituent of the files."""

    record: ConstituentRecord
    public_id: str
    constituent: Constituent | None
    """None when it is new."""
    changes: dict[str, Any] = dataclasses.field(default_factory=dict)
    parent: str | None = None
    """Public id of the new parent, empty for none; None when it stays."""
    claims_added: list[ClaimRecord] = dataclasses.field(default_factory=list)
    claims_changed: list[tuple[Claim, dict[str, Any]]] = dataclasses.field(default_factory=list)
    claims_missing: list[Claim] = dataclasses.field(default_factory=list)
    contacts_added: list[ContactRecord] = dataclasses.field(default_factory=list)
    contacts_changed: list[tuple[Contact, dict[str, Any]]] = dataclasses.field(default_factory=list)
    deputies: list[tuple[tuple[str, str], str]] = dataclasses.field(default_factory=list)
    """Key of a contact, and the address of the one it is deputy of."""

    def changes_something(self, *, end_missing: bool) -> bool:
        """Whether applying it writes anything."""
        return self.constituent is None or bool(
            self.changes
            or self.parent is not None
            or self.claims_added
            or self.claims_changed
            or self.contacts_added
            or self.contacts_changed
            or self.deputies
            or (end_missing and self.claims_missing)
        )

    def as_data(self, *, end_missing: bool) -> dict[str, Any]:
        """For `--json` and the page of a dry run."""
        return {
            "id": self.public_id,
            "name": self.record.given.get("name", ""),
            "new": self.constituent is None,
            "fields": sorted((*self.changes, *(("parent",) if self.parent is not None else ()))),
            "claims_added": [claim.value for claim in self.claims_added],
            "claims_changed": [claim.value for claim, _values in self.claims_changed],
            "claims_ended" if end_missing else "claims_missing": [claim.value for claim in self.claims_missing],
            "contacts_added": [contact.email or contact.key[1] for contact in self.contacts_added],
            "contacts_changed": [str(contact) for contact, _values in self.contacts_changed],
        }


@dataclasses.dataclass(frozen=True)
class NewConflict:
    """A claim of the files equals one of another constituent at the same time."""

    kind: str
    value: str
    constituents: tuple[str, ...]

    def as_data(self) -> dict[str, Any]:
        """For `--json`."""
        return {"kind": self.kind, "value": self.value, "constituents": list(self.constituents)}


@dataclasses.dataclass(frozen=True)
class Plan:
    """What an import would do."""

    files: ReadFiles
    items: tuple[ConstituentPlan, ...]
    end_missing: bool
    conflicts: tuple[NewConflict, ...]
    remarks: tuple[str, ...]
    not_in_files: int
    """Constituents here that no file mentions; they stay as they are."""

    @property
    def added(self) -> list[ConstituentPlan]:
        """New constituents."""
        return [item for item in self.items if item.constituent is None]

    @property
    def changed(self) -> list[ConstituentPlan]:
        """Known constituents to which something happens."""
        return [
            item for item in self.items if item.constituent and item.changes_something(end_missing=self.end_missing)
        ]

    @property
    def unchanged(self) -> int:
        """How many constituents are already as the files say."""
        return len(self.items) - len(self.added) - len(self.changed)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.added and not self.changed

    @property
    def missing_claims(self) -> list[Claim]:
        """Claims that hold here and stand in no file, of constituents and kinds that the files give."""
        return [claim for item in self.items for claim in item.claims_missing]

    @property
    def changed_claims(self) -> list[Claim]:
        """Claims that hold here and get other dates, sources or confirmations."""
        return [claim for item in self.items for claim, _values in item.claims_changed]

    def as_data(self) -> dict[str, Any]:
        """For `--json` and the page of a dry run."""
        missing = len(self.missing_claims)
        return {
            "files": list(self.files.names),
            "added": len(self.added),
            "changed": len(self.changed),
            "unchanged": self.unchanged,
            "not_in_files": self.not_in_files,
            "claims_added": sum(len(item.claims_added) for item in self.items),
            "claims_changed": sum(len(item.claims_changed) for item in self.items),
            "claims_missing": 0 if self.end_missing else missing,
            "claims_ended": missing if self.end_missing else 0,
            "contacts_added": sum(len(item.contacts_added) for item in self.items),
            "contacts_changed": sum(len(item.contacts_changed) for item in self.items),
            "conflicts": [conflict.as_data() for conflict in self.conflicts],
            "remarks": list(self.remarks),
            "constituents": [item.as_data(end_missing=self.end_missing) for item in (*self.added, *self.changed)],
        }


class _Directory:
    """The tables as they stand, by the keys that planning asks for."""

    def __init__(self) -> None:
        self.by_id = {row.public_id: row for row in Constituent.objects.select_related("parent")}
        self.by_name: dict[str, list[Constituent]] = defaultdict(list)
        self.public_ids = {row.pk: row.public_id for row in self.by_id.values()}
        for row in self.by_id.values():
            self.by_name[row.name].append(row)
        self.claims: dict[int, list[Claim]] = defaultdict(list)
        for claim in Claim.objects.order_by("id"):
            self.claims[claim.constituent_id].append(claim)
        self.contacts: dict[int, list[Contact]] = defaultdict(list)
        for contact in Contact.objects.select_related("deputy_of").order_by("id"):
            self.contacts[contact.constituent_id].append(contact)


def plan_import(files: ReadFiles, *, end_missing: bool) -> Plan:
    """Return what importing the files would do now. Raises ImportRefused when they do not fit what is here."""
    here = _Directory()
    problems: list[Problem] = []
    remarks = list(files.remarks)
    items = list(_identified(files.records, here, problems))
    for item in items:
        _plan_facts(item)
        _plan_claims(item, here, remarks)
        _plan_contacts(item, here, problems)
    problems += _parent_problems(items, here)
    problems += _period_problems(items, here)
    problems += _former_problems(items, here, end_missing=end_missing)
    if problems:
        raise ImportRefused(problems)
    mentioned = sum(1 for item in items if item.constituent)
    conflicts = tuple(_new_conflicts(items, here))
    return Plan(files, tuple(items), end_missing, conflicts, tuple(remarks), len(here.by_id) - mentioned)


def _identified(
    records: Iterable[ConstituentRecord], here: _Directory, problems: list[Problem]
) -> Iterator[ConstituentPlan]:
    """Find whom each record means: by id, without one by name; otherwise it is new."""
    records = tuple(records)
    given_ids = {record.public_id for record in records}
    made = made_ids((*here.by_id, *given_ids))
    for record in records:
        named = [row for row in here.by_name[record.given["name"]] if not record.public_id]
        if len(named) > 1:
            sentence = _("{count} constituents have this name: give the id.").format(count=len(named))
            problems.append(Problem(record.place.at("name"), sentence))
        elif named and named[0].public_id in given_ids:
            sentence = _("{value} stands in the files with its id as well.").format(value=named[0].public_id)
            problems.append(Problem(record.place.at("name"), sentence))
        elif named:
            yield ConstituentPlan(record, named[0].public_id, named[0])
        else:
            public_id = record.public_id or next(made)
            yield ConstituentPlan(record, public_id, here.by_id.get(public_id))


def _plan_facts(item: ConstituentPlan) -> None:
    """Find the fields that differ."""
    row, given = item.constituent, dict(item.record.given)
    wanted_parent = item.record.parent
    if row is None:
        item.changes = given
        item.parent = wanted_parent or None
        return
    if "names" in given:
        given["names"] = {**row.names, **given["names"]}
    item.changes = {key: value for key, value in given.items() if getattr(row, key) != value}
    if wanted_parent is not None and wanted_parent != (row.parent.public_id if row.parent else ""):
        item.parent = wanted_parent


# ---- claims


def _plan_claims(item: ConstituentPlan, here: _Directory, remarks: list[str]) -> None:
    existing: dict[Key, list[Claim]] = defaultdict(list)
    for claim in here.claims[item.constituent.pk] if item.constituent else ():
        existing[claim.kind, claim.value].append(claim)
    mentioned: set[int] = set()
    for record in item.record.claims:
        claim_here = _match(record, [row for row in existing[record.kind, record.value] if row.pk not in mentioned])
        if claim_here is None:
            item.claims_added.append(record)
            continue
        mentioned.add(claim_here.pk)
        if changes := _claim_changes(record, claim_here):
            item.claims_changed.append((claim_here, changes))
        if claim_here.valid_to and record.valid_to is None:
            sentence = _(
                "{value} of {id} has {last} as its last day here and stays so; to claim it anew, give a valid_from "
                "after that day."
            )
            remarks.append(sentence.format(value=record.value, id=item.public_id, last=claim_here.valid_to))
    item.claims_missing = [
        claim
        for claims in existing.values()
        for claim in claims
        if claim.valid_to is None and claim.pk not in mentioned and claim.kind in item.record.claim_kinds
    ]


def _match(record: ClaimRecord, candidates: list[Claim]) -> Claim | None:
    """Return the claim that a record means: the open or latest one, or, when it gives dates, the one of that time."""
    if record.period == (None, None):
        return max(candidates, key=lambda claim: claim.valid_to or dt.date.max, default=None)
    same_start = [claim for claim in candidates if record.valid_from and claim.valid_from == record.valid_from]
    same_time = [claim for claim in candidates if periods_overlap(record.period, (claim.valid_from, claim.valid_to))]
    return next(iter((*same_start, *same_time)), None)


def _claim_changes(record: ClaimRecord, claim: Claim) -> dict[str, Any]:
    """Return what a record changes of a claim. A confirmation is only ever replaced by a later one."""
    given = {"valid_from": record.valid_from, "valid_to": record.valid_to, "source": record.source}
    changes = {key: value for key, value in given.items() if value and getattr(claim, key) != value}
    confirmed_at = confirmation(record)
    if confirmed_at and (claim.confirmed_at is None or claim.confirmed_at < confirmed_at):
        changes |= {"confirmed_at": confirmed_at, "confirmed_by": record.confirmed_by}
    return changes


def confirmation(record: ClaimRecord) -> dt.datetime | None:
    """Return the instant of a record's confirmation: the day's beginning in UTC."""
    return dt.datetime.combine(record.confirmed_on, dt.time(), dt.UTC) if record.confirmed_on else None


def _new_conflicts(items: Iterable[ConstituentPlan], here: _Directory) -> Iterator[NewConflict]:
    """Find equal claims of different constituents that the import would bring."""
    items = tuple(items)
    claimed: dict[Key, list[tuple[str, tuple[dt.date | None, dt.date | None]]]] = defaultdict(list)
    added = {(record.kind.value, record.value) for item in items for record in item.claims_added}
    for owner, claims in here.claims.items():
        for claim in claims:
            if (claim.kind, claim.value) in added:
                claimed[claim.kind, claim.value].append((here.public_ids[owner], (claim.valid_from, claim.valid_to)))
    for item in items:
        for record in item.claims_added:
            claimed[record.kind.value, record.value].append((item.public_id, record.period))
    for (kind, value), holders in sorted(claimed.items()):
        among = {
            who
            for who, period in holders
            if any(who != other and periods_overlap(period, theirs) for other, theirs in holders)
        }
        if among:
            yield NewConflict(kind, value, tuple(sorted(among)))


# ---- contacts


def _plan_contacts(item: ConstituentPlan, here: _Directory, problems: list[Problem]) -> None:
    rows = here.contacts[item.constituent.pk] if item.constituent else ()
    existing = {_contact_key(row): row for row in rows}
    own, mailbox = _own_hosts(item, here), mail_addresses.mailbox
    known = {mailbox(each.email) for each in (*item.record.contacts, *rows)}
    for record in item.record.contacts:
        row = existing.get(record.key)
        problems += _of_key(record, row)
        if row is None and (said := mail_addresses.deceit(record.email, own)):
            problems.append(Problem(record.place, said))
        if row is None:
            item.contacts_added.append(record)
        elif changes := _contact_changes(record, row):
            item.contacts_changed.append((row, changes))
        is_so = row and row.deputy_of and mailbox(row.deputy_of.email) == mailbox(record.deputy_of)
        if record.deputy_of and mailbox(record.deputy_of) not in known:
            problems.append(no_other_contact(record))
        elif record.deputy_of and not is_so:
            item.deputies.append((record.key, record.deputy_of))


def _own_hosts(item: ConstituentPlan, here: _Directory) -> set[str]:
    """Return the hosts that are known as a constituent's own, from the file and from before."""
    pk = item.constituent.pk if item.constituent else 0
    claims = (*item.record.claims, *here.claims.get(pk, ()))
    contacts = (*item.record.contacts, *here.contacts.get(pk, ()))
    hosts = {each.email.rpartition("@")[2] for each in contacts if each.email}
    return hosts | {claim.value for claim in claims if claim.kind == ClaimKind.SUFFIX}


def _contact_key(row: Contact) -> tuple[str, str]:
    return contact_key(row.role, row.email, row.name)


def _of_key(record: ContactRecord, row: Contact | None) -> Iterator[Problem]:
    """Yield why nothing could be encrypted to the key of a contact, where it is not the one that is here already."""
    key = record.given.get("openpgp_key", "")
    if key and (row is None or row.openpgp_key.strip() != key) and (said := openpgp.flaw(key, at=clock.now())):
        yield Problem(record.place, said)


def _contact_changes(record: ContactRecord, row: Contact) -> dict[str, Any]:
    changes = {key: value for key, value in record.given.items() if getattr(row, key) != value}
    verified = changes.get("verified_on")
    if verified and row.verified_on and verified < row.verified_on:
        del changes["verified_on"]
    return changes


# ---- what does not fit


def _parent_problems(items: Iterable[ConstituentPlan], here: _Directory) -> Iterator[Problem]:
    """Find parents that are nowhere, and circles."""
    items = tuple(items)
    parents = {row.public_id: row.parent.public_id if row.parent else "" for row in here.by_id.values()}
    parents |= {item.public_id: "" for item in items if item.constituent is None}
    parents |= {item.public_id: item.parent for item in items if item.parent is not None}
    for item in items:
        if not item.parent:
            continue
        place = item.record.place.at("parent")
        if item.parent not in parents:
            sentence = _("There is no constituent {value}, neither here nor in the files.")
            yield Problem(place, sentence.format(value=item.parent))
        elif _is_in_circle(item.public_id, parents):
            yield Problem(place, _("{value} would be its own parent.").format(value=item.public_id))


def _is_in_circle(public_id: str, parents: Mapping[str, str]) -> bool:
    seen = set[str]()
    current = parents.get(public_id, "")
    while current and current not in seen:
        if current == public_id:
            return True
        seen.add(current)
        current = parents.get(current, "")
    return False


def _period_problems(items: Iterable[ConstituentPlan], here: _Directory) -> Iterator[Problem]:
    """Find claims whose dates, once imported, would run backwards or overlap another of the same constituent."""
    for item in items:
        touched = {(record.kind.value, record.value) for record in item.claims_added}
        touched |= {(claim.kind, claim.value) for claim, _changes in item.claims_changed}
        if not item.constituent or not touched:
            continue
        changed = {claim.pk: changes for claim, changes in item.claims_changed}
        periods: dict[Key, list[tuple[dt.date | None, dt.date | None]]] = defaultdict(list)
        for claim in here.claims[item.constituent.pk]:
            new = changed.get(claim.pk, {})
            period = new.get("valid_from", claim.valid_from), new.get("valid_to", claim.valid_to)
            periods[claim.kind, claim.value].append(period)
        for record in item.claims_added:
            periods[record.kind.value, record.value].append(record.period)
        for record in item.record.claims:
            same = periods[record.kind.value, record.value] if (record.kind.value, record.value) in touched else []
            if any(first and last and last < first for first, last in same) or any(
                periods_overlap(one, other) for number, one in enumerate(same) for other in same[:number]
            ):
                sentence = _("{value}: these dates do not fit the claim's dates here.").format(value=record.value)
                yield Problem(record.place, sentence)


def _former_problems(items: Iterable[ConstituentPlan], here: _Directory, *, end_missing: bool) -> Iterator[Problem]:
    """Find former constituents that would keep a claim without a last day."""
    for item in items:
        status = item.changes.get("status", item.constituent.status if item.constituent else Status.ACTIVE)
        if status != Status.FORMER or not item.constituent:
            continue
        ended = {claim.pk for claim, changes in item.claims_changed if changes.get("valid_to")}
        ended |= {claim.pk for claim in item.claims_missing} if end_missing else set()
        kept = [c for c in here.claims[item.constituent.pk] if c.valid_to is None and c.pk not in ended]
        if kept or any(record.valid_to is None for record in item.claims_added):
            sentence = _("A former constituent's claims need a last day: give valid_to.")
            yield Problem(item.record.place.at("status"), sentence)
