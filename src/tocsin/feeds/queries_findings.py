"""Findings by what a person types: an id, an address or network, a port, an AS number, or words."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from collections.abc import Sequence
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from tocsin.directory.queries import constituents_named
from tocsin.engine.public_ids import words_of
from tocsin.engine.query import Filter
from tocsin.feeds import queries, wording
from tocsin.kernel import networks

SHORTEST = 3
"""Fewer letters are in every second name."""
_WORD = 2**64 - 1
_PORT = re.compile(r":\d{1,5}\Z")
_WITH_PORT = re.compile(r"(\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\]):(\d{1,5})\Z", re.ASCII | re.IGNORECASE)
"""An address with its port, as pages write it."""
_ASN_DIGITS = 10
_ASN = re.compile(rf"as\d{{1,{_ASN_DIGITS}}}\Z", re.IGNORECASE)

_LIKE_ASN = re.compile(r"as\d{1,50}\Z", re.ASCII | re.IGNORECASE)
_LIKE_NETWORK = re.compile(
    r"(\d+(\.\d+){3}|[0-9a-f]*(:[0-9a-f]*){2,}|[0-9a-f.:]+/\d+)(/\d+)?\Z", re.ASCII | re.IGNORECASE
)
_BEGINNING = re.compile(r"\d{1,3}(\.\d{1,3}){1,2}\.?\Z", re.ASCII)
"""The first two or three numbers of an address."""
_BEGINNING_OF_SIX = re.compile(r"[0-9a-f]{1,4}(:[0-9a-f]{1,4}){1,6}:?\Z", re.ASCII | re.IGNORECASE)
"""The first groups of an IPv6 address."""

Span = tuple[int, int, int, int]
"""First and last address, each as high and low word."""


def worded(found: Filter, text: str) -> Filter:
    """Return the filter with what the search box says: an id, a network, an address, a port, both, an AS number, or
    words, which the name of an organisation may hold too.

    It holds besides what the filter asks for already.
    """
    if not text:
        return found
    if _ASN.match(text):
        return announced_by(found, [system(text)])
    if _PORT.match(text):
        return dataclasses.replace(found, ports=(int(text[1:]),))
    try:
        if place := address_and_port(text):
            return dataclasses.replace(within(found, spans_of(place[0])), ports=(place[1],))
        return within(found, spans_of(text))
    except ValueError:
        pass
    try:
        return dataclasses.replace(among(found, [words_of(text)]), states=())
    except ValueError:
        named = constituents_named(text) if len(text) >= SHORTEST else ()
        return dataclasses.replace(found, words=text, named=tuple(named))


def address_and_port(text: str) -> tuple[str, int] | None:
    """Return the two parts of a place as pages write it: `198.18.4.7:445`, `[2001:db8::7]:445`."""
    found = _WITH_PORT.match(text)
    return (found[1].strip("[]"), int(found[2])) if found else None


def misread(text: str) -> str:
    """Return what a text is not that it looks like, an address, network or AS number, as a sentence; empty for others.

    To look for it is right all the same: a name may look so.
    """
    if _LIKE_ASN.match(text) and not 0 < int(text[2:]) < 2**32:
        return _("{text} is no autonomous system. Write it as AS64497.").format(text=text)
    if not _LIKE_NETWORK.match(text) or _WITH_PORT.match(text):
        return ""
    try:
        spans_of(text)
    except ValueError:
        return _("{text} is no address and no network. Write it as 198.18.4.0/24 or 2001:db8::/32.").format(text=text)
    return ""


def within(found: Filter, spans: Sequence[Span]) -> Filter:
    """Return the filter for findings within any of the networks, and within one that it has already."""
    if not found.addresses:
        return dataclasses.replace(found, addresses=tuple(spans))
    both = [(max(a[:2], b[:2]), min(a[2:], b[2:])) for a in found.addresses for b in spans]
    shared = tuple((*first, *last) for first, last in both if first <= last)
    return dataclasses.replace(found, addresses=shared) if shared else nothing(found)


def announced_by(found: Filter, asns: Sequence[int]) -> Filter:
    """Return the filter for findings in any of the autonomous systems, and in one that it has already."""
    both = tuple(asn for asn in asns if not found.asns or asn in found.asns)
    return dataclasses.replace(found, asns=both) if both else nothing(found)


def among(found: Filter, keys: Sequence[tuple[int, int]]) -> Filter:
    """Return the filter for findings with any of the keys, of those that it has already."""
    return dataclasses.replace(found, keys=tuple(key for key in keys if found.keys is None or key in found.keys))


def nothing(found: Filter) -> Filter:
    """Return the filter that no finding passes."""
    return dataclasses.replace(found, keys=())


def system(text: str) -> int:
    """Return the number of an autonomous system, written with or without AS. Raises ValueError when it is none."""
    number = text[2:] if _ASN.match(text) else text
    if not (number.isascii() and number.isdigit()) or len(number) > _ASN_DIGITS:
        raise ValueError(f"{text!r} is no autonomous system")
    return min(int(number), 2**32 - 1)


def _completed(text: str) -> str:
    if _BEGINNING.match(text):
        numbers = text.rstrip(".").split(".")
        return f"{'.'.join(numbers + ['0'] * (4 - len(numbers)))}/{8 * len(numbers)}"
    if _BEGINNING_OF_SIX.match(text):
        groups = text.rstrip(":").split(":")
        return f"{':'.join(groups)}::/{16 * len(groups)}"
    return text


def spans_of(text: str) -> list[Span]:
    """Return first and last addresses of a network as high and low words. Raises ValueError when it is none.

    The beginning of an address stands for the network of all that begin so: `198.18.4` for `198.18.4.0/24`.
    """
    found = ipaddress.ip_network(_completed(text).strip("[]"), strict=False)
    return [in_words(first, last) for first, last in networks.spans(found)]


def in_words(first: int, last: int) -> Span:
    """Return two addresses of 128 bits as high and low words."""
    return first >> 64, first & _WORD, last >> 64, last & _WORD


@dataclasses.dataclass(frozen=True)
class Found:
    """Findings that a text finds, open and gone."""

    shown: Sequence[tuple[str, str, str]] = ()
    """The worst: sentence, address of the page, where it is."""
    total: int = 0
    """How many there are, also beyond those."""
    every: str = ""
    """Address of the list of them all."""
    of_named: str = ""
    """Public id of the organisation that the text names, where all of them are its."""


def hits(person: object, text: str, limit: int) -> Found:
    """Return what a text finds, with at most `limit` findings to be shown."""
    asked = dataclasses.replace(worded(Filter(), text), only_constituents=queries.only_constituents(person))
    if not text or (asked.words and len(asked.words) < SHORTEST):
        return Found()
    known = queries.titles_of_types()
    found = queries.findings().page(asked, sort="severity", descending=False, limit=limit)
    total, holders = len(found), {finding.constituent or "" for finding in found}
    if total == limit:  # there may be more
        tally = queries.findings().tally(asked, ("constituent",))
        total, holders = tally.total, {whose for whose, number in tally.by_facet["constituent"].items() if number}
    shown = [
        (
            wording.kind(finding.type, known),
            reverse("feeds:finding", args=[queries.finding_id(finding)]),
            queries.place_of(finding),
        )
        for finding in found
    ]
    every = urlencode({"q": text, "state": ["new", "still", "returned", "gone"]}, doseq=True)
    of_named = next((each for each in asked.named if holders == {each}), "")
    return Found(shown, total, f"{reverse('findings')}?{every}", of_named)
