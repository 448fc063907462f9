"""What has happened to accounts. No secret is part of an event."""

from __future__ import annotations

import dataclasses
from typing import Any

from tocsin.kernel.clock import Instant
from tocsin.kernel.events import Event


@dataclasses.dataclass(frozen=True, kw_only=True)
class PersonCreated(Event):
    """An account was opened; nobody can sign in to it before enrolment."""

    person: int
    email: str
    role: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class PersonChanged(Event):
    """Name, role or clearance of an account were changed."""

    person: int
    before: dict[str, Any]
    after: dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class AccountClosed(Event):
    """An account was closed: nobody signs in to it."""

    person: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class AccountOpenedAgain(Event):
    """A closed account was opened again."""

    person: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class SessionsEnded(Event):
    """All sessions of a person were ended."""

    person: int
    ended: int
    """How many were known."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SessionEnded(Event):
    """One session of a person was ended."""

    person: int
    began_at: Instant


@dataclasses.dataclass(frozen=True, kw_only=True)
class PasswordChanged(Event):
    """A person chose another password; all other sessions were ended."""

    person: int
    sessions_ended: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class ApiKeyMade(Event):
    """A person made a key of the API."""

    person: int
    key: int
    name: str
    prefix: str
    scopes: tuple[str, ...]
    expires_at: Instant


@dataclasses.dataclass(frozen=True, kw_only=True)
class ApiKeyRevoked(Event):
    """A key of the API was revoked."""

    person: int
    key: int
    prefix: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class EnrolmentLinkMade(Event):
    """A one-time link was made; earlier ones of the person no longer work."""

    person: int
    expires_at: Instant
    is_mailed: bool = False
    """Whether it went to the account's address; else whoever made it was shown it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FirstPersonInvited(Event):
    """A link was made that opens the first account of a new instance."""

    expires_at: Instant


@dataclasses.dataclass(frozen=True, kw_only=True)
class PersonEnrolled(Event):
    """A person chose a password; a second factor set up before no longer counts."""

    person: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class SecondFactorSetUp(Event):
    """A person's authenticator is known."""

    person: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class AuthenticatorReplaced(Event):
    """Another authenticator took the place of a person's, or that of none."""

    person: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class AuthenticatorRemoved(Event):
    """An authenticator signs in no longer."""

    person: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class PasskeyAdded(Event):
    """A person added a passkey."""

    person: int
    passkey: int
    name: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class PasskeyRenamed(Event):
    """A person gave a passkey another name."""

    person: int
    passkey: int
    before: dict[str, Any]
    after: dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class PasskeyRemoved(Event):
    """A passkey signs in no longer."""

    person: int
    passkey: int
    name: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class RecoveryCodesRenewed(Event):
    """New recovery codes were made; the old ones no longer work."""

    person: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class RecoveryCodesKept(Event):
    """A person has said that the recovery codes are kept; they are not shown again."""

    person: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class SignedIn(Event):
    """A person signed in."""

    person: int
    method: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class LinkMailed(Event):
    """Somebody asked for a link by mail, and it is on its way to the account's address."""

    person: int
    purpose: str
    expires_at: Instant


@dataclasses.dataclass(frozen=True, kw_only=True)
class MailedLinkUsed(Event):
    """Whoever reads the mail of an account has shown it; the second factor is asked for next."""

    person: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class PasswordReset(Event):
    """A person chose a new password by a link that came by mail; all sessions ended."""

    person: int
    sessions_ended: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class PersonBound(Event):
    """Another service has said for the first time that it knows a person."""

    person: int
    issuer: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class DemoSignInLinkMade(Event):
    """A one-time link to the demonstration was made."""

    person: int
    expires_at: Instant


@dataclasses.dataclass(frozen=True, kw_only=True)
class LanguageChosen(Event):
    """A person chose the language of pages and mail."""

    person: int
    before: dict[str, Any]
    after: dict[str, Any]
