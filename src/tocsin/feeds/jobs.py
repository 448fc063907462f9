"""Background work of the room."""

from __future__ import annotations

from typing import Any

from tocsin.feeds import reattribution
from tocsin.feeds.listeners import ATTRIBUTION, JOB
from tocsin.jobs.registry import Running, job


@job(JOB, max_attempts=50)
def reattribute(payload: dict[str, Any], running: Running) -> None:
    """Give open findings to whom the claims say now. Tried again for as long as an import keeps the store."""
    reattribution.bring_up_to_date(by=ATTRIBUTION)
