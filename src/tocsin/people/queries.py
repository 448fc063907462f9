"""Reading accounts."""

from __future__ import annotations

from collections.abc import Iterable

from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models import Exists, OuterRef, Q, QuerySet

from tocsin.courier import queries as outgoing
from tocsin.kernel.clock import Instant
from tocsin.kernel.collation import folded
from tocsin.people import keys, policy
from tocsin.people.choices import BY_MAIL, Purpose, Role
from tocsin.people.models import EnrolmentLink, KnownElsewhere, Person, normal_email

SECOND_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
"""What counts as one; recovery codes only stand in for it."""


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


def is_unused(person: Person) -> bool:
    """Say whether nobody can have signed in to an account yet, in whatever way."""
    return not (
        person.has_usable_password()
        or has_second_factor(person)
        or KnownElsewhere.objects.filter(person=person).exists()
    )


def may_have_by_mail(person: Person, purpose: str) -> bool:
    """Say whether a person may have a link by mail: one whose account is open, with a second factor to ask for.

    A new password has who has one already.
    """
    if not person.is_active or person.role not in BY_MAIL[Purpose(purpose)] or not has_second_factor(person):
        return False
    return purpose != Purpose.RESET or person.has_usable_password()


def person_known_elsewhere(issuer: str, subject: str) -> Person | None:
    """Return the person whom another service knows by `subject`."""
    known = KnownElsewhere.objects.filter(issuer=issuer, subject=subject).select_related("person").first()
    return known.person if known else None


def is_mail_offered() -> bool:
    """Say whether links by mail are offered: where mail leaves."""
    return outgoing.can_mail()


def is_invited_by_mail(person: Person) -> bool:
    """Say whether an enrolment link goes to the address of an account itself, and is shown to nobody of the team.

    So for contacts of constituents who have never signed in, where mail leaves. A mailbox of the team lets nobody in,
    and for an account that is in use a mailbox alone does not take the place of both factors.
    """
    return person.role in BY_MAIL[Purpose.SIGN_IN] and is_unused(person) and is_mail_offered()


def is_last_administrator(person: Person) -> bool:
    """Say whether without this person no national administrator could sign in."""
    who_can = _with_password().filter(role=Role.NATIONAL_ADMINISTRATOR)
    return who_can.filter(pk=person.pk).exists() and not who_can.exclude(pk=person.pk).exists()


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
    """Say whether a person's authenticator, or a passkey, is set up."""
    return bool(Authenticator.objects.filter(user=person, type__in=SECOND_FACTORS).exists())


def person_of_key(secret: str, scope: str, at: Instant) -> Person | None:
    """Return for whom a key of the API stands, if it is good for `scope`; None otherwise. Notes no use."""
    key = keys.good_key(secret, scope, at)
    return key.person if key else None


def accounts_visible_to(person: object) -> QuerySet[Person]:
    """Return the accounts that a person may see: all for those who manage them, else one's own."""
    if isinstance(person, Person) and policy.may(person, policy.Ability.MANAGE_PEOPLE):
        return Person.objects.all()
    own = person.pk if isinstance(person, Person) else 0
    return Person.objects.filter(pk=own, is_active=True)


def accounts_matching(text: str, accounts: QuerySet[Person]) -> QuerySet[Person]:
    """Return those of whose name or address `text` is a part."""
    if not text:
        return accounts
    # Databases disagree on the case of letters beyond ASCII; accounts are few.
    named = accounts.order_by().values_list("pk", "name", "email")
    return accounts.filter(pk__in=[pk for pk, name, email in named if folded(text) in folded(f"{name} {email}")])


def with_state(accounts: QuerySet[Person], at: Instant) -> QuerySet[Person]:
    """Say of each account whether it is enrolled, whether a link to enrol by is open, and whether it has two factors.

    The fields are `is_enrolled`, `is_invited` and `has_factor`.
    """
    without = Q(password="") | Q(password__startswith=UNUSABLE_PASSWORD_PREFIX)
    with_password = Person.objects.filter(pk=OuterRef("pk")).exclude(without)
    invited = EnrolmentLink.objects.filter(person=OuterRef("pk"), used_at=None, expires_at__gt=at)
    factors = Authenticator.objects.filter(user=OuterRef("pk"), type__in=SECOND_FACTORS)
    enrolled = Exists(with_password) | Exists(factors)  # a contact may have no password, and sign in by a mailed link
    return accounts.annotate(is_enrolled=enrolled, is_invited=Exists(invited), has_factor=Exists(factors))


def authenticator_of(person: Person) -> Authenticator | None:
    """Return a person's authenticator; None where there is none, as beside a passkey."""
    found: Authenticator | None = Authenticator.objects.filter(user=person, type=Authenticator.Type.TOTP).first()
    return found


def second_factors(person: Person) -> list[Authenticator]:
    """Return what a person has set up as a second factor, the oldest first."""
    return list(Authenticator.objects.filter(user=person, type__in=SECOND_FACTORS).order_by("created_at", "pk"))
