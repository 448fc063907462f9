"""Read the publisher's schema: `intelmq.json` (what columns mean) and `reports.json` (which columns there are).

The files come from the operator, so nothing in them is trusted: every shape is
checked, and a refusal names the file, the type and the place. A conversion or
key that we do not know is no refusal: the cell is kept as text, and
`Schema.problems` says so.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from collections.abc import Mapping as Mapped
from typing import Any, TypeAlias

from tocsin.engine.convert import CONVERSIONS, PUBLISHED, BadCell, for_kind
from tocsin.engine.mapping import TIME, Field, Mapping
from tocsin.formats import strict_json
from tocsin.formats.idf.dictionary import EXTRA, is_well_formed, keys, kind_of
from tocsin.formats.shadowserver.roles import roles_of
from tocsin.kernel import rsit
from tocsin.kernel.refusals import InvalidInput

ORIGIN = "published"
MAX_BYTES = 32 * 2**20
MAX_DEPTH = 8
MAX_TYPES = 5_000
MAX_FIELDS = 5_000
MEANING, COLUMNS = "intelmq.json", "reports.json"
_META = "_meta"
_TYPE = re.compile(r"[a-z][a-z0-9_]{0,79}\Z")
_SORTS = {"list": "a list", "dict": "an object", "str": "text"}
_KEPT = "the cell is kept as text"
Columns: TypeAlias = Mapped[str, tuple[str, ...]]


@dataclasses.dataclass(frozen=True)
class Schema:
    """The publisher's mappings, by type; a type is what stands in file names."""

    mappings: Mapped[str, Mapping]
    aliases: Mapped[str, str]
    """Other names of types in the schema: `event_sinkhole` is `event4_sinkhole`."""
    published_at: str = ""
    """As the schema writes it; empty when it does not say."""
    problems: tuple[str, ...] = ()
    """What is not understood, one sentence each; nothing of it is lost."""

    def find(self, name: str) -> Mapping | None:
        """Return the mapping of a type, by either of its names."""
        return self.mappings.get(self.aliases.get(name, name))


def read_schema(meaning: bytes, columns: bytes = b"") -> Schema:
    """Return the schema that the two files hold; without `reports.json` a type has the columns that are mapped.

    Raises InvalidInput when a file is not what it should be.
    """
    entries = _object(meaning, MEANING)
    documented = _documented(_object(columns, COLUMNS)) if columns else {}
    if _is_columns_file(entries):
        raise InvalidInput(f"is a {COLUMNS}.", where=MEANING, remedy="Give the two files the other way round.")
    reading = _Reading(documented)
    mappings: dict[str, Mapping] = {}
    aliases: dict[str, str] = {}
    for name, entry in entries.items():
        if name == _META:
            continue
        mapping = reading.mapping(name, entry)
        if mapping.type in mappings:
            raise InvalidInput(f"describes the type {mapping.type} twice.", where=f"{MEANING}, {name}")
        mappings[mapping.type] = mapping
        if name != mapping.type:
            aliases[name] = mapping.type
    if not mappings:
        raise InvalidInput("describes no report type.", where=MEANING)
    return Schema(mappings, aliases, _published_at(entries), tuple(reading.problems))


def read_schema_files(files: Mapped[str, bytes]) -> Schema:
    """Return the schema in files of any names and order: which is which is seen by what they hold.

    A refusal names the file as it was given.
    """
    by_role: dict[str, tuple[str, bytes]] = {}
    for name, data in files.items():
        role = COLUMNS if _is_columns_file(_object(data, name)) else MEANING
        if role in by_role:
            raise _of_one_role(role, by_role[role], (name, data))
        by_role[role] = (name, data)
    if MEANING not in by_role:
        raise InvalidInput(f"The {MEANING} of the publisher is missing.", remedy="Give both files of the schema.")
    names = {role: name for role, (name, _) in by_role.items()}
    try:
        schema = read_schema(by_role[MEANING][1], by_role.get(COLUMNS, ("", b""))[1])
    except InvalidInput as wrong:
        raise InvalidInput(wrong.problem, where=_as_given(wrong.where, names), remedy=wrong.remedy) from None
    return dataclasses.replace(schema, problems=tuple(_as_given(problem, names) for problem in schema.problems))


def _as_given(where: str, names: Mapped[str, str]) -> str:
    """Return a place in a schema with the name of its file as it was given."""
    role = next((role for role in names if where.startswith(role)), None)
    return where if role is None else names[role] + where.removeprefix(role)


def _of_one_role(role: str, *both: tuple[str, bytes]) -> InvalidInput:
    """Return why two files that look like the same one are refused: by name the one that cannot be it."""
    for name, data in both if role == MEANING else ():
        try:
            read_schema_files({name: data})
        except InvalidInput as wrong:
            return wrong
    return InvalidInput(f"{both[0][0]} and {both[1][0]} are both a {role}.", remedy="Give one of each.")


def _object(data: bytes, where: str) -> dict[str, Any]:
    value = strict_json.read(data, where=where, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH)
    if not isinstance(value, dict):
        raise InvalidInput("is not a JSON object with one entry for each report type.", where=where)
    if len(value) > MAX_TYPES:
        raise InvalidInput(f"describes more than {MAX_TYPES} types.", where=where)
    return value


def _is_columns_file(entries: dict[str, Any]) -> bool:
    """`reports.json` lists `fields`; `intelmq.json` has `required_fields` and never `fields`."""
    described = [entry for name, entry in entries.items() if name != _META and isinstance(entry, dict)]
    return bool(described) and all("fields" in entry for entry in described)


def _published_at(entries: dict[str, Any]) -> str:
    meta = entries.get(_META)
    created = meta.get("date_created") if isinstance(meta, dict) else None
    return created if isinstance(created, str) else ""


def _documented(entries: dict[str, Any]) -> Columns:
    return {
        name: tuple(_texts(_part(entry, "fields", list, f"{COLUMNS}, {name}"), f"{COLUMNS}, {name}, fields"))
        for name, entry in entries.items()
        if name != _META
    }


def _part(entry: Any, name: str, sort: type, where: str, default: Any = None) -> Any:
    if not isinstance(entry, dict):
        raise InvalidInput("is not a JSON object.", where=where)
    value = entry.get(name, default)
    if not isinstance(value, sort):
        raise InvalidInput(f"{name!r} is missing or not {_SORTS[sort.__name__]}.", where=where)
    if isinstance(value, list | dict) and len(value) > MAX_FIELDS:
        raise InvalidInput(f"{name!r} has more than {MAX_FIELDS} entries.", where=where)
    return value


def _texts(values: Iterable[Any], where: str) -> list[str]:
    found = list(values)
    for position, value in enumerate(found, start=1):
        if not isinstance(value, str) or not value:
            raise InvalidInput(f"entry {position} is not text.", where=where)
    return found


class _Reading:
    """One pass over the entries; collects what is not understood."""

    def __init__(self, documented: Columns) -> None:
        self.documented = documented
        self.problems: list[str] = []

    def mapping(self, name: str, entry: Any) -> Mapping:
        where = f"{MEANING}, {name}"
        type_name = _part(entry, "file_name", str, where, name)
        if not _TYPE.match(type_name):
            raise InvalidInput(f"file_name {type_name[:80]!r} is not the name of a report type.", where=where)
        fields = tuple(
            self.field(row, f"{where}, {part} {position}")
            for part in ("required_fields", "optional_fields")
            for position, row in enumerate(_part(entry, part, list, where, []), start=1)
        )
        _check_time(fields, where)
        constants = self.constants(_part(entry, "constant_fields", dict, where, {}), f"{where}, constant_fields")
        columns = self.documented.get(type_name) or tuple(dict.fromkeys(field.column for field in fields))
        return Mapping(
            type=type_name,
            title=_part(entry, "feed_name", str, where),
            fields=without_repeats(fields, constants),
            constants=constants,
            roles=roles_of(type_name, columns, fields),
            origin=ORIGIN,
            columns=columns,
        )

    def field(self, row: Any, where: str) -> Field:
        if not isinstance(row, list) or not 2 <= len(row) <= 4:
            raise InvalidInput("is not [key, column, conversion, reads the row].", where=where)
        key, column = _texts(row[:2], where)
        conversion = row[2] if len(row) > 2 else None
        if not isinstance(conversion, str | None) or not isinstance(row[3] if len(row) > 3 else True, bool):
            raise InvalidInput("is not [key, column, conversion, reads the row].", where=where)
        key = EXTRA + column if key == EXTRA else key
        if not is_well_formed(key):
            raise InvalidInput(f"{key[:80]!r} is not a key of an event.", where=where)
        return Field(key, column, self.conversion(key, conversion or "", where))

    def conversion(self, key: str, name: str, where: str) -> str:
        kind = kind_of(key)
        if not kind and not key.startswith(EXTRA) and key not in keys():
            self.problems.append(f"{where}: the key {key} is not known; {_KEPT}.")
        if name and name not in PUBLISHED:
            self.problems.append(f"{where}: the conversion {name[:80]!r} is not known; {_KEPT}.")
            return for_kind("", kind if kind in ("text", "lower") else "")
        return for_kind(name, kind)

    def constants(self, values: dict[str, Any], where: str) -> tuple[tuple[str, str], ...]:
        held = dict(zip(values, _texts(values.values(), where), strict=True))
        kind = held.get("classification.type")
        if kind and "classification.taxonomy" not in held:
            held["classification.taxonomy"] = rsit.resolve(kind).class_name
        return tuple((key, self.constant(key, value, where)) for key, value in sorted(held.items()))

    def constant(self, key: str, value: str, where: str) -> str:
        if not is_well_formed(key):
            raise InvalidInput(f"{key[:80]!r} is not a key of an event.", where=where)
        kind = kind_of(key)
        try:
            return str(CONVERSIONS[kind](value)) if kind else value
        except BadCell as bad:
            self.problems.append(f"{where}: {key}: {bad.reason}; {_KEPT}.")
            return value


def _check_time(fields: tuple[Field, ...], where: str) -> None:
    if not any(field.key == TIME for field in fields):
        raise InvalidInput(f"has no field for {TIME}.", where=where)


def without_repeats(fields: Iterable[Field], constants: Iterable[tuple[str, str]]) -> tuple[Field, ...]:
    """Return one field for each key: the first that names it, and none where a constant stands instead."""
    fixed = dict(constants)
    return tuple({field.key: field for field in reversed(list(fields)) if field.key not in fixed}.values())[::-1]
