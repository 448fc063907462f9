"""The data directory of an instance: whether it is set up, by which version, and the locks in it.

Needs no Django, so that `serve` and `doctor` can look before they load it.

- `version` is written last by `init`, `upgrade` and `restore`: where it is missing the instance is not set up.
- `serve.lock` is held shared by a running server, and alone by a restore or an upgrade.
- `commands.lock` is held shared by every command that works on the instance, alone by those two.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from tocsin import __version__
from tocsin.kernel.refusals import Busy, Conflict, Unavailable

PRIVATE = 0o700
DEMONSTRATION = "demo"
"""File that makes a data directory a demonstration: the day it was loaded for, and, until that is done, of when."""


def version_of(home: Path) -> str | None:
    """Return the version that last set up or upgraded the instance, None when it is not set up."""
    try:
        return (home / "version").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None


def is_demonstration(home: Path) -> bool:
    """Say whether a demonstration was loaded at `home`. A folder of that name is none: `var/demo` lies in `var`."""
    return (home / DEMONSTRATION).is_file()


def demonstrated_day(home: Path) -> dt.date | None:
    """Return the last day of the demonstration at `home`; None when it is not one."""
    if not is_demonstration(home):
        return None
    try:
        return dt.date.fromisoformat((home / DEMONSTRATION).read_text(encoding="ascii")[:10])
    except ValueError:
        return None


def is_newer(version: str, than: str = __version__) -> bool:
    """Say whether a version is newer than this software's."""
    return _ordered(version) > _ordered(than)


def _ordered(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def mark(home: Path, version: str = __version__) -> None:
    """Note that the instance at `home` is whole and of this version."""
    beside = home / "version.tmp"
    beside.write_text(version + "\n", encoding="ascii")
    beside.replace(home / "version")


def require_ready(home: Path) -> None:
    """Refuse with Conflict when the instance is not set up, or not by this version."""
    found = version_of(home)
    if found is None:
        raise Conflict(f"{home} is not set up. Run `tocsin init` first, or set TOCSIN_HOME to where it is.")
    if found != __version__:
        raise Conflict(f"{home} is of version {found}, the software of {__version__}. Run `tocsin upgrade` first.")


def make_home(home: Path) -> None:
    """Make the data directory and what is in every one, readable by their owner only. Raises Unavailable."""
    try:
        for folder in (home, home / "keys", home / "store"):
            if not folder.is_dir():
                folder.mkdir(parents=True, mode=PRIVATE)
                folder.chmod(PRIVATE)
    except OSError as error:
        message = f"{home} cannot be made ({error.strerror}). Set TOCSIN_HOME to a folder you may write to."
        raise Unavailable(message) from error


@contextlib.contextmanager
def serving_lock(home: Path, *, alone: bool) -> Iterator[None]:
    """Hold the lock between a running server and what changes the ground under it. Raises Busy."""
    with _locked(home / "serve.lock", alone=alone) as held:
        if not held:
            raise Busy("The server runs on this data directory. Stop `tocsin serve` first.")
        yield


@contextlib.contextmanager
def command_lock(home: Path, *, alone: bool) -> Iterator[None]:
    """Hold the lock between commands that work on the instance and what changes the ground under them. Raises Busy."""
    with _locked(home / "commands.lock", alone=alone) as held:
        if not held:
            who = (
                "Another command, perhaps `tocsin feed watch`, works" if alone else "A restore or an upgrade is at work"
            )
            raise Busy(f"{who} on {home}. Try again when it has ended.")
        yield


def stay_at_work(home: Path) -> None:
    """Hold that lock until this process ends, as one command of many. Raises Busy.

    To be asked before whether the instance is set up: amid a restore it is not.
    """
    if home.is_dir():
        _UNTIL_THE_END.enter_context(command_lock(home, alone=False))


_UNTIL_THE_END = contextlib.ExitStack()


def note_address(home: Path, url: str) -> None:
    """Write down where the server that holds the lock listens, for whoever finds it held."""
    (home / "serve.lock").write_text(f"{url}\n", encoding="utf-8")


def served_at(home: Path) -> str:
    """Return where the server on the data directory listens; empty when none runs, or none with pages."""
    lock = home / "serve.lock"
    return lock.read_text(encoding="utf-8").strip() if lock.is_file() and is_served(home) else ""


def is_served(home: Path) -> bool:
    """Say whether a server, or a part of one, runs on the data directory."""
    with _locked(home / "serve.lock", alone=True) as held:
        return not held


@contextlib.contextmanager
def _locked(path: Path, *, alone: bool) -> Iterator[bool]:
    """Try to lock a file, shared or alone, without waiting; yield whether it is held."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)
