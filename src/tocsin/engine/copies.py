"""Files whose names say no type, and whose bytes came under a name that does.

Somebody renamed a report, or kept a copy beside it. Its name makes a type up,
and its rows would count a second time, as findings of that type.
"""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.engine.intake import Delivery, digest_of
from tocsin.engine.opening import BrokenReport
from tocsin.engine.store import Catalogue


def is_here(delivery: Delivery, catalogue: Catalogue) -> bool:
    """Tell whether the rows of a delivery are here already, under a type that is known or that another name made up."""
    if not delivery.is_of_made_up_type:
        return False
    same = catalogue.with_content(_content_of(delivery))
    return any(report.records and report.type != delivery.recognised.mapping.type for report in same)


def among(deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Return those that are copies of others: of the same bytes the one of a known type stands, else the first name."""
    return [one for one in deliveries if one.is_of_made_up_type and _has_original(one, deliveries)]


def _has_original(copy: Delivery, deliveries: Sequence[Delivery]) -> bool:
    alike = [one for one in deliveries if one.size == copy.size and _place(one) < _place(copy)]
    return bool(alike) and _content_of(copy) in map(_content_of, alike)


def _place(delivery: Delivery) -> tuple[bool, str, int]:
    return delivery.is_of_made_up_type, delivery.source.name, delivery.number


def _content_of(delivery: Delivery) -> str:
    """Return the digest of its bytes; empty where they cannot be read, of which its reading tells."""
    try:
        return digest_of(delivery.source).hex()
    except BrokenReport:
        return ""


__all__ = ["among", "is_here"]
