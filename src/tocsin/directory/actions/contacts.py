"""Enter and change contacts."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.directory import mistakes
from tocsin.directory.actions.permitting import permit_keeper, permit_team
from tocsin.directory.actions.rows import read_again
from tocsin.directory.events import ContactChanged, ContactUndelivered
from tocsin.directory.models import Constituent, Contact
from tocsin.kernel.clock import Instant
from tocsin.kernel.events import plain
from tocsin.kernel.refusals import Conflict, refuse

LONGEST_ANSWER = 500
FIELDS = ("role", "name", "language", "email", "phone", "openpgp_key", "verified_on", "deputy_of", "is_active")


@action("contact.added")
def add_contact(constituent: Constituent, *, by: Actor, at: Instant, **facts: Any) -> ContactChanged:
    """Enter a person or mailbox of a constituent."""
    permit_keeper(by, constituent)
    contact = Contact(constituent=constituent)
    after = _set(contact, facts, at)
    contact.save()
    return ContactChanged(constituent=constituent.public_id, contact=contact.pk, before={}, after=after)


@action("contact.changed")
def change_contact(contact: Contact, *, by: Actor, at: Instant, **facts: Any) -> ContactChanged:
    """Change a contact. A new address or number is not verified until somebody says so anew."""
    permit_keeper(by, contact.constituent)
    read_again(contact)
    before = {key: _named(getattr(contact, key)) for key in facts if key in FIELDS}
    reached_by = (contact.email, contact.phone)
    after = _set(contact, facts, at)
    if reached_by != (contact.email, contact.phone) and "verified_on" not in facts:
        contact.verified_on = None
    write_again_if_confirmed(contact, reached_by[0])
    contact.save()
    return ContactChanged(
        constituent=contact.constituent.public_id,
        contact=contact.pk,
        before={key: value for key, value in before.items() if after[key] != value},
        after={key: value for key, value in after.items() if before[key] != value},
    )


def write_again_if_confirmed(contact: Contact, address_before: str) -> None:
    """Let mail be sent again: to another address, or to one that was verified after it came back. Does not save."""
    since, verified = contact.undelivered_since, contact.verified_on
    has_moved = contact.email.lower() != address_before.lower()
    if has_moved or (since is not None and verified is not None and verified >= timezone.localtime(since).date()):
        contact.undelivered_since, contact.undelivered_answer = None, ""


@action("contact.undelivered")
def note_undelivered(contact: Contact, *, answer: str, by: Actor, at: Instant) -> ContactUndelivered:
    """Note that mail to a contact comes back: nobody is told by it until somebody confirms it.

    Raises Conflict when that is known.
    """
    permit_team(by)
    read_again(contact)
    if contact.undelivered_since is not None:
        raise Conflict(_("It is known that mail to this contact comes back."))
    contact.undelivered_since, contact.undelivered_answer = at, answer[:LONGEST_ANSWER]
    contact.save(update_fields=["undelivered_since", "undelivered_answer"])
    return ContactUndelivered(
        constituent=contact.constituent.public_id, contact=contact.pk, email=contact.email, answer=answer
    )


def _named(value: Any) -> Any:
    return value.pk if isinstance(value, Contact) else plain(value)


def _set(contact: Contact, facts: dict[str, Any], at: Instant) -> dict[str, Any]:
    """Set the fields, checked; return them as the event carries them."""
    for key, value in facts.items():
        if key not in FIELDS:
            raise TypeError(f"a contact has no field {key!r} that may be changed")
        setattr(contact, key, value)
    stated = {key: getattr(contact, key) for key in FIELDS}
    found = [*mistakes.of_contact(contact, stated), *mistakes.of_new_key(contact, facts.get("openpgp_key"), at)]
    refuse([*found, *mistakes.of_verified_day(facts.get("verified_on"), at)])
    if "openpgp_key" in facts:
        contact.openpgp_fingerprint = mistakes.openpgp_fingerprint(contact.openpgp_key)
    return {key: _named(value) for key, value in facts.items()}
