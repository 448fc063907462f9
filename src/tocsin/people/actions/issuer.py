"""Signing in by another service: that an account is bound to whom it has seen."""

from __future__ import annotations

from django.utils.translation import gettext as _

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Conflict
from tocsin.people import events
from tocsin.people.models import KnownElsewhere, Person


@action("person.bound")
def bind(person: Person, *, issuer: str, subject: str, by: Actor, at: Instant) -> events.PersonBound:
    """Remember by what another service knows a person: from then on that counts, and no address.

    Refused where the account, or whom the service has seen, is bound already.
    """
    known = KnownElsewhere.objects.filter(issuer=issuer)
    if known.filter(person=person).exists() or known.filter(subject=subject).exists():
        raise Conflict(_("This account belongs to somebody else there."))
    KnownElsewhere.objects.create(person=person, issuer=issuer, subject=subject, since=at)
    return events.PersonBound(person=person.pk, issuer=issuer)
