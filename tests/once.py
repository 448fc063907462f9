"""What all processes of a run start from is made once, by the first that needs it.

A database with its tables, an instance as `tocsin init` leaves it: each takes some seconds of a processor, and every
process that shares the tests would make its own. Nobody changes what is made here: everybody copies it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def folder(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder of this run that `make` has filled; it is given a folder that is not there yet."""
    place = _root(factory) / name
    with _alone(place):
        if not place.exists():
            make(made := place.with_suffix(".being-made"))
            made.rename(place)
    return place


@contextlib.contextmanager
def database(factory: pytest.TempPathFactory, name: str, fill: Callable[[str], object]) -> Iterator[str]:
    """Give the address of a database on the tests' PostgreSQL server that `fill` has filled, given its address.

    Whoever is the last of those that need it drops it.
    """
    from tests import databases

    place = _root(factory) / f"{name}.database"
    with _alone(place):
        address, needed = _noted(place)
        if not address:
            address = databases.make()
            fill(address)
        place.write_text(f"{address} {needed + 1}")
    try:
        yield address
    finally:
        with _alone(place):
            _address, needed = _noted(place)
            place.write_text(f"{address} {needed - 1}" if needed > 1 else "")
            if needed == 1:
                databases.drop(address)


def _noted(place: Path) -> tuple[str, int]:
    """Return the address of a database that is there, and how many need it; else nothing."""
    words = place.read_text().split() if place.exists() else []
    return (words[0], int(words[1])) if words else ("", 0)


def _root(factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the whole run: the processes of pytest-xdist have theirs in it."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@contextlib.contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Have a thing to oneself: the others wait."""
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
