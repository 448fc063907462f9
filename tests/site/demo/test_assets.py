"""Machines stand where their block says, each at an address of its own."""

from __future__ import annotations

import collections
import ipaddress
from random import Random

import pytest

from tocsin.site.demo.assets import Machines
from tocsin.site.demo.country import Country


@pytest.fixture(scope="module")
def machines(country: Country) -> Machines:
    return Machines(country, 4, 1.0, Random(1))


@pytest.fixture(scope="module")
def machines_six(country: Country) -> Machines:
    return Machines(country, 6, 1.0, Random(1))


def test_a_machine_of_an_organisation_stands_in_its_network_with_its_origin(machines: Machines) -> None:
    machine = machines.draw({"@st-brannoc-hospital": 1}, Random(2))
    assert ipaddress.ip_address(machine.address) in ipaddress.ip_network("198.18.68.0/24")
    assert (machine.asn, machine.region, machine.city) == (64_496, "Serrat", "Port Serrat")


def test_a_block_has_as_many_addresses_as_it_says_all_different(machines: Machines) -> None:
    rng = Random(3)
    seen = {machines.draw({"#198.18.141.0/26": 1}, rng).address for _ in range(2_000)}
    assert len(seen) == 19


def test_weights_decide_how_often_a_place_is_drawn(machines: Machines) -> None:
    rng = Random(4)
    where = {"home": 80, "unclaimed": 20}
    drawn = collections.Counter(
        machines.draw(where, rng).network in ("198.19.200.0/22", "198.19.220.0/24") for _ in range(5_000)
    )
    assert 0.17 < drawn[True] / 5_000 < 0.23


def test_larger_blocks_of_a_place_are_drawn_more_often(machines: Machines) -> None:
    rng = Random(5)
    drawn = collections.Counter(machines.draw({"home": 1}, rng).network for _ in range(5_000))
    assert drawn["198.18.0.0/18"] > drawn["198.18.160.0/19"] > 0


def test_customers_live_on_all_islands_by_their_population(machines: Machines) -> None:
    rng = Random(6)
    islands = collections.Counter(machines.draw({"home": 1}, rng).region for _ in range(5_000))
    assert [name for name, _ in islands.most_common()] == ["Serrat", "Halcyon", "Tamarin", "North Reef", "Low Cay"]


def test_reverse_names_belong_to_the_holder_and_many_machines_have_none(machines: Machines) -> None:
    rng = Random(7)
    names = [machines.draw({"@lagoon-telecom": 1}, rng).name for _ in range(500)]
    assert 0.3 < names.count("") / 500 < 0.8
    assert all(name == "" or name.endswith(".lagoon.example") for name in names)


def test_machines_that_nobody_claims_have_no_name(machines: Machines) -> None:
    rng = Random(8)
    assert {machines.draw({"unclaimed": 1}, rng).name for _ in range(200)} == {""}


def test_ipv6_machines_stand_one_to_a_subnet_in_canonical_form(machines_six: Machines) -> None:
    rng = Random(9)
    seen = {machines_six.draw({"home": 1}, rng).address for _ in range(3_000)}
    subnets = {int(ipaddress.IPv6Address(a)) >> 64 for a in seen}
    assert len(subnets) == len(seen) > 1_000
    assert all(str(ipaddress.IPv6Address(a)) == a for a in seen)


def test_a_larger_scale_settles_more_machines_but_never_fills_a_block(country: Country) -> None:
    place = {"#198.18.141.0/26": 1.0}
    assert Machines(country, 4, 2.0, Random(1)).room(place) == 38
    assert Machines(country, 4, 100.0, Random(1)).room(place) == 51
    assert Machines(country, 4, 0.1, Random(1)).room(place) == 19


@pytest.mark.parametrize("place", ["nowhere", "@nobody", "#198.18.9.0/24", "@parliament"])
def test_a_place_without_machines_is_refused_by_name(machines: Machines, place: str) -> None:
    with pytest.raises(ValueError, match=f"No block with hosts stands at '{place}'"):
        machines.draw({place: 1}, Random(1))
