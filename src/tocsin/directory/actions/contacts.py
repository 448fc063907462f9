"""Enter and change contacts."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.directory import openpgp
from tocsin.directory.actions.rows import read_again
from tocsin.directory.choices import ContactRole
from tocsin.directory.events import ContactChanged
from tocsin.directory.models import Constituent, Contact
from tocsin.directory.rules import is_language
from tocsin.kernel.clock import Instant
from tocsin.kernel.events import plain
from tocsin.kernel.refusals import Conflict, InvalidInput

FIELDS = ("role", "name", "language", "email", "phone", "openpgp_key", "verified_on", "deputy_of", "is_active")


@action("contact.added")
def add_contact(constituent: Constituent, *, by: Actor, at: Instant, **facts: Any) -> ContactChanged:
    """Enter a person or mailbox of a constituent."""
    contact = Contact(constituent=constituent)
    after = _set(contact, facts)
    contact.save()
    return ContactChanged(constituent=constituent.public_id, contact=contact.pk, before={}, after=after)


@action("contact.changed")
def change_contact(contact: Contact, *, by: Actor, at: Instant, **facts: Any) -> ContactChanged:
    """Change a contact. A new address or number is not verified until somebody says so anew."""
    read_again(contact)
    before = {key: _named(getattr(contact, key)) for key in facts if key in FIELDS}
    reached_by = (contact.email, contact.phone)
    after = _set(contact, facts)
    if reached_by != (contact.email, contact.phone) and "verified_on" not in facts:
        contact.verified_on = None
    contact.save()
    return ContactChanged(
        constituent=contact.constituent.public_id,
        contact=contact.pk,
        before={key: value for key, value in before.items() if after[key] != value},
        after={key: value for key, value in after.items() if before[key] != value},
    )


def _named(value: Any) -> Any:
    return value.pk if isinstance(value, Contact) else plain(value)


def _set(contact: Contact, facts: dict[str, Any]) -> dict[str, Any]:
    """Set the fields, checked; return them as the event carries them."""
    for key, value in facts.items():
        if key not in FIELDS:
            raise TypeError(f"a contact has no field {key!r} that may be changed")
        setattr(contact, key, value)
    _check(contact)
    if "openpgp_key" in facts:
        contact.openpgp_fingerprint = _fingerprint(contact.openpgp_key)
    return {key: _named(value) for key, value in facts.items()}


def _check(contact: Contact) -> None:
    if not contact.email and not contact.phone:
        raise InvalidInput(_("A contact needs an e-mail address or a telephone number."), where="email")
    if contact.email:
        try:
            validate_email(contact.email)
        except ValidationError:
            raise InvalidInput(
                _("{value!r} is not an e-mail address.").format(value=contact.email), where="email"
            ) from None
    if contact.role not in ContactRole.values:
        raise InvalidInput(_("{value!r} is no role.").format(value=contact.role), where="role")
    if contact.language and not is_language(contact.language):
        raise InvalidInput(_("{value!r} is not a language code.").format(value=contact.language), where="language")
    deputised = contact.deputy_of
    if deputised and (deputised.constituent_id != contact.constituent_id or deputised.pk == contact.pk):
        raise InvalidInput(_("A deputy stands in for another contact of the same constituent."), where="deputy_of")
    same = Contact.objects.filter(constituent=contact.constituent, role=contact.role, email=contact.email)
    if contact.email and same.exclude(pk=contact.pk).exists():
        raise Conflict(_("{value} is a contact in this role already.").format(value=contact.email))


def _fingerprint(key: str) -> str:
    try:
        return openpgp.fingerprint(key) if key.strip() else ""
    except openpgp.NotAPublicKey as error:
        raise InvalidInput(str(error), where="openpgp_key") from None
