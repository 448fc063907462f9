"""Nested networks flattened into intervals answer as a naive search for the most specific one does."""

from __future__ import annotations

import datetime as dt
import ipaddress
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.reports import MONDAY, day
from tocsin.engine import addresses
from tocsin.engine.claims import ASN, NETWORK, NOBODY, SUFFIX, Claim, Claims, Intervals, Spans, flatten
from tocsin.kernel.networks import MAPPED

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
NOON = dt.datetime(2026, 11, 16, 12, tzinfo=dt.UTC)


def network(text: str) -> Network:
    return ipaddress.ip_network(text)


def owners(intervals: Intervals, numbers: list[int]) -> list[int]:
    high = np.array([number >> 64 for number in numbers], np.uint64)
    low = np.array([number & (1 << 64) - 1 for number in numbers], np.uint64)
    return [int(owner) for owner in intervals.look_up(high, low)]


def flattened(networks: list[Network]) -> Intervals:
    return flatten(Spans.of([addresses.span(one) for one in networks]))


def number(text: str) -> int:
    high, low = addresses.of(text)
    return high << 64 | low


def naive(networks: list[Network], asked: int) -> int:
    """Return the last of the smallest networks that hold an address."""
    best, size = NOBODY, 2**129
    for owner, one in enumerate(networks):
        first, last = addresses.span(one)
        is_around_all_of_ipv4 = first < MAPPED and last - first > 2**32
        if is_around_all_of_ipv4 and asked >> 32 == MAPPED >> 32:
            continue
        if first <= asked <= last and last - first <= size:
            best, size = owner, last - first
    return best


def edges(networks: list[Network]) -> list[int]:
    """Return the addresses at, just before and just behind the ends of each network."""
    found = {near for one in networks for end in addresses.span(one) for near in (end - 1, end, end + 1)}
    return sorted(near for near in found if 0 <= near < 2**128)


def test_the_most_specific_network_wins() -> None:
    nested = flattened([network("198.18.0.0/15"), network("198.18.4.0/24"), network("198.18.4.8/29")])
    asked = ["198.17.255.255", "198.18.0.0", "198.18.4.7", "198.18.4.8", "198.18.4.15", "198.18.4.16", "198.20.0.0"]
    assert owners(nested, [number(text) for text in asked]) == [-1, 0, 1, 2, 2, 1, -1]


def test_ipv4_is_of_no_ipv6_network_around_its_mapped_place() -> None:
    nested = flattened([network("::/0"), network("::/64"), network("0.0.0.0/0"), network("198.18.0.0/15")])
    asked = ["::", "198.18.0.1", "203.0.113.9", "255.255.255.255", "::1:0:0:0", "2001:db8::"]
    assert owners(nested, [number(text) for text in asked]) == [1, 3, 2, 2, 1, 0]
    without = flattened([network("::/0"), network("198.18.0.0/15")])
    assert owners(without, [number(text) for text in asked]) == [0, 1, NOBODY, NOBODY, 0, 0]


def test_what_ends_on_ipv4_falls_to_nobody_and_not_to_an_ipv6_network_around_it() -> None:
    claims = Claims([claim("::/64", "wide"), claim("198.18.0.0/15", "ended", valid_to=MONDAY - dt.timedelta(days=1))])
    assert holder(claims, "198.18.0.1") is None
    assert holder(claims, "::5") == "wide"


def test_nothing_claimed_is_nobodys() -> None:
    assert owners(flatten(Spans.of([])), [0, 1, 2**128 - 1]) == [NOBODY] * 3


SHAPES: dict[str, list[str]] = {
    "the whole of IPv4": ["0.0.0.0/0"],
    "the whole of IPv6, which holds IPv4 in its mapped place": ["::/0", "192.0.2.0/24"],
    "both": ["0.0.0.0/0", "::/0"],
    "one address": ["192.0.2.7/32", "2001:db8::7/128"],
    "the first and the last address": [
        "0.0.0.0/32",
        "255.255.255.255/32",
        "::/128",
        f"{ipaddress.IPv6Address(2**128 - 1)}/128",
    ],
    "one start and many lengths": [f"10.0.0.0/{length}" for length in range(8, 33)],
    "one end and many lengths": [f"{ipaddress.ip_network(('10.255.255.255', n), strict=False)}" for n in range(8, 33)],
    "neighbours": ["192.0.2.0/25", "192.0.2.128/25", "192.0.3.0/24"],
    "a hole that is filled again": ["10.0.0.0/8", "10.1.0.0/16", "10.1.1.0/24", "10.1.1.1/32"],
    "halves of a high word": ["2001:db8::/63", "2001:db8::/64", "2001:db8:0:1::/64", "2001:db8::8000:0:0:0/65"],
    "equal ones": ["192.0.2.0/24", "192.0.2.0/24", "192.0.2.0/24"],
    "equal ones inside and around others": ["10.0.0.0/8", "10.0.0.0/8", "10.0.0.0/16", "10.0.0.0/16", "10.0.0.0/32"],
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_at_the_edges_the_answer_is_that_of_a_naive_search(shape: list[str]) -> None:
    for order in itertools.islice(itertools.permutations([network(text) for text in shape]), 24):
        networks = list(order)
        asked = edges(networks)
        assert owners(flattened(networks), asked) == [naive(networks, one) for one in asked]


@st.composite
def nested(draw: st.DrawFn) -> list[Network]:
    """Networks near each other, many inside others, some twice."""
    made: list[Network] = []
    for _ in range(draw(st.integers(1, 12))):
        if made and draw(st.booleans()):
            outer = draw(st.sampled_from(made))
            length = draw(st.integers(outer.prefixlen, outer.max_prefixlen))
            offset = draw(st.integers(0, outer.num_addresses - 1))
            made.append(type(outer)((int(outer.network_address) + offset, length), strict=False))
        else:
            address = draw(st.sampled_from(["0.0.0.0", "10.1.2.3", "255.255.255.255", "::", "2001:db8::1", "ffff::"]))
            size = ipaddress.ip_address(address).max_prefixlen
            made.append(ipaddress.ip_network((address, draw(st.integers(0, size))), strict=False))
    return made


@given(nested(), st.lists(st.integers(0, 2**128 - 1), max_size=5))
def test_random_nested_networks_are_looked_up_as_a_naive_search_does(networks: list[Network], more: list[int]) -> None:
    asked = [*edges(networks), *more]
    assert owners(flattened(networks), asked) == [naive(networks, one) for one in asked]


@given(nested())
def test_intervals_are_disjoint_and_in_order(networks: list[Network]) -> None:
    flat = flattened(networks)
    starts = [int(h) << 64 | int(lo) for h, lo in zip(flat.high.tolist(), flat.low.tolist(), strict=True)]
    assert starts == sorted(set(starts))
    assert len(starts) <= 2 * (len(networks) + 1)  # all of IPv4 is one among them


def claim(value: str, constituent: str, kind: str = NETWORK, id: str = "", **more: object) -> Claim:
    return Claim(id or f"{constituent}/{value}/{more}", constituent, kind, value, **more)  # type: ignore[arg-type]


def holder(claims: Claims, address: str, on: dt.date = MONDAY) -> str | None:
    high, low = addresses.of(address)
    nearest = claims.index.networks.look_up(np.array([high], np.uint64), np.array([low], np.uint64))
    (found,) = claims.index.holding(nearest, np.array([on], "datetime64[D]")).tolist()
    return claims.claims[found].constituent if found >= 0 else None


def test_of_equal_claims_the_one_confirmed_last_wins_whatever_their_order() -> None:
    rivals = [
        claim("192.0.2.0/24", "never confirmed"),
        claim("192.0.2.0/24", "first", confirmed_at=NOON),
        claim("192.0.2.0/24", "last", confirmed_at=NOON + dt.timedelta(seconds=1)),
    ]
    for order in itertools.permutations(rivals):
        assert holder(Claims(order), "192.0.2.1") == "last"


def test_of_claims_that_nobody_confirmed_the_one_entered_first_stands() -> None:
    rivals = [
        claim("192.0.2.0/24", name, id=number, added_at=NOON + dt.timedelta(days=on))
        for name, number, on in (("b", "10", 0), ("c", "9", 1), ("a", "11", 2))
    ]
    assert {holder(Claims(order), "192.0.2.1") for order in itertools.permutations(rivals)} == {"b"}


@pytest.mark.parametrize("confirmed_at", [NOON, None])
def test_equal_claims_entered_together_are_decided_by_the_id_of_who_makes_them(
    confirmed_at: dt.datetime | None,
) -> None:
    for ids in itertools.permutations(("9", "10", "11")):
        rivals = [
            claim("192.0.2.0/24", name, id=number, confirmed_at=confirmed_at, added_at=NOON)
            for name, number in zip(("a", "b", "c"), ids, strict=True)
        ]
        assert {holder(Claims(order), "192.0.2.1") for order in itertools.permutations(rivals)} == {"a"}


def test_a_claim_holds_from_its_first_to_its_last_day() -> None:
    dated = claim("192.0.2.0/24", "x", valid_from=day(1), valid_to=day(3))
    assert [dated.holds_on(day(n)) for n in range(5)] == [False, True, True, True, False]
    assert claim("192.0.2.0/24", "x").holds_on(dt.date.min)
    assert [holder(Claims([dated]), "192.0.2.1", day(n)) for n in range(5)] == [None, "x", "x", "x", None]


def test_a_claim_may_hold_to_the_end_of_all_days() -> None:
    claims = Claims([claim("192.0.2.0/24", "x", valid_from=day(1), valid_to=dt.date.max)])
    assert [holder(claims, "192.0.2.1", on) for on in (day(0), day(1), dt.date.max)] == [None, "x", "x"]


def test_however_many_days_claims_begin_on_the_index_is_one() -> None:
    claims = Claims([claim("192.0.2.0/24", f"c{n}", valid_from=day(n), valid_to=day(n)) for n in range(100)])
    index = claims.index
    assert [holder(claims, "192.0.2.1", day(n)) for n in range(101)] == [*(f"c{n}" for n in range(100)), None]
    assert claims.index is index


def test_where_the_nearest_claim_does_not_hold_the_one_around_it_does() -> None:
    claims = Claims(
        [
            claim("192.0.2.0/24", "inner", valid_from=day(3)),
            claim("192.0.0.0/16", "outer", valid_to=day(4)),
            claim("192.0.0.0/16", "equal", valid_from=day(1), valid_to=day(1), confirmed_at=NOON),
            claim("192.0.0.0/8", "outermost", valid_from=day(1)),
        ]
    )
    found = [holder(claims, "192.0.2.1", day(n)) for n in (0, 1, 2, 3)]
    assert found == ["outer", "equal", "outer", "inner"]
    assert [holder(claims, "192.0.3.1", day(n)) for n in (4, 5)] == ["outer", "outermost"]


def test_a_network_handed_over_changes_hands_on_the_day() -> None:
    claims = Claims(
        [
            claim("192.0.2.0/24", "before", valid_to=day(0), confirmed_at=NOON),
            claim("192.0.2.0/24", "after", valid_from=day(1)),
        ]
    )
    assert [holder(claims, "192.0.2.1", day(n)) for n in (-1, 0, 1, 2)] == ["before", "before", "after", "after"]


def test_behind_a_suffix_stand_its_equals_and_then_shorter_ones() -> None:
    held = [
        claim("gov.example", "state", SUFFIX),
        claim("port.gov.example", "port", SUFFIX, valid_from=day(5)),
        claim("port.gov.example", "rival", SUFFIX, valid_from=day(3), valid_to=day(3), confirmed_at=NOON),
        claim("a.port.gov.example", "a", SUFFIX, valid_to=day(1)),
    ]
    claims = Claims(held)
    first = claims.index.by_name("www.a.port.gov.example")
    days = np.array([day(n) for n in (1, 2, 3, 4, 5)], "datetime64[D]")
    found = claims.index.holding(np.full(5, first, np.int32), days).tolist()
    assert [claims.claims[n].constituent for n in found] == ["a", "state", "rival", "state", "port"]


def test_systems_and_suffixes_are_found() -> None:
    claims = Claims(
        [
            claim("64496", "one", ASN),
            claim("4200000000", "two", ASN),
            claim("gov.example", "state", SUFFIX),
            claim("port.gov.example", "port", SUFFIX),
        ]
    )
    index = claims.index
    found = index.by_asn(np.array([0, 64495, 64496, 64497, 4_200_000_000, 2**32 - 1], np.uint64)).tolist()
    assert [claims.claims[n].constituent if n >= 0 else None for n in found] == [None, None, "one", None, "two", None]
    names = ["gov.example", "www.gov.example", "a.port.gov.example", "notgov.example", "example", "", "gov.example.org"]
    owned = [index.by_name(name) for name in names]
    assert [claims.claims[n].constituent if n >= 0 else None for n in owned] == [
        "state",
        "state",
        "port",
        None,
        None,
        None,
        None,
    ]


def test_without_claims_everything_is_nobodys() -> None:
    index = Claims([]).index
    assert index.by_asn(np.array([1, 2], np.uint64)).tolist() == [NOBODY, NOBODY]
    assert index.by_name("www.example") == NOBODY
    assert holder(Claims([]), "192.0.2.1") is None
