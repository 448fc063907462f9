"""Keep something quiet until a day, and tell it again before."""

from __future__ import annotations

import datetime as dt
import ipaddress

from django.utils.translation import gettext as _

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.directory.models import Constituent
from tocsin.engine.public_ids import words_of
from tocsin.feeds import clearing
from tocsin.feeds import queries as feeds
from tocsin.kernel.clock import Instant, day_of
from tocsin.kernel.refusals import Conflict, NotPermitted, refuse
from tocsin.notices import mistakes
from tocsin.notices.events import SuppressionAdded, SuppressionEnded
from tocsin.notices.models import Suppression
from tocsin.people.models import Person


@action("suppression.added")
def add_suppression(
    *,
    constituent: Constituent | None = None,
    category: str = "",
    finding: str = "",
    network: str = "",
    until: dt.date | None,
    reason: str,
    by: Actor,
    at: Instant,
) -> SuppressionAdded:
    """Keep quiet, until the end of a day, what fits every part that is given. Never without a day and a reason."""
    parts = {"constituent": constituent, "category": category, "finding": finding, "network": network}
    refuse(mistakes.of_suppression({**parts, "until": until, "reason": reason}, day_of(at)))
    refuse_unseen(finding, by)
    assert until is not None  # noqa: S101  refused above
    network = str(ipaddress.ip_network(network, strict=False)) if network else ""
    row = Suppression.objects.create(
        constituent=constituent,
        category=category,
        finding=finding.lower(),
        network=network,
        until=until,
        reason=reason.strip(),
        author_label=by.audit_label,
        added_at=at,
    )
    return SuppressionAdded(
        suppression=row.pk,
        constituent=mistakes.scope_of(constituent),
        category=category,
        finding=row.finding,
        network=network,
        until=until,
        reason=row.reason,
    )


def refuse_unseen(finding: str, by: Actor) -> None:
    """Let nobody silence what their account may not see."""
    if not isinstance(by, Person) or not clearing.is_restricted(by):
        return
    if not finding or not feeds.findings_among(by, [words_of(finding)]):
        raise NotPermitted(
            _("Your account does not see all findings, so it keeps quiet single ones that it sees, and nothing more.")
        )


@action("suppression.ended")
def end_suppression(suppression: Suppression, *, by: Actor, at: Instant) -> SuppressionEnded:
    """Tell it again from now on."""
    suppression.refresh_from_db(from_queryset=Suppression.objects.select_for_update())
    if suppression.ended_at is not None:
        raise Conflict(_("This suppression was ended already."))
    suppression.ended_at = at
    suppression.save(update_fields=["ended_at"])
    return SuppressionEnded(suppression=suppression.pk, until=suppression.until)
