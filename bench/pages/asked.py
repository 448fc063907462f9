"""Which pages are asked for: every filter and order of the list, the beginnings and depths of it, and all else.

A filter that has many values takes another one in each round: nobody asks for the same address twenty times, and what
is kept of the last search must not answer the next.
"""

from __future__ import annotations

import dataclasses
import html
import ipaddress
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from bench.feeds import PORTS
from bench.pages.stock import Stock
from bench.pages.visitor import Visitor
from bench.processes import Failed

LIST, SITUATION, OTHER = "Findings list", "Situation", "other pages"
FINDINGS = "/findings/"
SORTS = ("severity", "type", "constituent", "asset", "first_seen", "last_seen", "state", "count")
DEPTHS = 20
"""Deep pages that follow one another."""
LAST_COUNTED = 100
"""Beyond it a page goes on from a row."""
TAKEN_PAGES = 2
_CHOICE = re.compile(r'name="finding" value="([^"]+)"')
_ONWARD = re.compile(r'href="(\?[^"]*\bafter=[^"]+)"')
_RUN = re.compile(r'href="(/feeds/runs/\d+/)"')
_SETTLE = re.compile(r'href="(/directory/conflicts/\d+-\d+/)"')


@dataclasses.dataclass(frozen=True)
class Page:
    """A page under one name, or several of a kind that take turns."""

    group: str
    name: str
    paths: tuple[str, ...]

    def path(self, round_: int) -> str:
        """Return the address of a round."""
        return self.paths[round_ % len(self.paths)]


def take_some(visitor: Visitor) -> list[str]:
    """Take the findings of the first pages of the list, so that somebody has some; return their ids."""
    taken: list[str] = []
    for number in range(1, TAKEN_PAGES + 1):
        found = _CHOICE.findall(visitor.get(f"{FINDINGS}?page={number}").text)
        visitor.post(f"{FINDINGS}work/", [("do", "take"), ("query", ""), *(("finding", each) for each in found)])
        taken += found
    return taken


def pages(stock: Stock, visitor: Visitor) -> list[Page]:
    """Return all pages that are measured."""
    taken = take_some(visitor)
    return [
        *_list(_filters(stock, taken)),
        *_list((f"sort={sign}{sort}", [f"sort={sign}{sort}"]) for sort in SORTS for sign in ("", "-")),
        *_list(_places(visitor)),
        Page(SITUATION, "Situation", ("/",)),
        Page(SITUATION, "Situation, every kind", ("/?kinds=all",)),
        *_others(stock, visitor, taken),
    ]


def _list(asked: Any) -> Iterator[Page]:
    for name, queries in asked:
        if queries:  # a list may be too short to have such a page
            yield Page(LIST, name, tuple(f"{FINDINGS}?{query}" for query in queries))


def _filters(stock: Stock, taken: Sequence[str]) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield each filter, and some together."""
    held = stock.constituents
    ids = [each["id"] for each in held]
    networks = [network for each in held for network in each["networks"] if "." in network]
    wide = [
        str(ipaddress.ip_network(network).supernet(new_prefix=20)) for network in networks[::7] if _is_wide(network)
    ]
    single = [str(ipaddress.ip_network(network).network_address + 1) for network in networks[::3]]
    sectors = sorted({each["sector"] for each in held})
    asns = sorted({asn for each in held for asn in each["asns"]})
    types = ["scan_ssl", "scan_http", "event4_sinkhole", "scan6_http", "compromised_website", "blocklist"]
    yield "open, worst first", [""]
    for state in ("new", "still", "returned", "gone"):
        yield f"state={state}", [f"state={state}"]
    yield "every state", ["state=new&state=still&state=returned&state=gone"]
    yield "severity", [f"severity={level}" for level in range(1, 7)]
    yield "class", [f"class={name}" for name in ("vulnerable-system", "infected-system", "brute-force", "blacklist")]
    yield "type", [f"type={name}" for name in types]
    yield "tlp=AMBER", ["tlp=AMBER"]
    yield "sector", [f"sector={name}" for name in sectors]
    yield "whose", [f"whose={name}" for name in ids[::11]]
    yield "whose=- (nobody's)", ["whose=-"]
    yield "back=1", ["back=1"]
    yield "gone=now", ["state=gone&gone=now"]
    yield "owner=me", ["owner=me"]
    yield "owner=none", ["owner=none"]
    yield "q=address", [f"q={address}" for address in single[:40]]
    yield "q=prefix", [f"q={quote(network)}" for network in networks[5:200:5]]
    yield "q=wide prefix", [f"q={quote(network)}" for network in wide[:40]]
    yield "q=IPv6 prefix", [f"q={quote(f'2001:db8:{block:x}::/48')}" for block in range(40)]
    yield "q=AS", [f"q=AS{asn}" for asn in asns[:40]]
    yield "q=port", [f"q=:{port}" for port in PORTS.tolist()]
    yield "q=text", [f"q={word}{number}" for number in range(10) for word in ("h", "org00", "o1", "gov.")]
    yield "q=organisation", [f"q=Organisation+{number or ''}" for number in range(40)]
    yield "q=id", [f"q={each}" for each in taken[:40]]
    yield (
        "q, every state, by last sight",
        [
            f"state=new&state=still&state=returned&state=gone&sort=-last_seen&q={quote(network)}"
            for network in networks[7:200:5]
        ],
    )
    yield "whose, severity, by asset", [f"whose={name}&severity=2&severity=3&sort=asset" for name in ids[3::11]]
    yield "sector, class, by last sight", [f"sector={name}&class=vulnerable-system&sort=-last_seen" for name in sectors]
    yield "type gone, by first sight", [f"state=gone&type={name}&sort=first_seen" for name in types]
    yield "nobody's, text, by count", [f"whose=-&sort=-count&q=h{number}." for number in range(40)]
    yield "a sector's unowned, second page", [f"sector={name}&owner=none&page=2" for name in sectors]


def _is_wide(network: str) -> bool:
    return ipaddress.ip_network(network).prefixlen >= 20


def _places(visitor: Visitor) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield beginnings and depths of lists."""
    for number in (2, 20, LAST_COUNTED):
        yield f"page {number}", [f"page={number}"]
    yield f"sort=first_seen, page {LAST_COUNTED // 2}", [f"sort=first_seen&page={LAST_COUNTED // 2}"]
    for sort in ("severity", "constituent", "asset", "-last_seen"):
        query = f"sort={sort}&page={LAST_COUNTED}"
        yield f"sort={sort}, page {LAST_COUNTED}", [query]
        yield f"sort={sort}, beyond page {LAST_COUNTED}", _onward(visitor, query)
        far = _CHOICE.findall(visitor.get(f"{FINDINGS}?sort={_turned(sort)}").text)
        yield f"sort={sort}, from the far end", [f"sort={sort}&page=5000&before={each}" for each in far[:DEPTHS]]


def _onward(visitor: Visitor, query: str) -> list[str]:
    """Return the pages that follow one; none where the list ends."""
    found: list[str] = []
    while len(found) < DEPTHS and (link := _ONWARD.search(visitor.get(f"{FINDINGS}?{query}").text)):
        query = html.unescape(link[1]).removeprefix("?")
        found.append(query)
    return found


def _turned(sort: str) -> str:
    return sort.removeprefix("-") if sort.startswith("-") else f"-{sort}"


def _others(stock: Stock, visitor: Visitor, taken: Sequence[str]) -> Iterator[Page]:
    ids = [each["id"] for each in stock.constituents]
    runs = _RUN.findall(visitor.get("/feeds/").text)
    settle = _SETTLE.findall(visitor.get("/directory/conflicts/").text)
    more = _CHOICE.findall(visitor.get(f"{FINDINGS}?state=still&sort=-count").text)
    for name, paths in (
        ("a finding", [f"{FINDINGS}{each}/" for each in itertools.chain(*zip(taken[::5], more[::2], strict=False))]),
        ("Feeds and runs", ["/feeds/"]),
        ("a run", list(dict.fromkeys(runs))),
        ("Quarantine", ["/feeds/quarantine/"]),
        ("Quarantine, a type", [f"/feeds/quarantine/?type={name}" for name in ("scan_http", "scan_ssl", "scan_dns")]),
        ("Quarantine, page 50", ["/feeds/quarantine/?page=50"]),
        ("Unattributed", ["/directory/unattributed/"]),
        ("Unattributed, page 5", ["/directory/unattributed/?page=5"]),
        ("Contested claims", ["/directory/conflicts/"]),
        ("Settle a contested claim", settle[:DEPTHS]),
        ("Constituents", ["/directory/"]),
        ("Constituents, page 5", ["/directory/?page=5"]),
        ("Constituents by claims", ["/directory/?sort=-claims"]),
        ("Constituents, searched", [f"/directory/?q=Organisation+{number}" for number in range(40)]),
        ("Constituents, by address", [f"/directory/?q=198.18.{number}.1" for number in range(40)]),
        ("a constituent", [f"/directory/constituents/{each}/" for each in ids[::13]]),
        ("Search an address", [f"/search/?q=198.18.{number}.0/24" for number in range(40)]),
        ("Search a name", [f"/search/?q=org00{number}" for number in range(10, 50)]),
        ("Help", ["/help/"]),
    ):
        if not paths:
            raise Failed(f"There is nothing to ask for under {name!r}.")
        yield Page(OTHER, name, tuple(paths))
