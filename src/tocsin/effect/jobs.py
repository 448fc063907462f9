"""The room's periodic work: figures are reckoned anew when what they rest on has changed."""

from __future__ import annotations

from typing import Any

from tocsin.audit.actors import System
from tocsin.effect import actions, queries
from tocsin.jobs.registry import Running, every, job
from tocsin.kernel import clock

MEASURE_JOB, MEASURING = "effect.measure", System("effect")
MEASURE_EVERY_S = 3600.0


@job(MEASURE_JOB, max_attempts=3)
def measure(payload: dict[str, Any], running: Running) -> None:
    """Reckon figures anew, unless they are as they would be."""
    at = clock.now()
    if not queries.is_due(at):
        return
    from tocsin.effect import measuring  # loads NumPy and PyArrow: not where nothing is reckoned

    basis = queries.basis()
    actions.record_measurement(measuring.measure(at), basis=basis, by=MEASURING, at=clock.now())


every(MEASURE_JOB, seconds=MEASURE_EVERY_S)
