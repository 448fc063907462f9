"""Signed heads of the audit trail, mailed to addresses outside the house: no administrator of ours changes them there.

Whoever signs one tells by an event; an hourly look mails what a process did not live to mail. A head goes to an address
once.
"""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from tocsin.audit import keeping
from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.audit.queries import last_head
from tocsin.courier import outbox, queries, team_key
from tocsin.courier.actions import OUTBOX
from tocsin.courier.composing import Mail
from tocsin.courier.events import HeadMailed
from tocsin.courier.models import OutgoingMessage
from tocsin.courier.outbox import Posting, Reference
from tocsin.kernel.clock import Instant
from tocsin.kernel.tlp import TLP

ROOM = "audit"


@action("audit.head_mailed")
def mail_head(on: dt.date, text: str, *, to: str, by: Actor, at: Instant) -> HeadMailed:
    """Put a signed head into the outbox, to one address."""
    with translation.override(settings.LANGUAGE_CODE):
        words = _("Head of the audit trail of {team}, {day}")
        subject = words.format(team=settings.TOCSIN.team_name, day=on.isoformat())
        keep = _("Keep this message. With it anybody can show later that the audit trail was not changed.")
    mail = Mail(to=to, subject=subject, text=f"{keep}\n\n{text}", tlp=TLP.CLEAR, sign=team_key.exists())
    message = outbox.put_mail(mail, Posting(key_of(on, to), Reference(ROOM, on.isoformat())), at=at)
    return HeadMailed(on=on, recipient=message.recipient, message=message.key)


def key_of(on: dt.date, to: str) -> str:
    """Return the idempotency key of the mail of a head to an address."""
    return f"{ROOM}:{on.isoformat()}:{to}"[:200]


def mail_last_head(*, at: Instant) -> int:
    """Mail the last head to every address that has not had it; return to how many. Where no mail is set up, to none."""
    head, addresses = last_head(), settings.TOCSIN.audit_head_to
    if head is None or not addresses or not (settings.TOCSIN.mail_from or queries.never_leaves()):
        return 0
    keys = {key_of(head.on, to): to for to in addresses}
    known = set(OutgoingMessage.objects.filter(idempotency__in=keys).values_list("idempotency", flat=True))
    text = keeping.text_of(head)
    for key, to in keys.items():
        if key not in known:
            mail_head(head.on, text, to=to, by=OUTBOX, at=at)
    return len(keys) - len(known)
