"""Files that have not changed since they were looked at, and lie beside what comes now.

A folder that is watched holds archives of which a part could not be read. They are
looked at again with each new file, since they may hold a part of its day. What was
taken in of them is not delivered again: whatever became of it since, by a correction,
a withdrawal, the word of a person, is newer than the archive.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Collection, Mapping
from pathlib import Path

from tocsin.engine.intake import digest_of
from tocsin.engine.opening import BrokenReport, Source


@dataclasses.dataclass(frozen=True)
class Beside:
    """What was made of such files."""

    taken: Mapping[Path, Collection[str]] = dataclasses.field(default_factory=dict)
    """By archive, its members that were taken in, as `taken_as` tells them. Older versions wrote the SHA-256 alone."""
    broken: Collection[Path] = ()
    """Those that could not be read. They are named again, and days wait for them that come only now."""
    again: Collection[Path] = ()
    """Of what comes now, those that have not changed since they could not be read: their day has come, or others are
    the mappings in force. What was said of days because of them is not said again."""

    def delivers(self, source: Source) -> bool:
        """Tell whether a report is none that was taken in."""
        taken = self.taken.get(source.path, ()) if source.member else ()
        with contextlib.suppress(BrokenReport):
            return not taken or {known := taken_as(source), known.partition(" ")[0]}.isdisjoint(taken)
        return True

    def holds(self, source: Source) -> bool:
        """Tell whether a report is in one of these files."""
        return source.path in self.taken or source.path in self.broken


def taken_as(source: Source) -> str:
    """Return what tells the member of an archive from the others: its SHA-256 and its name, as two may hold the same.

    Raises BrokenReport for one that cannot be read.
    """
    return f"{digest_of(source).hex()} {source.name}"


NOTHING = Beside()

__all__ = ["NOTHING", "Beside", "taken_as"]
