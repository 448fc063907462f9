"""What staff and rooms read about what goes out."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable

from django.conf import settings
from django.db.models import Count, Manager, Min, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tocsin.courier import claiming
from tocsin.courier.choices import FAILED, UNDER_WAY, Channel, State
from tocsin.courier.models import Line, OutgoingMessage, Webhook
from tocsin.kernel.clock import Instant

LATE_AFTER = dt.timedelta(hours=1)
"""What was due so long ago and is not sent is late."""
TESTS = "webhook-tests"
"""The room that tests of webhooks bear. They say nothing, and stand with their webhook, not in the outbox."""


def listed(states: frozenset[State] | None = None) -> QuerySet[OutgoingMessage]:
    """Return messages without their content, newest first; those in the states, when some are named."""
    found = OutgoingMessage.objects.defer("content").order_by("-made_at", "-pk")
    return found.filter(state__in=states) if states else found


def listed_in_outbox(states: frozenset[State]) -> QuerySet[OutgoingMessage]:
    """Return the messages in some states that say something, without their content, newest first."""
    return listed(states).exclude(reference_room=TESTS)


def message_keyed(key: str) -> OutgoingMessage | None:
    """Return the message with a key, without its content."""
    return OutgoingMessage.objects.defer("content").filter(key=key).first()


def messages_of(room: str, key: str) -> QuerySet[OutgoingMessage]:
    """Return the messages of a thing of a room, without their content, newest first."""
    return listed().filter(reference_room=room, reference_key=key)


def channels_of(room: str, keys: Iterable[str]) -> dict[str, str]:
    """Return by which channel the last message about each of some things of a room goes; none of what has none."""
    asked = OutgoingMessage.objects.filter(reference_room=room, reference_key__in=list(keys)).order_by("pk")
    return dict(asked.values_list("reference_key", "channel"))


def webhooks_of(room: str, key: str) -> QuerySet[Webhook]:
    """Return the webhooks of a thing of a room, those that have ended too, the oldest first."""
    return Webhook.objects.filter(reference_room=room, reference_key=key).order_by("made_at", "pk")


def webhooks_told(event: str, room: str, key: str = "") -> list[Webhook]:
    """Return the open webhooks that are told of an event, the oldest first; those of one thing where it is named."""
    found = Webhook.objects.filter(reference_room=room, ended_at=None).order_by("made_at", "pk")
    return [hook for hook in (found.filter(reference_key=key) if key else found) if event in hook.events]


def is_put(idempotency: str) -> bool:
    """Say whether the message with a caller's key was made."""
    return OutgoingMessage.objects.filter(idempotency=idempotency).exists()


def line() -> Line:
    """Return how the way out stands: stopped or not, and whether the mail server takes what it is given."""
    return claiming.line()


def is_mail_set_up() -> bool:
    """Say whether there is a mail server to hand mail to, and a sender."""
    return bool(settings.TOCSIN.smtp_url and settings.TOCSIN.mail_from)


def never_leaves() -> bool:
    """Say whether nothing ever leaves this instance: it is an exercise or a demonstration."""
    return bool(settings.TOCSIN_IS_DEMO or settings.TOCSIN.exercise)


def can_mail() -> bool:
    """Say whether a mail that is put into the outbox now leaves by itself."""
    return is_mail_set_up() and not never_leaves() and not line().is_stopped


@dataclasses.dataclass(frozen=True)
class Health:
    """How sending goes, as figures."""

    counts: dict[str, int]
    """State → messages in it."""
    due_since: Instant | None
    """Since when the oldest message waits that should have been sent."""
    line: Line
    is_mail_set_up: bool
    mails_wait: bool
    at: Instant

    @property
    def waiting(self) -> int:
        """Messages that are to be sent."""
        return sum(self.counts.get(state, 0) for state in UNDER_WAY)

    @property
    def failed(self) -> int:
        """Messages that were not delivered, and of which nobody has decided anything."""
        return sum(self.counts.get(state, 0) for state in FAILED)

    @property
    def is_late(self) -> bool:
        """Whether something waits that should be gone."""
        return self.due_since is not None and self.at - self.due_since > LATE_AFTER

    @property
    def is_well(self) -> bool:
        """Whether nobody has to do anything."""
        lacks = self.mails_wait and not self.is_mail_set_up
        return not (self.line.is_stopped or self.line.problem or self.failed or self.is_late or lacks)


def health(*, at: Instant) -> Health:
    """Return how sending goes."""
    tests = _counted(OutgoingMessage.objects.filter(reference_room=TESTS))
    counted = {state: number - tests.get(state, 0) for state, number in _counted(OutgoingMessage.objects).items()}
    under_way = OutgoingMessage.objects.filter(state__in=UNDER_WAY).exclude(reference_room=TESTS)
    since = under_way.filter(next_at__lte=at).aggregate(since=Min("next_at"))["since"]
    mails_wait = under_way.filter(channel=Channel.MAIL).exists()
    return Health(counted, since, line(), is_mail_set_up(), mails_wait, at)


def _counted(rows: Manager[OutgoingMessage] | QuerySet[OutgoingMessage]) -> dict[str, int]:
    """Return how many messages are in each state: two counts by an index each are less than one by none."""
    return dict(rows.order_by().values_list("state").annotate(number=Count("pk")))


def in_words(found: Health) -> str:
    """Return in one sentence how sending goes: what matters most first."""
    waiting = found.waiting
    if settings.TOCSIN_IS_DEMO:
        return _("This is a demonstration: nothing leaves it")
    if settings.TOCSIN.exercise:
        return _("This instance is an exercise: nothing leaves it")
    if found.line.is_stopped:
        words = ngettext(
            "Everything is stopped; {number} message waits", "Everything is stopped; {number} messages wait", waiting
        )
        return words.format(number=waiting)
    if found.mails_wait and not found.is_mail_set_up:
        words = ngettext(
            "{number} message waits, and no mail server is set",
            "{number} messages wait, and no mail server is set",
            waiting,
        )
        return words.format(number=waiting)
    if found.line.problem:
        words = ngettext(
            "The mail server takes nothing; {number} message waits",
            "The mail server takes nothing; {number} messages wait",
            waiting,
        )
        return words.format(number=waiting)
    if found.failed:
        words = ngettext("{number} message was not delivered", "{number} messages were not delivered", found.failed)
        return words.format(number=found.failed)
    if waiting:
        return ngettext("{number} message is on its way", "{number} messages are on their way", waiting).format(
            number=waiting
        )
    return _("Nothing waits to be sent")
