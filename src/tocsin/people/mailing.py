"""What people are told by mail about their own account: links that they asked for, and what was changed.

In the transaction of the action that wants it, in the reader's language, and never a word about anything but the
account itself. Where no mail leaves nothing is put into the outbox: what is said here is worth nothing later.
"""

from __future__ import annotations

import enum
import secrets

from django.conf import settings
from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from tocsin.kernel.clock import Instant, zone_of
from tocsin.kernel.tlp import TLP
from tocsin.people import queries
from tocsin.people.choices import Purpose
from tocsin.people.models import Person

LINK_JOB = "people.mail_link"
URGENT = 1
"""Severity of what somebody sits and waits for."""


class Change(enum.Enum):
    """What an account's holder is told that somebody did to it."""

    PASSWORD_CHANGED = enum.auto()
    PASSWORD_RESET = enum.auto()
    PASSKEY_ADDED = enum.auto()
    FACTOR_SET_UP = enum.auto()
    NEW_BROWSER = enum.auto()


def put_link(person: Person, purpose: str, address: str, *, at: Instant) -> None:
    """Mail a link that somebody asked for."""
    with translation.override(_language(person)):
        subject = _("Sign in to {team}") if purpose == Purpose.SIGN_IN else _("Choose a new password for {team}")
        does = (
            _("Open this link within 15 minutes, in the browser in which you asked for it, to sign in as {email}:")
            if purpose == Purpose.SIGN_IN
            else _(
                "Open this link within 15 minutes, in the browser in which you asked for it, to choose a new password "
                "for {email}:"
            )
        )
        text = [
            does.format(email=person.email),
            address,
            _("It works once, and your second factor is asked for as well."),
            _("If you did not ask for it, you need do nothing: the link opens nothing elsewhere."),
        ]
        _put(person, subject.format(team=settings.TOCSIN_TEAM_NAME), text, at)


def put_invitation(person: Person, address: str, *, until: Instant, language: str, at: Instant) -> None:
    """Mail an enrolment link to the address of an account: who reads there proves that it is theirs."""
    with translation.override(person.language or language or settings.LANGUAGE_CODE):
        day = _local(until)
        subject = _("Your account at {team}").format(team=settings.TOCSIN_TEAM_NAME)
        text = [
            _("{team} has opened an account for you, {email}. There you see what is found on the networks of your "
              "organisation, and say what became of it.").format(team=settings.TOCSIN_TEAM_NAME, email=person.email),
            _("Open this link to choose how you sign in. It works once, until {day}:").format(day=day),
            address,
            _("If you do not know what this is about, you need do nothing: without the link nobody signs in."),
        ]  # fmt: skip
        _put(person, subject, text, at)


def _local(at: Instant) -> str:
    """Return day and hour where the team is, with the zone."""
    local = timezone.localtime(at)
    said = formats.date_format(local, pgettext("date format", "j M Y, H:i"))
    return f"{said} {zone_of(local)}"


def tell(person: Person, change: Change, *, at: Instant) -> None:
    """Tell a person what was done to their account, unless no mail leaves."""
    if not queries.is_mail_offered():
        return
    with translation.override(_language(person)):
        subject, does = _words(change)
        text = [
            does.format(email=person.email, team=settings.TOCSIN_TEAM_NAME, when=_local(at)),
            _("If that was you, you need do nothing."),
            _(
                "If it was not, tell the team at once, by telephone or in person: they can end your sessions and close "
                "the account."
            ),
        ]
        _put(person, subject.format(team=settings.TOCSIN_TEAM_NAME), text, at)


def _words(change: Change) -> tuple[str, str]:
    return {
        Change.PASSWORD_CHANGED: (
            _("Your password for {team} was changed"),
            _("On {when} the password of your account {email} was changed. All other sessions have ended."),
        ),
        Change.PASSWORD_RESET: (
            _("Your password for {team} was changed"),
            _(
                "On {when} a new password for your account {email} was chosen by a link that we mailed to you. All "
                "sessions have ended."
            ),
        ),
        Change.PASSKEY_ADDED: (
            _("A passkey was added to your account at {team}"),
            _("On {when} a passkey was added to your account {email}. Whoever holds it can sign in with it."),
        ),
        Change.FACTOR_SET_UP: (
            _("A second factor was set up for your account at {team}"),
            _("On {when} an authenticator was set up for your account {email}."),
        ),
        Change.NEW_BROWSER: (
            _("Your account at {team} was used in another browser"),
            _("On {when} somebody signed in as {email}, in a browser that we had not seen before."),
        ),
    }[change]


def _language(person: Person) -> str:
    return person.language or settings.LANGUAGE_CODE


def _put(person: Person, subject: str, paragraphs: list[str], at: Instant) -> None:
    from tocsin.courier.composing import Mail  # late: every command that knows accounts would pay for OpenPGP
    from tocsin.courier.outbox import Posting, put_mail

    language = translation.get_language() or settings.LANGUAGE_CODE
    mail = Mail(
        to=person.email, subject=subject, text="\n\n".join(paragraphs), tlp=TLP.RED, language=language,
        is_personal=True,
    )  # fmt: skip
    put_mail(mail, Posting(key=f"people:{secrets.token_hex(16)}", severity=URGENT), at=at)
