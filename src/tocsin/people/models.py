"""Accounts, the one-time links that open them, and what an account is signed in with: sessions, keys of the API."""

from __future__ import annotations

import unicodedata
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from tocsin.audit.actors import LONGEST_LABEL
from tocsin.kernel.clock import Instant
from tocsin.people import acts
from tocsin.people.choices import STAFF, Clearance, Purpose, Role


def normal_email(text: str) -> str:
    """Return an address in the one form in which it is stored and looked up: compatibility-normal, lower case."""
    return unicodedata.normalize("NFKC", text.strip()).lower()


class PersonManager(BaseUserManager["Person"]):
    """Finds people by address whatever its case; Django asks for it."""

    def get_by_natural_key(self, username: str | None) -> Person:
        """Return the person with this e-mail address. Raises Person.DoesNotExist."""
        return self.get(email=normal_email(username or ""))


class Person(AbstractBaseUser):
    """Somebody who signs in. There is no superuser: what a person may do follows from the role alone."""

    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=200)
    role = models.CharField(_("role"), max_length=30, choices=Role.choices)
    language = models.CharField(_("language"), max_length=10, blank=True)
    """Code of the language of pages and mail; where empty, pages go by the browser, mail by the instance."""
    clearance = models.CharField(_("cleared up to"), max_length=12, choices=Clearance.choices, blank=True)
    """Up to which label this person may see; empty for what the role is cleared for."""
    is_active = models.BooleanField(_("may sign in"), default=True)
    sessions_ended = models.PositiveIntegerField(default=0, editable=False)
    """How often all sessions were ended at once: part of what a session must know to go on."""
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[PersonManager] = PersonManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name", "role"]

    class Meta:
        ordering = ("name", "email")
        constraints = (
            models.CheckConstraint(name="person_email_lower", condition=models.Q(email=Lower("email"))),
            models.CheckConstraint(name="person_role_known", condition=models.Q(role__in=Role.values)),
            models.CheckConstraint(
                name="person_clearance_known", condition=models.Q(clearance__in=["", *Clearance.values])
            ),
        )

    def __str__(self) -> str:
        return self.name or self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, with the address in its normal form."""
        self.email = normal_email(self.email)
        super().save(*args, **kwargs)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Return what every session of this person must hold: of the password, and of how often sessions were ended."""
        secrets = f"{self.password}{self.sessions_ended or ''}"
        return salted_hmac("tocsin.people.session", secrets, secret=secret, algorithm="sha256").hexdigest()

    @property
    def audit_key(self) -> str:
        """`person:` and the account's number."""
        return f"person:{self.pk}" if self.pk else ""

    @property
    def audit_label(self) -> str:
        """Name and address as they are now. Of a name or an address that is very long, as much as can be kept."""
        room = max(LONGEST_LABEL - len(self.email) - 3, 40)
        name = self.name if len(self.name) <= room else f"{self.name[: room - 1]}…"
        whole = f"{name} <{self.email}>"
        return whole if len(whole) <= LONGEST_LABEL else f"{whole[: LONGEST_LABEL - 2]}…>"

    def require_act(self, code: str, about: Any) -> None:
        """Refuse with a sentence an act that this person may not do: every action asks."""
        acts.require(self, code, about)

    @property
    def is_staff_of_team(self) -> bool:
        """Whether this person works in the team."""
        return self.role in STAFF


class _OneTimeLink(models.Model):
    """A link that works once. Only the hash of its secret part is stored."""

    token_hash = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"link of {self.made_at:%Y-%m-%d}"

    def is_open(self, at: Instant) -> bool:
        """Say whether the link can still be used."""
        return self.used_at is None and at < self.expires_at


class EnrolmentLink(_OneTimeLink):
    """Lets a person choose a password and set up the second factor.

    Without a person: the link of a new instance, whose first visitor says who they are.
    """

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+", null=True, blank=True)


class DemoSignInLink(_OneTimeLink):
    """Signs in to a demonstration without password."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")


class MailedLink(_OneTimeLink):
    """Signs in, or lets a new password be chosen, in the browser that asked for it and in no other."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    browser_hash = models.CharField(max_length=64)
    """Of what that browser holds."""

    class Meta:
        constraints = (
            models.CheckConstraint(name="mailed_link_purpose_known", condition=models.Q(purpose__in=Purpose.values)),
        )


class KnownElsewhere(models.Model):
    """By what another service, which says who somebody is, knows a person."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)
    since = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(name="known_elsewhere_once", fields=("issuer", "subject")),
            models.UniqueConstraint(name="known_elsewhere_as_one", fields=("issuer", "person")),
        )

    def __str__(self) -> str:
        return f"{self.subject} of {self.issuer}"


class SignedInSession(models.Model):
    """A browser in which a person is signed in: what the person is shown of it, and can end."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="sessions")
    session_key = models.CharField(max_length=40, unique=True)
    began_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    address = models.CharField(max_length=45, blank=True)
    """Where it was last seen."""
    agent = models.CharField(max_length=300, blank=True)
    """What the browser says that it is."""

    class Meta:
        ordering = ("-seen_at", "pk")

    def __str__(self) -> str:
        return f"session since {self.began_at:%Y-%m-%d}"


class ApiKey(models.Model):
    """Lets a program ask the API for a person. Of the secret only its hash is stored."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, unique=True)
    """The part of the key that may be shown."""
    secret_hash = models.CharField(max_length=64)
    scopes = models.JSONField(default=list)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-made_at", "pk")
        constraints = (
            models.CheckConstraint(name="api_key_expires", condition=models.Q(expires_at__gt=models.F("made_at"))),
        )

    def __str__(self) -> str:
        return self.name

    def is_good(self, at: Instant) -> bool:
        """Say whether the key still opens something."""
        return self.revoked_at is None and at < self.expires_at


class LimiterEntry(models.Model):
    """What the limiter of sign-in attempts remembers, so that all processes count together and restarts forget nothing.

    Django's database cache reads and writes it; the columns are that cache's.
    """

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "people_limiter"

    def __str__(self) -> str:
        return self.cache_key
