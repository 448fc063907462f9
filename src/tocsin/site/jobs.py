"""Periodic work of rooms that stand below the one that knows of jobs."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from tocsin.audit import keeping
from tocsin.courier import heads
from tocsin.jobs.registry import Running, every, job
from tocsin.kernel import clock

KEEP_TRAIL = "audit.keep"
EVERY_S = 3600.0
"""What is done once a day is looked at each hour: a machine that was off at midnight does it when it is on."""


@job(KEEP_TRAIL)
def keep_trail(payload: dict[str, Any], running: Running) -> None:
    """Check the audit trail and sign its head, once a day each, and mail the head to those who keep it."""
    keeping.go_round(settings.TOCSIN.home, at=clock.now())
    heads.mail_last_head(at=clock.now())


every(KEEP_TRAIL, seconds=EVERY_S)
