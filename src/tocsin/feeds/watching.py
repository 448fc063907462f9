"""Watch a folder into which somebody else puts reports: take in what is complete, move nothing, never stop.

A file is complete when size and time have not changed for a while. What was
taken in is remembered by content in the data directory, so that a restart, a
copy or a touched file costs nothing; a file that could not be read is
remembered too and tried again when it changes. Reports of one day may come in
pieces: its cycle is closed when the next one of its type begins, or a day and a
half after its last report.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from django.conf import settings
from django.db import Error, close_old_connections, connection

from tocsin.audit.actors import Actor
from tocsin.engine.beside import Beside, taken_as
from tocsin.engine.bounds import acceptable_from
from tocsin.engine.opening import SUFFIXES, BrokenReport, Spot, sources
from tocsin.engine.run import Broken, Options
from tocsin.feeds import folders, intake, mappings, reasons
from tocsin.feeds.days import lies_ahead
from tocsin.feeds.unfinished import AHEAD, OPEN, Unfinished, due_cycles, unfinished_cycles
from tocsin.formats.beside import NAMED, is_no_report
from tocsin.kernel.clock import Instant
from tocsin.kernel.counting import counted
from tocsin.kernel.names import readable
from tocsin.kernel.refusals import InvalidInput, Refusal, Unavailable

EVERY_S = 10.0
SETTLED_S = 10.0
LOOKS = 6
"""How often is looked at most for what is still being written, where nobody looks for ever."""
MEMORY = "watched.json"
TRIED_UNDER = "mappings"
"""Beside the folders in it, of which older versions write nothing else: which mappings were in force when each was
looked at, by their digest."""
Stamp = tuple[int, int]
"""Size in bytes and time of change in nanoseconds."""
NO_STAMP: Stamp = (-1, -1)
"""That of no file."""
Tell = Callable[[str, dict[str, Any]], None]
"""Called with a sentence and data about what was done."""


@dataclasses.dataclass(frozen=True)
class Seen:
    """A file that was taken in, or could not be."""

    stamp: Stamp
    sha256: str
    broken: bool = False
    """Whether something in it could not be read that only a change can mend: of it or of the mappings."""
    again_on: str = ""
    """The day on which something in it may be taken in that may not before."""
    taken: tuple[str, ...] = ()
    """Of an archive of which something is lacking: what is not taken in again of it, as `taken_as` tells it."""
    again: bool = False
    """Whether it is to be tried again though it has not changed, since the mappings have. Never written."""

    def is_due(self, at: Instant) -> bool:
        """Say whether it is to be tried again though it has not changed."""
        return self.again or (bool(self.again_on) and at.date().isoformat() >= self.again_on)

    @property
    def written(self) -> list[Any]:
        """What is remembered of it: it looks changed while it is to be tried again."""
        stamp, sha256 = (NO_STAMP, "") if self.again else (self.stamp, self.sha256)
        return [*stamp, sha256, self.broken, self.again_on, self.taken]


@dataclasses.dataclass(frozen=True)
class Unread:
    """Of what a file lacks when it was tried."""

    spots: frozenset[Spot] = frozenset()
    """Where that lies which could not be read, or may not be yet."""
    broken: bool = False
    """Whether some of it could not be read for another reason than its day."""
    again_on: str = ""
    """The first day on which some of it may be read."""

    @classmethod
    def of(cls, broken: Iterable[Broken]) -> Unread:
        """Return what a file lacks. A namesake of another was read: it is refused until it changes."""
        days = {each.spot: _again_on(each.reason) for each in broken if each.spot and not each.is_namesake}
        return cls(frozenset(days), "" in days.values(), min(filter(None, days.values()), default=""))


class Memory:
    """What was taken in from one folder, and under which mappings the rest was tried."""

    def __init__(self, file: Path, folder: Path) -> None:
        self._file, self._folder = file, str(folder)
        everything = _read_json(file)
        held = everything.get(self._folder, {})
        self._mappings: str = everything.get(TRIED_UNDER, {}).get(self._folder, "")
        self._seen: dict[str, Seen] = {}
        self._places: dict[str, dict[str, None]] = {}
        """By a file's own name, where files of that name were."""
        for name, (size, changed, *rest) in held.items():
            seen = Seen((size, changed), *rest)
            self._remember(name, dataclasses.replace(seen, taken=tuple(seen.taken)))

    def _remember(self, name: str, seen: Seen) -> None:
        self._seen[name] = seen
        self._places.setdefault(PurePosixPath(name).name, {})[name] = None

    def knows(self, name: str, path: Path, stamp: Stamp, at: Instant) -> bool:
        """Say whether a file holds nothing that is to be taken in now; reads it only when it looks changed.

        A new one may be a copy of another of its name. One that was there and holds something else than it did has
        changed, whatever others hold.
        """
        seen = self._seen.get(name)
        if seen and seen.stamp == stamp:
            return not seen.is_due(at)
        before = [seen] if seen else [self._seen[place] for place in self._places.get(path.name, ())]
        sha256 = _sha256(path) if before else ""
        same = next((other for other in before if other.sha256 == sha256), None)
        if same:
            self._remember(name, dataclasses.replace(same, stamp=stamp))
        return same is not None and not same.is_due(at)

    def take(self, files: dict[str, tuple[Path, Stamp]], unread: dict[Path, Unread]) -> None:
        """Remember files; `unread` are those that lack something.

        Not those that were replaced or went away since: what was taken in of them is not what is there.
        """
        for name, (path, stamp) in files.items():
            lacks, before = unread.get(path, Unread()), self._seen.get(name)
            taken = _members(path, lacks.spots, before.taken if before else ()) if lacks.spots else ()
            if sha256 := _sha256_of(path, stamp):
                self._remember(name, Seen(stamp, sha256, lacks.broken, lacks.again_on, taken))
        everything = _read_json(self._file)
        everything[self._folder] = {name: seen.written for name, seen in self._seen.items()}
        everything[TRIED_UNDER] = {**everything.get(TRIED_UNDER, {}), self._folder: self._mappings}
        beside = self._file.with_suffix(".tmp")
        beside.write_text(json.dumps(everything), encoding="utf-8")
        beside.replace(self._file)

    def broken(self) -> list[str]:
        """Return the files that could not be read when they were tried last, and not because of their day alone."""
        return [name for name, seen in self._seen.items() if seen.broken]

    def unchanged(self, files: dict[str, tuple[Path, Stamp]]) -> list[Path]:
        """Return those of files that are tried again and have not changed."""
        seen = {name: self._seen[name].stamp for name in files if name in self._seen}
        return [path for name, (path, stamp) in files.items() if seen.get(name) == stamp]

    def taken(self) -> dict[Path, tuple[str, ...]]:
        """Return what was taken in of archives that could not be read whole, as `taken_as` tells it."""
        return {Path(self._folder) / name: seen.taken for name, seen in self._seen.items() if seen.taken}

    def is_tried_under(self, mappings: str) -> None:
        """Let files that could not be read be tried again where other mappings are in force: these may know them."""
        if mappings == self._mappings:
            return
        self._mappings = mappings
        lacking = [(name, seen) for name, seen in self._seen.items() if seen.broken or seen.again_on]
        self._seen.update({name: dataclasses.replace(seen, again=True) for name, seen in lacking})


def _read_json(file: Path) -> dict[str, Any]:
    try:
        held: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # none yet; or damaged, and then everything is looked at once more
        return {}
    return held


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sha256_of(path: Path, stamp: Stamp) -> str:
    """Return the digest of a file that has not changed since it had this stamp; nothing of any other."""
    try:
        sha256 = _sha256(path)
        return sha256 if _stamp(path) == stamp else ""
    except OSError:
        return ""


def _members(path: Path, unread: Collection[Spot], before: tuple[str, ...]) -> tuple[str, ...]:
    """Return what an archive holds beside what could not be read, as `taken_as` tells it; what was taken `before` of
    one of which nothing can be read."""
    try:
        held = sources(path, mappings.recognition().is_no_report)
    except BrokenReport:
        return before
    found: set[str] = set()
    for source in held:
        if source.member and source.spot not in unread:
            with contextlib.suppress(BrokenReport):
                found.add(taken_as(source))
    return tuple(sorted(found))


def _stamp(path: Path) -> Stamp:
    about = path.stat()
    return about.st_size, about.st_mtime_ns


class Watch:
    """Watches one folder."""

    def __init__(
        self, folder: Path, *, by: Actor, tell: Tell, now: Callable[[], Instant], settled_s: float = SETTLED_S
    ) -> None:
        if not folder.is_dir():
            raise InvalidInput("there is no such folder.", where=str(folder))
        self.folder, self.by, self.tell, self.now, self.settled_s = folder.absolute(), by, tell, now, settled_s
        self.memory = Memory(settings.TOCSIN.home / MEMORY, self.folder)
        self.growing: list[str] = []
        """Files that may still have been written when they were last looked at."""
        self._looked: dict[str, tuple[Stamp, float]] = {}
        self._odd: set[str] = set()
        self._barred: set[str] = set()
        self._complaint = ""
        self._recognition = mappings.recognition()

    def run(self, stop: threading.Event, *, every_s: float = EVERY_S) -> None:
        """Look again and again until `stop` is set."""
        while not stop.is_set():
            self.look()
            stop.wait(every_s)

    def look(self) -> None:
        """Take in what has become complete, and close what has become due. Never raises what another look may mend."""
        if not connection.in_atomic_block:  # then it is that of whoever began the transaction
            close_old_connections()  # one that a restart of the database has broken
        try:
            self._recognition = mappings.recognition()
            self.memory.is_tried_under(self._recognition.digest)
            files = dict(self._complete())
            if files or due_cycles(self.now()):
                before = set(self._waiting())
                if files:
                    self._take_in(files, self._still_broken())
                self._close_due()
                self._name_waiting(before)
        except Error as problem:
            said = str(problem).strip().splitlines() or [type(problem).__name__]
            self._complain(f"The database cannot be used ({said[0].rstrip('.')}). It is tried again.")
        except (Refusal, OSError) as problem:
            self._complain(str(problem))
        else:
            self._complaint = ""

    def _waiting(self) -> dict[str, Unfinished]:
        """Return the cycles that wait for somebody, each by what is said of it."""
        return {each.says: each for each in unfinished_cycles(self.now()) if each.why not in (OPEN, AHEAD)}

    def _name_waiting(self, before: Collection[str]) -> None:
        """Tell of the cycles that wait and did not before, or not for that: nothing goes gone because of them."""
        for said, each in self._waiting().items():
            if said not in before:
                self.tell(f"{said}. {each.fix}", {"waiting": each.as_data()})

    def _complain(self, sentence: str) -> None:
        """Tell of a problem, once for as long as it lasts."""
        if sentence != self._complaint:
            self.tell(sentence, {"problem": sentence})
        self._complaint = sentence

    def look_once(self, *, looks: int = LOOKS) -> None:
        """Look, and look again while files are being written, so many times at most; name those that are left."""
        self.look()
        for _ in range(looks - 1):
            if not self.growing:
                return
            time.sleep(self.settled_s)
            self.look()
        if self.growing:
            number = counted(len(self.growing), "file", "is still being written", "are still being written")
            names = [readable(name) for name in self.growing]
            shown = ", ".join([*names[:NAMED], *(["…"] if len(names) > NAMED else [])])
            self.tell(f"{number}, and left for another time: {shown}.", {"left": names})

    def _complete(self) -> Iterator[tuple[str, tuple[Path, Stamp]]]:
        """Yield the files that are complete and not known; note those that are not complete."""
        looked, self._looked, self.growing = self._looked, {}, []
        if not self.folder.is_dir():
            raise Unavailable(f"{readable(str(self.folder))}: it is not there any more. It is looked for again.")
        for path in folders.within(self.folder):
            name = path.relative_to(self.folder).as_posix()
            if name in looked:  # what has gone is forgotten
                self._looked[name] = looked[name]
            try:
                stamp = _stamp(path)
                is_file = path.is_file() and not is_no_report(path.name, self._recognition.feeds)
                if self._is_barred(name, path):
                    continue
                if is_file and not self._has_settled(name, stamp):
                    self.growing.append(name)
                elif is_file and not self.memory.knows(name, path, stamp, self.now()):
                    yield name, (path, stamp)
                    continue
            except OSError:  # it has gone since the folder was listed, or may not be read yet
                pass
            self._name_odd(name, path)

    def _is_barred(self, name: str, path: Path) -> bool:
        """Say whether a file or a folder may not be read, and tell of it once for as long as that lasts."""
        if folders.may_be_read(path):
            self._barred.discard(name)
            return False
        if name not in self._barred:
            self._barred.add(name)
            said = f"{folders.barred(path)} It is looked at again."
            self.tell(said, {"problem": said})
        return True

    def _name_odd(self, name: str, path: Path) -> None:
        """Say once of what is no report and no folder that it is passed over."""
        reason = folders.why_passed_over(path, self._recognition.feeds)
        if not reason:
            self._odd.discard(name)
        elif name not in self._odd:
            self._odd.add(name)
            self.tell(reason, {"passed_over": {"name": readable(name), "reason": reason}})

    def _has_settled(self, name: str, stamp: Stamp) -> bool:
        """Say whether a file has not changed for a while, by its own time or by what was seen of it."""
        before, since = self._looked.get(name, (None, 0.0))
        if before != stamp:
            since = time.monotonic()
            self._looked[name] = (stamp, since)
        age_s = time.time() - stamp[1] / 1e9
        return age_s >= self.settled_s or time.monotonic() - since >= self.settled_s

    def _still_broken(self) -> list[Path]:
        """Return the archives that could not be read before: what comes now may have a part in them, and waits.

        What was taken in of them before is not again.
        """
        found = [self.folder / name for name in self.memory.broken()]
        return [path for path in found if path.suffix.lower() in SUFFIXES and path.is_file()]

    def _take_in(self, files: dict[str, tuple[Path, Stamp]], still_broken: Sequence[Path]) -> None:
        beside = [path for path in still_broken if path not in {path for path, _ in files.values()}]
        aside: list[Broken] = []
        summary = intake.import_reports(
            [path for path, _ in files.values()] + beside,
            options=Options(gone_after=settings.TOCSIN.gone_after, complete=False),
            by=self.by,
            at=self.now(),
            beside=Beside(self.memory.taken(), beside, self.memory.unchanged(files)),
            tell_broken=aside.extend,
        )
        self.memory.take(files, _by_file(aside))
        self._name_broken(each for each in aside if each.spot and each.spot.file not in beside)
        for name in summary["passed_over"]:
            reason = folders.why_no_report(name)
            self.tell(reason, {"passed_over": {"name": name, "reason": reason}})
        if summary["files"]:
            kept = f"{counted(summary['rows_kept'], 'row')} of {counted(len(summary['files']), 'report')} kept"
            told = " ".join(
                [f"Run {summary['run']}: {kept}.", *(f"{a} needs a mapping." for a in summary["needs_mapping"])]
            )
            self.tell(told, {"summary": summary})
        for each in summary["ahead"]:
            self.tell(lies_ahead(each["name"], each["date"], summary["run"]), {"ahead": each})

    def _name_broken(self, broken: Iterable[Broken]) -> None:
        for each in broken:
            when = _again_on(each.reason)
            what = f"It is looked at again on {when}, or when" if when else "It is passed over until"
            self.tell(f"{each.reason} {what} it changes.", {"broken": {"name": each.name, "reason": each.reason}})

    def _close_due(self) -> None:
        due = due_cycles(self.now())
        if due:
            intake.close(due, by=self.by, at=self.now())
            for kind, on in due:
                self.tell(f"Closed {kind} of {on}.", {"closed": {"type": kind, "date": on.isoformat()}})


def _by_file(aside: Iterable[Broken]) -> dict[Path, Unread]:
    """Return what each file lacks of what was set aside."""
    found: defaultdict[Path, list[Broken]] = defaultdict(list)
    for each in aside:
        if each.spot:
            found[each.spot.file].append(each)
    return {path: Unread.of(those) for path, those in found.items()}


def _again_on(reason: str) -> str:
    """Return the day on which a report that was refused for its date may be taken in; empty for any other reason."""
    day = reasons.day_ahead(reason)
    return acceptable_from(day).isoformat() if day else ""
