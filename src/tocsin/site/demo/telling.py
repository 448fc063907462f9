"""Let Meridia's team have begun to tell: some policies, something kept quiet, the notices of one sector prepared.

It wants to know whether telling helps: half of the organisations are held out of a mild class, and what can be said so
far is reckoned.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tocsin.directory.models import Constituent
    from tocsin.kernel.clock import Instant
    from tocsin.people.models import Person

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


MEMBER = "member@meridia.example"
MEMBER_OF = "power-authority"
ANSWERS: tuple[dict[str, Any], ...] = (
    {"kind": "fixed", "number": 6, "text": "Closed on the router this morning."},
    {"kind": "accepted", "number": 2, "text": "An old control station; it is replaced in spring.", "days": 90},
    {"kind": "not-ours", "number": 1, "text": "This address was given back."},
    {"kind": "false-positive", "number": 1, "text": "A honeypot of ours answers there."},
)
"""What the member says of the findings, mildest first; the worst are left to the visitor."""


def let_members_answer(**by_and_at: Any) -> None:
    """Let one organisation have a member, a notice, and the member have answered some findings."""
    from tocsin.directory.actions import add_member
    from tocsin.directory.models import Constituent
    from tocsin.feeds import queries
    from tocsin.feeds.actions.answers import answer_findings
    from tocsin.people import links
    from tocsin.people.queries import person_by_email

    if person_by_email(MEMBER):
        return
    organisation = Constituent.objects.get(public_id=MEMBER_OF)
    facts: dict[str, Any] = {"email": MEMBER, "name": "Teva Marama", "is_administrator": True}
    add_member(organisation, **facts, token=links.new_token(), **by_and_at)
    _tell_member(**by_and_at)
    member, at = person_by_email(MEMBER), by_and_at["at"]
    asked = queries.Filter(states=queries.STATES_OPEN, constituents=(MEMBER_OF,))
    number = sum(answer["number"] for answer in ANSWERS)
    found = queries.findings().page(asked, sort="severity", descending=True, limit=number)
    ids = [queries.finding_id(finding) for finding in found]
    for answer in ANSWERS:
        some, ids = ids[: answer["number"]], ids[answer["number"] :]
        until = at.date() + dt.timedelta(days=answer["days"]) if "days" in answer else None
        if some and member:
            answer_findings(some, kind=answer["kind"], text=answer["text"], until=until, by=member, at=at)
    if member:
        _tell_program(member, organisation, at)


def _tell_program(member: Person, organisation: Constituent, at: Instant) -> None:
    """Let a program of the organisation be told; a demonstration sends it nothing."""
    from tocsin.courier.webhooks import new_secret, try_webhook
    from tocsin.portal import webhooks
    from tocsin.portal.choices import Told

    facts: dict[str, Any] = {"url": "https://tickets.power.example/tocsin", "label": "Tickets", "told": Told.values}
    hook = webhooks.add(organisation, **facts, secret=new_secret(), by=member, at=at)
    try_webhook(hook, by=member, at=at)


def _tell_member(**by_and_at: Any) -> None:
    """Send the organisation its notice: as far as the outbox, which lets nothing leave a demonstration."""
    from tocsin.kernel.refusals import Refusal
    from tocsin.notices import actions, queries
    from tocsin.notices.choices import NoticeState
    from tocsin.notices.models import Notice

    plan = queries.plan_now(by_and_at["at"], [MEMBER_OF])
    if not plan.notices:
        return
    prepared = actions.prepare_notices(plan, most=len(plan.notices), **by_and_at)
    for notice in Notice.objects.filter(reference__in=prepared.references):
        actions.preview_notice(notice, **by_and_at)
        with contextlib.suppress(Refusal):
            actions.queue_notice(notice, **by_and_at)
            actions.record_outcome(notice, what=NoticeState.SENT, **by_and_at)
