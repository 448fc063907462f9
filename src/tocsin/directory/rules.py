"""Pure decisions about claims and identifiers: what is canonical, what overlaps, what a public id may be.

And about what members ask for: whose word is enough, what harms nobody.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

from django.utils.translation import gettext as _

from tocsin.directory.choices import ChangeKind, ClaimKind
from tocsin.kernel import networks

_PUBLIC_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_MADE_ID = re.compile(r"org-(\d{4,})\Z")
WIDEST_PREFIX = {4: 8, 6: 16}
"""Shortest prefix length of a claim, by address family. Whoever claims more has made a slip."""

Range = tuple[bytes, bytes]


def canonical(kind: ClaimKind, text: str) -> str:
    """Return a claim's value in the one form in which it is stored.

    Raises ValueError, in the reader's language, with what was probably meant.
    """
    if kind == ClaimKind.ASN:
        return _asn(text)
    return _suffix(text) if kind == ClaimKind.SUFFIX else _network(text)


def _asn(text: str) -> str:
    try:
        return str(networks.asn(text))
    except ValueError:
        sentence = _("{value!r} is not an autonomous system number. Write it as 64496 or AS64496.")
        raise ValueError(sentence.format(value=text)) from None


def _suffix(text: str) -> str:
    try:
        suffix = networks.suffix(text)
    except ValueError:
        sentence = _("{value!r} is not a domain name. Write it as ministry.example.")
        if not networks.DEVIATIONS.isdisjoint(text.lower()):
            sentence = _("{value!r} has a letter that is written in two ways. Write it as xn--fa-hia.example.")
        raise ValueError(sentence.format(value=text)) from None
    # A declared name goes before every network: this one would take from all others what is under it.
    if "." not in suffix:
        sentence = _(
            "{value} alone is a whole top-level domain, wider than any organisation's names. "
            "Was a part of the name lost?"
        )
        raise ValueError(sentence.format(value=suffix))
    return suffix


def _network(text: str) -> str:
    try:
        network = networks.network(text)
    except ValueError:
        raise ValueError(_about_network(text)) from None
    if network.prefixlen < WIDEST_PREFIX[network.version]:
        sentence = _("{value} is wider than any organisation's network. Was a digit of the length lost?")
        raise ValueError(sentence.format(value=network))
    return str(network)


def _about_network(text: str) -> str:
    """Say what is wrong with a network that is none."""
    if "%" in text:
        sentence = _("{value!r} holds on one link only. Write a network that others can reach, as 2001:db8::/32.")
        return sentence.format(value=text)
    try:
        meant = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        sentence = _("{value!r} is not a network. Write it as 203.0.113.0/24 or 2001:db8::/32.")
        return sentence.format(value=text)
    return _("{value} is not a whole network. Write it as {meant}.").format(value=text, meant=meant)


def address_key(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bytes:
    """Return the octets by which an address is sorted and compared: family, then the address."""
    return bytes((address.version,)) + address.packed


def address_range(kind: ClaimKind, value: str) -> Range | tuple[None, None]:
    """Return first and last address of a canonical network; two times None for other kinds."""
    if kind != ClaimKind.NETWORK:
        return None, None
    network = networks.network(value)
    return address_key(network.network_address), address_key(network.broadcast_address)


def is_public_id(text: str) -> bool:
    """Whether `text` can be a constituent's permanent id: letters, digits, dot, underscore and hyphen, at most 64."""
    return _PUBLIC_ID.match(text) is not None


def made_ids(taken: Iterable[str]) -> Iterator[str]:
    """Yield new public ids, each once: `org-0001` and on, above the highest that was ever made."""
    number = max((int(found[1]) for found in map(_MADE_ID.match, taken) if found), default=0)
    while True:
        number += 1
        yield f"org-{number:04d}"


def periods_overlap(one: tuple[dt.date | None, dt.date | None], other: tuple[dt.date | None, dt.date | None]) -> bool:
    """Whether two periods (first day, last day, None for no limit) share a day."""
    (from_a, to_a), (from_b, to_b) = one, other
    return (from_a or dt.date.min) <= (to_b or dt.date.max) and (from_b or dt.date.min) <= (to_a or dt.date.max)


class Ranged(Protocol):
    """Something with a range of addresses."""

    @property
    def first(self) -> bytes: ...

    @property
    def last(self) -> bytes: ...


R = TypeVar("R", bound=Ranged)


def enclosing(ranges: Iterable[R]) -> Iterator[tuple[R, list[R]]]:
    """Yield each network with those that strictly enclose it, the nearest last.

    Takes networks, which nest or are apart and never cross; one pass over them in order.
    """
    open_ranges: list[R] = []
    for item in sorted(ranges, key=lambda r: (r.first, tuple(255 - octet for octet in r.last))):
        while open_ranges and open_ranges[-1].last < item.first:
            open_ranges.pop()
        around = [outer for outer in open_ranges if (outer.first, outer.last) != (item.first, item.last)]
        if around:
            yield item, around
        open_ranges.append(item)


def parent_suffixes(name: str) -> Iterator[str]:
    """Yield the suffixes that enclose a domain name, the nearest first, without the top-level domain's parent."""
    rest = name
    while "." in rest:
        rest = rest.partition(".")[2]
        yield rest


# ---- what members ask for

AT_ONCE_FACTS = frozenset({"languages"})
HARMLESS_OF_CONTACTS = frozenset({"name", "language", "phone"})
"""Neither to whom mail goes nor what only that person can read hangs on them."""
HARMLESS_FACTS = frozenset({"languages", "region"})


def needs_no_approval(kind: ChangeKind, facts: Mapping[str, Any], today: dt.date) -> bool:
    """Whether the word of somebody who administers an entry is enough.

    It is for contacts, for the languages, and to end a claim from today on. It is not for what gives sight of
    findings (each new claim), rewrites who was responsible on a day that has passed, or says who the constituent is.
    """
    if kind == ChangeKind.END_OF_CLAIM:
        return bool(facts["ends_on"] >= today)
    if kind == ChangeKind.FACTS:
        return facts.keys() <= AT_ONCE_FACTS
    return kind in (ChangeKind.NEW_CONTACT, ChangeKind.CONTACT)


def is_harmless(kind: str, names: Iterable[str]) -> bool:
    """Whether a wish may be approved together with others: neither mail nor findings reach anybody else by it."""
    allowed = {ChangeKind.CONTACT.value: HARMLESS_OF_CONTACTS, ChangeKind.FACTS.value: HARMLESS_FACTS}
    return kind in allowed and set(names) <= allowed[kind]


Period = tuple[dt.date | None, dt.date | None]


@dataclasses.dataclass(frozen=True)
class Around:
    """A claim of the same kind that holds all of what is asked for, or exactly that."""

    is_own: bool
    is_confirmed: bool
    breadth: int
    """How narrow it is: more bits of a prefix, more labels of a name."""
    period: Period


def gives_nothing_new(period: Period, around: Iterable[Around]) -> bool:
    """Whether a claim for `period` would give its constituent no finding that it does not have.

    So it is where a confirmed claim of its own holds all of it all that time, and nobody else has one as narrow as
    that, or narrower.
    """
    claims = list(around)
    others = [each for each in claims if not each.is_own and periods_overlap(period, each.period)]
    return any(
        own.is_own
        and own.is_confirmed
        and _covers(own.period, period)
        and not any(other.breadth >= own.breadth for other in others)
        for own in claims
    )


def _covers(outer: Period, inner: Period) -> bool:
    return (outer[0] or dt.date.min) <= (inner[0] or dt.date.min) and (inner[1] or dt.date.max) <= (
        outer[1] or dt.date.max
    )
