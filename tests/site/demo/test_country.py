"""The data files describe a country that is whole, varied and harmless."""

from __future__ import annotations

import collections
import ipaddress
import itertools
import json
import re
from pathlib import Path

import pytest

from tocsin.kernel.networks import asn, network, suffix
from tocsin.kernel.reference_data import DATA
from tocsin.site.demo.country import Country, read_country

MERIDIA = DATA / "meridia"
LANGUAGES = {"en", "fr", "qol", "qks"}


def test_the_country_has_its_people_islands_and_languages(country: Country) -> None:
    islands = country.facts["islands"]
    assert len(islands) == 5
    assert sum(island["population"] for island in islands) == country.facts["population"] == 640_000
    assert set(country.facts["languages"]) == LANGUAGES
    assert all(set(island["names"]) == LANGUAGES for island in islands)


def test_there_are_at_least_forty_organisations_in_nine_sectors(country: Country) -> None:
    assert len(country.organisations) >= 44
    assert len({o["sector"] for o in country.organisations}) >= 9
    assert {o["region"] for o in country.organisations} == {i["id"] for i in country.facts["islands"]}


def test_every_organisation_has_a_name_in_each_language_and_an_id_of_its_own(country: Country) -> None:
    assert all(set(o["names"]) == LANGUAGES for o in country.organisations)
    for language in LANGUAGES:
        names = [o["names"][language] for o in country.organisations]
        assert len(set(names)) == len(names), language
    ids = [o["id"] for o in country.organisations]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z][a-z-]+", i) for i in ids)


def test_the_organisations_of_the_drawn_pages_are_there(country: Country) -> None:
    drawn = {
        *("Lagoon Telecom", "Island Net", "St Brannoc Hospital", "Ministry of Lands", "Power Authority"),
        *("Halcyon Island Council", "Port Serrat Council", "Central Bank of Meridia", "North Reef Clinic"),
        *("Tamarin Island Council", "Airports Meridia", "Harbour Authority", "Statistics Office", "Government mail"),
        *("University of Meridia", "Meridia Water", "Bank of the Outer Isles", "Low Cay Harbour"),
    }
    assert drawn <= {o["names"]["en"] for o in country.organisations}


def test_people_are_reached_at_example_addresses_and_at_numbers_of_no_country(country: Country) -> None:
    contacts = [c for o in country.organisations for c in o["contacts"]]
    assert all(o["contacts"] for o in country.organisations)
    assert all(re.fullmatch(r"[a-z-]+@[a-z.]+\.example", c["email"]) for c in contacts)
    assert all(c["phone"].startswith("+999 ") for c in contacts)
    people = [c["name"] for c in contacts]
    assert len(set(people)) == len(people)


def test_contacts_speak_a_language_of_their_organisation(country: Country) -> None:
    for organisation in country.organisations:
        assert set(organisation["languages"]) <= LANGUAGES
        assert {c["language"] for c in organisation["contacts"]} <= set(organisation["languages"])


def test_some_contacts_are_fresh_some_stale_and_some_were_never_verified(country: Country) -> None:
    ages = [c.get("verified_days_ago") for o in country.organisations for c in o["contacts"]]
    assert None in ages
    assert any(age and age > 365 for age in ages)
    assert any(age and age < 30 for age in ages)


def test_networks_numbers_and_domains_stand_in_canonical_form_in_harmless_space(country: Country) -> None:
    four, six = ipaddress.ip_network("198.18.0.0/15"), ipaddress.ip_network("2001:db8::/32")
    for organisation in country.organisations:
        for entry in organisation["networks"]:
            net = network(entry["value"])
            assert str(net) == entry["value"]
            assert net.subnet_of(four) if net.version == 4 else net.subnet_of(six)
        for number in organisation.get("asns", []):
            assert asn(number) in (*range(64_496, 64_512), *range(65_536, 65_552))
        for domain in organisation["domains"]:
            assert suffix(domain) == domain
            assert domain.endswith(".example")


def test_ministries_hospitals_and_banks_lie_inside_the_blocks_of_providers(country: Country) -> None:
    claims = [(o["id"], ipaddress.ip_network(e["value"])) for o in country.organisations for e in o["networks"]]
    nested = {
        (inner, outer)
        for (inner, net), (outer, around) in itertools.permutations(claims, 2)
        if inner != outer and net.version == around.version and net != around and net.subnet_of(around)
    }
    inside = collections.defaultdict(set)
    for inner, outer in nested:
        inside[outer].add(inner)
    assert {"st-brannoc-hospital", "serrat-savings", "meridia-water"} <= inside["lagoon-telecom"]
    assert {"ministry-of-finance", "government-mail", "statistics-office"} <= inside["government-network"]
    assert len(nested) >= 30


def test_just_one_network_is_claimed_by_two_at_the_same_time(country: Country) -> None:
    claims = collections.defaultdict(list)
    for organisation in country.organisations:
        for entry in organisation["networks"]:
            claims[entry["value"]].append((organisation["id"], entry))
    twice = {value: held for value, held in claims.items() if len(held) > 1}
    assert set(twice) == {"198.18.141.0/26", "198.18.70.0/27"}
    lands, island_net = sorted(twice["198.18.141.0/26"], key=lambda held: held[0], reverse=True)
    assert (lands[0], lands[1]["valid_from"].year) == ("ministry-of-lands", 2024)
    assert (island_net[0], island_net[1]["valid_from_days_ago"]) == ("island-net", 14)
    handed = {i: e.get("valid_to_days_ago", e.get("valid_from_days_ago")) for i, e in twice["198.18.70.0/27"]}
    assert handed == {"airports-meridia": 4, "harbour-authority": 3}


def test_what_nobody_claims_overlaps_no_claim(country: Country) -> None:
    for gap in country.facts["unclaimed"]:
        gap_net = ipaddress.ip_network(gap["value"])
        for organisation in country.organisations:
            nets = [ipaddress.ip_network(e["value"]) for e in organisation["networks"]]
            assert not any(n.version == gap_net.version and n.overlaps(gap_net) for n in nets)


def test_the_longest_route_around_a_block_is_its_origin(country: Country) -> None:
    assert country.origin(ipaddress.ip_network("198.18.64.0/24")) == 64_496
    assert country.origin(ipaddress.ip_network("198.18.65.0/26")) == 64_505
    assert country.origin(ipaddress.ip_network("2001:db8:41::/48")) == 64_500
    assert country.origin(ipaddress.ip_network("198.19.255.0/24")) == 0


def test_every_block_that_shows_findings_is_announced(country: Country) -> None:
    assert all(country.origin(block.network) for block in country.blocks)
    assert {block.use for block in country.blocks} == {"home", "mobile", "hosting", "office", "unclaimed"}


def test_every_plan_fills_only_columns_that_its_report_has(country: Country) -> None:
    for plan in country.reports:
        filled = set(plan.cells).union(*(p.cells for p in plan.profiles), *(p.cells for p in plan.populations))
        assert filled <= set(plan.columns), (plan.type, filled - set(plan.columns))
        assert plan.columns[0] == "timestamp"
        assert len(set(plan.columns)) == len(plan.columns)


def test_a_population_needs_a_level_for_each_day(tmp_path: Path) -> None:
    for path in MERIDIA.glob("*.toml"):
        text = path.read_text(encoding="utf-8").replace("levels = [1, 1, 1, 1, 0.3, 0.3, 0.3]", "levels = [1, 1]")
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="'clean-up' names 2 levels"):
        read_country(tmp_path)


def test_every_data_file_says_where_it_comes_from_and_under_which_licence() -> None:
    for path in MERIDIA.glob("*.toml"):
        head = path.read_text(encoding="utf-8")[:600]
        assert "# SOURCE: " in head, path.name
        assert "# LICENCE: Apache-2.0" in head, path.name


def test_the_facts_can_be_shown_as_json(country: Country) -> None:
    assert json.loads(json.dumps(country.facts["languages"]))["fr"]["fr"] == "français"
