"""Which columns of a report tell findings apart and say whose they are. The data is `data/shadowserver/identity.toml`.

Identities rest on the type's name and its column names alone, so that the
built-in mapping, the published one and a later one agree on them. The fields
of a mapping only say where the event's own name stands, which decides
attribution, not identity.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Collection, Iterable
from typing import Any

from tocsin.engine.mapping import Field, Roles
from tocsin.kernel.reference_data import DATA

NAME, URL = "source.fqdn", "source.url"
_PROTOCOL = "protocol"
_TIMES = ("timestamp", "time.source", "time", "event_time", "observed_at", "last_seen", "first_seen", "date")


@functools.cache
def _data() -> dict[str, Any]:
    return tomllib.loads((DATA / "shadowserver" / "identity.toml").read_text(encoding="utf-8"))


def roles_of(type_name: str, columns: Collection[str], fields: Iterable[Field] = ()) -> Roles:
    """Return the roles of the columns of one report type."""
    time = next((column for column in _TIMES if column in columns), _TIMES[0])
    place = next((place for place in _data()["address"] if place["column"] in columns), None)
    if place is None:
        return _without_address(type_name, columns, time)
    family = next(family for family in _data()["family"] if re.fullmatch(family["types"], type_name, re.DOTALL))
    port = place["port"] if family["port"] and place["port"] in columns else ""
    held = list(fields)
    return Roles(
        time=time,
        address=place["column"],
        port=port,
        protocol=_PROTOCOL if port and _PROTOCOL in columns else "",
        asn=place["asn"] if place["asn"] in columns else "",
        country=place["country"] if place["country"] in columns else "",
        names=_columns_of(NAME, held),
        urls=_columns_of(URL, held),
        detail=tuple(column for column in family["detail"] if column in columns),
        kinds=tuple((column, kind) for column, kind in family.get("kinds", {}).items() if column in columns),
    )


def _without_address(type_name: str, columns: Collection[str], time: str) -> Roles:
    declared = _data()["without_address"].get(type_name, {})
    guessed = next((column for column in _data()["guess"]["account"] if column in columns), "")
    return Roles(
        time=time,
        account=declared.get("account", guessed),
        country="geo" if "geo" in columns else "",
        names=tuple(declared.get("names", ())),
        urls=tuple(declared.get("urls", ())),
        kinds=tuple(declared.get("kinds", {}).items()),
    )


def _columns_of(key: str, fields: list[Field]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(field.column for field in fields if field.key == key))
