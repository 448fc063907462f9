"""Write down what was reckoned. Reckoning is long, and done before."""

from __future__ import annotations

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.effect.choices import By
from tocsin.effect.events import EffectMeasured
from tocsin.effect.models import Figure, Measurement
from tocsin.effect.reckoned import Measured
from tocsin.kernel.clock import Instant

BATCH = 200


@action("effect.measured")
def record_measurement(measured: Measured, *, basis: str, by: Actor, at: Instant) -> EffectMeasured:
    """Let pages show what was reckoned. What was reckoned before goes: it can be reckoned again."""
    Measurement.objects.all().delete()
    row = Measurement.objects.create(
        at=at,
        basis=basis,
        lives=measured.lives,
        told=measured.told,
        began_before=measured.began_before,
        too_young=measured.too_young,
        handed_over=measured.handed_over,
        watched_to=measured.watched_to,
    )
    figures = [
        Figure(measurement=row, comparison=each.comparison, by=each.by, key=each.key, facts=each.facts,
               curves=each.curves)
        for each in measured.figures
    ]  # fmt: skip
    Figure.objects.bulk_create(figures, batch_size=BATCH)
    verdicts = {each.comparison.value: each.facts["verdict"] for each in measured.figures if each.by == By.ALL}
    return EffectMeasured(measurement=row.pk, lives=measured.lives, told=measured.told, verdicts=verdicts)
