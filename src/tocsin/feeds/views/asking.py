"""What an address asks of findings, read from its query part. What cannot be understood restricts nothing."""

from __future__ import annotations

import dataclasses

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, QueryDict

from tocsin.directory.models import Constituent
from tocsin.engine.query import SORTS, Filter
from tocsin.feeds import queries_situation as situation
from tocsin.feeds.queries import only_constituents
from tocsin.feeds.queries_findings import worded
from tocsin.people.models import Person
from tocsin.people.policy import Ability, may

VALUES_AT_MOST = 50
TEXT_LENGTH = 200
ROWS = 50
PAGES_AT_MOST = 100
"""A list is read from its beginning; whoever wants row 5,001 narrows it or exports it."""
NOBODY = "-"
NO_ONE = "\x7f"
"""An id that nobody has: the filter that nothing passes."""
STATES = ("new", "still", "returned", "gone")
DEFAULT_SORT = "severity"


@dataclasses.dataclass(frozen=True)
class Asked:
    """What is asked for."""

    filter: Filter
    sort: str
    is_descending: bool
    page: int
    text: str
    owner: str
    """`me`, `none`, the key of a person, or empty."""

    @property
    def offset(self) -> int:
        """Rows before the page."""
        return (self.page - 1) * ROWS


def with_defaults(asked: QueryDict) -> QueryDict:
    """Return what is asked for, with the open states where it names no state."""
    if asked.getlist("state"):
        return asked
    query = asked.copy()
    query.setlist("state", list(STATES[:3]))
    return query


def asked_for(request: HttpRequest, query: QueryDict) -> Asked:
    """Return what the query part asks for, restricted to what the person may see."""
    text = query.get("q", "").replace("\0", "").strip()[:TEXT_LENGTH]
    owner = query.get("owner", "")[:60]
    sort = query.get("sort", DEFAULT_SORT)
    name = sort.removeprefix("-")
    found = Filter(
        states=tuple(state for state in _values(query, "state") if state in STATES),
        severities=tuple(int(level) for level in _values(query, "severity") if level in tuple("123456")),
        classes=_values(query, "class"),
        types=_values(query, "type"),
        constituents=_constituents(query),
        came_back=query.get("back") == "1",
        just_gone=query.get("gone") == "now",
        only_constituents=only_constituents(request.user),
    )
    return Asked(
        filter=_owned(worded(found, text), owner, getattr(request.user, "audit_key", "")),
        sort=name if name in SORTS else DEFAULT_SORT,
        is_descending=sort.startswith("-") and name in SORTS,
        page=page_number(query.get("page", "1")),
        text=text,
        owner=owner,
    )


def _values(query: QueryDict, name: str) -> tuple[str, ...]:
    values = (value.replace("\0", "")[:TEXT_LENGTH] for value in query.getlist(name)[:VALUES_AT_MOST])
    return tuple(dict.fromkeys(value for value in values if value))


def _constituents(query: QueryDict) -> tuple[str, ...]:
    """Return whose findings are asked for; a sector stands for all in it."""
    named = tuple("" if value == NOBODY else value for value in _values(query, "whose"))
    sectors = _values(query, "sector")
    if not sectors:
        return named
    members = set(Constituent.objects.filter(sector__in=sectors).values_list("public_id", flat=True))
    members |= {""} if NOBODY in sectors else set()
    both = members & set(named) if named else members
    return tuple(sorted(both)) or (NO_ONE,)


def page_number(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 1
    return min(max(number, 1), PAGES_AT_MOST)


def _owned(found: Filter, owner: str, me: str) -> Filter:
    if not owner:
        return found
    held = situation.owned(None if owner == "none" else me if owner == "me" else owner)
    keys = situation.keys_of(tuple(held))
    if owner == "none":
        return dataclasses.replace(found, not_keys=keys)
    both = keys if found.keys is None else tuple(key for key in keys if key in found.keys)
    return dataclasses.replace(found, keys=both)


@dataclasses.dataclass(frozen=True)
class Page:
    """A page of a list as the pager shows it."""

    number: int
    shown: int
    total: int

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
        return self.end_index() < self.total and self.shown > 0 and self.number < PAGES_AT_MOST

    @property
    def is_last_allowed(self) -> bool:
        """Whether more is there than pages are shown of."""
        return self.number >= PAGES_AT_MOST and self.end_index() < self.total


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
