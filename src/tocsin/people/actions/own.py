"""What people change of their own access."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from allauth.mfa.webauthn.internal.auth import WebAuthn
from django.utils.translation import gettext as _

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Conflict
from tocsin.people import events, mailing, passkeys, queries
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
    mailing.tell(person, mailing.Change.PASSWORD_CHANGED, at=at)
    return events.PasswordChanged(person=person.pk, sessions_ended=end_all_of(person))


@action("person.passkey_added")
def add_passkey(
    person: Person, *, name: str, credential: Mapping[str, Any], by: Actor, at: Instant
) -> events.PasskeyAdded:
    """Keep a passkey that `passkeys.finish_adding` has checked."""
    if len(_passkeys(person)) >= passkeys.MOST:
        words = _("You have {most} passkeys, which are the most. Remove one first.")
        raise Conflict(words.format(most=passkeys.MOST))
    added = WebAuthn.add(person, name, dict(credential)).instance
    mailing.tell(person, mailing.Change.PASSKEY_ADDED, at=at)
    return events.PasskeyAdded(person=person.pk, passkey=added.pk, name=name)


@action("person.passkey_renamed")
def rename_passkey(passkey: Authenticator, *, name: str, by: Actor, at: Instant) -> events.PasskeyRenamed:
    """Give a passkey another name."""
    passkey.refresh_from_db()
    before = {"name": passkey.data["name"]}
    passkey.data["name"] = name
    passkey.save(update_fields=["data"])
    return events.PasskeyRenamed(person=passkey.user_id, passkey=passkey.pk, before=before, after={"name": name})


@action("person.passkey_removed")
def remove_passkey(passkey: Authenticator, *, by: Actor, at: Instant) -> events.PasskeyRemoved:
    """Remove a passkey, unless it is the last second factor."""
    person, key, name = passkey.user, passkey.pk, passkey.data["name"]
    if [factor.pk for factor in queries.second_factors(person)] == [key]:
        raise Conflict(_("This is your only second factor. Set up another one first."))
    passkey.delete()
    return events.PasskeyRemoved(person=person.pk, passkey=key, name=name)


@action("person.authenticator_replaced")
def replace_authenticator(person: Person, *, secret: str, by: Actor, at: Instant) -> events.AuthenticatorReplaced:
    """Keep the secret that another authenticator has shown to know, in place of the old one's."""
    Authenticator.objects.filter(user=person, type=Authenticator.Type.TOTP).delete()
    TOTP.activate(person, secret)
    mailing.tell(person, mailing.Change.FACTOR_SET_UP, at=at)
    return events.AuthenticatorReplaced(person=person.pk)


@action("person.authenticator_removed")
def remove_authenticator(person: Person, *, by: Actor, at: Instant) -> events.AuthenticatorRemoved:
    """Remove the authenticator, unless it is the last second factor."""
    kept = queries.authenticator_of(person)
    if kept is None:
        raise Conflict(_("There is no authenticator."))
    if [factor.pk for factor in queries.second_factors(person)] == [kept.pk]:
        raise Conflict(_("This is your only second factor. Set up another one first."))
    kept.delete()
    return events.AuthenticatorRemoved(person=person.pk)


def _passkeys(person: Person) -> list[Authenticator]:
    return [factor for factor in queries.second_factors(person) if factor.type == Authenticator.Type.WEBAUTHN]
