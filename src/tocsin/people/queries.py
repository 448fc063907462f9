"""Reading accounts."""

from __future__ import annotations

from collections.abc import Iterable

from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models import Q, QuerySet

from tocsin.kernel.clock import Instant
from tocsin.people.choices import Role
from tocsin.people.models import EnrolmentLink, Person, normal_email


def person_by_email(email: str) -> Person | None:
    """Return the person with this address, whatever its case."""
    return Person.objects.filter(email=normal_email(email)).first()


def names_of(keys: Iterable[int]) -> dict[int, str]:
    """Return names by the accounts' numbers, of those that are there."""
    return {person.pk: str(person) for person in Person.objects.filter(pk__in=list(keys))}


def an_administrator_can_sign_in() -> bool:
    """Say whether a national administrator has a password; who was only invited has none.

    The second factor may be lacking: the first sign-in sets it up.
    """
    return _with_password().filter(role=Role.NATIONAL_ADMINISTRATOR).exists()


def somebody_has_a_password() -> bool:
    """Say whether anybody can sign in other than by a link."""
    return _with_password().exists()


def _with_password() -> QuerySet[Person]:
    without = Q(password="") | Q(password__startswith=UNUSABLE_PASSWORD_PREFIX)
    return Person.objects.filter(is_active=True).exclude(without)


def administrators_link_ends(at: Instant) -> Instant | None:
    """Return when the last link ends by which somebody can still become a national administrator, None without any."""
    whose = Q(person=None) | Q(person__role=Role.NATIONAL_ADMINISTRATOR, person__is_active=True)
    links = EnrolmentLink.objects.filter(whose, used_at=None, expires_at__gt=at)
    return links.order_by("-expires_at").values_list("expires_at", flat=True).first()


def has_second_factor(person: Person) -> bool:
    """Say whether a person's authenticator is set up."""
    return bool(Authenticator.objects.filter(user=person, type=Authenticator.Type.TOTP).exists())
