"""What people change of their own access."""

from __future__ import annotations

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.kernel.clock import Instant
from tocsin.people import events
from tocsin.people.actions.accounts import end_all_of
from tocsin.people.models import Person


@action("person.password_changed")
def change_password(person: Person, *, password: str, by: Actor, at: Instant) -> events.PasswordChanged:
    """Set another password and end all sessions; the caller lets the one in which it was asked for go on.

    That the old one was known, and that the new one will do, the form has seen.
    """
    person.refresh_from_db()
    person.set_password(password)
    person.save(update_fields=["password"])
    return events.PasswordChanged(person=person.pk, sessions_ended=end_all_of(person))
