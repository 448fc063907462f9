"""What a notice says at the moment it leaves: looked at anew, however long it has waited.

For working hours, for whoever stopped everything, for the mail server: what has gone meanwhile, or was answered, kept
quiet or moved, is struck off. A notice of which nothing is left, or whose recipient may not be written to any more,
does not leave, and its ledger says why.
"""

from __future__ import annotations

from django.utils import translation

from tocsin.courier.actions import OUTBOX
from tocsin.courier.anew import Anew, NothingLeft
from tocsin.courier.choices import Channel as SentBy
from tocsin.courier.models import OutgoingMessage
from tocsin.feeds.queries import at_one_version
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Conflict, InvalidInput
from tocsin.notices import mails
from tocsin.notices.actions.revising import bring_up_to_date, drop_notice
from tocsin.notices.choices import NoticeState
from tocsin.notices.models import Notice
from tocsin.notices.striking import NothingIsLeft

MAY_LEAVE = (NoticeState.QUEUED, NoticeState.BOUNCED)
"""States of a notice whose message is tried: what came back may be tried once more by hand."""


@at_one_version
def look_anew(message: OutgoingMessage, at: Instant) -> Anew:
    """Return what leaves. What stands in the way for a while only is raised: the message waits then."""
    asked = Notice.objects.select_related("constituent", "policy", "contact")
    notice = asked.filter(reference=message.reference_key).first()
    if notice is None or notice.state not in MAY_LEAVE:
        return NothingLeft(notice.get_state_display() if notice else message.reference_key)
    try:
        bring_up_to_date(notice, by=OUTBOX, at=at)
        if message.channel == SentBy.WEBHOOK:
            return mails.body_of(notice, at)
        return mails.mail_of(notice, at)
    except NothingIsLeft as nothing:
        drop_notice(notice, reason=str(nothing), struck=nothing.struck, by=OUTBOX, at=at)
        return NothingLeft(str(nothing))
    except (Conflict, InvalidInput) as refused:  # for good: the next notice goes to whom it should
        why = mails.why(refused)
        with translation.override("en"):
            reason = mails.hindrance(notice, at) or why
        drop_notice(notice, reason=reason, by=OUTBOX, at=at)
        return NothingLeft(why)
