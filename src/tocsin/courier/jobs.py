"""The room's periodic work: sending what the outbox holds, looking into what came in."""

from __future__ import annotations

import os
from typing import Any

from tocsin.courier import sending
from tocsin.courier.incoming import receiving
from tocsin.courier.outbox import SEND_JOB
from tocsin.jobs import queue
from tocsin.jobs.registry import PutBack, Running, every, job
from tocsin.kernel import clock

SAFETY_S = 300.0
"""A look that needs nobody to have asked for it: whoever queued something may have died before waking a worker."""
LOOK_JOB = "courier.look_into_mail"
LOOK_EVERY_S = 60.0


@job(SEND_JOB)
def send(payload: dict[str, Any], running: Running) -> None:
    """Send what is due, and see to it that somebody looks again when the next is."""
    turn = sending.Turn(f"{os.uname().nodename}:{os.getpid()}", should_stop=lambda: running.should_stop)
    due = sending.drain(turn)
    if running.should_stop:
        raise PutBack
    if due is not None:
        queue.ensure(SEND_JOB, at=clock.now(), after=due)


@job(LOOK_JOB)
def look_into_mail(payload: dict[str, Any], running: Running) -> None:
    """Look into messages that were kept by a process which was ended before it could."""
    receiving.look_into_left(at=clock.now())


every(SEND_JOB, seconds=SAFETY_S)
every(LOOK_JOB, seconds=LOOK_EVERY_S)
