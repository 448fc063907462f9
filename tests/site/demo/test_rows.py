"""A finding's row holds what the plan says, quoted, and changes only in time and ephemeral port."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from random import Random

import pytest

from tocsin.site.demo.assets import Machine
from tocsin.site.demo.country import Country, Population, ReportPlan
from tocsin.site.demo.rows import Finding, Recipes, Writer, quoted

MONDAY = dt.date(2026, 11, 16)
NOON = "2026-11-16 12:00:00"
GATEWAY = Machine("198.18.3.7", 64_496, "c-198-18-3-7.home.lagoon.example", "Serrat", "Port Serrat", "198.18.0.0/18")
NAMELESS = Machine("198.19.70.9", 65_536, "", "Halcyon", "Halcyon Town", "198.19.64.0/20")


def plan(country: Country, name: str) -> ReportPlan:
    return next(p for p in country.reports if p.type == name)


def population(plan: ReportPlan, start: str) -> Population:
    return next(p for p in plan.populations if p.name.startswith(start))


def finding(country: Country, name: str, start: str = "", machine: Machine = GATEWAY, seed: int = 1) -> Finding:
    chosen = plan(country, name)
    return Writer(chosen, country, MONDAY).finding(machine, population(chosen, start), Random(seed))


def cells(country: Country, name: str, row: str) -> dict[str, str]:
    return dict(zip(plan(country, name).columns, next(csv.reader(io.StringIO(row))), strict=True))


def test_a_scan_row_names_time_address_port_and_origin(country: Country) -> None:
    row = cells(country, "scan_smb", finding(country, "scan_smb").sighting(NOON, Random(1)))
    assert (row["timestamp"], row["ip"], row["port"], row["protocol"]) == (NOON, "198.18.3.7", "445", "tcp")
    assert (row["asn"], row["geo"], row["region"], row["severity"]) == ("64496", "XM", "Serrat", "critical")
    assert (row["hostname"], row["hostname_source"]) == (GATEWAY.name, "ptr")


def test_the_key_of_a_scan_is_address_and_port(country: Country) -> None:
    assert finding(country, "scan_smb").key == ("198.18.3.7", "445", "", "")


def test_the_key_of_an_event_is_address_and_infection(country: Country) -> None:
    found = finding(country, "event4_sinkhole", "outbreak")
    assert found.key == ("198.18.3.7", "", "tidewash", "")


def test_the_key_of_a_website_holds_its_host_name(country: Country) -> None:
    found = finding(country, "compromised_website", "sites", NAMELESS)
    row = cells(country, "compromised_website", found.sighting(NOON, Random(1)))
    assert found.key == ("198.19.70.9", row["port"], "", row["http_host"])
    assert row["http_host"].startswith("www.")
    assert row["url"].startswith(("http://" + row["http_host"], "https://" + row["http_host"]))


def test_every_sighting_of_an_event_has_a_source_port_of_its_own(country: Country) -> None:
    found, rng = finding(country, "event4_sinkhole", "the usual"), Random(2)
    ports = {cells(country, "event4_sinkhole", found.sighting(NOON, rng))["src_port"] for _ in range(20)}
    assert len(ports) > 15
    assert all(1024 <= int(port) < 65_536 for port in ports)


def test_a_scan_is_the_same_at_every_sighting_but_for_its_time(country: Country) -> None:
    found = finding(country, "scan_ssl")
    one, other = found.sighting(NOON, Random(1)), found.sighting("2026-11-17 12:00:00", Random(2))
    assert one.replace("11-16", "11-17") == other


def test_cells_of_a_population_win_over_those_of_the_profile(country: Country) -> None:
    for seed in range(20):
        found = finding(country, "event4_sinkhole", "outbreak", seed=seed)
        row = cells(country, "event4_sinkhole", found.sighting(NOON, Random(1)))
        assert (row["infection"], row["family"]) == ("tidewash", "tidewash")


def test_a_url_without_a_host_name_holds_the_address(country: Country) -> None:
    found = finding(country, "malware_url", "machines at home")
    row = cells(country, "malware_url", found.sighting(NOON, Random(1)))
    assert row["hostname"] == ""
    assert row["url"].split("/")[2] == "198.18.3.7"


def test_quotes_inside_a_cell_are_doubled(country: Country) -> None:
    assert quoted('Basic realm="Router, port 80"') == '"Basic realm=""Router, port 80"""'
    realms = {
        cells(country, "scan_http", finding(country, "scan_http", seed=seed).sighting(NOON, Random(1)))[
            "www_authenticate"
        ]
        for seed in range(40)
    }
    assert 'Basic realm="Router, port 80"' in realms


@pytest.mark.parametrize(
    ("recipe", "pattern"),
    [
        ("=hex 4", r"[0-9A-F]{2}(:[0-9A-F]{2}){3}"),
        ("=number 7 7", "7"),
        ("=day -1 -1", "2026-11-15 00:00:00"),
        ("=mac", r"02(:[0-9a-f]{2}){5}"),
        ("=network", r"198\.18\.0\.0/18"),
        ("=name", r"c-198-18-3-7\.home\.lagoon\.example"),
        ("=shop", r"[a-z]+-[a-z-]+-\d+\.example"),
        ("plain = text", "plain = text"),
    ],
)
def test_recipes_fill_cells(country: Country, recipe: str, pattern: str) -> None:
    filled = Recipes(country, MONDAY).compile({"cell": recipe})["cell"](Random(1), GATEWAY)
    assert re.fullmatch(pattern, filled)


def test_a_list_is_drawn_from(country: Country) -> None:
    fill, rng = Recipes(country, MONDAY).compile({"cell": ["a", "b"]})["cell"], Random(1)
    assert {fill(rng, GATEWAY) for _ in range(30)} == {"a", "b"}


def test_no_shop_has_a_name_that_an_organisation_declared(country: Country) -> None:
    fill, rng = Recipes(country, MONDAY).compile({"cell": "=shop"})["cell"], Random(1)
    declared = {domain for o in country.organisations for domain in o["domains"]}
    assert not {fill(rng, GATEWAY) for _ in range(500)} & declared


def test_an_unknown_recipe_is_refused_with_those_that_exist(country: Country) -> None:
    with pytest.raises(ValueError, match=r"no recipe 'colour'\. Known are hex, number"):
        Recipes(country, MONDAY).compile({"cell": "=colour"})
