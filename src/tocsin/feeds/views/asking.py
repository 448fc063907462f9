"""What an address asks of findings, read from its query part."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, QueryDict

from tocsin.directory.models import Constituent
from tocsin.engine.public_ids import words_of
from tocsin.engine.query import SORTS, Filter, Finding, Findings
from tocsin.feeds import queries_situation as situation
from tocsin.feeds.choices import TLP_CHOICES
from tocsin.feeds.forms import team
from tocsin.feeds.queries import finding_with, only_constituents
from tocsin.feeds.queries_findings import among, announced_by, spans_of, system, within, worded
from tocsin.feeds.queries_situation import is_owner
from tocsin.kernel.questions import Question
from tocsin.kernel.refusals import Refusal
from tocsin.people.models import Person
from tocsin.people.policy import Ability, may

ROWS = 50
PAGES_AT_MOST = 100
"""So far pages are counted from the beginning of a list. Findings go on from a row; other lists end, and say so."""
ROWS_AT_MOST = 1_000_000_000
NOBODY = "-"
NO_ONE = "\x7f"
"""A name that nobody and nothing has: the filter that nothing passes."""
STATES = ("new", "still", "returned", "gone")
OPEN = "open"
"""Stands for the first three of them, as on the command line."""
DEFAULT_SORT = "severity"


@dataclasses.dataclass(frozen=True)
class Asked:
    """What is asked for."""

    filter: Filter
    sort: str
    is_descending: bool
    page: int
    past: Finding | None
    """The finding that a page beyond PAGES_AT_MOST goes on from."""
    is_back: bool
    text: str
    owner: str
    """`me`, `none`, the key of a person, or empty."""

    def within(self, total: int, question: Question[QueryDict]) -> Asked:
        """Return the same; its first page where `total` findings do not reach as far as the page asked for."""
        if self.page <= pages_of(total):
            return self
        question.refuse("page", str(self.page))
        return dataclasses.replace(self, page=1, past=None, is_back=False)

    def rows(self, found: Findings, names: Sequence[str]) -> list[Finding]:
        """Return the findings of the page; `names` are constituents in the order of their names."""
        order: dict[str, Any] = {"sort": self.sort, "descending": self.is_descending, "limit": ROWS, "names": names}
        if self.past is not None:
            return found.page_beyond(self.past, self.filter, backwards=self.is_back, **order)
        return found.page(self.filter, offset=(self.page - 1) * ROWS, **order)


def open_unless_named(question: Question[QueryDict]) -> None:
    """Ask for the open states where no state is asked for, and no finding by its id."""
    named = question.values("state", (*STATES, OPEN))
    if OPEN in named or not (named or question.read("id", words_of)):
        named = tuple(state for state in STATES if state in named or state in STATES[:3])
    question.query.setlist("state", list(named))


@dataclasses.dataclass(frozen=True)
class Known:
    """The values that filters may have."""

    people: Mapping[str, Constituent]
    labels: Mapping[str, str]
    """Type of report → TLP."""

    def owners(self, owner: str) -> bool:
        """Whether somebody of the team, or who still holds a finding, has that key."""
        return owner in ("me", "none") or any(owner == each.audit_key for each in team()) or is_owner(owner)


def asked_for(request: HttpRequest, question: Question[QueryDict], known: Known) -> Asked:
    """Return what the query part asks for, restricted to what the person may see."""
    text, owner = _words(question), question.text("owner")
    if owner and not known.owners(owner):
        question.refuse("owner", owner)
        owner = ""
    page, past, is_back = _place(question)
    sort = question.value("sort", {*SORTS, *(f"-{name}" for name in SORTS)}, DEFAULT_SORT)
    found = Filter(
        states=question.values("state", STATES),
        severities=tuple(int(level) for level in question.values("severity", tuple("123456"))),
        classes=question.values("class", situation.classes()),
        types=_types(question, known.labels),
        constituents=_constituents(question, known.people),
        came_back=question.value("back", ("1",)) == "1",
        just_gone=question.value("gone", ("now",)) == "now",
        only_constituents=only_constituents(request.user),
    )
    found = worded(_narrowed(found, question), text)
    return Asked(
        filter=_owned(found, owner, getattr(request.user, "audit_key", "")),
        sort=sort.removeprefix("-"),
        is_descending=sort.startswith("-"),
        page=page,
        past=past,
        is_back=is_back,
        text=text,
        owner=owner,
    )


def _words(question: Question[QueryDict]) -> str:
    """Return what is in the box of the page: `q`, which `finding list` calls --words."""
    text, words = question.text("q"), question.text("words")
    question.query.setlist("words", [])
    if words and text and words != text:
        question.refuse("words", words)
    elif words:
        question.query.setlist("q", [words])
    return text or words


def _place(question: Question[QueryDict]) -> tuple[int, Finding | None, bool]:
    """Return which page is asked for, from which finding it goes on, and whether back from it."""
    number = question.number("page", ROWS_AT_MOST // ROWS)
    name = "before" if question.text("before") else "after"
    public = question.text(name)
    past = finding_with(public) if number > PAGES_AT_MOST and public else None
    if number > PAGES_AT_MOST and past is None:
        question.refuse("page", str(number))
        return 1, None, False
    return number, past, name == "before"


def _narrowed(found: Filter, question: Question[QueryDict]) -> Filter:
    """Return the filter with what `finding list` calls --asset, --asn and --id, each of which may stand several times.

    Where none of the values can be understood, nothing is narrowed; the page says so.
    """
    if asked := question.read("asset", spans_of):
        found = within(found, [ends for spans in asked for ends in spans])
    if asns := question.read("asn", system):
        found = announced_by(found, asns)
    keys = question.read("id", words_of)
    return among(found, keys) if keys else found


def _types(question: Question[QueryDict], labels: Mapping[str, str]) -> tuple[str, ...]:
    """Return which types of report are asked for; the label of its feed stands for all types that bear it.

    `period=now` stands for those whose latest report is of the period of the sums of Situation.
    """
    named, wanted = question.values("type", labels), question.values("tlp", dict(TLP_CHOICES))
    of = situation.period() if question.value("period", ("now",)) == "now" else None
    if not wanted and not of:
        return named
    types = {*(named or labels)}
    types &= {name for name, label in labels.items() if label in wanted} if wanted else types
    types &= {*of.types} if of else types
    return tuple(sorted(types)) or (NO_ONE,)


def _constituents(question: Question[QueryDict], people: Mapping[str, Constituent]) -> tuple[str, ...]:
    """Return whose findings are asked for; a sector stands for all in it.

    They may be asked for by the name that `finding list` has for it; links go on with the page's own.
    """
    known = {*people, NOBODY}
    asked = dict.fromkeys((*question.values("whose", known), *question.values("constituent", known)))
    if question.query.getlist("constituent"):
        question.query.setlist("constituent", [])
        question.query.setlist("whose", list(asked))
    named = tuple("" if value == NOBODY else value for value in asked)
    sectors = question.values("sector", {NOBODY, *(row.sector for row in people.values())})
    if not sectors:
        return named
    members = {public for public, row in people.items() if row.sector in sectors}
    members |= {""} if NOBODY in sectors else set()
    both = members & set(named) if named else members
    return tuple(sorted(both)) or (NO_ONE,)


def _owned(found: Filter, owner: str, me: str) -> Filter:
    if not owner:
        return found
    held = situation.owned(None if owner == "none" else me if owner == "me" else owner)
    keys = situation.keys_of(tuple(held))
    return dataclasses.replace(found, not_keys=keys) if owner == "none" else among(found, keys)


@dataclasses.dataclass(frozen=True)
class Page:
    """A page of a list as the pager shows it."""

    number: int
    shown: int
    total: int
    first: str = ""
    """The id of its first row, where pages go on from rows."""
    last: str = ""

    @property
    def paginator(self) -> Page:
        """Where the pager reads the count."""
        return self

    @property
    def count(self) -> int:
        """How many there are."""
        return self.total

    def start_index(self) -> int:
        """Number of the first row."""
        return (self.number - 1) * ROWS + 1 if self.shown else 0

    def end_index(self) -> int:
        """Number of the last row."""
        return (self.number - 1) * ROWS + self.shown

    def has_previous(self) -> bool:
        """Whether there is a page before."""
        return self.number > 1

    def has_next(self) -> bool:
        """Whether there is a page after that may be asked for."""
        return self.end_index() < self.total and self.shown > 0 and (self.number < PAGES_AT_MOST or bool(self.last))

    @property
    def next_place(self) -> dict[str, list[str]]:
        """What the address of the next page says of its place."""
        return self._place(self.number + 1, "after", self.last)

    @property
    def previous_place(self) -> dict[str, list[str]]:
        """What the address of the page before says of its place."""
        return self._place(self.number - 1, "before", self.first)

    def _place(self, number: int, name: str, row: str) -> dict[str, list[str]]:
        return {"page": [str(number)], **({name: [row]} if number > PAGES_AT_MOST else {})}

    @property
    def is_last_allowed(self) -> bool:
        """Whether more is there than pages are shown of."""
        return self.number >= PAGES_AT_MOST and self.end_index() < self.total and not self.last


def pages_of(total: int) -> int:
    """Return how many pages a list of `total` rows has; one where it is empty."""
    return max(1, math.ceil(total / ROWS))


def sentence(refused: Refusal) -> str:
    """Return why something was refused as it stands on a page: a command puts its own name before it."""
    said = str(refused)
    return said[:1].upper() + said[1:]


def person(request: HttpRequest) -> Person:
    """Return who asks. Raises PermissionDenied for whoever has no account."""
    if not isinstance(request.user, Person):
        raise PermissionDenied
    return request.user


def worker(request: HttpRequest, ability: Ability = Ability.WORK_ON_FINDINGS) -> Person:
    """Return who acts. Raises PermissionDenied for whoever may only look."""
    acting = person(request)
    if not may(acting, ability):
        raise PermissionDenied
    return acting
