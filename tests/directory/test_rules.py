"""What is canonical, what overlaps, what encloses what."""

from __future__ import annotations

import dataclasses
import datetime as dt
import ipaddress
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.directory import rules
from tocsin.directory.choices import ClaimKind


def test_a_claim_has_one_canonical_form() -> None:
    assert rules.canonical(ClaimKind.NETWORK, " 192.0.2.0/255.255.255.0 ") == "192.0.2.0/24"
    assert rules.canonical(ClaimKind.NETWORK, "2001:0DB8:0:0::/48") == "2001:db8::/48"
    assert rules.canonical(ClaimKind.NETWORK, "192.0.2.7") == "192.0.2.7/32"
    assert rules.canonical(ClaimKind.ASN, "as64496") == "64496"
    assert rules.canonical(ClaimKind.SUFFIX, "*.Ministère.Example.") == "xn--ministre-60a.example"


@pytest.mark.parametrize(
    ("kind", "text", "sentence"),
    [
        (ClaimKind.NETWORK, "192.0.2.1/24", "Write it as 192.0.2.0/24"),
        (ClaimKind.NETWORK, "192.0.2.0/2", "not a whole network"),
        (ClaimKind.NETWORK, "0.0.0.0/0", "wider than any organisation"),
        (ClaimKind.NETWORK, "2000::/3", "wider than any organisation"),
        (ClaimKind.NETWORK, "192.0.2.300/24", "is not a network"),
        (ClaimKind.ASN, "4294967296", "is not an autonomous system"),
        (ClaimKind.ASN, "٦٤٤٩٦", "is not an autonomous system"),
        (ClaimKind.SUFFIX, "192.0.2.1", "is not a domain name"),
        (ClaimKind.SUFFIX, "https://ministry.example/", "is not a domain name"),
        (ClaimKind.SUFFIX, "", "is not a domain name"),
        (ClaimKind.SUFFIX, "com", "com alone is a whole top-level domain"),
        (ClaimKind.SUFFIX, "*.XM.", "xm alone is a whole top-level domain, wider than any organisation's names"),
        (ClaimKind.SUFFIX, "рф", "xn--p1ai alone is a whole top-level domain"),
        (ClaimKind.SUFFIX, "straße.example", "is written in two ways. Write it as"),
        (ClaimKind.NETWORK, "fe80::1%eth0/128", "holds on one link only"),
    ],
)
def test_what_is_not_a_claim_is_refused_with_the_way_out(kind: ClaimKind, text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        rules.canonical(kind, text)


v4 = st.tuples(st.integers(0, 2**32 - 1), st.integers(8, 32)).map(lambda t: ipaddress.ip_network(t, strict=False))
v6 = st.tuples(st.integers(0, 2**128 - 1), st.integers(16, 128)).map(lambda t: ipaddress.IPv6Network(t, strict=False))
networks = v4 | v6


@given(networks)
def test_canonical_networks_are_fixed_points(network: rules.networks.Network) -> None:
    text = rules.canonical(ClaimKind.NETWORK, str(network))
    assert rules.canonical(ClaimKind.NETWORK, text) == text
    assert ipaddress.ip_network(text) == network


@given(st.integers(1, 2**32 - 1), st.sampled_from(["", "AS", "as", " As"]))
def test_canonical_asns_are_fixed_points(number: int, prefix: str) -> None:
    assert rules.canonical(ClaimKind.ASN, f"{prefix}{number}") == str(number)


@given(st.from_regex(r"[a-z0-9]{1,10}(\.[a-z][a-z0-9]{0,9}){1,4}", fullmatch=True))
def test_canonical_suffixes_are_fixed_points_whatever_their_case_and_dots(name: str) -> None:
    assert rules.canonical(ClaimKind.SUFFIX, f".{name.upper()}.") == rules.canonical(ClaimKind.SUFFIX, name) == name


@given(networks, networks)
def test_ranges_enclose_each_other_just_as_networks_do(
    one: rules.networks.Network, other: rules.networks.Network
) -> None:
    first, last = rules.address_range(ClaimKind.NETWORK, str(one))
    outer_first, outer_last = rules.address_range(ClaimKind.NETWORK, str(other))
    assert first and last and outer_first and outer_last
    inside = outer_first <= first and last <= outer_last
    assert inside == (one.version == other.version and one.subnet_of(other))  # type: ignore[arg-type]


def test_only_networks_have_a_range() -> None:
    assert rules.address_range(ClaimKind.ASN, "64496") == (None, None)


@dataclasses.dataclass(frozen=True)
class Ranged:
    """A network with its range."""

    network: rules.networks.Network

    @property
    def first(self) -> bytes:
        """First address."""
        return rules.address_key(self.network.network_address)

    @property
    def last(self) -> bytes:
        """Last address."""
        return rules.address_key(self.network.broadcast_address)


narrow = st.tuples(st.integers(0, 255), st.integers(24, 32)).map(
    lambda t: ipaddress.ip_network((0xC0000200 + t[0], t[1]), strict=False)
)


@given(st.lists(narrow | v6, max_size=12, unique=True))
def test_the_sweep_finds_what_a_naive_search_finds(found: list[rules.networks.Network]) -> None:
    swept = {(item.network, outer.network) for item, around in rules.enclosing(map(Ranged, found)) for outer in around}
    naive = {
        (one, other)
        for one, other in itertools.permutations(found, 2)
        if one.version == other.version and one.subnet_of(other)  # type: ignore[arg-type]
    }
    assert swept == naive


def test_the_nearest_enclosing_network_stands_last() -> None:
    texts = ("192.0.2.0/25", "192.0.2.0/24", "192.0.2.0/28")
    found = dict(rules.enclosing([Ranged(ipaddress.ip_network(text)) for text in texts]))
    smallest = Ranged(ipaddress.ip_network("192.0.2.0/28"))
    assert [str(outer.network) for outer in found[smallest]] == ["192.0.2.0/24", "192.0.2.0/25"]


D = dt.date


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((None, None), (None, None), True),
        ((None, D(2026, 1, 31)), (D(2026, 2, 1), None), False),
        ((None, D(2026, 2, 1)), (D(2026, 2, 1), None), True),
        ((D(2026, 1, 1), D(2026, 1, 2)), (D(2026, 1, 3), D(2026, 1, 4)), False),
    ],
)
def test_periods_overlap_when_they_share_a_day(one: tuple, other: tuple, expected: bool) -> None:
    assert rules.periods_overlap(one, other) is expected
    assert rules.periods_overlap(other, one) is expected


def test_made_ids_go_on_above_the_highest() -> None:
    made = rules.made_ids(["moh", "org-0007", "org-12"])
    assert [next(made), next(made)] == ["org-0008", "org-0009"]


def test_public_ids_fit_in_addresses_and_files() -> None:
    assert all(rules.is_public_id(text) for text in ("c0001", "MoH.2", "a", "x" * 64))
    assert not any(rules.is_public_id(text) for text in ("", "-a", "a b", "a/b", "x" * 65, "é", "a\n"))


def test_parent_suffixes_go_up_to_the_top() -> None:
    assert list(rules.parent_suffixes("a.gov.example")) == ["gov.example", "example"]
