"""Findings by what a person types: an id, an address or network, a port, an AS number, or words."""

from __future__ import annotations

import dataclasses
import ipaddress
import re

from django.urls import reverse

from tocsin.engine.public_ids import words_of
from tocsin.engine.query import Filter
from tocsin.feeds import queries, wording
from tocsin.feeds.queries_situation import titles

_WORD = 2**64 - 1
_MAPPED = 0xFFFF_0000_0000
_PORT = re.compile(r":\d{1,5}\Z")
_ASN = re.compile(r"as\d{1,10}\Z", re.IGNORECASE)


def worded(found: Filter, text: str) -> Filter:
    """Return the filter with what the search box says: an id, a network, an address, a port, an AS number, or words."""
    if not text:
        return found
    if _ASN.match(text):
        return dataclasses.replace(found, asns=(min(int(text[2:]), 2**32 - 1),))
    if _PORT.match(text):
        return dataclasses.replace(found, ports=(int(text[1:]),))
    try:
        return dataclasses.replace(found, addresses=(span(text),))
    except ValueError:
        pass
    try:
        return dataclasses.replace(found, keys=(words_of(text),), states=())
    except ValueError:
        return dataclasses.replace(found, words=text)


def span(text: str) -> tuple[int, int, int, int]:
    """Return first and last address of a network as high and low words. Raises ValueError when it is none."""
    network = ipaddress.ip_network(text.strip("[]"), strict=False)
    shift = _MAPPED if network.version == 4 else 0
    first, last = int(network.network_address) + shift, int(network.broadcast_address) + shift
    return first >> 64, first & _WORD, last >> 64, last & _WORD


def hits(person: object, text: str, limit: int) -> list[tuple[str, str, str]]:
    """Return findings that a text finds, open and gone, worst first: sentence, address of the page, where it is."""
    asked = dataclasses.replace(worded(Filter(), text), only_constituents=queries.only_constituents(person))
    if not text or (asked.words and len(asked.words) < SHORTEST):
        return []
    known = titles()
    found = queries.findings().page(asked, sort="severity", descending=False, limit=limit)
    return [
        (
            wording.kind(finding.type, known),
            reverse("feeds:finding", args=[queries.finding_id(finding)]),
            queries.place_of(finding),
        )
        for finding in found
    ]


SHORTEST = 3
"""Fewer letters are in every second name."""
