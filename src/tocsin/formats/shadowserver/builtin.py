"""Our own mapping of the common report types, for use before the operator has the publisher's schema.

All knowledge is data: `columns.toml` says what a column means wherever it
stands, `types.toml` which columns a type has and what it does otherwise.
"""

from __future__ import annotations

import functools
import tomllib
from typing import Any

from tocsin.engine.convert import CONVERSIONS, for_kind
from tocsin.engine.mapping import Field, Mapping
from tocsin.formats.idf.dictionary import EXTRA, kind_of
from tocsin.formats.shadowserver.roles import roles_of
from tocsin.formats.shadowserver.variants import six
from tocsin.kernel import rsit
from tocsin.kernel.reference_data import DATA

ORIGIN = "built-in"
_READ_AS = {
    "zero_is_unknown": "invalidate_zero",
    "number": "convert_int",
    "fraction": "convert_float",
    "truth": "convert_bool",
    "moment": "convert_date",
    "bytes_as_base64": "force_base64",
}
_TEXT = "validate_to_none"


def _load(name: str) -> dict[str, Any]:
    return tomllib.loads((DATA / "shadowserver" / name).read_text(encoding="utf-8"))


@functools.cache
def built_in() -> dict[str, Mapping]:
    """Return the mappings that need no schema, by type."""
    made: dict[str, Mapping] = {}
    for name, entry in _load("types.toml").items():
        made[name] = _mapping(name, entry["title"], entry)
        if "title_six" in entry:
            made[six(name)] = _mapping(six(name), entry["title_six"], entry)
    return made


def _mapping(name: str, title: str, entry: dict[str, Any]) -> Mapping:
    columns = tuple(column for word in entry["columns"] for column in _expanded(word))
    fixed = constants(entry)
    fields = tuple(field for column in columns for field in _fields(column, entry) if field.key not in dict(fixed))
    return Mapping(
        type=name,
        title=title,
        fields=fields,
        constants=fixed,
        roles=roles_of(name, columns, fields),
        origin=ORIGIN,
        columns=columns,
    )


@functools.cache
def _columns() -> dict[str, Any]:
    data = _load("columns.toml")
    data["read_as"] = {column: _READ_AS[sort] for sort, columns in data["by_column"].items() for column in columns}
    return data


def _expanded(word: str) -> list[str]:
    return _columns()["groups"][word[1:]] if word.startswith("@") else [word]


def _fields(column: str, entry: dict[str, Any]) -> list[Field]:
    keys = entry.get("keys", {}).get(column) or _columns()["keys"].get(column) or [EXTRA + column]
    return [Field(key, column, _conversion(key, column, entry)) for key in keys]


def _conversion(key: str, column: str, entry: dict[str, Any]) -> str:
    """The type's own way, else the key's, else the column's, else text; vulnerabilities are picked out of tags."""
    picked = "extract_cve_from_tag" if (key, column) == ("product.vulnerabilities", "tag") else None
    name = (
        entry.get("conversions", {}).get(key)
        or picked
        or _columns()["by_key"].get(key)
        or _columns()["read_as"].get(column)
        or _TEXT
    )
    return for_kind(name, kind_of(key))


def constants(entry: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return what is the same for every event of a type: `type`, `identifier`, `application`, `transport`."""
    kind = entry.get("type", "")
    values = {
        "classification.identifier": entry.get("identifier", ""),
        "classification.taxonomy": rsit.resolve(kind).class_name if kind else "",
        "classification.type": kind,
        "protocol.application": entry.get("application", ""),
        "protocol.transport": entry.get("transport", ""),
    }
    return tuple((key, canonical(key, value)) for key, value in values.items() if value)


def canonical(key: str, value: str) -> str:
    """Return a constant in the form that its key asks for."""
    kind = kind_of(key)
    return str(CONVERSIONS[kind](value)) if kind else value
