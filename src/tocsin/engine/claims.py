"""Who is responsible for what, and since when: the engine's view of the directory.

A claim is a network, an autonomous system or a domain suffix of one
constituent, with the days between which it holds. Nested networks are flattened
once into disjoint intervals, each owned by the most specific claim, so that a
million addresses are looked up by bisection.
"""

from __future__ import annotations

import bisect
import dataclasses
import datetime as dt
import functools
import ipaddress
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tocsin.engine import addresses
from tocsin.engine.addresses import U64

NETWORK, ASN, SUFFIX = "network", "asn", "suffix"
NOBODY = -1
_NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)
_WORD = 2**64 - 1

Indices = np.ndarray[Any, np.dtype[np.int32]]


@dataclasses.dataclass(frozen=True)
class Claim:
    """One constituent's responsibility for one network, autonomous system or suffix."""

    id: str
    constituent: str
    kind: str
    """`network`, `asn` or `suffix`."""
    value: str
    """Canonical: `203.0.113.0/24`, `64496`, `ministry.example`."""
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    """Last day on which it holds; None for no end."""
    confirmed_at: dt.datetime | None = None

    def holds_on(self, day: dt.date) -> bool:
        """Tell whether the claim is valid on `day`. A claim without dates always is."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


@dataclasses.dataclass(frozen=True)
class Intervals:
    """Disjoint intervals of addresses: entry i holds from its start to the next start. Index -1 is nobody."""

    high: U64
    low: U64
    owner: Indices

    def look_up(self, high: U64, low: U64) -> Indices:
        """Return the owner of each address."""
        found = addresses.bisect(self.high, self.low, high, low)
        return np.where(found >= 0, self.owner[found], np.int32(NOBODY)) if len(self.owner) else _nobody(len(high))


def _nobody(count: int) -> Indices:
    return np.full(count, NOBODY, np.int32)


def flatten(networks: Iterable[tuple[int, int, int]]) -> Intervals:
    """Return disjoint intervals of (first, last, owner) networks, any of which may hold others.

    The innermost wins; of equal ones, the one that comes last.
    """
    starts: list[int] = []
    owners: list[int] = []

    def begin(at: int, owner: int) -> None:
        if starts and starts[-1] == at:
            owners[-1] = owner
        else:
            starts.append(at)
            owners.append(owner)

    enclosing: list[tuple[int, int]] = []
    for first, last, owner in sorted(networks, key=lambda network: (network[0], -network[1])):
        while enclosing and enclosing[-1][0] < first:
            end, _ = enclosing.pop()
            begin(end + 1, enclosing[-1][1] if enclosing else NOBODY)
        if enclosing and enclosing[-1][0] == last and starts[-1] == first:
            enclosing.pop()
        begin(first, owner)
        enclosing.append((last, owner))
    while enclosing:
        end, _ = enclosing.pop()
        if end < 2**128 - 1:
            begin(end + 1, enclosing[-1][1] if enclosing else NOBODY)
    return Intervals(
        np.array([start >> 64 for start in starts], np.uint64),
        np.array([start & _WORD for start in starts], np.uint64),
        np.array(owners, np.int32),
    )


@dataclasses.dataclass(frozen=True)
class Index:
    """The claims that hold during one epoch, ready for look-up. Values are positions in the list of claims."""

    networks: Intervals
    asns: U64
    asn_owner: Indices
    suffixes: dict[str, int]

    def by_asn(self, asns: U64) -> Indices:
        """Return the claim on each autonomous system; 0 is none."""
        if not len(self.asns):
            return _nobody(len(asns))
        at = np.minimum(np.searchsorted(self.asns, asns), len(self.asns) - 1)
        return np.where(self.asns[at] == asns, self.asn_owner[at], np.int32(NOBODY))

    def by_name(self, name: str) -> int:
        """Return the claim on the longest declared suffix of `name` (lower case, no dot at the end)."""
        while name:
            if (found := self.suffixes.get(name)) is not None:
                return found
            _, _, name = name.partition(".")
        return NOBODY


class Claims:
    """All claims, indexed by the epochs between which none begins or ends."""

    def __init__(self, claims: Sequence[Claim]) -> None:
        # Of equals the claim confirmed last wins; the id makes the order total, so that it never depends on a query.
        self.claims = sorted(claims, key=lambda claim: (claim.confirmed_at or _NEVER, claim.id))
        days = {claim.valid_from for claim in claims if claim.valid_from}
        days |= {claim.valid_to + dt.timedelta(days=1) for claim in claims if claim.valid_to}
        self._edges = sorted(days)
        self._indexes: dict[int, Index] = {}

    @functools.cached_property
    def edges(self) -> np.ndarray[Any, np.dtype[np.datetime64]]:
        """Days on which the set of valid claims changes."""
        return np.array(self._edges, "datetime64[D]")

    def epoch(self, day: dt.date) -> int:
        """Return the number of the epoch that `day` lies in."""
        return bisect.bisect_right(self._edges, day)

    def index(self, epoch: int) -> Index:
        """Return the index of one epoch, built when first asked for."""
        if epoch not in self._indexes:
            day = self._edges[epoch - 1] if epoch else dt.date.min
            self._indexes[epoch] = self._build(day)
        return self._indexes[epoch]

    def _build(self, day: dt.date) -> Index:
        holding = [(position, claim) for position, claim in enumerate(self.claims) if claim.holds_on(day)]
        networks = (
            (*addresses.span(ipaddress.ip_network(claim.value)), position)
            for position, claim in holding
            if claim.kind == NETWORK
        )
        asns = {int(claim.value): position for position, claim in holding if claim.kind == ASN}
        ordered = sorted(asns)
        return Index(
            flatten(networks),
            np.array(ordered, np.uint64),
            np.array([asns[asn] for asn in ordered], np.int32),
            {claim.value: position for position, claim in holding if claim.kind == SUFFIX},
        )
