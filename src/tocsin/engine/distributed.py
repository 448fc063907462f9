"""A run on a Dask cluster: the same functions, on workers that share the store and the report files.

Only the driver commits, from what successful tasks return. A worker that dies
takes nothing along: its tasks are done again, under the same file names.
Needs the packages `dask` and `distributed` beside Tocsin.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from tocsin.engine.executors import Outcome, read_delivery
from tocsin.engine.intake import Context, Delivery
from tocsin.engine.store import Workspace
from tocsin.kernel.memory import peak_rss_mb
from tocsin.kernel.refusals import Unavailable

if TYPE_CHECKING:
    from distributed import Client

A = TypeVar("A")
B = TypeVar("B")

RETRIES = 3
"""How often a task is tried again when its worker fails it; a worker's death is no failure of the task."""


class Dask:
    """Workers of a cluster, one delivery or one partition a task."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def read(self, context: Context, deliveries: Sequence[Delivery]) -> Iterator[Outcome]:
        """Read deliveries side by side; give them back in order."""
        shared = self._client.scatter(context, broadcast=True)
        jobs = [
            self._client.submit(read_delivery, shared, delivery, pure=False, retries=RETRIES) for delivery in deliveries
        ]
        for job in jobs:
            yield job.result()

    def each(self, function: Callable[[Workspace, A], B], workspace: Workspace, tasks: Sequence[A]) -> list[B]:
        """Apply a function to each task."""
        jobs = [self._client.submit(function, workspace, task, pure=False, retries=RETRIES) for task in tasks]
        results: list[B] = self._client.gather(jobs)
        return results

    def others_peak_mb(self) -> float:
        """Return the sum over the workers that live; what one took that has died is not known."""
        found: dict[str, float] = self._client.run(peak_rss_mb, on_error="ignore")
        return sum(found.values())


@contextlib.contextmanager
def cluster(scheduler: str = "", workers: int = 2, memory_limit: str = "1GiB", timeout_s: float = 10) -> Iterator[Dask]:
    """Give an executor on the cluster whose scheduler is named, or on one of this machine's own, on loopback.

    Raises Unavailable when Dask is not installed, a worker cannot be started or the scheduler does not answer, and
    when worker after worker dies of the same piece of work.
    """
    try:
        from distributed import Client, KilledWorker
    except ImportError:
        install = f"{sys.executable} -m pip install 'tocsin[scale]'"
        raise Unavailable(f"Dask is not installed. Install it beside Tocsin: {install}") from None
    with contextlib.ExitStack() as stack:
        where: Any = scheduler or stack.enter_context(_workers_here(workers, memory_limit))
        try:
            # A client that fails is closed too: left to the garbage collector, it closes itself whenever that comes
            # along, and if another client is starting then, the two wait for one lock for ever.
            client = Client.__new__(Client)
            stack.callback(client.close)
            Client.__init__(client, where, timeout=timeout_s, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:  # ValueError: what was given is no address
            raise Unavailable(f"no Dask scheduler answers at {scheduler} ({error}).") from error
        try:
            yield Dask(client)
        except KilledWorker as error:
            raise Unavailable(f"one Dask worker after the other was killed. {_LESS}") from error


_LESS = "Was it for want of memory? Take fewer --workers, or threads, which need less."


@contextlib.contextmanager
def _workers_here(workers: int, memory_limit: str) -> Iterator[Any]:
    """Give a cluster of this machine's own, on loopback. Raises Unavailable when a worker cannot be started."""
    from distributed import LocalCluster

    try:
        local = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            memory_limit=memory_limit,
            host="127.0.0.1",
            scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
            silence_logs=logging.ERROR,
        )
    except (RuntimeError, OSError, TimeoutError) as error:
        raise Unavailable(f"a Dask worker ended while it was started ({error}). {_LESS}") from error
    with local:
        yield local
