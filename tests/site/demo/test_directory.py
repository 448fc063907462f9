"""The directory file says what the importer reads, dated from the day of loading."""

from __future__ import annotations

import datetime as dt
import json

from tests.site.demo.reading import FRIDAY, Week, claims_of
from tocsin.site.demo.country import Country
from tocsin.site.demo.directory import describe, routes

FIELDS = {
    *("id", "name", "names", "sector", "languages", "status", "region"),
    *("asns", "networks", "domains", "contacts"),
}


def test_the_file_holds_each_organisation_with_all_fields(week: Week, country: Country) -> None:
    assert [o["id"] for o in week.directory] == [o["id"] for o in country.organisations]
    assert all(set(o) == FIELDS for o in week.directory)
    assert week.directory == json.loads(json.dumps(describe(country, FRIDAY)))


def test_names_keep_their_letters(week: Week) -> None:
    hospital = next(o for o in week.directory if o["id"] == "st-brannoc-hospital")
    assert hospital["name"] == "St Brannoc Hospital"
    assert hospital["names"]["fr"] == "Hôpital Saint-Brannoc"
    assert "Viğarst" in week.files.directory.read_text(encoding="utf-8")


def test_the_disputed_claim_began_two_weeks_before_the_day_of_loading(week: Week) -> None:
    claims = {c.organisation: c for c in claims_of(week.directory) if str(c.network) == "198.18.141.0/26"}
    assert claims["island-net"].first == (FRIDAY - dt.timedelta(days=14)).isoformat()
    assert claims["ministry-of-lands"].first == "2024-02-12"
    assert claims["ministry-of-lands"].confirmed < claims["island-net"].confirmed


def test_dates_move_with_the_day_of_loading_and_fixed_ones_stay(country: Country) -> None:
    def dates(today: dt.date) -> dict[str, str]:
        networks = next(o for o in describe(country, today) if o["id"] == "island-net")["networks"]
        return {n["value"]: n["valid_from"] for n in networks if isinstance(n, dict)}

    one, later = dates(FRIDAY), dates(FRIDAY + dt.timedelta(days=10))
    assert one["198.18.128.0/18"] == later["198.18.128.0/18"] == "2012-02-13"
    assert later["198.18.141.0/26"] == "2026-11-16" != one["198.18.141.0/26"]


def test_a_network_about_which_nothing_is_known_is_plain_text(country: Country) -> None:
    council = next(o for o in describe(country, FRIDAY) if o["id"] == "halcyon-council")
    assert council["networks"] == ["198.18.128.0/25"]


def test_a_claim_that_ended_keeps_its_last_day(country: Country) -> None:
    education = next(o for o in describe(country, FRIDAY) if o["id"] == "ministry-of-education")
    ended = [n for n in education["networks"] if isinstance(n, dict)]
    assert [(n["value"], n["valid_to"]) for n in ended] == [("198.18.141.128/25", "2023-12-31")]


def test_no_contact_was_verified_in_the_future(country: Country) -> None:
    contacts = [c for o in describe(country, FRIDAY) for c in o["contacts"]]
    verified = [c["verified_on"] for c in contacts if "verified_on" in c]
    assert 0 < len(verified) < len(contacts)
    assert max(verified) <= FRIDAY.isoformat()


def test_regions_are_islands_by_their_english_name(country: Country) -> None:
    regions = {o["region"] for o in describe(country, FRIDAY)}
    assert regions == {"Serrat", "Halcyon", "Tamarin", "North Reef", "Low Cay"}


def test_nested_routes_follow_the_prefix_around_them(country: Country) -> None:
    lines = routes(country)
    assert lines.index("198.18.0.0/17\t64496") < lines.index("198.18.65.0/26\t64505")
    assert len(set(lines)) == len(lines) >= 20
