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
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

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


_NO_SPANS = (np.zeros(0, np.uint64),) * 4


def _nobody(count: int) -> Indices:
    return np.full(count, NOBODY, np.int32)


@dataclasses.dataclass(frozen=True)
class Spans:
    """Intervals of addresses as columns: first and last address in high and low words."""

    first_high: U64
    first_low: U64
    last_high: U64
    last_low: U64

    @classmethod
    def of(cls, spans: Sequence[tuple[int, int]]) -> Spans:
        """Return spans of (first, last) pairs of 128-bit numbers."""
        edges = [(first >> 64, first & _WORD, last >> 64, last & _WORD) for first, last in spans]
        return cls(*(np.array(column, np.uint64) for column in zip(*edges, strict=True))) if edges else cls(*_NO_SPANS)

    @classmethod
    def of_networks(cls, networks: Sequence[str]) -> Spans:
        """Return the spans of canonical networks, `203.0.113.0/24`."""
        parts = [network.partition("/") for network in networks]
        high, low, valid = addresses.read(pa.array([address.encode() for address, _, _ in parts], pa.binary()))
        if not valid.all():
            raise ValueError(f"{networks[int(np.argmin(valid))]!r} is not a network in canonical form")
        offset = [0 if ":" in address else 96 for address, _, _ in parts]
        free = 128 - np.array([int(length or 32) for _, _, length in parts]) - np.array(offset, int)
        return cls(high, low, high | _ones(free - 64), low | _ones(free))

    def take(self, rows: Any) -> Spans:
        """Return some of the spans."""
        return Spans(self.first_high[rows], self.first_low[rows], self.last_high[rows], self.last_low[rows])

    def widest_first(self) -> Any:
        """Return an order in which whatever lies inside a span comes after it; equal spans keep theirs."""
        low = self.last_low - self.first_low
        high = self.last_high - self.first_high - (self.last_low < self.first_low)
        return np.lexsort((~low, ~high))


def _ones(bits: Any) -> U64:
    """Return words whose last `bits` bits are set; none for a negative number, all for 64 and more."""
    some = np.clip(bits, 0, 63).astype(np.uint64)
    return np.where(bits >= 64, np.uint64(_WORD), (np.uint64(1) << some) - np.uint64(1))


def flatten(spans: Spans) -> Intervals:
    """Return disjoint intervals, each owned by the innermost span, by its position; of equal spans by the last.

    The painter's way: between two neighbouring edges nobody's claim begins or
    ends, so spans are painted over these gaps, the widest first.
    """
    if not len(spans.first_high):
        return Intervals(*(np.zeros(0, np.uint64),) * 2, _nobody(0))
    # The first address after a span; after the last address of all there is none.
    after_low = spans.last_low + np.uint64(1)
    after_high = spans.last_high + (after_low == 0)
    endless = (after_high == 0) & (after_low == 0)
    high = np.concatenate([spans.first_high, after_high[~endless]])
    low = np.concatenate([spans.first_low, after_low[~endless]])
    order = np.lexsort((low, high))
    high, low = high[order], low[order]
    fresh = np.ones(len(high), bool)
    fresh[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    rank = np.empty(len(high), np.int64)
    rank[order] = np.cumsum(fresh) - 1
    high, low = high[fresh], low[fresh]
    count = len(spans.first_high)
    stop = np.full(count, len(high))
    stop[~endless] = rank[count:]
    owner = _nobody(len(high))
    painting = spans.widest_first()
    starts, stops = rank[:count][painting].tolist(), stop[painting].tolist()
    for span, begin, end in zip(painting.tolist(), starts, stops, strict=True):
        owner[begin:end] = span
    return Intervals(high, low, owner)


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


_EPOCHS_KEPT = 16
"""Reports are of few days. Each index holds all claims of its epoch, and dates may be as many as claims."""


class Claims:
    """All claims, indexed by the epochs between which none begins or ends."""

    def __init__(self, claims: Sequence[Claim]) -> None:
        # Of equals the claim confirmed last wins; the id makes the order total, so that it never depends on a query.
        self.claims = sorted(claims, key=lambda claim: (claim.confirmed_at or _NEVER, claim.id))
        days = {claim.valid_from for claim in claims if claim.valid_from}
        days |= {
            day + dt.timedelta(days=1) for day in {claim.valid_to for claim in claims} if day and day < dt.date.max
        }
        self._edges = sorted(days)
        networks = [position for position, claim in enumerate(self.claims) if claim.kind == NETWORK]
        self._spans = Spans.of_networks([self.claims[position].value for position in networks])
        self._row = np.full(len(self.claims), NOBODY)
        self._row[networks] = np.arange(len(networks))
        self._indexes: dict[int, Index] = {}

    @functools.cached_property
    def edges(self) -> np.ndarray[Any, np.dtype[np.datetime64]]:
        """Days on which the set of valid claims changes."""
        return np.array(self._edges, "datetime64[D]")

    def epoch(self, day: dt.date) -> int:
        """Return the number of the epoch that `day` lies in."""
        return bisect.bisect_right(self._edges, day)

    def index(self, epoch: int) -> Index:
        """Return the index of one epoch, built when asked for and kept while few others are."""
        if epoch not in self._indexes:
            day = self._edges[epoch - 1] if epoch else dt.date.min
            if len(self._indexes) >= _EPOCHS_KEPT:
                del self._indexes[next(iter(self._indexes))]
            self._indexes[epoch] = self._build(day)
        return self._indexes[epoch]

    def _build(self, day: dt.date) -> Index:
        holding = [position for position, claim in enumerate(self.claims) if claim.holds_on(day)]
        of_kind = {kind: [p for p in holding if self.claims[p].kind == kind] for kind in (NETWORK, ASN, SUFFIX)}
        networks = np.array(of_kind[NETWORK], np.int32)
        flat = flatten(self._spans.take(self._row[networks]))
        owner = np.append(networks, np.int32(NOBODY))[flat.owner]
        asns = {int(self.claims[position].value): position for position in of_kind[ASN]}
        ordered = sorted(asns)
        return Index(
            Intervals(flat.high, flat.low, owner),
            np.array(ordered, np.uint64),
            np.array([asns[asn] for asn in ordered], np.int32),
            {self.claims[position].value: position for position in of_kind[SUFFIX]},
        )
