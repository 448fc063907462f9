"""Files whose names say no type, and whose bytes came under a name that does.

Somebody renamed a report, or kept a copy beside it. Its name makes a type up,
and its rows would count a second time, as findings of that type.
"""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.engine.intake import Delivery, digest_of
from tocsin.engine.opening import BrokenReport, opened
from tocsin.engine.store import Catalogue

_HEADER = 1 << 16
"""No header is so long."""


def is_here(delivery: Delivery, catalogue: Catalogue) -> bool:
    """Tell whether the rows of a delivery are here already, under a type that is known or that another name made up."""
    if not delivery.is_of_made_up_type:
        return False
    content = _content_of(delivery)
    same = catalogue.with_content(content) if content else ()
    return any(report.type != delivery.recognised.mapping.type for report in same)


def among(deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Return those that are copies of others: of the same bytes the one of a known type stands, else the first name."""
    return [one for one in deliveries if one.is_of_made_up_type and _has_original(one, deliveries)]


def _has_original(copy: Delivery, deliveries: Sequence[Delivery]) -> bool:
    kind = copy.recognised.mapping.type
    others = [one for one in deliveries if one.size == copy.size and one.recognised.mapping.type != kind]
    alike = [one for one in others if _place(one) < _place(copy)]
    content = _content_of(copy) if alike else ""
    return bool(content) and content in map(_content_of, alike)


def _place(delivery: Delivery) -> tuple[bool, str, int]:
    return delivery.is_of_made_up_type, delivery.source.name, delivery.number


def _content_of(delivery: Delivery) -> str:
    """Return the digest of its bytes; empty where they are a header alone, which many share, or cannot be read."""
    try:
        with opened(delivery.source) as stream:
            has_rows = bool(stream.read(_HEADER).partition(b"\n")[2].strip())
        return digest_of(delivery.source).hex() if has_rows else ""
    except BrokenReport:
        return ""


__all__ = ["among", "is_here"]
