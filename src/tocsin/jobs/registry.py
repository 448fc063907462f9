"""Which function does which kind of job, and which jobs come by themselves.

A room's `jobs` module registers its functions when it is imported; the worker
imports all of them.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from django.utils.module_loading import autodiscover_modules


class Running(Protocol):
    """What a job function may ask of the worker that runs it."""

    @property
    def should_stop(self) -> bool:
        """Whether the worker is about to end: finish soon, or raise `PutBack`."""
        ...

    def progress(self, share: float, text: str = "") -> None:
        """Say how far it is (0 to 1), for the screen."""
        ...


JobFunction = Callable[[dict[str, Any], Running], None]
F = TypeVar("F", bound=JobFunction)


class PutBack(Exception):
    """Raised by a job that stops early and wants to be run again; not counted as a failure."""


@dataclasses.dataclass(frozen=True)
class Kind:
    """How a kind of job is done."""

    name: str
    function: JobFunction
    max_attempts: int
    lease: dt.timedelta


@dataclasses.dataclass(frozen=True)
class Schedule:
    """A job that comes by itself."""

    kind: str
    interval: dt.timedelta


_kinds: dict[str, Kind] = {}
_schedules: dict[str, Schedule] = {}


def job(name: str, *, max_attempts: int = 5, lease_s: float = 60) -> Callable[[F], F]:
    """Register a function as the one that does jobs of the kind `name`.

    It may be run again after it was cut short, and must bear that. `lease_s`
    is how long a job stays with a worker that has died; while the worker lives
    the lease is renewed, however long the job takes.
    """

    def register(function: F) -> F:
        known = _kinds.get(name)
        if known and known.function is not function:
            raise ValueError(f"there are two functions for jobs of the kind {name}")
        _kinds[name] = Kind(name, function, max_attempts, dt.timedelta(seconds=lease_s))
        return function

    return register


def every(kind: str, *, seconds: float) -> None:
    """Make a job of `kind` every so many seconds, once for all workers, unless the last one is still to be done.

    Times that were missed while no worker ran are not made up for.
    """
    _schedules[kind] = Schedule(kind, dt.timedelta(seconds=seconds))


def kind_named(name: str) -> Kind | None:
    """Return how a kind is done, or None when nobody does it."""
    return _kinds.get(name)


def schedules() -> list[Schedule]:
    """Return all schedules."""
    return list(_schedules.values())


def load() -> None:
    """Import the `jobs` module of every room."""
    autodiscover_modules("jobs")
