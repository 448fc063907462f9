"""The room's periodic work: to follow notices whose listeners a process did not live to call."""

from __future__ import annotations

from typing import Any

from tocsin.jobs.registry import Running, every, job
from tocsin.kernel import clock
from tocsin.notices import following

SETTLE_JOB = "notices.settle"
SETTLE_EVERY_S = 60.0


@job(SETTLE_JOB)
def settle(payload: dict[str, Any], running: Running) -> None:
    """Bring ledgers up to date."""
    following.settle(at=clock.now())


every(SETTLE_JOB, seconds=SETTLE_EVERY_S)
