"""The one way in which anything is written: one function, one transaction, one audit row, one event after commit."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import transaction

from tocsin.audit.listening import tell
from tocsin.kernel.events import Event

P = ParamSpec("P")
E = TypeVar("E", bound=Event)


def action(code: str) -> Callable[[Callable[P, E]], Callable[P, E]]:
    """Make a function that changes things and returns what happened into an action.

    The function takes the keyword-only arguments `by` (an `Actor`) and `at` (an
    instant) without defaults. `code` names the audit row: `case.closed`.
    """

    def decorate(function: Callable[P, E]) -> Callable[P, E]:
        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> E:
            with transaction.atomic():
                event = function(*args, **kwargs)
                transaction.on_commit(lambda: tell(event))
            return event

        return run

    return decorate
