"""What a claim that is asked for would take from whom, and whether it would give its constituent anything at all.

For the team alone: who asks is not told what others hold.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from django.db.models import Q, QuerySet

from tocsin.directory import rules
from tocsin.directory.choices import ChangeKind, ClaimKind
from tocsin.directory.models import Claim
from tocsin.directory.rules import Around, address_range, parent_suffixes, periods_overlap
from tocsin.directory.wishes import Wish
from tocsin.kernel import networks

SHOWN = 50
"""Claims of others that a page lists of each sort."""


@dataclasses.dataclass(frozen=True)
class Effects:
    """Claims of others that share a day with the one that is asked for."""

    same: tuple[Claim, ...] = ()
    """Of exactly that: a conflict to settle."""
    around: tuple[Claim, ...] = ()
    """Of more: what they have of it goes to the narrower claim."""
    inside: tuple[Claim, ...] = ()
    """Of a part: they keep it."""
    own: tuple[Claim, ...] = ()
    """The constituent's own that hold all of it, confirmed or not, on whatever days."""
    gives_nothing_new: bool = False


NONE = Effects()


def effects_of(wish: Wish) -> Effects:
    """Return what a wish would do to others; nothing for what is no new claim."""
    if wish.kind != ChangeKind.CLAIM:
        return NONE
    period = wish.facts["valid_from"], wish.facts["valid_to"]
    holding = list(_holding(wish))
    around = (
        Around(
            is_own=claim.constituent_id == wish.constituent.pk,
            is_confirmed=claim.confirmed_at is not None,
            breadth=_breadth(claim.kind, claim.value),
            period=(claim.valid_from, claim.valid_to),
        )
        for claim in holding
    )
    others = [each for each in holding if _is_of_another(each, wish)]
    value = wish.facts["value"]
    return Effects(
        same=tuple(each for each in others if each.value == value),
        around=tuple(each for each in others if each.value != value),
        inside=tuple(each for each in _inside(wish)[:SHOWN] if _is_of_another(each, wish)),
        own=tuple(each for each in holding if each.constituent_id == wish.constituent.pk),
        gives_nothing_new=rules.gives_nothing_new(period, around),
    )


def _is_of_another(claim: Claim, wish: Wish) -> bool:
    period = wish.facts["valid_from"], wish.facts["valid_to"]
    return claim.constituent_id != wish.constituent.pk and periods_overlap(period, (claim.valid_from, claim.valid_to))


def _claims(wish: Wish) -> QuerySet[Claim]:
    return Claim.objects.filter(kind=wish.facts["kind"]).select_related("constituent")


def _holding(wish: Wish) -> Iterator[Claim]:
    """Yield the claims of all that is asked for, whosever, the widest first."""
    kind, value = ClaimKind(wish.facts["kind"]), wish.facts["value"]
    asked = Q(value__in=(value, *parent_suffixes(value))) if kind == ClaimKind.SUFFIX else Q(value=value)
    first, last = address_range(kind, value)
    if first and last:
        asked = Q(first_address__lte=first, last_address__gte=last)
    yield from sorted(_claims(wish).filter(asked), key=lambda claim: (_breadth(kind, claim.value), claim.pk))


def _inside(wish: Wish) -> QuerySet[Claim]:
    """Return the claims of parts of what is asked for."""
    kind, value = ClaimKind(wish.facts["kind"]), wish.facts["value"]
    first, last = address_range(kind, value)
    if first and last:
        return _claims(wish).filter(first_address__gte=first, last_address__lte=last).exclude(value=value)
    if kind == ClaimKind.SUFFIX:
        return _claims(wish).filter(value__endswith=f".{value}")
    return _claims(wish).none()


def _breadth(kind: str, value: str) -> int:
    if kind == ClaimKind.NETWORK:
        return networks.network(value).prefixlen
    return value.count(".") if kind == ClaimKind.SUFFIX else 0
