"""For whom is read: of a feed whose label its reader is not cleared for, nothing is there.

While somebody looks at a page, all that is read of the manifest (types of report, cycles, findings, and every sum made
of them) is read without the feeds that are beyond the reader's clearance. So no page can forget to ask, and what it
counts is what it may show. What is done, by an action, a job or a command, is done to everything.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponseBase

from tocsin.feeds.models import Feed
from tocsin.kernel.tlp import TLP
from tocsin.people import policy
from tocsin.people.models import Person

V = TypeVar("V", bound=Callable[..., Any])
T = TypeVar("T")


class _Reader:
    """Somebody who reads, and what is hidden from them: asked for once, and only when something is read."""

    def __init__(self, person: object) -> None:
        self.person = person
        self.known: dict[str, Any] = {}

    @functools.cached_property
    def hidden(self) -> frozenset[int]:
        """Keys of the feeds that are beyond the clearance."""
        return _beyond(self.person)


_reader: ContextVar[_Reader | None] = ContextVar("reader", default=None)


def hidden() -> frozenset[int]:
    """Return the keys of the feeds that are hidden from who reads now; none where nobody does."""
    reader = _reader.get()
    return reader.hidden if reader else frozenset()


def once(name: str, ask: Callable[[], T]) -> T:
    """Return what `ask` returns, for one page the same each time: all of its numbers are of one moment."""
    reader = _reader.get()
    if reader is None:
        return ask()
    if name not in reader.known:
        reader.known[name] = ask()
    known: T = reader.known[name]
    return known


def hidden_from(person: object) -> frozenset[int]:
    """Return the keys of the feeds whose label a person is not cleared for."""
    reader = _reader.get()
    return reader.hidden if reader and reader.person is person else _beyond(person)


def is_restricted(person: object) -> bool:
    """Say whether there are labels that a person is not cleared for: what bears none counts as one of them."""
    return not policy.is_cleared(_acting(person), TLP.RED)


def cleared_labels(person: object) -> list[str]:
    """Return the labels that a person may see."""
    return [label.value for label in TLP if policy.is_cleared(_acting(person), label)]


def _beyond(person: object) -> frozenset[int]:
    if not is_restricted(person):
        return frozenset()
    feeds = Feed.objects.order_by().values_list("pk", "tlp")
    return frozenset(pk for pk, label in feeds if not policy.is_cleared(_acting(person), label))


def _acting(person: object) -> Person | None:
    return person if isinstance(person, Person) else None


@contextlib.contextmanager
def reading_for(person: object) -> Iterator[None]:
    """Read for a person; for whoever is none, what nobody is cleared for is hidden, and that is everything."""
    reader = _reader.get()
    token = _reader.set(reader if reader and reader.person is person else _Reader(person))
    try:
        yield
    finally:
        _reader.reset(token)


def for_its_reader(page: V) -> V:
    """Make a page for who asks for it, by whatever verb: one that shows a form again after a mistake."""

    @functools.wraps(page)
    def made(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        with reading_for(request.user):
            return page(request, *args, **kwargs)

    return made  # type: ignore[return-value]


class Clearing:
    """The middleware that makes every page for its reader: whatever is asked for by GET is only looked at."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer."""
        if request.method not in ("GET", "HEAD") or not isinstance(request.user, Person):
            return self.get_response(request)
        with reading_for(request.user):
            return self.get_response(request)
