"""Telling other rooms what has happened, after commit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

from tocsin.kernel.events import Event

E = TypeVar("E", bound=Event)
Listener = Callable[[E], None]

_listeners: dict[type[Event], list[Callable[[Event], None]]] = defaultdict(list)


def listens_to(kind: type[E]) -> Callable[[Listener[E]], Listener[E]]:
    """Register a function to be called with each event of `kind` after its transaction is committed."""

    def register(listener: Listener[E]) -> Listener[E]:
        _listeners[kind].append(listener)  # type: ignore[arg-type]
        return listener

    return register


def tell(event: Event) -> None:
    """Call the listeners of `event`, in the order in which they were registered."""
    for listener in _listeners[type(event)]:
        listener(event)
