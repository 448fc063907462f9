"""What a newer set of mappings would change, before it is applied."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping as Mapped
from typing import Any

from tocsin.engine.mapping import Field, Mapping, Roles

_IDENTITY = ("address", "account", "port", "protocol", "detail", "instead", "kinds")


@dataclasses.dataclass(frozen=True)
class TypeDifference:
    """What changes for one report type. Pairs are (before, after)."""

    type: str
    fields_added: tuple[Field, ...]
    fields_removed: tuple[Field, ...]
    conversions_changed: tuple[tuple[Field, Field], ...]
    constants_changed: tuple[tuple[str, str, str], ...]
    """(key, before, after); empty where it was or will be missing."""
    columns_added: tuple[str, ...]
    columns_removed: tuple[str, ...]
    title: tuple[str, str] | None
    identity_changes: bool
    """Findings of the type would get new identities: old ones would go gone, new ones appear."""
    attribution_changes: bool

    def __bool__(self) -> bool:
        """Say whether anything changes."""
        return any(getattr(self, field.name) for field in dataclasses.fields(self) if field.name != "type")


@dataclasses.dataclass(frozen=True)
class Difference:
    """What changes between two sets of mappings; every tuple is sorted by type."""

    types_added: tuple[str, ...]
    types_removed: tuple[str, ...]
    types_changed: tuple[TypeDifference, ...]

    def __bool__(self) -> bool:
        """Say whether anything changes."""
        return bool(self.types_added or self.types_removed or self.types_changed)

    def as_data(self) -> dict[str, Any]:
        """Return the difference as JSON can carry it; what is empty is left out of changed types."""
        return {
            "types_added": list(self.types_added),
            "types_removed": list(self.types_removed),
            "types_changed": [
                {key: value for key, value in dataclasses.asdict(change).items() if value}
                for change in self.types_changed
            ],
        }


def difference(old: Mapped[str, Mapping], new: Mapped[str, Mapping]) -> Difference:
    """Return what `new` changes of `old`."""
    changes = (_of_type(old[name], new[name]) for name in sorted(old.keys() & new.keys()))
    return Difference(
        types_added=tuple(sorted(new.keys() - old.keys())),
        types_removed=tuple(sorted(old.keys() - new.keys())),
        types_changed=tuple(change for change in changes if change),
    )


def _of_type(old: Mapping, new: Mapping) -> TypeDifference:
    before = {(field.key, field.column): field for field in old.fields}
    after = {(field.key, field.column): field for field in new.fields}
    common = sorted(before.keys() & after.keys())
    return TypeDifference(
        type=new.type,
        fields_added=tuple(after[place] for place in sorted(after.keys() - before.keys())),
        fields_removed=tuple(before[place] for place in sorted(before.keys() - after.keys())),
        conversions_changed=tuple((before[at], after[at]) for at in common if before[at] != after[at]),
        constants_changed=_constants(dict(old.constants), dict(new.constants)),
        columns_added=tuple(sorted(set(new.columns) - set(old.columns))),
        columns_removed=tuple(sorted(set(old.columns) - set(new.columns))),
        title=(old.title, new.title) if old.title != new.title else None,
        identity_changes=_identity(old.roles) != _identity(new.roles),
        attribution_changes=(old.roles.names, old.roles.urls) != (new.roles.names, new.roles.urls),
    )


def _identity(roles: Roles) -> tuple[Any, ...]:
    return tuple(getattr(roles, name) for name in _IDENTITY)


def _constants(old: dict[str, str], new: dict[str, str]) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (key, old.get(key, ""), new.get(key, ""))
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    )
