"""By which way notices go and went: the policy says it, and what the organisation has."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _

from tocsin.courier import queries as outgoing
from tocsin.courier.models import Webhook
from tocsin.notices.choices import NOTICE_SENT, OF_CONSTITUENTS, OF_ONES_OWN, ROOM, WENT_OUT, Channel, NoticeState
from tocsin.notices.models import LedgerEntry, Notice
from tocsin.notices.rules import way


def hook_of(constituent: str) -> Webhook | None:
    """Return the webhook of a constituent, by its public id, that is told of notices; the oldest of several."""
    return next(iter(outgoing.webhooks_told(NOTICE_SENT, OF_CONSTITUENTS, constituent)), None)


def way_now(channel: str, whom: str, constituent: str) -> Channel:
    """Return by which way a notice about a constituent goes now that its policy wants to go by a channel."""
    return way(channel, whom, has_hook=channel == Channel.WEBHOOK and hook_of(constituent) is not None)


def having_hooks() -> set[str]:
    """Return the public ids of all constituents that have a webhook which is told of notices."""
    return {hook.reference_key for hook in outgoing.webhooks_told(NOTICE_SENT, OF_CONSTITUENTS)}


def ways_gone(notices: Iterable[Notice]) -> dict[int, Channel]:
    """Return, by key, by which way each of some notices went, or waits in the outbox to go; none of any other."""
    asked = {each.reference: each for each in notices}
    by_message = outgoing.channels_of(ROOM, asked)
    found = {asked[reference].pk: Channel(channel) for reference, channel in by_message.items()}
    told = {each.pk for each in asked.values() if each.whom in OF_ONES_OWN and each.state in WENT_OUT}
    without = told - found.keys()
    delivered = LedgerEntry.objects.filter(what=NoticeState.DELIVERED, notice__in=without).order_by()
    return dict.fromkeys(delivered.values_list("notice", flat=True), Channel.PORTAL) | found


def addressee(to: str, by: str) -> str:
    """Return where a notice goes, in words of the reader: the address of a mail, else by which other way."""
    elsewhere = {Channel.PORTAL: _("on its own pages"), Channel.WEBHOOK: _("by webhook")}
    return elsewhere.get(Channel(by), to)
