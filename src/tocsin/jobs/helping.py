"""Work that somebody waits for: done at once by a worker that is woken, or by a process made for it.

The job's row stays the truth. It was made in the transaction of the action that
wants it, exactly one process has its lease, and whoever is killed with it in
hand leaves it to the next. So the helping process is nothing but another worker,
for one kind of job, that ends when there is no more of it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings

from tocsin.jobs import bell, registry, worker
from tocsin.jobs.choices import State
from tocsin.jobs.queries import unfinished_jobs
from tocsin.kernel import clock
from tocsin.kernel.clock import Instant

TAKEN_UP_WITHIN_S = 0.5
"""A worker that was woken and is free has begun by then."""
START_AGAIN_S = 2.0
"""Not sooner than so is a second helper started after one that has ended without doing it."""
LONGEST_S = 1800.0
"""How long a helper stays for a job that must be tried again while there is no worker."""
_LOOK_S = 0.05
_hindrances: dict[str, Callable[[], bool]] = {}


def hindered(kind: str, when: Callable[[], bool]) -> None:
    """Let it be known when jobs of a kind must wait for something long: nobody waits for them meanwhile."""
    _hindrances[kind] = when


def is_hindered(kind: str) -> bool:
    """Say whether jobs of a kind must wait for something long now."""
    return _hindrances.get(kind, bool)()


def see_done(kind: str) -> bool:
    """Have the unfinished jobs of a kind done by others while waiting; say whether that has come to an end in time.

    Whoever would have to wait for something long is told so at once.
    """
    wanted = list(unfinished_jobs(kind).values_list("pk", flat=True))
    began_s = time.monotonic()
    is_heard = bool(wanted) and bell.ring()
    help_at_s = began_s + (TAKEN_UP_WITHIN_S if is_heard else 0.0)
    while unfinished_jobs(kind).filter(pk__in=wanted).exists():
        now_s = time.monotonic()
        if is_hindered(kind):
            if not is_heard:
                send_for_help(kind)  # it stays until the job is done
            return False
        if now_s - began_s >= settings.PAGES_WAIT_S:
            return False
        if now_s >= help_at_s and not _is_in_hand(kind, clock.now()) and send_for_help(kind):
            help_at_s = now_s + START_AGAIN_S
        time.sleep(_LOOK_S)
    return True


def do_here(kind: str, *, wait_s: float = 60.0, now: Callable[[], Instant] = clock.now) -> None:
    """Do the jobs of a kind that are due in this process; wait for those that another process has in hand."""
    registry.load()
    name = f"{os.uname().nodename}:{os.getpid()}"
    until_s = time.monotonic() + wait_s
    while worker.do_next(name, now=now, kind=kind) or _is_in_hand(kind, now()):
        if time.monotonic() >= until_s:
            return
        time.sleep(_LOOK_S)


def _is_in_hand(kind: str, at: Instant) -> bool:
    return unfinished_jobs(kind).filter(state=State.RUNNING, lease_until__gte=at).exists()


def send_for_help(kind: str) -> bool:
    """Start a process that does the jobs of a kind; False when there is one.

    It is given the lock that says so, and has it until it ends, however it ends.
    """
    with _locked(fcntl.LOCK_EX) as lock:
        if lock is None:
            return False
        # It may be killed together with the web process that has started it: the job is then another's.
        command = [*settings.HELPER_COMMAND, kind]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=(lock,))  # noqa: S603  # our own module
    threading.Thread(target=process.wait, name=f"end of helper {process.pid}", daemon=True).start()
    return True


def is_helping() -> bool:
    """Say whether a helper is at work."""
    with _locked(fcntl.LOCK_SH) as lock:
        return lock is None


def is_anybody_there() -> bool:
    """Say whether anybody will do what waits: a worker or a helper."""
    return bell.is_heard() or is_helping()


def lend_a_hand(kind: str, *, poll_s: float = 1.0) -> None:
    """Do the jobs of a kind until none is left, or there is a worker for those that must be tried again later."""
    registry.load()
    name = f"{os.uname().nodename}:{os.getpid()}"
    until_s = time.monotonic() + LONGEST_S
    while unfinished_jobs(kind).exists() and time.monotonic() < until_s:
        if worker.do_next(name, kind=kind) is None:
            if bell.is_heard():
                return
            time.sleep(poll_s)


@contextlib.contextmanager
def _locked(how: int) -> Iterator[int | None]:
    """Yield the locked file of the one helper of this instance, or None when there is one."""
    home: Path = settings.TOCSIN.home
    home.mkdir(parents=True, exist_ok=True)
    with (home / "helper.lock").open("a") as file:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield file.fileno()
