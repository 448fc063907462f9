"""Who acts. An audit row holds an actor as key and label, so that history outlives accounts."""

from __future__ import annotations

import dataclasses
from typing import Protocol

LONGEST_LABEL = 200
"""Characters of a label: rows that hold one hold no more."""


class Actor(Protocol):
    """Anybody or anything that an audit row can name.

    One who may not do everything, as a person, also has `require_act(code, about)`, which raises NotPermitted.
    """

    @property
    def audit_key(self) -> str:
        """What stays the same when the name changes: `person:17`, `system:import`."""
        ...

    @property
    def audit_label(self) -> str:
        """The name as it was at the time, at most LONGEST_LABEL characters."""
        ...


@dataclasses.dataclass(frozen=True)
class System:
    """A part of the software that acts by itself or for somebody at the command line."""

    part: str

    @property
    def audit_key(self) -> str:
        """`system:` and the part."""
        return f"system:{self.part}"

    @property
    def audit_label(self) -> str:
        """The part's name."""
        return self.part


@dataclasses.dataclass(frozen=True)
class Known:
    """Somebody by key and label as they were written down: what follows from an act is its author's."""

    audit_key: str
    audit_label: str


COMMAND_LINE = System("command line")
"""Somebody with a shell on the server: who, the operating system knows."""
