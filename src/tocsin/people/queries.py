"""Reading accounts."""

from __future__ import annotations

from allauth.mfa.models import Authenticator

from tocsin.people.models import Person, normal_email


def person_by_email(email: str) -> Person | None:
    """Return the person with this address, whatever its case."""
    return Person.objects.filter(email=normal_email(email)).first()


def anybody_has_an_account() -> bool:
    """Say whether anybody has enrolled or been invited by name."""
    return Person.objects.exists()


def has_second_factor(person: Person) -> bool:
    """Say whether a person's authenticator is set up."""
    return bool(Authenticator.objects.filter(user=person, type=Authenticator.Type.TOTP).exists())
