"""The keys of the IntelMQ Data Format: what each may hold and what it means. The data is `data/idf.toml`."""

from __future__ import annotations

import dataclasses
import functools
import re
import tomllib
from collections.abc import Collection

from tocsin.engine.convert import CONVERSIONS
from tocsin.engine.mapping import CLASS, Field
from tocsin.kernel.reference_data import DATA

EXTRA = "extra."
TAXONOMY = "classification.taxonomy"
SIDES = ("source", "destination")
_KEY = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z0-9_]+)*\Z")


@dataclasses.dataclass(frozen=True)
class Key:
    """One key of an event."""

    name: str
    kind: str
    """Name in `engine.convert.KINDS`."""
    meaning: str


@functools.cache
def keys() -> dict[str, Key]:
    """Return every key but those under `extra.`, by name."""
    data = tomllib.loads((DATA / "idf.toml").read_text(encoding="utf-8"))
    sided = {f"{side}.{name}": entry for side in SIDES for name, entry in data["sides"].items()}
    return {name: Key(name, **entry) for name, entry in (data["keys"] | sided).items()}


def kind_of(name: str) -> str:
    """Return what the key may hold; empty when it may hold anything or is not in the dictionary."""
    known = keys().get(name)
    return known.kind if known else ""


def is_well_formed(name: str) -> bool:
    """Say whether a key may stand in an event: one of the dictionary's form, or any column name under `extra.`."""
    return bool(_KEY.match(name)) or (name.startswith(EXTRA) and len(name) > len(EXTRA))


def classified(fields: tuple[Field, ...], given: Collection[str] = ()) -> tuple[Field, ...]:
    """Return fields with what goes with an incident type that stands in a column: its class, and an odd word itself.

    A word that is no type of the taxonomy stays readable under `extra.`. Keys that are `given` are left alone.
    """
    taken = {*given, *(field.key for field in fields)}
    more = [
        Field(key, field.column, conversion)
        for field in fields
        if field.key == CLASS and not CONVERSIONS[field.conversion].fills_empty
        for key, conversion in ((TAXONOMY, "incident_class"), (EXTRA + CLASS, "unlisted_type"))
        if key not in taken
    ]
    return (*fields, *more)
