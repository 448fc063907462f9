"""Every read of the directory beyond a simple filter, and what attribution takes from it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import ipaddress
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from django.db.models import Count, Max, Q, QuerySet
from django.utils.translation import get_language

from tocsin.audit.models import AuditRow
from tocsin.audit.queries import rows_mentioning
from tocsin.directory.attribution import finish_here as finish_attribution
from tocsin.directory.attribution import outcome as attribution_outcome
from tocsin.directory.attribution import under_way as attribution_under_way
from tocsin.directory.choices import ChangeState, ClaimKind, Status, TableKind
from tocsin.directory.imports.checking import read_files
from tocsin.directory.imports.planning import Plan, plan_import
from tocsin.directory.imports.reading import MAX_FILE_BYTES
from tocsin.directory.imports.records import ImportRefused, Problem, ReadFiles
from tocsin.directory.models import (
    ChangeRequest,
    Claim,
    Constituent,
    Contact,
    Membership,
    ReferenceTable,
    Settlement,
    name_shown,
)
from tocsin.directory.rules import address_key, enclosing, parent_suffixes, periods_overlap
from tocsin.directory.sectors import sector_label
from tocsin.kernel.collation import collated, folded
from tocsin.kernel.tlp import TLP
from tocsin.people import policy
from tocsin.people.models import Person

__all__ = [
    "MAX_FILE_BYTES",
    "ClaimRow",
    "Conflict",
    "ImportRefused",
    "Overlap",
    "Plan",
    "Problem",
    "ReadFiles",
    "attribution_outcome",
    "attribution_under_way",
    "can_edit",
    "can_view",
    "changes_of",
    "changes_waiting",
    "claim_values",
    "claims_and_conflicts",
    "claims_fingerprint",
    "claims_for_engine",
    "conflicts",
    "conflicts_of",
    "constituent_names",
    "constituents_matching",
    "constituents_named",
    "constituents_of",
    "constituents_visible_to",
    "counts",
    "finish_attribution",
    "history_of",
    "in_order_of_names",
    "in_shown_order",
    "listed",
    "may_take_back",
    "members_of",
    "memberships_of",
    "overlaps",
    "plan_import",
    "read_files",
    "reference_table",
]

CHUNK = 5_000
V = TypeVar("V")


@dataclasses.dataclass(frozen=True, slots=True)
class ClaimRow:
    """A claim as attribution needs it."""

    claim_id: int
    constituent: str
    """Public id."""
    kind: str
    """`network`, `asn` or `suffix`."""
    value: str
    """Canonical: `203.0.113.0/24`, `64496`, `ministry.example`."""
    valid_from: dt.date | None
    valid_to: dt.date | None
    """The last day."""
    confirmed_at: dt.datetime | None
    added_at: dt.datetime


_ENGINE_FIELDS = ("pk", "constituent", "kind", "value", "valid_from", "valid_to", "confirmed_at", "added_at")


class _Constituents(dict[int, tuple[str, str]]):
    """Public id and name of each constituent by primary key; of one that was entered meanwhile when it is asked for.

    Claims are asked for alone, never joined with constituents: see the work lists for why.
    """

    def __init__(self) -> None:
        super().__init__((pk, (public_id, name)) for pk, public_id, name in self._rows())

    def __missing__(self, pk: int) -> tuple[str, str]:
        ((_, public_id, name),) = self._rows(pk=pk)
        self[pk] = public_id, name
        return self[pk]

    def _rows(self, **asked: int) -> QuerySet[Constituent, tuple[int, str, str]]:
        return Constituent.objects.order_by().filter(**asked).values_list("pk", "public_id", "name")


def claims_for_engine() -> Iterator[ClaimRow]:
    """Yield every claim, also ended ones, since observations of the past are judged by the dates of then.

    In the order of their ids. A constituent's status does not matter here: a
    suspended one is still attributed, a former one has no claim without an end.
    """
    known = _Constituents()
    for pk, constituent, *rest in Claim.objects.order_by("pk").values_list(*_ENGINE_FIELDS).iterator(CHUNK):
        yield ClaimRow(pk, known[constituent][0], *rest)


def claims_fingerprint() -> str:
    """Return a digest of all that attribution depends on: equal digests, equal answers."""
    digest = hashlib.sha256()
    for row in claims_for_engine():
        confirmed = row.confirmed_at.astimezone(dt.UTC).isoformat() if row.confirmed_at else ""
        fields = (row.claim_id, row.constituent, row.kind, row.value, row.valid_from, row.valid_to, confirmed)
        digest.update("\t".join(map(str, fields)).encode() + b"\n")
    return digest.hexdigest()


# ---- work lists


@dataclasses.dataclass(frozen=True)
class Conflict:
    """Two equal claims of different constituents that share a day, not settled."""

    one: Claim
    other: Claim

    @property
    def key(self) -> str:
        """Names the pair in addresses: the lower id first."""
        return f"{self.one.pk}-{self.other.pk}"


def conflicts(among: Iterable[Constituent] = ()) -> list[Conflict]:
    """Return what people must settle, in the order of kind and value.

    Constituents that are known already, `among`, are not asked for again.
    """
    return _conflicts_about(_contested(), {row.pk: row for row in among})


def conflicts_of(constituent: Constituent) -> list[Conflict]:
    """Return what must be settled of one constituent."""
    return claims_and_conflicts(constituent, claim_values(constituent), ())[1]


def claim_values(constituent: Constituent) -> dict[int, tuple[str, str]]:
    """Return kind and value of each claim of a constituent by its primary key, in the order of a list of them."""
    return {pk: (kind, value) for pk, kind, value in constituent.claims.values_list("pk", "kind", "value")}


def claims_and_conflicts(
    constituent: Constituent, values: Mapping[int, tuple[str, str]], keys: Iterable[int]
) -> tuple[list[Claim], list[Conflict]]:
    """Return the claims with these primary keys, and what must be settled of the constituent that has all `values`.

    Claims hold all of a value or none, so others contest it who hold an equal one.
    """
    claimed, shown = set(values.values()), list(keys)
    others: list[Claim] = []
    for some in _batches(sorted({value for _, value in claimed})):
        held = _claims_with(some).exclude(constituent=constituent).prefetch_related("constituent")
        others += (claim for claim in held if (claim.kind, claim.value) in claimed)
    contested = {(claim.kind, claim.value) for claim in others}
    wanted = {*shown, *(pk for pk, value in values.items() if value in contested)}
    own = {claim.pk: claim for some in _batches(sorted(wanted)) for claim in constituent.claims.filter(pk__in=some)}
    mine = [claim for claim in own.values() if (claim.kind, claim.value) in contested]
    pairs = _open_pairs([*mine, *others])
    concerned = [each for each in pairs if constituent.pk in (each.one.constituent_id, each.other.constituent_id)]
    return [own[pk] for pk in shown], concerned


# These questions are put one after another, each of one table and with the values in it. A database that has not
# looked at its tables since an import takes any of them for empty, and answers a joined question row by row against
# every row: hours instead of a second.


def _contested() -> set[str]:
    """Return the values that several constituents claim, of claims that hold all of a value or none."""
    claims = Claim.objects.order_by().values_list("kind", "value")
    holders = claims.annotate(holders=Count("constituent", distinct=True)).filter(holders__gt=1)
    return {value for _, value, _ in holders}


def _claims_with(values: Iterable[str]) -> QuerySet[Claim]:
    # All kinds are named so that the index on kind and value serves.
    return Claim.objects.filter(kind__in=ClaimKind.values, value__in=list(values))


def _conflicts_about(values: set[str], known: Mapping[int, Constituent]) -> list[Conflict]:
    found: list[Claim] = []
    for some in _batches(sorted(values)):
        found += _claims_with(some)
    missing = {claim.constituent_id for claim in found} - set(known)
    known = {**known, **_constituents_by_key(missing)}
    for claim in found:
        claim.constituent = known[claim.constituent_id]
    return _open_pairs(found)


def _constituents_by_key(keys: Iterable[int]) -> dict[int, Constituent]:
    return {row.pk: row for some in _batches(sorted(keys)) for row in Constituent.objects.filter(pk__in=some)}


def _open_pairs(claims: Iterable[Claim]) -> list[Conflict]:
    """Return the pairs that contest each other and are not settled, in the order of kind and value."""
    groups: dict[tuple[str, str], list[Claim]] = defaultdict(list)
    for claim in sorted(claims, key=lambda claim: claim.pk):
        groups[claim.kind, claim.value].append(claim)
    pairs = [pair for _, group in sorted(groups.items()) for pair in _pairs(group)]
    settled = set(Settlement.objects.values_list("one_id", "other_id")) if pairs else set()
    return [Conflict(one, other) for one, other in pairs if (one.pk, other.pk) not in settled]


AT_ONCE = 10_000
"""So many values in one question: SQLite takes up to 32,766, PostgreSQL any number."""


def _batches(values: Sequence[V]) -> Iterator[Sequence[V]]:
    """Part values into as many at once as each database takes in one question."""
    yield from (values[at : at + AT_ONCE] for at in range(0, len(values), AT_ONCE))


def _pairs(claims: Sequence[Claim]) -> Iterator[tuple[Claim, Claim]]:
    for number, other in enumerate(claims):
        for one in claims[:number]:
            if one.constituent_id != other.constituent_id and periods_overlap(
                (one.valid_from, one.valid_to), (other.valid_from, other.valid_to)
            ):
                yield one, other


@dataclasses.dataclass(frozen=True, slots=True)
class OverlapSide:
    """One of two nested claims."""

    claim_id: int
    constituent: str
    name: str
    value: str
    period: tuple[dt.date | None, dt.date | None]
    first: bytes = b""
    last: bytes = b""


@dataclasses.dataclass(frozen=True, slots=True)
class Overlap:
    """A claim inside one of another constituent. Not a conflict: the more specific one holds."""

    inner: OverlapSide
    outer: OverlapSide


_SIDE_FIELDS = ("pk", "constituent", "value", "valid_from", "valid_to", "first_address", "last_address")


def overlaps() -> list[Overlap]:
    """Return each network and suffix that lies inside one of another constituent, with the nearest such."""
    known = _Constituents()
    networks, suffixes = (
        [_side(row, known) for row in Claim.objects.filter(kind=kind).values_list(*_SIDE_FIELDS)]
        for kind in (ClaimKind.NETWORK, ClaimKind.SUFFIX)
    )
    by_value: dict[str, list[OverlapSide]] = defaultdict(list)
    for side in suffixes:
        by_value[side.value].append(side)
    found = [(inner, reversed(around)) for inner, around in enclosing(networks)]
    around_suffix = ((side, (o for name in parent_suffixes(side.value) for o in by_value[name])) for side in suffixes)
    return [
        Overlap(inner, outer)
        for inner, outers in (*found, *around_suffix)
        for outer in _nearest_of_another(inner, outers)
    ]


def _side(row: tuple[Any, ...], known: _Constituents) -> OverlapSide:
    pk, constituent, value, valid_from, valid_to, first, last = row
    return OverlapSide(pk, *known[constituent], value, (valid_from, valid_to), bytes(first or b""), bytes(last or b""))


def _nearest_of_another(inner: OverlapSide, outers: Iterable[OverlapSide]) -> Iterator[OverlapSide]:
    for outer in outers:
        if outer.constituent == inner.constituent:
            return
        if periods_overlap(inner.period, outer.period):
            yield outer
            return


# ---- constituents


def constituents_visible_to(person: object) -> QuerySet[Constituent]:
    """Return the constituents that a person may see: all of them for whoever may view the directory, else none."""
    may_view = isinstance(person, Person) and policy.may(person, policy.Ability.VIEW_DIRECTORY)
    return Constituent.objects.all() if may_view else Constituent.objects.none()


def constituents_of(person: object) -> QuerySet[Constituent]:
    """Return the constituents that a person belongs to now, if the policy lets the person see what is their own."""
    if not (isinstance(person, Person) and policy.may(person, policy.Ability.VIEW_OWN)):
        return Constituent.objects.none()
    # Asked for by themselves: a person belongs to few.
    own = Membership.objects.order_by().filter(person=person, ended_at=None).values_list("constituent", flat=True)
    return Constituent.objects.filter(pk__in=list(own))


def memberships_of(person: Person) -> QuerySet[Membership]:
    """Return what a person belongs to now, with the constituents."""
    return (
        Membership.objects.filter(person=person, ended_at=None)
        .select_related("constituent")
        .order_by("constituent__name", "pk")
    )


def members_of(constituent: Constituent) -> QuerySet[Membership]:
    """Return who belongs to a constituent now, with the people."""
    return Membership.objects.filter(constituent=constituent, ended_at=None).select_related("person")


def has_member(public_id: str) -> bool:
    """Say whether somebody who may sign in belongs to a constituent now."""
    rows = Membership.objects.filter(constituent__public_id=public_id, ended_at=None, person__is_active=True)
    return rows.exists()


def can_view(person: object, constituent: Constituent, label: TLP | str | None = None) -> bool:
    """Say whether a person may view a constituent, or what is its and bears a label.

    The team sees all by its role; a contact what is of the own constituents; both only what they are cleared for.
    """
    if not isinstance(person, Person):
        return False
    is_own = Membership.objects.filter(person=person, constituent=constituent, ended_at=None).exists()
    return policy.can_view(person, policy.Ability.VIEW_DIRECTORY, is_own=is_own, label=label)


def can_edit(person: object, constituent: Constituent) -> bool:
    """Say whether a person may edit a constituent's entry: by the role, or because they administer it."""
    if not isinstance(person, Person):
        return False
    own = Membership.objects.filter(person=person, constituent=constituent, ended_at=None, is_administrator=True)
    return policy.can_edit(person, policy.Ability.EDIT_DIRECTORY, administers=own.exists())


def administers(person: object, constituent: Constituent) -> bool:
    """Say whether a person is a member who administers a constituent's entry; the team's own role is none of that."""
    if not isinstance(person, Person) or not policy.may(person, policy.Ability.EDIT_OWN):
        return False
    rows = Membership.objects.filter(person=person, constituent=constituent, ended_at=None, is_administrator=True)
    return rows.exists()


# ---- changes that members ask for


def changes_waiting() -> QuerySet[ChangeRequest]:
    """Return what members asked for and nobody has decided, oldest first."""
    return ChangeRequest.objects.filter(state=ChangeState.WAITS).select_related(*_OF_CHANGES)


def changes_of(constituent: Constituent) -> QuerySet[ChangeRequest]:
    """Return what members of a constituent asked for, newest first."""
    rows = ChangeRequest.objects.filter(constituent=constituent).select_related(*_OF_CHANGES)
    return rows.order_by("-asked_at", "-pk")


_OF_CHANGES = ("constituent", "claim", "contact", "asked_by")


def may_take_back(person: object, request: ChangeRequest) -> bool:
    """Say whether a person may take back what was asked for: their own, or of an entry that they administer."""
    if not (request.waits and isinstance(person, Person)):
        return False
    own = constituents_of(person).filter(pk=request.constituent_id)
    is_theirs = request.asked_by_id == person.pk or can_edit(person, request.constituent)
    return is_theirs and own.exists()


def constituents_with_ids(public_ids: Iterable[str]) -> QuerySet[Constituent]:
    """Return the constituents that have these permanent ids."""
    return Constituent.objects.filter(public_id__in=public_ids)


def constituents_matching(text: str, constituents: QuerySet[Constituent]) -> QuerySet[Constituent]:
    """Return those that `text` finds: part of a name or id, a domain, an address, a network or an AS number."""
    text = text.strip()
    if not text or constituents.query.is_empty():
        return constituents
    by_words = Q(search_words__contains=folded(text))
    # Asked for by themselves, as for the work lists.
    holders = Claim.objects.order_by().filter(_claims_matching(text)).values_list("constituent", flat=True).distinct()
    return constituents.filter(by_words | Q(pk__in=list(holders)))


def constituents_named(text: str) -> list[str]:
    """Return the public ids of those of whose name or id `text` is a part, in order."""
    found = Constituent.objects.filter(search_words__contains=folded(text))
    return list(found.order_by("public_id").values_list("public_id", flat=True))


def _claims_matching(text: str) -> Q:
    found = Q(kind=ClaimKind.SUFFIX, value__in=(text.lower(), *parent_suffixes(text.lower())))
    number = text.upper().removeprefix("AS")
    if number.isascii() and number.isdigit():
        found |= Q(kind=ClaimKind.ASN, value=str(int(number[:12])))
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return found
    first, last = address_key(network.network_address), address_key(network.broadcast_address)
    return found | Q(first_address__lte=first, last_address__gte=last)


def in_order_of_names(constituents: Iterable[Constituent]) -> list[str]:
    """Return the public ids in the order of the names that the reader sees."""
    ordered = sorted(constituents, key=lambda row: (collated(row.local_name), row.public_id))
    return [row.public_id for row in ordered]


@dataclasses.dataclass(frozen=True)
class Listed:
    """A constituent as the list shows it."""

    constituent: Constituent
    claim_count: int
    """Claims without an end."""
    verified_on: dt.date | None
    """The latest of active contacts."""


def listed(constituents: QuerySet[Constituent], keys: Sequence[int]) -> list[Listed]:
    """Return those that have these primary keys, in that order."""
    rows = constituents.in_bulk(keys)
    claims, verified = _open_claims().filter(constituent__in=keys), _last_verified().filter(constituent__in=keys)
    counts, days = dict(claims), dict(verified)
    return [Listed(rows[key], counts.get(key, 0), days.get(key)) for key in keys]


def _open_claims() -> QuerySet[Claim, tuple[int, int]]:
    """Ask how many claims without an end each constituent has that has any."""
    return Claim.objects.filter(valid_to=None).order_by().values_list("constituent").annotate(Count("pk"))


def _last_verified() -> QuerySet[Contact, tuple[int, dt.date | None]]:
    """Ask when an active contact of each constituent that has any was last verified."""
    return Contact.objects.filter(is_active=True).order_by().values_list("constituent").annotate(Max("verified_on"))


def in_shown_order(constituents: QuerySet[Constituent], by: str, *, is_descending: bool = False) -> list[int]:
    """Return the primary keys by a column (`name`, `sector`, a field, or one of `Listed`) as the reader sees it.

    Among equals by name. Databases know neither the language of the reader nor, alike, the order of letters beyond
    ASCII: they give a short row for each (some 10 µs), which is put in order here. What was never is before the first.
    """
    column = by if by not in _COUNTED and by != "name" else "pk"
    rows = constituents.order_by().values_list("pk", "public_id", "name", "names", column)
    words: dict[str, tuple[str, str]] = {}
    ordered = sorted(
        ((collated(name_shown(name, names)), public_id, pk, value) for pk, public_id, name, names, value in rows),
        key=lambda row: row[:2],
    )
    if by == "sector":
        words = {code: collated(sector_label(code, get_language() or "en")) for code in {row[3] for row in ordered}}
    counted: dict[int, Any] = dict(_COUNTED[by]()) if by in _COUNTED else {}
    keys: dict[str, Callable[[Any], Any]] = {
        "name": lambda row: row[0],
        "sector": lambda row: words[row[3]],
        "claim_count": lambda row: counted.get(row[2], 0),
        "verified_on": lambda row: (counted.get(row[2]) is not None, counted.get(row[2])),
    }
    ordered.sort(key=keys.get(by, lambda row: row[3]), reverse=is_descending)
    return [pk for _, _, pk, _ in ordered]


_COUNTED: dict[str, Callable[[], QuerySet[Any, Any]]] = {
    "claim_count": _open_claims,
    "verified_on": _last_verified,
}


def constituent_names() -> dict[str, str]:
    """Return the names of all constituents, also former ones, in the reader's language, by public id."""
    rows = Constituent.objects.values_list("public_id", "name", "names")
    return {public_id: name_shown(name, names) for public_id, name, names in rows}


def counts() -> dict[str, Any]:
    """Return how many constituents there are, by status and sector, and how many claims of each kind hold or held."""
    statuses = Constituent.objects.order_by().values_list("status").annotate(Count("pk"))
    active = Constituent.objects.filter(status=Status.ACTIVE).order_by()
    return {
        "constituents": Constituent.objects.count(),
        "by_status": dict(statuses),
        "by_sector": dict(active.values_list("sector").annotate(Count("pk"))),
        "claims": dict(Claim.objects.order_by().values_list("kind").annotate(Count("pk"))),
        "conflicts": len(conflicts()),
    }


# ---- history

HISTORY_CODES = (
    "constituent.added", "constituent.changed", "contact.added", "contact.changed", "contact.undelivered",
    "claim.added", "claim.confirmed", "claim.ended", "conflict.settled", "conflict.kept", "directory.imported",
    "membership.added", "membership.changed", "membership.ended", "entry.said_right",
    "change.asked", "change.approved", "change.refused", "change.outdated", "change.taken_back",
)  # fmt: skip
HISTORY_ROWS = 50


def history_of(constituent: Constituent) -> list[AuditRow]:
    """Return what was last done to a constituent, newest first, at most HISTORY_ROWS."""
    rows = rows_mentioning(constituent.public_id, HISTORY_CODES)[: 4 * HISTORY_ROWS]
    return [row for row in rows if _concerns(row.data, constituent.public_id)][:HISTORY_ROWS]


def _concerns(data: dict[str, Any], public_id: str) -> bool:
    """Whether a row is about the constituent, and does not just hold its id as some other word."""
    lists = (data.get(name, ()) for name in ("constituents", "added", "changed"))
    return data.get("constituent") == public_id or any(public_id in found for found in lists)


# ---- reference tables


def reference_table(kind: TableKind, store: Path) -> Path | None:
    """Return the current table's Parquet file (columns in `directory.tables`), or None when none was loaded."""
    file = ReferenceTable.objects.filter(kind=kind, is_current=True).values_list("file", flat=True).first()
    return store / file if file else None
