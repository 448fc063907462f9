"""The room's periodic work: to tell webhooks what nobody lived to tell them."""

from __future__ import annotations

from typing import Any

from tocsin.jobs.registry import Running, every, job
from tocsin.kernel import clock
from tocsin.portal import webhooks

SETTLE_JOB = "portal.settle"
SETTLE_EVERY_S = 300.0


@job(SETTLE_JOB)
def settle(payload: dict[str, Any], running: Running) -> None:
    """Announce what was not."""
    webhooks.settle(at=clock.now())


every(SETTLE_JOB, seconds=SETTLE_EVERY_S)
