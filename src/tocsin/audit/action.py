"""The one way in which anything is written: one function, one transaction, one audit row, one event after commit.

Actions run one at a time, on every database: SQLite begins each transaction
by taking its only writer's place, and on PostgreSQL the outermost action
takes the trail's lock before it reads anything. So an action may check and
then change without racing another action, the chain has one order, and two
actions cannot wait for each other. The price is that an action must be short:
long work is a job that calls short actions.

An action may call another. Both then stand in one transaction and each writes
its own row, the inner one first, because it was finished first; if the outer
one fails, neither happened, and no listener hears of either.

An actor who may not do everything has `require_act`, which is asked first: a
person who may not is refused before anything is read, whoever forgot to ask.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from django.db import transaction

from tocsin.audit import trail
from tocsin.audit.listening import tell_after_commit
from tocsin.kernel.events import Event

P = ParamSpec("P")
E = TypeVar("E", bound=Event)
known: dict[str, Callable[..., Event]] = {}
"""Every action that was loaded, by its code: each has a sentence (see `wording`)."""


def action(code: str) -> Callable[[Callable[P, E]], Callable[P, E]]:
    """Make a function that changes things and returns what happened into an action.

    The function takes the keyword-only arguments `by` (an `Actor`) and `at` (an
    instant) without defaults; TypeError when either is missing, `by` names
    nobody or `at` has no zone. `code` names the audit row: `case.closed`. The
    row's data are the event's fields; an event of a change carries what was
    and what became in fields `before` and `after` (see `changes.change`).
    """

    def decorate(function: Callable[P, E]) -> Callable[P, E]:
        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> E:
            by, at = _actor(code, kwargs), _instant(code, kwargs)
            if require := getattr(by, "require_act", None):
                require(code, args[0] if args else kwargs.get("person"))
            with transaction.atomic():
                trail.take_turn()
                event = function(*args, **kwargs)
                if not isinstance(event, Event):
                    raise TypeError(f"{code} must return an Event, not {type(event).__name__}")
                trail.append(code, event.as_data(), by=by, at=at)
                tell_after_commit(event)
            return event

        known[code] = run
        return run

    return decorate


def _actor(code: str, kwargs: dict[str, Any]) -> Any:
    by = kwargs.get("by")
    if not getattr(by, "audit_key", ""):
        raise TypeError(f"{code} needs by=, an actor that the audit trail can name")
    return by


def _instant(code: str, kwargs: dict[str, Any]) -> dt.datetime:
    at = kwargs.get("at")
    if not isinstance(at, dt.datetime) or at.tzinfo is None:
        raise TypeError(f"{code} needs at=, an instant with a time zone")
    return at
