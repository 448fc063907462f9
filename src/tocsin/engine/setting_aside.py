"""Files that could not be read, and the cycles that wait for them.

What a name says in the manner of reports is its cycle. A file that does not say
of which it is, an archive that was cut short, may hold a part of any cycle of
its call, or of one that is open: that makes nothing gone until the file has come
whole, or somebody lets the cycle count without it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable

from tocsin.engine.beside import NOTHING, Beside
from tocsin.engine.intake import Recogniser
from tocsin.engine.opening import MAX_NAME, SUFFIXES, BrokenReport, Misdated, Source, Spot, plain_name
from tocsin.engine.said import UNREAD
from tocsin.engine.store import CycleKey
from tocsin.kernel.names import day_in, shortened


@dataclasses.dataclass(frozen=True)
class Broken:
    """A delivered report that could not be read."""

    name: str
    reason: str
    cycles: tuple[CycleKey, ...] = ()
    """Which wait for it."""
    content: str = ""
    """Its SHA-256 where its name does not tell it, since another file of the call has that name; or `said.UNREAD`."""
    is_known: bool = False
    """Whether it could not be read before, and has not changed since."""
    is_tried_again: bool = False
    """Whether it was to be read all the same, since what may mend it has changed."""
    spot: Spot | None = None
    """Where it lies: others may have its name. None for one that was read again from what was kept of it."""

    @property
    def is_namesake(self) -> bool:
        """Whether it could be read, and is refused since another file of the call has its name and its day."""
        return self.content not in ("", UNREAD)


class SetAside:
    """What a run could not read. `refused` says why no report of a cycle may come; None where one may."""

    def __init__(
        self,
        names: Recogniser,
        refused: Callable[[str, str, dt.date], BrokenReport | None],
        old_files: Beside = NOTHING,
    ) -> None:
        self._names, self._refused, self._old_files = names, refused, old_files
        self.broken: list[Broken] = []
        self._unplaced: list[tuple[Broken, str | None, dt.date | None]] = []
        """With type and day as far as the name says them. The cycles that it has are for when none of the call fits."""

    def add(self, file: str, why: BrokenReport, spot: Spot, *, place: str = "") -> None:
        """Set a file aside, by its name with its suffixes, and by its place where another of the call has its name."""
        name, is_packed = plain_name(file), spot.member is not None or file.lower().endswith(SUFFIXES)
        cycle, known = self._names.cycle_of(name), self._names.type_of(name)
        is_known, is_tried_again = spot.file in self._old_files.broken, spot.file in self._old_files.again
        aside = Broken(name, str(why), is_known=is_known, is_tried_again=is_tried_again, spot=spot)
        if isinstance(why, Misdated) or (cycle and self._refused(name, *cycle)):
            self.broken.append(aside)  # a day that has not come, or is not kept, is no cycle's
        elif cycle and (known or not is_packed):
            content = UNREAD if place else ""
            self.broken.append(dataclasses.replace(aside, name=place or name, cycles=(cycle,), content=content))
        elif (is_packed or known or day_in(name)) and not self._names.is_no_report(name):
            called = shortened(file, MAX_NAME) if file.lower().endswith(".zip") else name
            aside = dataclasses.replace(aside, name=called, cycles=(cycle,) if cycle else ())
            self._unplaced.append((aside, known, day_in(name)))
        else:  # a plain file whose name says nothing: as far as anybody knows it is no report
            self.broken.append(aside)

    def add_refused(self, name: str, why: BrokenReport | None, spot: Spot | None = None) -> None:
        """Set something aside for which no cycle waits: what is refused, or stays as it was."""
        self.broken.append(Broken(name, str(why), spot=spot))

    def add_namesake(self, cycle: CycleKey, source: Source, content: str) -> None:
        """Set aside what no order of paths may let replace another. Its rows are missing: the cycle stays open."""
        why = BrokenReport(
            "another file of the same call has its name and its day, but holds something else. "
            "Rename one of them if both count; import this one alone if it corrects the other.",
            where=source.place,
        )
        self.broken.append(Broken(source.place, str(why), (cycle,), content, spot=source.spot))

    def place(self, cycles: Iterable[CycleKey]) -> None:
        """Let these cycles wait for what may be of them: those of which the call brought something, and open ones."""
        ours = sorted(set(cycles))
        for broken, kind, on in self._unplaced:
            may_be = tuple(key for key in ours if kind in (None, key[0]) and on in (None, key[1]))
            self.broken.append(dataclasses.replace(broken, cycles=may_be or broken.cycles))
        self._unplaced.clear()
