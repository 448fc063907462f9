"""Who is responsible for what, and since when: the engine's view of the directory.

A claim is a network, an autonomous system or a domain suffix of one
constituent, with the days between which it holds. Nested networks are flattened
once into disjoint intervals, each owned by the most specific claim, so that a
million addresses are looked up by bisection. Days come after that: where the
claim that was found does not hold on the day asked, the next one behind it is
asked. So it costs the same on how many days claims begin and end.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from tocsin.engine import addresses
from tocsin.engine.addresses import U64
from tocsin.kernel import networks

NETWORK, ASN, SUFFIX = "network", "asn", "suffix"
NOBODY = -1
_NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)
_WORD = 2**64 - 1
_IPV4 = networks.span(ipaddress.IPv4Network("0.0.0.0/0"))
_EPOCH = dt.date(1970, 1, 1).toordinal()

Indices = np.ndarray[Any, np.dtype[np.int32]]
Days = np.ndarray[Any, np.dtype[np.datetime64]]
DayNumbers = np.ndarray[Any, np.dtype[np.int64]]


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
    added_at: dt.datetime | None = None

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

    def behind(self, first: tuple[int, int]) -> Spans:
        """Return the spans with another before them."""
        one = Spans.of([first])
        both = zip(dataclasses.astuple(one), dataclasses.astuple(self), strict=True)
        return Spans(*(np.concatenate(columns) for columns in both))

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
    return nested(spans)[0]


def nested(spans: Spans) -> tuple[Intervals, Indices]:
    """Return the intervals of spans that lie inside each other or apart, and of each span the one that it lies in.

    Of equal spans each lies in the one before it. An IPv6 network around the mapped place of IPv4 does not hold it.
    """
    if not len(spans.first_high):
        return Intervals(*(np.zeros(0, np.uint64),) * 2, _nobody(0)), _nobody(0)
    # A span of nobody's around all of IPv4 stands first; all others are one further than they will be.
    flat, around = _painted(spans.behind(_IPV4))
    return Intervals(flat.high, flat.low, _without_first(flat.owner)), _without_first(around[1:])


def _without_first(owner: Indices) -> Indices:
    return np.maximum(owner - 1, NOBODY, dtype=np.int32)


def _painted(spans: Spans) -> tuple[Intervals, Indices]:
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
    around = _nobody(count)
    for span, begin, end in zip(painting.tolist(), starts, stops, strict=True):
        around[span] = owner[begin]
        owner[begin:end] = span
    return Intervals(high, low, owner), around


@dataclasses.dataclass(frozen=True)
class Index:
    """All claims, whenever they hold, ready for look-up. Values are positions in the list of claims."""

    networks: Intervals
    asns: U64
    asn_owner: Indices
    suffixes: dict[str, int]
    behind: Indices
    """For each claim the one that is asked when it does not hold: an equal one, else the next less specific."""
    first_day: DayNumbers
    last_day: DayNumbers
    """Of each claim, as numbers of days since 1970."""
    last_high: U64
    last_low: U64
    """The last address of each claim on a network."""

    def by_asn(self, asns: U64) -> Indices:
        """Return the foremost claim on each autonomous system; 0 is none."""
        if not len(self.asns):
            return _nobody(len(asns))
        at = np.minimum(np.searchsorted(self.asns, asns), len(self.asns) - 1)
        return np.where(self.asns[at] == asns, self.asn_owner[at], np.int32(NOBODY))

    def by_name(self, name: str) -> int:
        """Return the foremost claim on the longest declared suffix of `name` (lower case, no dot at the end)."""
        return _by_suffix(self.suffixes, name)

    def holding(self, found: Indices, days: Days, ends: tuple[U64, U64] | None = None) -> Indices:
        """Return, for each claim that was found, the first that holds on the day: itself or one behind it.

        With `ends`, of claims on networks, the first that reaches as far as an address, too.
        """
        numbers = days.astype(np.int64)
        found = found.copy()
        rows = np.flatnonzero(found != NOBODY)
        while len(rows):
            claims, on = found[rows], numbers[rows]
            is_passed = (on < self.first_day[claims]) | (on > self.last_day[claims])
            if ends is not None:
                is_passed |= self._ends_before(claims, ends[0][rows], ends[1][rows])
            passed = np.flatnonzero(is_passed)
            rows = rows[passed]
            found[rows] = self.behind[claims[passed]]
            rows = rows[found[rows] != NOBODY]
        return found

    def _ends_before(self, claims: Indices, high: U64, low: U64) -> Any:
        ends_high, ends_low = self.last_high[claims], self.last_low[claims]
        return (ends_high < high) | ((ends_high == high) & (ends_low < low))

    def around(self, spans: Spans, days: Days) -> Indices:
        """Return the most specific claim on a network that holds the whole of each span."""
        nearest = self.networks.look_up(spans.first_high, spans.first_low)
        return self.holding(nearest, days, (spans.last_high, spans.last_low))


def _by_suffix(suffixes: Mapping[str, int], name: str) -> int:
    while name:
        if (found := suffixes.get(name)) is not None:
            return found
        _, _, name = name.partition(".")
    return NOBODY


class Claims:
    """All claims."""

    def __init__(self, claims: Sequence[Claim]) -> None:
        # Of equals the claim confirmed last wins. Where that decides nothing, the one that was there first: nobody gets
        # findings of others by merely claiming them. Names make the order total, so that it never depends on a query.
        newest = sorted(claims, key=lambda claim: (claim.added_at or _NEVER, claim.constituent, claim.id), reverse=True)
        self.claims = sorted(newest, key=lambda claim: claim.confirmed_at or _NEVER)

    @functools.cached_property
    def index(self) -> Index:
        """The index of all claims, built when asked for."""
        behind = _nobody(len(self.claims))
        networks = self._of_kind(NETWORK)
        spans = Spans.of_networks([self.claims[position].value for position in networks])
        flat, around = nested(spans)
        last_high, last_low = np.zeros((2, len(self.claims)), np.uint64)
        last_high[networks], last_low[networks] = spans.last_high, spans.last_low
        position_of = np.array([*networks, NOBODY], np.int32)  # the last for nobody, -1
        behind[networks] = position_of[around]
        asns = self._foremost(ASN, behind)
        ordered = sorted((int(value), position) for value, position in asns.items())
        return Index(
            Intervals(flat.high, flat.low, position_of[flat.owner]),
            np.array([asn for asn, _ in ordered], np.uint64),
            np.array([position for _, position in ordered], np.int32),
            self._suffixes(behind),
            behind,
            np.array([_number(claim.valid_from or dt.date.min) for claim in self.claims], np.int64),
            np.array([_number(claim.valid_to or dt.date.max) for claim in self.claims], np.int64),
            last_high,
            last_low,
        )

    def _of_kind(self, kind: str) -> list[int]:
        return [position for position, claim in enumerate(self.claims) if claim.kind == kind]

    def _foremost(self, kind: str, behind: Indices) -> dict[str, int]:
        """Return by value the claim that comes first, and set which equal one stands behind it."""
        foremost: dict[str, int] = {}
        for position in self._of_kind(kind):
            value = self.claims[position].value
            behind[position] = foremost.get(value, NOBODY)
            foremost[value] = position
        return foremost

    def _suffixes(self, behind: Indices) -> dict[str, int]:
        """Return the foremost claim on each suffix; behind the last of equal ones stands that on a shorter suffix."""
        foremost = self._foremost(SUFFIX, behind)
        for position in self._of_kind(SUFFIX):
            if behind[position] == NOBODY:
                _, _, shorter = self.claims[position].value.partition(".")
                behind[position] = _by_suffix(foremost, shorter)
        return foremost


def _number(day: dt.date) -> int:
    return day.toordinal() - _EPOCH
