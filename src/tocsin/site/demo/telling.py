"""Let Meridia's team have begun to tell: some policies, something kept quiet, the notices of one sector prepared.

It wants to know whether telling helps: half of the organisations are held out of a mild class, and what can be said so
far is reckoned.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

PREPARED_SECTOR = "finance"
QUIET, QUIET_DAYS = "reef-hosting", 20
HELD_OUT, HELD_OUT_DAYS, HELD_OUT_OF = "vulnerable-system", 90, 20
"""The class, for how long, and among how many organisations lots are drawn at least."""
POLICIES: tuple[dict[str, Any], ...] = (
    {"threshold": 4, "second_after_days": 7},
    {"category": "infected-system", "threshold": 6, "interval_hours": 1, "second_after_days": 2},
    {
        "sector": PREPARED_SECTOR, "threshold": 5, "interval_hours": 12, "work_days": [0, 1, 2, 3, 4],
        "works_from": dt.time(8), "works_until": dt.time(17), "second_after_days": 3,
    },
    {"sector": "telecom", "threshold": 4, "interval_hours": 168, "digest": True},
)  # fmt: skip


def begin_to_tell(day: dt.date, **by_and_at: Any) -> None:
    """Write policies, a suppression and notices, unless a load that was cut short has done so."""
    from tocsin.directory.models import Constituent
    from tocsin.notices import actions, queries

    if queries.policies().exists():
        return
    members = Constituent.objects.filter(sector=PREPARED_SECTOR).values_list("public_id", flat=True)
    for facts in POLICIES:
        actions.add_policy(**facts, **by_and_at)
    until = max(day, by_and_at["at"].date()) + dt.timedelta(days=QUIET_DAYS)
    reason = "They move their customers to new machines until then."
    quiet = Constituent.objects.get(public_id=QUIET)
    actions.add_suppression(constituent=quiet, until=until, reason=reason, **by_and_at)
    plan = queries.plan_now(by_and_at["at"], list(members))
    if plan.notices:
        actions.prepare_notices(plan, most=len(plan.notices), **by_and_at)
    _measure(until + dt.timedelta(days=HELD_OUT_DAYS - QUIET_DAYS), **by_and_at)


def _measure(until: dt.date, **by_and_at: Any) -> None:
    """Hold half of the organisations out of a mild class until a day, and reckon what can be said so far."""
    from tocsin.effect import actions as effect
    from tocsin.effect import measuring
    from tocsin.effect.queries import basis
    from tocsin.notices import actions, mistakes, queries

    if queries.served_count() >= HELD_OUT_OF:
        reason = "To know whether our notices help. The committee of the chief information officers agreed."
        actions.begin_hold_out(
            category=HELD_OUT, share=50, until=until, reason=reason, understood=mistakes.understood_words(), **by_and_at
        )
    effect.record_measurement(measuring.measure(by_and_at["at"]), basis=basis(), **by_and_at)
