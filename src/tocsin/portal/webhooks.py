"""Webhooks of organisations: who may add one, and what it is told.

What is posted says that something has happened, and where to read it. Each
posting is made once for each webhook, whoever notices first what happened: a
listener at once, or a job a while later (`settle`) where a process died between.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import QuerySet, Sum
from django.urls import reverse
from django.utils.translation import gettext as _

from tocsin.audit.action import action
from tocsin.audit.actors import Actor, System
from tocsin.courier import outbox, webhooks
from tocsin.courier import queries as outgoing
from tocsin.courier.models import OutgoingMessage, Webhook
from tocsin.courier.outbox import Posting, Reference
from tocsin.directory.models import Constituent
from tocsin.directory.queries import administers
from tocsin.feeds import queries as feeds
from tocsin.feeds.choices import RunState
from tocsin.feeds.models import Movement, Report, Run
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Conflict, InvalidInput, NotPermitted
from tocsin.kernel.tlp import TLP, strictest
from tocsin.notices.addresses import whole
from tocsin.notices.choices import OF_CONSTITUENTS, OF_ONES_OWN, NoticeState
from tocsin.notices.choices import ROOM as NOTICES
from tocsin.notices.models import LedgerEntry, Notice
from tocsin.people.choices import Role
from tocsin.people.models import Person
from tocsin.people.policy import role_cleared_up_to
from tocsin.portal.choices import Told
from tocsin.portal.events import FindingsAnnounced, NoticeAnnounced

ROOM = OF_CONSTITUENTS
"""Whose webhooks are: constituents, by their public ids."""
MOST = 5
"""Open webhooks of one organisation."""
LOOKS_BACK = dt.timedelta(days=1)
"""What happened before was announced by now, or never will be."""
HERALD = System("webhooks")


def hooks_of(constituent: Constituent) -> QuerySet[Webhook]:
    """Return the webhooks of an organisation, the oldest first."""
    return outgoing.webhooks_of(ROOM, constituent.public_id)


def deliveries(hook: Webhook, most: int) -> list[OutgoingMessage]:
    """Return the last postings to a webhook, without what they say, newest first."""
    return list(outgoing.listed().filter(webhook=hook)[:most])


def require_administrator(person: Person, constituent: Constituent) -> None:
    """Refuse whoever does not administer the organisation's entry: what is posted leaves the house."""
    if not administers(person, constituent):
        raise NotPermitted(_("Only those who administer the organisation's entry do that."))


def add(
    constituent: Constituent, *, url: str, label: str, told: Collection[str], secret: str, by: Person, at: Instant
) -> Webhook:
    """Tell an organisation by machine from now on. Raises InvalidInput, Conflict and NotPermitted."""
    require_administrator(by, constituent)
    url = url.strip()
    if webhooks.flaw(url):
        words = _(
            "Write an address of the public Internet that begins with https://, on port 443, without name and password."
        )
        raise InvalidInput(words, where="url")
    if not told or not set(told) <= set(Told.values):
        raise InvalidInput(_("Say what it is told of."), where="told")
    is_open = [hook for hook in hooks_of(constituent) if hook.ended_at is None]
    if any(hook.url == url for hook in is_open):
        raise Conflict(_("There is a webhook at this address already."), where="url")
    if len(is_open) >= MOST:
        raise Conflict(_("There are {most} webhooks, which are the most. End one first.").format(most=MOST))
    made = webhooks.add_webhook(
        url=url,
        secret=secret,
        label=label.strip(),
        told=sorted(told),
        room=ROOM,
        key=constituent.public_id,
        by=by,
        at=at,
    )
    return Webhook.objects.get(key=made.webhook)


@dataclasses.dataclass(frozen=True)
class Counted:
    """What an import brought an organisation."""

    days: tuple[dict[str, Any], ...]
    """Of each day of reports how many findings are new, came back and went, as it stands now."""
    label: TLP


def announce_run(run: int, *, at: Instant) -> None:
    """Tell webhooks what an import brought their organisations. What was told of it already is told no more."""
    ended = Run.objects.filter(pk=run).values_list("finished_at", flat=True).first() or at
    waiting = [
        hook
        for hook in outgoing.webhooks_told(Told.FINDINGS, ROOM)
        if hook.made_at < ended and not outgoing.is_put(_key_of_run(run, hook))
    ]
    counted = _counted(run, {hook.reference_key for hook in waiting}) if waiting else {}
    concerned = [hook for hook in waiting if hook.reference_key in counted]
    if concerned:
        announce_findings(run, concerned, counted, by=HERALD, at=at)


@action("findings.announced")
def announce_findings(
    run: int, hooks: Iterable[Webhook], counted: dict[str, Counted], *, by: Actor, at: Instant
) -> FindingsAnnounced:
    """Put into the outbox what an import brought each webhook's organisation."""
    told = []
    for hook in hooks:
        found = counted[hook.reference_key]
        body = {
            "event": Told.FINDINGS.value,
            "at": at.isoformat(timespec="seconds"),
            "organisation": hook.reference_key,
            "days": list(found.days),
            "tlp": found.label.label,
            "fetch": whole(reverse("api:findings")),
        }
        outbox.put_webhook(hook, body, Posting(_key_of_run(run, hook), _reference(hook)), tlp=found.label, at=at)
        told.append(hook.key)
    return FindingsAnnounced(run=run, webhooks=tuple(told))


def _key_of_run(run: int, hook: Webhook) -> str:
    return f"portal:run:{run}:{hook.key}"


def _reference(hook: Webhook) -> Reference:
    return Reference("portal", hook.key)


def _counted(run: int, organisations: Collection[str]) -> dict[str, Counted]:
    """Return what an import brought each of some organisations, of feeds that their members may know of."""
    most = role_cleared_up_to(Role.CONSTITUENT_CONTACT) or TLP.CLEAR
    labels = {name: TLP.read(feed.tlp) for name, feed in feeds.feeds_of_types().items()}
    days = Report.objects.order_by().filter(run=run).values_list("type", "type__name", "on").distinct()
    sums: dict[str, dict[dt.date, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0, 0]))
    of: dict[str, set[TLP]] = defaultdict(set)
    for kind, name, on in days:
        if labels[name].strictness > most.strictness:
            continue
        rows = Movement.objects.order_by().filter(type=kind, on=on, constituent__in=organisations)
        for whose, *numbers in rows.values_list("constituent").annotate(Sum("new"), Sum("returned"), Sum("gone")):
            if any(numbers):
                of[whose].add(labels[name])
                sums[whose][on] = [a + b for a, b in zip(sums[whose][on], numbers, strict=True)]
    return {
        whose: Counted(
            tuple(
                {"on": on.isoformat(), "new": new, "returned": returned, "gone": gone}
                for on, (new, returned, gone) in sorted(by_day.items())
            ),
            strictest(of[whose]),
        )
        for whose, by_day in sums.items()
    }


def announce_notice(notice: Notice, *, at: Instant) -> None:
    """Tell the webhooks of an organisation that it was sent a notice, unless they were told."""
    sent = notice.ledger.filter(what=NoticeState.SENT).values_list("at", flat=True).first()
    if sent is None or notice.whom not in OF_ONES_OWN:
        return
    hooks = [
        hook
        for hook in outgoing.webhooks_told(Told.NOTICE, ROOM, notice.constituent.public_id)
        if hook.made_at < sent and not outgoing.is_put(_key_of_notice(notice, hook)) and not _went_by(notice, hook)
    ]
    if hooks:
        announce_sent(notice, hooks, by=HERALD, at=at)


def _went_by(notice: Notice, hook: Webhook) -> bool:
    """Say whether a webhook got the notice itself."""
    return outgoing.messages_of(NOTICES, notice.reference).filter(webhook=hook).exists()


@action("notice.announced")
def announce_sent(notice: Notice, hooks: Iterable[Webhook], *, by: Actor, at: Instant) -> NoticeAnnounced:
    """Put into the outbox that a notice was sent."""
    told = []
    for hook in hooks:
        body = {
            "event": Told.NOTICE.value,
            "at": at.isoformat(timespec="seconds"),
            "organisation": hook.reference_key,
            "reference": notice.reference,
            "severity": f"C{notice.severity}",
            "tlp": TLP.read(notice.tlp).label,
            "findings": notice.total,
            "address": whole(reverse("my:notice", args=[notice.reference])),
        }
        posting = Posting(_key_of_notice(notice, hook), _reference(hook), severity=notice.severity)
        outbox.put_webhook(hook, body, posting, tlp=TLP.read(notice.tlp), at=at)
        told.append(hook.key)
    whose = notice.constituent.public_id
    return NoticeAnnounced(notice=notice.reference, constituent=whose, webhooks=tuple(told))


def _key_of_notice(notice: Notice, hook: Webhook) -> str:
    return f"portal:notice:{notice.reference}:{hook.key}"


def settle(*, at: Instant) -> None:
    """Announce what happened within the last day and was not announced: a process died before it could."""
    since = at - LOOKS_BACK
    if outgoing.webhooks_told(Told.FINDINGS, ROOM):
        done = Run.objects.filter(state=RunState.DONE, finished_at__gte=since).order_by("pk")
        for run in list(done.values_list("pk", flat=True)):
            announce_run(run, at=at)
    if outgoing.webhooks_told(Told.NOTICE, ROOM):
        sent = LedgerEntry.objects.filter(what=NoticeState.SENT, at__gte=since).values_list("notice", flat=True)
        for notice in Notice.objects.select_related("constituent").filter(pk__in=list(sent)).order_by("pk"):
            announce_notice(notice, at=at)
