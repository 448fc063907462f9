"""Who does the work: threads of this process, or workers of a Dask cluster. The same functions either way.

An executor maps deliveries to what was read of them and applies a function to
each of several items. It commits nothing: that is the driver's alone.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar

from tocsin.engine.intake import ChunkSource, Context, Delivery, Mapped, Read, map_chunk
from tocsin.engine.opening import BrokenReport
from tocsin.engine.store import Workspace

A = TypeVar("A")
B = TypeVar("B")

MOST_THREADS = 4
Outcome = tuple[Delivery, Read | BrokenReport]


class Executor(Protocol):
    """Does the work of a run."""

    def read(self, context: Context, deliveries: Sequence[Delivery]) -> Iterator[Outcome]:
        """Return, in order, what was read of each delivery, or why it is broken."""
        ...

    def each(self, function: Callable[[Workspace, A], B], workspace: Workspace, tasks: Sequence[A]) -> list[B]:
        """Return `function` of the workspace and each task, in order."""
        ...

    def others_peak_mb(self) -> float:
        """Return the sum of the largest memory, in MiB, of the other processes that do the work."""
        ...


class Threads:
    """Threads of this process. Chunks of all deliveries pass through them; few are in memory at a time."""

    def __init__(self, count: int = 0) -> None:
        self.count = count or min(os.cpu_count() or 1, MOST_THREADS)

    def read(self, context: Context, deliveries: Sequence[Delivery]) -> Iterator[Outcome]:
        """Read deliveries one after another, chunks side by side."""
        with ThreadPoolExecutor(self.count, thread_name_prefix="engine") as pool:
            waiting: deque[_Under] = deque()
            for delivery in deliveries:
                under = _Under(delivery)
                waiting.append(under)
                for _ in under.submit(pool, context):
                    self._let_catch_up(waiting)
                while len(waiting) > 1 and waiting[0].done:
                    yield waiting.popleft().outcome()
            while waiting:
                yield waiting.popleft().outcome()

    def _let_catch_up(self, waiting: deque[_Under]) -> None:
        """Wait while more chunks are under way than threads can soon take: each holds its bytes."""
        pending = [job for under in waiting for job in under.jobs if not job.done()]
        if len(pending) > self.count:
            pending[0].exception()

    def each(self, function: Callable[[Workspace, A], B], workspace: Workspace, tasks: Sequence[A]) -> list[B]:
        """Apply a function to each task."""
        with ThreadPoolExecutor(self.count, thread_name_prefix="engine") as pool:
            return list(pool.map(lambda task: function(workspace, task), tasks))

    def others_peak_mb(self) -> float:
        """Return 0: there are no others."""
        return 0.0


class _Under:
    """A delivery under way."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self.chunks = ChunkSource(delivery)
        self.jobs: list[Future[Mapped]] = []
        self.broken: BrokenReport | None = None

    def submit(self, pool: ThreadPoolExecutor, context: Context) -> Iterator[Future[Mapped]]:
        try:
            for chunk in self.chunks:
                job = pool.submit(map_chunk, context, self.delivery, chunk)
                self.jobs.append(job)
                yield job
        except BrokenReport as broken:
            self.broken = broken

    @property
    def done(self) -> bool:
        return all(job.done() for job in self.jobs)

    def outcome(self) -> Outcome:
        mapped = tuple(job.result() for job in self.jobs)
        return self.delivery, self.broken or Read(self.delivery, self.chunks.digest, mapped)


def read_delivery(context: Context, delivery: Delivery) -> Outcome:
    """Read one delivery from end to end: the task of a worker elsewhere."""
    chunks = ChunkSource(delivery)
    try:
        mapped = tuple(map_chunk(context, delivery, chunk) for chunk in chunks)
    except BrokenReport as broken:
        return delivery, broken
    return delivery, Read(delivery, chunks.digest, mapped)
