"""Keys of the API: made and revoked."""

from __future__ import annotations

from collections.abc import Collection

from django.utils.translation import gettext as _

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.audit.changes import change
from tocsin.kernel import legible
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Conflict, InvalidInput, NotPermitted
from tocsin.people import events, keys
from tocsin.people.actions.accounts import permit
from tocsin.people.choices import Scope
from tocsin.people.models import ApiKey, Person


@action("api_key.made")
def make_api_key(
    person: Person, *, name: str, scopes: Collection[str], secret: str, expires_at: Instant, by: Actor, at: Instant
) -> events.ApiKeyMade:
    """Make a key for a person, who alone may. `secret` is from `keys.new_secret`; only its hash is stored."""
    if by != person:
        raise NotPermitted(_("A key is made by the person whom it stands for."))
    if not name.strip() or len(name) > keys.LONGEST_NAME:
        words = _("Give it a name of at most {most} characters.")
        raise InvalidInput(words.format(most=keys.LONGEST_NAME), where="name")
    if said := legible.flaw(name):
        raise InvalidInput(_(said), where="name")
    if not scopes or not set(scopes) <= set(Scope.values):
        raise InvalidInput(_("Say what the key may do."), where="scopes")
    if not at < expires_at <= at + keys.LONGEST:
        raise InvalidInput(_("A key ends after a year at most, and not before today."), where="expires_on")
    if ApiKey.objects.filter(person=person, revoked_at=None, expires_at__gt=at).count() >= keys.MOST:
        words = _("You have {most} keys, which are the most. Revoke one first.")
        raise Conflict(words.format(most=keys.MOST))
    prefix = keys.prefix_of(secret)
    key = ApiKey.objects.create(
        person=person, name=name.strip(), prefix=prefix, secret_hash=keys.hash_of(secret),
        scopes=sorted(scopes), made_at=at, expires_at=expires_at,
    )  # fmt: skip
    return events.ApiKeyMade(
        person=person.pk, key=key.pk, name=key.name, prefix=prefix, scopes=tuple(key.scopes), expires_at=expires_at
    )


@action("api_key.revoked")
def revoke_api_key(key: ApiKey, *, by: Actor, at: Instant) -> events.ApiKeyRevoked:
    """Revoke a key: one's own, or that of somebody whose account one may change."""
    key.refresh_from_db()
    if by != key.person:
        permit(by, key.person)
    if key.revoked_at is not None:
        raise Conflict(_("This key is revoked already."))
    change(key, revoked_at=at)
    return events.ApiKeyRevoked(person=key.person.pk, key=key.pk, prefix=key.prefix)
