"""Telling other rooms what has happened, after commit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

from django.db import transaction

from tocsin.kernel.events import Event

E = TypeVar("E", bound=Event)
Listener = Callable[[E], None]

_listeners: dict[type[Event], list[Callable[[Event], None]]] = defaultdict(list)


def listens_to(kind: type[E]) -> Callable[[Listener[E]], Listener[E]]:
    """Register a function to be called with each event of `kind` after its transaction is committed."""

    def register(listener: Listener[E]) -> Listener[E]:
        if listener not in _listeners[kind]:
            _listeners[kind].append(listener)  # type: ignore[arg-type]
        return listener

    return register


def stop_listening(kind: type[E], listener: Listener[E]) -> None:
    """Forget a listener again."""
    _listeners[kind].remove(listener)  # type: ignore[arg-type]


def tell_after_commit(event: Event) -> None:
    """Call each listener of `event`, in the order in which they were registered, once the transaction stands.

    What has happened has happened: a listener that fails is logged by Django,
    keeps no other listener from hearing, and does not reach the caller of the
    action. What must not be lost is therefore a job, made in the transaction.
    """
    for listener in tuple(_listeners[type(event)]):
        transaction.on_commit(_call(listener, event), robust=True)


def _call(listener: Callable[[Event], None], event: Event) -> Callable[[], None]:
    def tell() -> None:
        listener(event)

    return tell
