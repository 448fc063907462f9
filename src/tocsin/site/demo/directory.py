"""Write down who is who in Meridia as the files that `tocsin directory import` reads.

Dates that matter for the story (a claim two weeks old, a contact verified last
month) are counted back from the day the demo is loaded, so that it never ages.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from tocsin.site.demo.country import Country


def describe(country: Country, today: dt.date) -> list[dict[str, Any]]:
    """Return the directory as JSON objects, one for each organisation; dates as ISO text."""
    islands = {island["id"]: island["names"]["en"] for island in country.facts["islands"]}
    return [_organisation(entry, islands, today) for entry in country.organisations]


def routes(country: Country) -> list[str]:
    """Return the routing table as lines `prefix<TAB>asn`, nested prefixes after the ones around them."""
    return [f"{prefix}\t{asn}" for prefix, asn in country.routes]


def _organisation(entry: Mapping[str, Any], islands: Mapping[str, str], today: dt.date) -> dict[str, Any]:
    return {
        "id": entry["id"],
        "name": entry["names"]["en"],
        "names": dict(entry["names"]),
        "sector": entry["sector"],
        "languages": list(entry["languages"]),
        "status": "active",
        "region": islands[entry["region"]],
        "asns": list(entry.get("asns", [])),
        "networks": [_network(network, today) for network in entry["networks"]],
        "domains": list(entry["domains"]),
        "contacts": [_contact(contact, today) for contact in entry["contacts"]],
    }


def _network(entry: Mapping[str, Any], today: dt.date) -> str | dict[str, str]:
    """Return the bare network where nothing else is known about the claim."""
    claim: dict[str, str] = {}
    for key in ("valid_from", "valid_to"):
        day = _day(entry, key, today)
        if day is not None:
            claim[key] = day.isoformat()
    if "confirmed_by" in entry:
        claim["confirmed_by"] = entry["confirmed_by"]
    confirmed = _day(entry, "confirmed", today)
    if confirmed is not None:
        claim["confirmed_on"] = confirmed.isoformat()
    return {"value": entry["value"], **claim} if claim else str(entry["value"])


def _contact(entry: Mapping[str, Any], today: dt.date) -> dict[str, str]:
    contact = {key: entry[key] for key in ("role", "name", "language", "email", "phone")}
    verified = _day(entry, "verified", today)
    return contact | ({"verified_on": verified.isoformat()} if verified else {})


def _day(entry: Mapping[str, Any], key: str, today: dt.date) -> dt.date | None:
    """Return the date under `key`, or the one that `key_days_ago` counts back to."""
    if f"{key}_days_ago" in entry:
        return today - dt.timedelta(days=entry[f"{key}_days_ago"])
    day: dt.date | None = entry.get(key)
    return day
