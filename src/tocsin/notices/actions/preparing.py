"""Write a plan down: a notice for each constituent that is to be told. Nothing leaves by that."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.directory.models import Constituent
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Conflict
from tocsin.notices.choices import PENDING, NoticeState, Why
from tocsin.notices.events import NoticesPrepared
from tocsin.notices.models import LedgerEntry, Notice, NoticeFinding
from tocsin.notices.planning import Plan, PlannedNotice

BATCH = 2_000
_LETTERS = "23456789bcdfghjkmnpqrstvwxz"
_LENGTH = 10


class AsksFirst(Conflict):
    """A policy would write to more people than may be written to without a second look."""

    def __init__(self, people: int, most: int) -> None:
        self.people, self.most = people, most
        words = ngettext(
            "One policy would write to {people} person; above {most} it asks first. Look at the list, then confirm.",
            "One policy would write to {people} people; above {most} it asks first. Look at the list, then confirm.",
            people,
        )
        super().__init__(words.format(people=people, most=most))


def ask_first(people_by_policy: Mapping[int, int], most: int) -> None:
    """Raise AsksFirst when a policy would write to more than `most` people."""
    people = max(people_by_policy.values(), default=0)
    if people > most:
        raise AsksFirst(people, most)


@action("notices.prepared")
def prepare_notices(plan: Plan, *, most: int, confirmed: bool = False, by: Actor, at: Instant) -> NoticesPrepared:
    """Write down the notices of a plan, for the team to read before they leave.

    Refused when somebody has prepared the same meanwhile, and, unless it is
    `confirmed`, when a policy would write to more than `most` people.
    """
    if not plan.notices:
        raise Conflict(_("Nobody is to be told anything now."))
    if not confirmed:
        ask_first(plan.people(), most)
    _refuse_what_is_prepared(line.finding for notice in plan.notices for line in notice.lines)
    holders = Constituent.objects.in_bulk({each.constituent for each in plan.notices}, field_name="public_id")
    made = [_notice(each, holders[each.constituent], plan, at) for each in plan.notices]
    Notice.objects.bulk_create(made, batch_size=BATCH)
    rows = [row for notice, planned in zip(made, plan.notices, strict=True) for row in _lines(notice, planned)]
    NoticeFinding.objects.bulk_create(rows, batch_size=BATCH)
    LedgerEntry.objects.bulk_create(
        [LedgerEntry(notice=each, at=at, what=NoticeState.PLANNED, actor_label=by.audit_label) for each in made],
        batch_size=BATCH,
    )
    return NoticesPrepared(
        references=tuple(each.reference for each in made),
        constituents=tuple(sorted(holders)),
        findings=len(rows),
        people=sum(plan.people().values()),
        is_exercise=plan.is_exercise,
    )


def _refuse_what_is_prepared(findings: Iterable[str]) -> None:
    pending = NoticeFinding.objects.filter(notice__state__in=PENDING).order_by().values_list("finding", flat=True)
    if not _are_apart(set(pending), findings):
        raise Conflict(_("Somebody has prepared notices meanwhile. Look again, then decide."))


def _are_apart(pending: Collection[str], findings: Iterable[str]) -> bool:
    return not pending or not any(each in pending for each in findings)


def _notice(planned: PlannedNotice, constituent: Constituent, plan: Plan, at: Instant) -> Notice:
    return Notice(
        reference="".join(secrets.choice(_LETTERS) for _number in range(_LENGTH)),
        constituent=constituent,
        policy_id=planned.policy,
        step=planned.step,
        whom=planned.whom,
        contact_id=planned.to.contact,
        to=planned.to.to,
        language=planned.language,
        tlp=planned.tlp.value,
        severity=planned.severity,
        not_before=planned.not_before,
        made_at=at,
        is_exercise=plan.is_exercise,
        **{why.value: planned.count(why) for why in Why},
    )


def _lines(notice: Notice, planned: PlannedNotice) -> Iterator[NoticeFinding]:
    for line in planned.lines:
        yield NoticeFinding(notice=notice, finding=line.finding, why=line.why, returns=line.returns)
