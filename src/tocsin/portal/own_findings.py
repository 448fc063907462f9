"""Own findings as a program reads them: all of them once, then what has changed.

A reading goes in the order of the findings' keys, which none ever leaves. So it
may break off and go on, and imports may come in between: what was there all the
time is got once. What changed behind the place where the reading stood is got
by the next one, which asks for what changed since this one began.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from tocsin.directory.queries import constituents_of
from tocsin.engine.lost import LostFile
from tocsin.engine.public_ids import words_of
from tocsin.feeds import exports, queries, sweeps
from tocsin.feeds.models import Feed
from tocsin.feeds.queries import Filter, Findings
from tocsin.kernel import rsit
from tocsin.kernel.refusals import InvalidInput
from tocsin.kernel.tlp import TLP, strictest
from tocsin.people.models import Person
from tocsin.people.policy import cleared_up_to, is_cleared
from tocsin.portal import cursors
from tocsin.portal.cursors import Cursor, Question

OPEN = "open"
_LINES_A_CHUNK = 200


@dataclasses.dataclass(frozen=True)
class Asked:
    """What is asked of own findings, as the address has it. An empty part does not restrict."""

    state: tuple[str, ...] = ()
    severity: tuple[int, ...] = ()
    category: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    constituent: tuple[str, ...] = ()
    seen_since: dt.date | None = None

    @property
    def words(self) -> str:
        """The same as a text: the same for the same question, in whatever order it was asked."""
        parts = {name: sorted(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}
        return json.dumps(parts, default=str, sort_keys=True)


@dataclasses.dataclass(frozen=True)
class Reader:
    """Who reads: whose findings they may see, and of which feeds."""

    person: Person
    names: Mapping[str, str]
    """Own organisations: public id → what they are called."""
    feeds: Mapping[str, Feed]
    """Type of report → its feed; only of labels that the person is cleared for."""

    @property
    def sees(self) -> str:
        """Whose findings they see, and up to which label."""
        return repr((sorted(self.names), cleared_up_to(self.person)))

    @functools.cached_property
    def words(self) -> str:
        """All that it depends on what an answer says, beside question and findings."""
        labels = sorted((name, feed.tlp, feed.terms) for name, feed in self.feeds.items())
        return repr((sorted(self.names.items()), labels, translation.get_language()))


def reader_for(person: Person) -> Reader:
    """Return what a person may see of findings as a member."""
    rows = constituents_of(person).order_by("public_id").values_list("public_id", "name", "names")
    names = {public: repr(called) for public, *called in rows}
    feeds = {name: feed for name, feed in queries.feeds_of_types().items() if is_cleared(person, feed.tlp)}
    return Reader(person, names, feeds)


def filter_of(asked: Asked, reader: Reader) -> Filter:
    """Return the filter of a question. Raises InvalidInput for names that are not known, or not theirs."""
    _require(asked.constituent, reader.names, "constituent", _("This is none of your organisations: {name}."))
    _require(asked.type, reader.feeds, "type", _("No type of report is called {name}."))
    _require(asked.category, rsit.types(), "class", _("No class is called {name}."))
    states = {each for name in asked.state for each in (queries.STATES_OPEN if name == OPEN else (name,))}
    return dataclasses.replace(
        queries.own(reader.person),
        states=tuple(sorted(states)),
        severities=asked.severity,
        classes=asked.category,
        types=asked.type or tuple(sorted(reader.feeds)),
        constituents=asked.constituent,
        last_cycle_from=asked.seen_since,
    )


def _require(given: Iterable[str], known: Iterable[str], where: str, words: str) -> None:
    for name in given:
        if name not in known:
            raise InvalidInput(words.format(name=name[:60]), where=where)


@dataclasses.dataclass(frozen=True)
class Reading:
    """One answer to a program, or a part of it: of one version of the findings."""

    found: Findings
    reader: Reader
    question: Question
    cursor: Cursor
    filter: Filter
    """Narrowed to what has changed, where changes are read."""

    def page(self, limit: int) -> tuple[list[dict[str, Any]], str, str]:
        """Return some findings, the cursor that goes on, and at the end the one for changes."""
        several = self.found.beyond_key(self.filter, past=self.cursor.place, limit=limit + 1)
        shown = list(queries.exported(several[:limit], self.reader.feeds))
        if len(several) <= limit:
            return shown, "", self.changes()
        return shown, self.written(dataclasses.replace(self.cursor, past=shown[-1]["id"])), ""

    def records(self) -> Iterator[dict[str, Any]]:
        """Return all findings that are left, few in memory at a time. Whoever sends them holds a lease meanwhile."""
        several = sweeps.in_order(self.found, self.filter, past=self.cursor.place)
        return queries.exported(several, self.reader.feeds)

    def written(self, cursor: Cursor) -> str:
        """Return a cursor as a word."""
        return cursors.written(cursor, self.question)

    def changes(self) -> str:
        """Return the cursor by which the next reading gets what changed since this one began."""
        return self.written(Cursor(began={}, since=self.cursor.began))

    def label(self) -> str:
        """Return the label of all that is asked for."""
        counted = self.found.counts(("type",), self.filter)
        labels = {TLP.read(self.reader.feeds[name].tlp) for name, number in counted if number}
        return strictest(labels).label if labels else TLP.CLEAR.label


def begin(asked: Asked, reader: Reader, *, cursor: str = "", after: str = "") -> Reading:
    """Begin a reading, or go on with one. Raises InvalidInput for what is no cursor of this question.

    A cursor for changes begins a reading of its own: how the types stand is noted then.
    """
    question = Question(reader.person.pk, asked.words, reader.sees)
    version, found, wanted = queries.manifest_version(), queries.findings(), filter_of(asked, reader)
    stands = cursors.read(cursor, question) if cursor else None
    if stands is None or not (stands.past or stands.began):
        marks = sweeps.marks(found, wanted)
        # An import that was committed meanwhile may be in the marks and not in what is read: then all is read again.
        is_still = queries.manifest_version() == version
        stands = Cursor(marks if is_still else {}, stands.since if stands else None)
    if after:
        stands = dataclasses.replace(stands, past=_known_id(after))
    narrowed = wanted if stands.since is None else sweeps.changed(found, wanted, stands.since)
    return Reading(found, reader, question, stands, narrowed)


def _known_id(text: str) -> str:
    try:
        words_of(text)
    except ValueError as error:
        raise InvalidInput(_("This is not the id of a finding."), where="after") from error
    return text


def as_lines(records: Iterable[dict[str, Any]], changes: str) -> Iterator[bytes]:
    """Yield a finding a line as JSON, and a last line that says that all came.

    Where that line is missing, or says that something failed, not all came.
    """
    held: list[str] = []
    number = 0
    try:
        for record in records:
            number += 1
            held.append(json.dumps(record, ensure_ascii=False))
            if len(held) == _LINES_A_CHUNK:
                yield ("\n".join(held) + "\n").encode()
                held.clear()
    except LostFile as lost:
        held.append(json.dumps({"end": False, "why": exports.NOT_WHOLE.format(why=lost)}, ensure_ascii=False))
        yield ("\n".join(held) + "\n").encode()
        raise
    held.append(json.dumps({"end": True, "count": number, "changes": changes}))
    yield ("\n".join(held) + "\n").encode()


def etag(reader: Reader, address: str) -> str:
    """Return what stays the same for as long as an answer would."""
    said = repr((queries.manifest_version(), address, reader.person.pk, reader.words))
    return f'W/"{hashlib.blake2b(said.encode(), digest_size=12).hexdigest()}"'
