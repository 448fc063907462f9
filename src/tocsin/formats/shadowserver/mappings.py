"""The mapping of every report type: the publisher's if the operator has it, else our own, else what the header says."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable
from collections.abc import Mapping as Mapped

from tocsin.engine.mapping import TIME, Field, Mapping
from tocsin.formats.idf.dictionary import EXTRA
from tocsin.formats.shadowserver.builtin import built_in
from tocsin.formats.shadowserver.roles import roles_of
from tocsin.formats.shadowserver.schema import Schema
from tocsin.kernel import rsit

UNMAPPED = "none"


@dataclasses.dataclass(frozen=True)
class Mappings:
    """Mappings by type. An operator's own come before the publisher's, those before the built-in ones."""

    by_type: Mapped[str, Mapping]
    aliases: Mapped[str, str]

    def find(self, type_name: str) -> Mapping | None:
        """Return the mapping of a type, None for one that nobody has described."""
        return self.by_type.get(self.aliases.get(type_name, type_name))

    def for_type(self, type_name: str, header: Collection[str] = ()) -> Mapping:
        """Return the mapping of a type; for one that nobody has described, what its header lets us guess."""
        return self.find(type_name) or unmapped(type_name, header)

    def needs_mapping(self, types: Iterable[str]) -> tuple[str, ...]:
        """Return those of `types` that nobody has described, sorted."""
        return tuple(sorted({name for name in types if self.find(name) is None}))


def mappings(published: Schema | None = None, own: Iterable[Mapping] = ()) -> Mappings:
    """Return all mappings there are: built-in, overlaid by the publisher's, overlaid by the operator's own."""
    overlaid = {**built_in(), **(published.mappings if published else {})}
    return Mappings(
        by_type=overlaid | {mapping.type: mapping for mapping in own},
        aliases=published.aliases if published else {},
    )


def unmapped(type_name: str, header: Collection[str]) -> Mapping:
    """Return a mapping that keeps everything under `extra.` and guesses the roles from the columns' names."""
    columns = tuple(dict.fromkeys(column for column in header if column))
    roles = roles_of(type_name, columns)
    guessed = {
        roles.time: (TIME, "time"),
        roles.address: ("source.ip", "validate_ip"),
        roles.port: ("source.port", "port"),
        roles.protocol: ("protocol.transport", "transport"),
        roles.asn: ("source.asn", "asn"),
        roles.country: ("source.geolocation.cc", "country"),
    }
    return Mapping(
        type=type_name,
        title=type_name,
        fields=tuple(Field(*_place(column, guessed)) for column in columns),
        constants=(("classification.taxonomy", "other"), ("classification.type", rsit.UNDETERMINED)),
        roles=roles,
        origin=UNMAPPED,
        columns=columns,
    )


def _place(column: str, guessed: dict[str, tuple[str, str]]) -> tuple[str, str, str]:
    key, conversion = guessed.get(column, (EXTRA + column, "raw"))
    return key, column, conversion
