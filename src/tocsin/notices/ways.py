"""By which way notices go and went: the policy says it, and what the organisation has."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _

from tocsin.courier import queries as outgoing
from tocsin.courier.models import Webhook
from tocsin.notices.choices import (
    NOTICE_SENT,
    OF_CONSTITUENTS,
    OF_ONES_OWN,
    PENDING,
    ROOM,
    UNSENT,
    WENT_OUT,
    Channel,
    NoticeState,
)
from tocsin.notices.models import LedgerEntry, Notice
from tocsin.notices.rules import way


def hook_of(constituent: str) -> Webhook | None:
    """Return the webhook of a constituent, by its public id, that is told of notices; the oldest of several."""
    return next(iter(outgoing.webhooks_told(NOTICE_SENT, OF_CONSTITUENTS, constituent)), None)


def way_now(channel: str, whom: str, constituent: str) -> Channel:
    """Return by which way a notice about a constituent goes now that its policy wants to go by a channel."""
    return way(channel, whom, has_hook=channel == Channel.WEBHOOK and hook_of(constituent) is not None)


def ways_now(wanted: Iterable[tuple[str, str, str]]) -> list[Channel]:
    """Return the same for several, each the channel, who is told, and about whom."""
    asked = list(wanted)
    hooks: set[str] = set()
    if any(channel == Channel.WEBHOOK for channel, _whom, _constituent in asked):
        hooks = {hook.reference_key for hook in outgoing.webhooks_told(NOTICE_SENT, OF_CONSTITUENTS)}
    return [way(channel, whom, has_hook=constituent in hooks) for channel, whom, constituent in asked]


def ways_gone(notices: Iterable[Notice]) -> dict[int, Channel]:
    """Return, by key, by which way notices went, or wait in the outbox to go; none of those that have not begun to.

    Who is told of another organisation always gets mail, and is not among them. (The second contact was told by the
    policy's way until mail became the rule.)
    """
    asked = {each.reference: each for each in notices if each.whom in OF_ONES_OWN and each.state not in UNSENT}
    by_message = outgoing.channels_of(ROOM, asked)
    found = {asked[reference].pk: Channel(channel) for reference, channel in by_message.items()}
    without = {each.pk for each in asked.values() if each.state in WENT_OUT} - found.keys()
    delivered = LedgerEntry.objects.filter(what=NoticeState.DELIVERED, notice__in=without).order_by()
    return dict.fromkeys(delivered.values_list("notice", flat=True), Channel.PORTAL) | found


def way_of(notice: Notice) -> Channel:
    """Return by which way a notice went; of one that has not begun to, by which it goes now."""
    if (gone := ways_gone([notice]).get(notice.pk)) is not None:
        return gone
    is_pending = notice.state in PENDING
    return way_now(notice.policy.channel, notice.whom, notice.constituent.public_id) if is_pending else Channel.MAIL


def addressee(to: str, by: str) -> str:
    """Return where a notice goes, in words of the reader: the address of a mail, else by which other way."""
    elsewhere = {Channel.PORTAL: _("on its own pages"), Channel.WEBHOOK: _("by webhook")}
    return elsewhere.get(Channel(by), to)
