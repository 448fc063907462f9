"""The loop of a worker process, and the thread that keeps its lease while a job runs."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import Error, close_old_connections, connection

from tocsin.jobs import bell, outages, queue, registry
from tocsin.jobs.models import Job
from tocsin.jobs.registry import Kind, PutBack
from tocsin.kernel import clock
from tocsin.kernel.clock import Instant
from tocsin.kernel.counting import counted
from tocsin.kernel.refusals import Busy, Refusal, Unavailable

POLL_S = 1.0
ERROR_LENGTH = 2000

log = logging.getLogger(__name__)


class RunningJob:
    """One job in the hands of this worker. See `registry.Running`."""

    def __init__(self, job: Job, stop: threading.Event) -> None:
        self.job, self._stop, self._lost, self._said = job, stop, threading.Event(), ""

    @property
    def should_stop(self) -> bool:
        """Whether the worker is about to end, or another one has the job by now."""
        return self._stop.is_set() or self._lost.is_set()

    def progress(self, share: float, text: str = "") -> None:
        """Say how far it is (0 to 1), for the screen."""
        if not queue.note_progress(self.job, share, text):
            self._lost.set()

    def lose(self) -> None:
        """Note that the lease was lost."""
        self._lost.set()

    def warn(self, sentence: str) -> None:
        """Say in the log what goes wrong beside it: the same once, however often it is met."""
        if sentence != self._said:
            log.warning("%s", sentence)
        self._said = sentence


def work(
    stop: threading.Event, *, name: str = "", poll_s: float = POLL_S, now: Callable[[], Instant] = clock.now
) -> None:
    """Do jobs until `stop` is set, one at a time; a job that runs then may finish.

    Looks for work when the bell rings, else every `poll_s` seconds. Several
    workers may do so at once, on one or many machines.
    """
    registry.load()
    name = name or f"{os.uname().nodename}:{os.getpid()}"
    with bell.listening() as heard:
        while not stop.is_set():
            close_old_connections()
            if not do_next(name, stop, now=now):
                heard.wait(poll_s)


def do_next(
    name: str, stop: threading.Event | None = None, *, now: Callable[[], Instant] = clock.now, kind: str = ""
) -> Job | None:
    """Do what is due by the clock, then the next job, if there is one; return it. One kind alone, when it is named."""
    queue.reclaim(at=now())
    for schedule in () if kind else registry.schedules():
        queue.make_scheduled(schedule, at=now())
    job = queue.claim(name, at=now(), kind=kind)
    if job is not None:
        _do(job, RunningJob(job, stop or threading.Event()), now)
    return job


def _do(job: Job, running: RunningJob, now: Callable[[], Instant]) -> None:
    kind = registry.kind_named(job.kind)
    if kind is None:
        queue.fail(job, f"No function does jobs of the kind {job.kind}.", at=now(), for_good=True)
        return
    if job.attempts > kind.max_attempts:
        queue.fail(job, f"{job.last_error} It was tried {counted(kind.max_attempts, 'time')}.", at=now(), for_good=True)
        return
    try:
        with _lease_kept(kind, running, now):
            kind.function(job.payload, running)
    except PutBack:
        queue.put_back(job, at=now())
    except Refusal as refusal:
        # A sentence for people. Trying again helps only when somebody or something was busy or away.
        for_good = not isinstance(refusal, Busy | Unavailable) or job.attempts >= kind.max_attempts
        queue.fail(job, str(refusal), at=now(), for_good=for_good)
    except Exception as error:  # whatever a job raises
        # Jobs are functions of any room: what one of them raises must not end the worker that the others wait for.
        # Nothing is hidden: it is logged, stands in the job's row, and the job is tried again.
        _fail(job, error, at=now(), for_good=job.attempts >= kind.max_attempts)
    else:
        queue.finish(job, at=now())


def _fail(job: Job, error: Exception, *, at: Instant, for_good: bool) -> None:
    """Note what a job raised: with its traceback when that is a mistake of the software, as a sentence when it is none.

    While the database is away not even that can be noted. That error goes on to whoever runs the worker and says why;
    the job is taken back when its lease ends.
    """
    if said := outages.sentence(error):
        if isinstance(error, Error):
            connection.close()  # it may be broken; the next question opens another
        queue.fail(job, said, at=at, for_good=for_good)
        log.warning("tocsin: %s The job %s %s.", said, job, "is given up" if for_good else "is tried again")
        return
    log.exception("job %s failed", job)
    queue.fail(job, f"{type(error).__name__}: {error}"[:ERROR_LENGTH], at=at, for_good=for_good)


@contextmanager
def _lease_kept(kind: Kind, running: RunningJob, now: Callable[[], Instant]) -> Iterator[None]:
    """Renew the lease from a thread until the job is done.

    A database that fails is asked again until the lease would end: then another worker may have the job.
    """
    done = threading.Event()
    lease_s = kind.lease.total_seconds()
    began = time.monotonic()
    if not queue.renew(running.job, at=now(), lease=kind.lease):
        raise PutBack

    def keep(renewed_at: float) -> None:
        wait_s = lease_s / 3
        try:
            while not done.wait(wait_s):
                asked_at = time.monotonic()
                held = _renewed(kind, running, now)
                if held is False or asked_at - renewed_at >= lease_s:
                    running.lose()
                    return
                renewed_at = asked_at if held else renewed_at
                wait_s = lease_s / 3 if held else min(lease_s / 10, POLL_S)
        finally:
            connection.close()

    thread = threading.Thread(target=keep, args=(began,), name=f"lease of {running.job}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _renewed(kind: Kind, running: RunningJob, now: Callable[[], Instant]) -> bool | None:
    """Renew a lease; False when it was lost, None when the database gives no answer."""
    try:
        return queue.renew(running.job, at=now(), lease=kind.lease)
    except Error as error:
        running.warn(f"The lease of {running.job} could not be renewed: {outages.sentence(error) or error}")
        connection.close()  # it may be broken; the next try opens another
        return None
