"""A member has looked through the entry and says that it is right."""

from __future__ import annotations

from tocsin.audit.action import action
from tocsin.audit.changes import change
from tocsin.directory import queries
from tocsin.directory.actions.contacts import change_contact
from tocsin.directory.actions.rows import read_again
from tocsin.directory.events import EntrySaidRight
from tocsin.directory.models import Constituent
from tocsin.kernel.clock import Instant, day_of
from tocsin.kernel.refusals import NotPermitted
from tocsin.people import policy
from tocsin.people.models import Person


@action("entry.said_right")
def say_entry_is_right(constituent: Constituent, *, by: Person, at: Instant) -> EntrySaidRight:
    """Note that a member has looked through the entry.

    Said by who administers it, its contacts count as verified today, but those to whom mail comes back. Claims are
    not confirmed by it: of two equal claims the one confirmed last decides, and that is the team's to say.
    """
    if not queries.constituents_of(by).filter(pk=constituent.pk).exists():
        raise NotPermitted(f"{policy.REFUSED[policy.Ability.EDIT_OWN]}")
    read_again(constituent)
    verified: list[int] = []
    if queries.can_edit(by, constituent):
        today = day_of(at)
        for contact in constituent.contacts.filter(is_active=True, undelivered_since=None).order_by("pk"):
            if contact.verified_on != today:
                change_contact(contact, verified_on=today, by=by, at=at)
                verified.append(contact.pk)
    change(constituent, said_right_at=at, said_right_by=by.audit_label)
    return EntrySaidRight(constituent=constituent.public_id, contacts=tuple(verified))
