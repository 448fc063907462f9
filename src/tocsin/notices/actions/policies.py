"""Write, change and end policies."""

from __future__ import annotations

from typing import Any

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.directory.models import Constituent
from tocsin.kernel.clock import Instant
from tocsin.kernel.events import plain
from tocsin.kernel.refusals import refuse
from tocsin.notices import mistakes
from tocsin.notices.events import PolicyEnded, PolicySet
from tocsin.notices.models import Policy

FIELDS = (
    "constituent", "sector", "category", "threshold", "interval_hours", "work_days", "works_from", "works_until",
    "time_zone", "channel", "language", "attachment", "tlp", "sign", "encrypt", "second_after_days",
    "parent_after_days", "regulator_after_days", "regulator", "digest",
)  # fmt: skip


@action("notice-policy.added")
def add_policy(*, by: Actor, at: Instant, **facts: Any) -> PolicySet:
    """Write a policy."""
    _refuse_unknown(facts)
    refuse(mistakes.of_policy(facts))
    policy = Policy.objects.create(**facts, changed_at=at)
    return PolicySet(policy=policy.pk, before={}, after={name: _named(value) for name, value in facts.items()})


@action("notice-policy.changed")
def change_policy(policy: Policy, *, by: Actor, at: Instant, **facts: Any) -> PolicySet:
    """Change a policy. Notices that are prepared by it stay as they are."""
    _refuse_unknown(facts)
    policy.refresh_from_db(from_queryset=Policy.objects.select_for_update())
    stated = {name: getattr(policy, name) for name in FIELDS}
    refuse(mistakes.of_policy({**stated, **facts}, policy))
    changed = {name: value for name, value in facts.items() if stated[name] != value}
    for name, value in changed.items():
        setattr(policy, name, value)
    policy.changed_at = at
    policy.save(update_fields=[*changed, "changed_at"])
    return PolicySet(
        policy=policy.pk,
        before={name: _named(stated[name]) for name in changed},
        after={name: _named(value) for name, value in changed.items()},
    )


@action("notice-policy.ended")
def end_policy(policy: Policy, *, by: Actor, at: Instant) -> PolicyEnded:
    """Tell nobody by a policy any more. What it was for falls to the next more general one."""
    policy.is_active, policy.changed_at = False, at
    policy.save(update_fields=["is_active", "changed_at"])
    return PolicyEnded(policy=policy.pk)


def _named(value: Any) -> Any:
    if isinstance(value, Constituent):
        return value.public_id
    return value.isoformat() if hasattr(value, "isoformat") else plain(value)


def _refuse_unknown(facts: dict[str, Any]) -> None:
    for name in facts:
        if name not in FIELDS:
            raise TypeError(f"a policy has no field {name!r} that may be changed")
