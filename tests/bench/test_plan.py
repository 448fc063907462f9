"""Addresses, networks and holders of the invented plan agree with Python's own arithmetic."""

from __future__ import annotations

import ipaddress

import numpy as np
import pytest

from bench.plan import FIRST, MOST, Plan


@pytest.fixture(scope="module")
def plan() -> Plan:
    return Plan(58, 500, {4: FIRST + 70_000, 6: 0})


def test_addresses_continue_in_private_space(plan: Plan) -> None:
    addresses = plan.addresses(4)
    assert len(addresses) == plan.size[4] == FIRST + 2 * 65_536
    assert [addresses[i].as_py() for i in (0, 1, 256, FIRST - 1, FIRST, FIRST + 256)] == [
        *('"198.18.0.0"', '"198.18.0.1"', '"198.18.1.0"', '"198.19.255.255"', '"10.0.0.0"', '"10.0.1.0"')
    ]


def test_ipv6_addresses_stand_in_subnets_of_their_own(plan: Plan) -> None:
    addresses = [a.strip('"') for a in plan.addresses(6).slice(0, 70_000).to_pylist()]
    assert addresses[:2] == ["2001:db8:1::1", "2001:db8:1:1::1"]
    assert addresses[65_536] == "2001:db8:2::1"
    assert all(str(ipaddress.ip_address(a)) == a for a in addresses[::97])
    assert len({a.rpartition("::")[0] for a in addresses}) == len(addresses)


def test_a_network_begins_at_its_index(plan: Plan) -> None:
    assert plan.network(4, 512, 24) == "198.18.2.0/24"
    assert plan.network(4, FIRST + 4_096, 20) == "10.0.16.0/20"
    assert plan.network(6, 65_536 + 256, 56) == "2001:db8:2:100::/56"


@pytest.mark.parametrize("version", [4, 6])
def test_the_painted_holder_is_that_of_the_most_specific_network(plan: Plan, version: int) -> None:
    claims = [
        (network, number)
        for number, c in enumerate(plan.constituents)
        for network in map(ipaddress.ip_network, c["networks"])
        if network.version == version
    ]
    index = np.random.default_rng(1).integers(0, plan.size[version], size=300)
    texts = plan.addresses(version).take(index).to_pylist()
    for painted, text in zip(plan.holder[version][index], texts, strict=True):
        address = ipaddress.ip_address(text.strip('"'))
        around = [(n.prefixlen, number) for n, number in claims if address in n]
        assert painted == max(around, default=(0, -1))[1]


def test_whoever_announces_an_address_holds_it_where_nobody_claims_it(plan: Plan) -> None:
    index = np.arange(0, plan.size[4], 64)
    owners, held, asns = plan.owner(4, index), plan.holder[4][index], plan.asn(4, index)
    by_asn = {asn: number for number, c in enumerate(plan.constituents) for asn in c["asns"]}
    expected = [h if h >= 0 else by_asn.get(int(a), -1) for h, a in zip(held, asns, strict=True)]
    assert owners.tolist() == [int(e) for e in expected]
    assert (held < 0).any()


def test_routes_are_nested(plan: Plan) -> None:
    lengths = {int(line.split("\t")[0].rpartition("/")[2]) for line in plan.rib}
    assert lengths == {20, 24, 48}


@pytest.mark.parametrize("version", [4, 6])
def test_what_does_not_fit_is_refused(version: int) -> None:
    with pytest.raises(ValueError, match=r"do not fit the plan\. Use more types or fewer rows"):
        Plan(58, 10, {4: 0, 6: 0, version: MOST[version] + 1})


def test_a_country_without_domains_or_claims_is_still_whole() -> None:
    lonely = Plan(58, 0, {4: 0, 6: 0})
    assert (lonely.owner(4, np.arange(100)) == -1).all()
    assert lonely.owner_of_domain.tolist() == [-1]
