"""The mail or the posting that a notice becomes, and whether it may be sent at all.

What hinders one notice is a refusal of that one: whoever sends several goes on
with the others.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from tocsin.courier import composing, mail_addresses, protection, team_key
from tocsin.courier.composing import Mail
from tocsin.courier.models import OutgoingMessage, Webhook
from tocsin.courier.outbox import Posting, Reference
from tocsin.courier.queries import never_leaves
from tocsin.directory.models import Contact
from tocsin.directory.queries import has_member
from tocsin.feeds.last_rows import FACTS
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Conflict, Refusal
from tocsin.kernel.tlp import TLP
from tocsin.notices import addresses
from tocsin.notices.choices import NOTICE_SENT, ROOM, Channel
from tocsin.notices.letters import attachment_of, letter_of, records_of
from tocsin.notices.models import Notice, Policy
from tocsin.notices.planning import Plan, PlannedNotice
from tocsin.notices.ways import hook_of, way_now, ways_now
from tocsin.notices.writing import file_name, text, title

MOST_POSTED, ROOM_POSTED_BYTES = 1_000, 800_000
"""Findings in a posting; what has no room is read by program."""


@dataclasses.dataclass(frozen=True)
class Told:
    """Who is told by a notice, prepared or planned, and by which policy."""

    constituent: str
    """Public id of whose findings they are."""
    whom: str
    to: str
    contact: Contact | None
    policy: Policy
    tlp: TLP

    @property
    def way(self) -> Channel:
        """By which way it goes."""
        return way_now(self.policy.channel, self.whom, self.constituent)

    @property
    def hook(self) -> Webhook | None:
        """The organisation's webhook that is told of notices."""
        return hook_of(self.constituent)


def told_by(notice: Notice) -> Told:
    """Return who is told by a notice that is prepared."""
    tlp = TLP.read(notice.tlp)
    return Told(notice.constituent.public_id, notice.whom, notice.to, notice.contact, notice.policy, tlp)


def check(told: Told, at: Instant) -> None:
    """Raise the refusal that says why nothing may be sent so; nothing when it may."""
    if told.way == Channel.MAIL:
        _check_mail(told.to, told.contact, told.policy, told.tlp, at)
    elif told.way == Channel.PORTAL and not has_member(told.constituent):
        raise Conflict(
            _("Nobody of the organisation signs in here, and would read it. Add a member, or change the policy.")
        )


def _check_mail(to: str, contact: Contact | None, policy: Policy, tlp: TLP, at: Instant) -> None:
    if contact is None or not contact.is_active or contact.email.lower() != to.lower():
        raise Conflict(
            _(
                "The contact has another address by now, or is not told any more; the next notice goes to whom it"
                " should."
            )
        )
    if contact.undelivered_since is not None:
        raise Conflict(_("Mail to this contact comes back. Confirm the contact first."))
    composing.sender(never_leaves=never_leaves())
    mail_addresses.checked(to, where="to")
    mail_addresses.checked_name(contact.name)
    protection.decide(tlp, contact.openpgp_key, wants=_wants_encryption(policy, contact), at=at)


def why(refused: Refusal) -> str:
    """Return a refusal as a sentence about a notice: the name of the field would say nothing there."""
    return str(getattr(refused, "problem", refused))


def hindrance(notice: Notice, at: Instant) -> str:
    """Return why a notice cannot be sent; empty when it can."""
    try:
        check(told_by(notice), at)
    except Refusal as refused:
        return why(refused)
    return ""


def ways_of(planned: Iterable[PlannedNotice]) -> list[Channel]:
    """Return by which way each of some planned notices goes, in their order."""
    return ways_now((each.channel, each.whom, each.constituent) for each in planned)


class Hindered(NamedTuple):
    """A notice of a plan that could not be sent."""

    constituent: str
    """Public id."""
    to: str
    way: Channel
    why: str


def hindered(plan: Plan) -> list[Hindered]:
    """Return the notices of a plan that could not be sent."""
    contacts = Contact.objects.in_bulk({each.to.contact for each in plan.notices})
    policies = Policy.objects.in_bulk({each.policy for each in plan.notices})
    found = []
    for each in plan.notices:
        contact, policy = contacts.get(each.to.contact), policies[each.policy]
        told = Told(each.constituent, each.whom, each.to.to, contact, policy, each.tlp)
        try:
            check(told, plan.at)
        except Refusal as refused:
            found.append(Hindered(each.constituent, told.to, told.way, why(refused)))
    return found


def mail_of(notice: Notice, at: Instant) -> Mail:
    """Return the mail that a notice is sent as. Raises the refusal of `check`."""
    contact, tlp = notice.contact, TLP.read(notice.tlp)
    _check_mail(notice.to, contact, notice.policy, tlp, at)
    letter = letter_of(notice, at, is_revised=True)
    assert contact is not None  # noqa: S101  checked above
    return Mail(
        to=notice.to,
        name=contact.name,
        subject=title(letter),
        text=text(letter),
        tlp=tlp,
        language=notice.language,
        attachments=_attachments(notice, at, has_attachment=letter.has_attachment),
        openpgp_key=contact.openpgp_key,
        sign=notice.policy.sign and team_key.exists(),
        encrypt=_wants_encryption(notice.policy, contact),
    )


def _attachments(notice: Notice, at: Instant, *, has_attachment: bool) -> tuple[composing.Attachment, ...]:
    if not has_attachment:
        return ()
    return (composing.Attachment(file_name(notice.reference, notice.tlp), attachment_of(notice, at, is_revised=True)),)


def _wants_encryption(policy: Policy, contact: Contact) -> bool:
    """Whether it is encrypted whatever its label: the policy encrypts where the contact has a key."""
    return policy.encrypt and bool(contact.openpgp_key)


def body_of(notice: Notice, at: Instant) -> dict[str, Any]:
    """Return what is posted to a webhook: the text, and as many findings as have room, the worst first."""
    letter = letter_of(notice, at, is_revised=True)
    records = [_without_unknown(each) for each in records_of(notice, at, is_revised=True)]
    shown = records[:MOST_POSTED]
    while shown and len(json.dumps(shown, ensure_ascii=False).encode()) > ROOM_POSTED_BYTES:
        shown = shown[: len(shown) // 2]
    return {
        "event": NOTICE_SENT,
        "at": at.isoformat(timespec="seconds"),
        "organisation": notice.constituent.public_id,
        "reference": notice.reference,
        "severity": f"C{notice.severity}",
        "tlp": TLP.read(notice.tlp).label,
        "language": notice.language,
        "subject": title(letter),
        "text": text(letter),
        "findings": shown,
        "more": len(records) - len(shown),
        "address": addresses.page_of_members(notice.reference),
    }


def _without_unknown(record: dict[str, Any]) -> dict[str, Any]:
    known = (*FACTS, "told", "answered")
    return {name: value for name, value in record.items() if value is not None or name not in known}


def posting_of(notice: Notice) -> Posting:
    """Return how the mail of a notice goes. The same notice is put into the outbox once."""
    return Posting(
        key=f"{ROOM}:{notice.reference}:{notice.step}",
        reference=Reference(ROOM, notice.reference),
        severity=notice.severity,
        not_before=notice.not_before,
        is_exercise=notice.is_exercise,
    )


def is_in_clear(message: OutgoingMessage) -> bool:
    """Say whether a mail goes in clear that would be encrypted if a key were known."""
    if message.channel != Channel.MAIL:
        return False
    is_strict = TLP.read(message.tlp).strictness >= protection.ENCRYPTED_FROM.strictness
    return is_strict and message.protection not in ("encrypted", "both")
