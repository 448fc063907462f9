"""Background work of the room."""

from __future__ import annotations

from typing import Any

from tocsin.courier.incoming import receiving
from tocsin.jobs.registry import Running, every, job
from tocsin.kernel import clock

LOOK_JOB = "courier.look_into_mail"
LOOK_EVERY_S = 60.0


@job(LOOK_JOB)
def look_into_mail(payload: dict[str, Any], running: Running) -> None:
    """Look into messages that were kept by a process which was ended before it could."""
    receiving.look_into_left(at=clock.now())


every(LOOK_JOB, seconds=LOOK_EVERY_S)
