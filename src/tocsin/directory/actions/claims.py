"""Enter, confirm and end claims, and settle conflicts between them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.db.models import Q
from django.utils.translation import gettext as _

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.directory import attribution, mistakes
from tocsin.directory.actions.permitting import permit_change, permit_team
from tocsin.directory.actions.rows import read_again
from tocsin.directory.choices import ChangeKind, ClaimKind, Outcome
from tocsin.directory.events import ClaimsChanged, ConflictSettled
from tocsin.directory.models import Claim, Constituent, Settlement
from tocsin.directory.rules import address_range, canonical, periods_overlap
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Conflict, InvalidInput, Refusal, refuse


@action("claim.added")
def add_claim(
    constituent: Constituent,
    *,
    kind: ClaimKind,
    value: str,
    valid_from: dt.date | None = None,
    valid_to: dt.date | None = None,
    source: str = "",
    is_confirmed: bool = False,
    by: Actor,
    at: Instant,
) -> ClaimsChanged:
    """Enter a claim; `is_confirmed` says that `by` has checked it. An equal claim of another constituent is allowed.

    It then stands in the list of conflicts, for people to settle.
    """
    permit_team(by)
    facts = {"kind": kind, "value": value, "valid_from": valid_from, "valid_to": valid_to, "source": source}
    refuse(mistakes.of_new_claim(constituent, facts))
    value = canonical(kind, value)
    first, last = address_range(kind, value)
    claim = Claim.objects.create(
        constituent=constituent,
        kind=kind,
        value=value,
        first_address=first,
        last_address=last,
        valid_from=valid_from,
        valid_to=valid_to,
        source=source,
        confirmed_by=by.audit_label if is_confirmed else "",
        confirmed_at=at if is_confirmed else None,
        added_at=at,
        changed_at=at,
    )
    attribution.order(at)
    return _changed(claim)


@action("claim.confirmed")
def confirm_claim(claim: Claim, *, by: Actor, at: Instant) -> ClaimsChanged:
    """Say that the claim was checked now."""
    permit_team(by)
    read_again(claim)
    _confirm(claim, by, at)
    attribution.order(at)
    return _changed(claim)


@action("claim.ended")
def end_claim(claim: Claim, *, ends_on: dt.date, reason: str = "", by: Actor, at: Instant) -> ClaimsChanged:
    """Give the claim its last day. An earlier end than it has may be given; a later one is a new claim."""
    permit_change(by, claim.constituent, ChangeKind.END_OF_CLAIM, {"ends_on": ends_on}, at=at)
    read_again(claim)
    refuse([*mistakes.of_last_day(claim, ends_on), *mistakes.of_texts({"reason": reason}, lines=("reason",))])
    _end(claim, ends_on, at)
    attribution.order(at)
    return _changed(claim, ends_on=ends_on, reason=reason)


@action("conflict.settled")
def settle_conflict(
    *, confirmed: Claim, ended: Claim, ends_on: dt.date, reason: str, by: Actor, at: Instant
) -> ConflictSettled:
    """Confirm one of two equal claims and end the other. Days when both held go to the confirmed one.

    Raises Conflict when somebody was faster: it is settled, or the claims share no day any more.
    """
    permit_team(by)
    _must_be_a_conflict(confirmed, ended, reason, at, ended, ends_on)
    _end(ended, ends_on, at)
    _confirm(confirmed, by, at)
    _record(confirmed, ended, Outcome.ONE_ENDED, reason, by, at)
    attribution.order(at)
    return _settled(confirmed, ended, Outcome.ONE_ENDED, reason, ends_on)


@action("conflict.kept")
def settle_keeping_both(one: Claim, other: Claim, *, reason: str, by: Actor, at: Instant) -> ConflictSettled:
    """Let both claims stand, for a reason: a shared network. It comes back when the dates of either change."""
    permit_team(by)
    _must_be_a_conflict(one, other, reason, at)
    _record(one, other, Outcome.BOTH_KEPT, reason, by, at)
    return _settled(one, other, Outcome.BOTH_KEPT, reason, None)


def _must_be_a_conflict(
    one: Claim, other: Claim, reason: str, at: Instant, ended: Claim | None = None, ends_on: dt.date | None = None
) -> None:
    """Refuse to settle what is not to be settled, by the claims as they are now."""
    first, second = sorted((one, other), key=lambda claim: claim.pk)
    read_again(first)
    read_again(second)
    refuse([*_of_settling(first, second, reason), *(mistakes.of_settled_day(ended, ends_on, at) if ended else ())])


def _of_settling(one: Claim, other: Claim, reason: str) -> Iterator[Refusal]:
    if not reason.strip():
        yield InvalidInput(_("Say why: others will rely on it."), where="reason")
    yield from mistakes.of_texts({"reason": reason}, lines=("reason",))
    if one.constituent_id == other.constituent_id or (one.kind, one.value) != (other.kind, other.value):
        yield InvalidInput(_("These two claims are not in conflict."))
    elif Settlement.objects.filter(one=one, other=other).exists():
        yield Conflict(_("This conflict is settled already."))
    elif not periods_overlap((one.valid_from, one.valid_to), (other.valid_from, other.valid_to)):
        yield Conflict(_("These two claims share no day any more: there is nothing to settle."))


def _confirm(claim: Claim, by: Actor, at: Instant) -> None:
    claim.confirmed_by, claim.confirmed_at, claim.changed_at = by.audit_label, at, at
    claim.save(update_fields=["confirmed_by", "confirmed_at", "changed_at"])


def _end(claim: Claim, ends_on: dt.date, at: Instant) -> None:
    claim.valid_to, claim.changed_at = ends_on, at
    claim.save(update_fields=["valid_to", "changed_at"])
    Settlement.objects.filter(Q(one=claim) | Q(other=claim)).delete()


def _record(one: Claim, other: Claim, outcome: Outcome, reason: str, by: Actor, at: Instant) -> None:
    first, second = sorted((one, other), key=lambda claim: claim.pk)
    Settlement.objects.create(
        one=first, other=second, outcome=outcome, reason=reason, settled_by=by.audit_label, settled_at=at
    )


def _changed(claim: Claim, *, ends_on: dt.date | None = None, reason: str = "") -> ClaimsChanged:
    who = (claim.constituent.public_id,)
    return ClaimsChanged(constituents=who, claims=(claim.pk,), values=(claim.value,), ends_on=ends_on, reason=reason)


def _settled(one: Claim, other: Claim, outcome: Outcome, reason: str, ends_on: dt.date | None) -> ConflictSettled:
    return ConflictSettled(
        constituents=(one.constituent.public_id, other.constituent.public_id),
        claims=(one.pk, other.pk),
        value=one.value,
        outcome=outcome.value,
        reason=reason,
        ends_on=ends_on,
    )
