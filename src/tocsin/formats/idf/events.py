"""Events as JSON lines: written for whoever reads the IntelMQ Data Format, checked, and read back without trust."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Iterable
from collections.abc import Mapping as Mapped
from typing import Any

from tocsin.engine.convert import CONVERSIONS, BadCell
from tocsin.engine.forms import FORMS
from tocsin.engine.mapping import CLASS, TIME, Field, Mapping, Roles
from tocsin.formats.idf.dictionary import EXTRA, TAXONOMY, classified, is_well_formed, keys, kind_of
from tocsin.formats.tables import JsonLines, Records
from tocsin.kernel import rsit

ORIGIN = "file"
_DETAIL = ("feed.name", "malware.name", "protocol.application")
"""What tells events on one asset apart; never the classification, and no port, which may be ephemeral."""
_ACCOUNTS = ("source.fqdn", "source.url", "source.network", "source.account")
"""What stands for the asset where there is no address, the first that an event has."""
_KINDS = tuple((key, kind_of(key)) for key in (*_ACCOUNTS, *_DETAIL) if kind_of(key) in FORMS)
_EMPTY: tuple[Any, ...] = (None, "")


def write(event: Mapped[str, Any]) -> str:
    """Return an event as one line of JSON: keys sorted, empty ones left out, instants in UTC as ISO 8601.

    Raises ValueError for a value that JSON does not know.
    """
    held = {key: _plain(event[key]) for key in sorted(event) if event[key] not in _EMPTY}
    return json.dumps(held, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    if not isinstance(value, dt.datetime):
        return value
    if value.tzinfo is None:
        raise ValueError(f"{value.isoformat()} has no time zone")
    return value.astimezone(dt.UTC).isoformat()


def check(event: Mapped[str, Any]) -> list[str]:
    """Return what is wrong with an event, one sentence each; an empty list when nothing is."""
    problems = [] if event.get(TIME) else [f"{TIME} is missing."]
    for key, value in event.items():
        problem = _problem(key, value)
        if problem:
            problems.append(f"{key}: {problem}.")
    return problems


def _problem(key: str, value: Any) -> str:
    if not is_well_formed(key):
        return "is not a key of an event"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} is not a number that JSON knows"
    if key.startswith(EXTRA):
        return ""
    if key not in keys():
        return "is not in the dictionary; put it under extra"
    return _problem_of_kind(kind_of(key), value)


def _problem_of_kind(kind: str, value: Any) -> str:
    conversion = CONVERSIONS[kind]
    if conversion.output in ("int", "float", "bool") and (
        isinstance(value, str) or isinstance(value, bool) is (conversion.output != "bool")
    ):
        return f"{value!r} is not {'a truth value' if conversion.output == 'bool' else 'a number'}"
    text = (
        value.isoformat()
        if isinstance(value, dt.datetime)
        else str(value).lower()
        if value is True or value is False
        else str(value)
    )
    try:
        canonical = conversion(text)
    except BadCell as bad:
        return bad.reason
    if conversion.output == "text" and canonical != value:
        return f"{value!r} should be {canonical!r}"
    return ""


def read_lines(lines: Iterable[bytes]) -> Records:
    """Return events, one JSON object a line, as records whose columns are named like their keys.

    A line with a key twice, with NaN, nested too deep or that is no object is refused, with its number.
    """
    return JsonLines(lines)


def mapping_of(columns: Iterable[str], type_name: str = "idf") -> Mapping:
    """Return the mapping for events: every column is its own key; one that is no key goes under `extra.`."""
    held = tuple(dict.fromkeys(columns))
    present = set(held)
    accounts = (key for key in _ACCOUNTS if key in present)
    return Mapping(
        type=type_name,
        title="IntelMQ Data Format",
        fields=classified(tuple(_field(column) for column in held)),
        constants=((TAXONOMY, rsit.types()[rsit.UNDETERMINED].class_name), (CLASS, rsit.UNDETERMINED)),
        roles=Roles(
            time=TIME,
            address="source.ip" if "source.ip" in present else "",
            account=next(accounts, ""),
            instead=tuple(accounts),
            asn=_first(present, "source.asn"),
            country=_first(present, "source.geolocation.cc"),
            names=tuple(present & {"source.fqdn"}),
            urls=tuple(present & {"source.url"}),
            detail=_DETAIL,
            kinds=_KINDS,
        ),
        origin=ORIGIN,
        columns=held,
    )


def _first(present: set[str], *candidates: str) -> str:
    return next((candidate for candidate in candidates if candidate in present), "")


def _field(column: str) -> Field:
    if column in keys():
        return Field(column, column, kind_of(column))
    return Field(column if column.startswith(EXTRA) and is_well_formed(column) else EXTRA + column, column, "raw")
