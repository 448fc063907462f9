"""What the columns of one report type mean. Values only; `formats` makes them from data and schemas.

A mapping says two things. `fields` translate cells into the keys of the IntelMQ
Data Format (IDF), for whoever reads events. `roles` name the columns from which
the engine takes what it reasons with: when, which asset, whose name, what tells
two findings on one asset apart. The identity of a finding rests on roles and
column names alone, never on `fields`: a better mapping changes no identity.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from tocsin.kernel.severity import Severity

TIME = "time.source"
NETWORK = "source.network"
CLASS = "classification.type"
IDENTIFIER = "classification.identifier"


@dataclasses.dataclass(frozen=True)
class Field:
    """One cell of a report as one key of an event."""

    key: str
    """IDF key: `source.ip`, `extra.tag`."""
    column: str
    """Header of the report's column."""
    conversion: str = "text"
    """Name in `engine.convert`."""


@dataclasses.dataclass(frozen=True)
class Roles:
    """Which columns play which part; an empty name means that no column does."""

    time: str = "timestamp"
    address: str = ""
    """The address of the asset. Types without one name an `account`."""
    account: str = ""
    """What identifies the asset where no address does: a name, a mailbox, a URL. Beside an `address`, it stands for
    the asset of rows whose address is empty."""
    instead: tuple[str, ...] = ()
    """Columns that identify the asset of rows whose `address` and `account` are empty; the first that is not."""
    port: str = ""
    """Port of the finding; only where it is stable, so that it belongs to the identity."""
    protocol: str = ""
    """Transport protocol; belongs to the identity where `port` does."""
    asn: str = ""
    country: str = ""
    severity: str = ""
    """The publisher's own word for how bad it is; where it is empty the mapping's severity holds."""
    names: tuple[str, ...] = ()
    """Columns with the event's own host name (never reverse DNS): they decide attribution."""
    urls: tuple[str, ...] = ()
    """Columns with a URL whose host is the event's own name, used where `names` are empty."""
    detail: tuple[str, ...] = ()
    """Further columns that tell two findings on one asset apart."""
    kinds: tuple[tuple[str, str], ...] = ()
    """Of which kind accounts and details are: column and name in `engine.canonical`. Others are text as it is."""

    def kind(self, column: str) -> str:
        """Return of which kind the cells of a column are; empty for text."""
        return dict(self.kinds).get(column, "")


@dataclasses.dataclass(frozen=True)
class Mapping:
    """What one report type means."""

    type: str
    """Name in file names, finding identities and outputs: `scan_rdp`."""
    title: str
    """The publisher's name of the feed: `Accessible-RDP`."""
    fields: tuple[Field, ...]
    constants: tuple[tuple[str, str], ...]
    """IDF keys with one value for the whole type, the RSIT classification among them."""
    roles: Roles
    origin: str
    """Where it comes from: `built-in`, `published`, `file`, `none` (needs a mapping)."""
    severity: Severity = Severity.C5
    """How bad a finding of the type is where its report does not say."""
    columns: tuple[str, ...] = ()
    """Every column that the publisher documents; others are kept as `extra.…` and reported as unknown."""

    @property
    def address_may_be_network(self) -> bool:
        """Whether the column of the address holds whole networks, too: a field takes them from it."""
        return any(field.key == NETWORK and field.column == self.roles.address for field in self.fields)

    def lacking(self, columns: Collection[str]) -> tuple[str, ...]:
        """Return the columns that fields and roles name and a report does not have, each once."""
        roles = (getattr(self.roles, role.name) for role in dataclasses.fields(Roles) if role.name != "kinds")
        named = [name for role in roles for name in ((role,) if isinstance(role, str) else role)]
        wanted = dict.fromkeys([*(field.column for field in self.fields), *named])
        return tuple(name for name in wanted if name and name not in columns)

    def constant(self, key: str, default: str = "") -> str:
        """Return the value that every event of the type has at `key`."""
        return dict(self.constants).get(key, default)
