"""What was asked for, in words of the reader: a sentence, and each fact as it is and as it is to be."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from django.forms import ChoiceField, Form
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from tocsin.courier import mail_addresses
from tocsin.directory import mistakes
from tocsin.directory.choices import ChangeKind
from tocsin.directory.forms import ClaimForm, ConstituentForm, ContactForm, EndClaimForm
from tocsin.directory.models import ChangeRequest, Contact
from tocsin.directory.wishes import wish_of

_FORMS: Mapping[str, type[Form]] = {
    ChangeKind.CLAIM: ClaimForm,
    ChangeKind.END_OF_CLAIM: EndClaimForm,
    ChangeKind.NEW_CONTACT: ContactForm,
    ChangeKind.CONTACT: ContactForm,
    ChangeKind.FACTS: ConstituentForm,
}
"""Whose labels the facts bear: those that staff know them by."""
_IDENTIFIERS = frozenset({"value", "email", "phone", "openpgp_key"})


def sentence(kind: str, about: str) -> str:
    """Return what is asked for as a heading: `End the claim of 192.0.2.0/24`."""
    words = {
        ChangeKind.CLAIM: _("Enter the claim of {about}"),
        ChangeKind.END_OF_CLAIM: _("End the claim of {about}"),
        ChangeKind.NEW_CONTACT: _("Enter the contact {about}"),
        ChangeKind.CONTACT: _("Change the contact {about}"),
        ChangeKind.FACTS: _("Change the facts of the organisation"),
    }
    return words[ChangeKind(kind)].format(about=about) if kind in ChangeKind.values else about


def title(request: ChangeRequest) -> str:
    """Return what a request asks for as a heading, with the fields where something is to be changed."""
    wish = sentence(request.kind, wish_of(request).about)
    if request.kind not in (ChangeKind.CONTACT, ChangeKind.FACTS):
        return wish
    labels = {name: str(field.label) for name, field in _FORMS[request.kind].base_fields.items()}
    fields = ", ".join(label for name, label in labels.items() if name in request.facts)
    return _("{wish}: {fields}").format(wish=wish, fields=fields)


@dataclasses.dataclass(frozen=True)
class Line:
    """One fact."""

    label: str
    before: str
    after: str
    is_identifier: bool = False
    """Whether it is written in the face of addresses, from left to right."""


def compared(request: ChangeRequest) -> list[Line]:
    """Return the facts that a request gives, as they were when it was asked and as they are to be."""
    labels = {name: str(field.label) for name, field in _FORMS[request.kind].base_fields.items()}
    return [
        Line(
            labels[name],
            _shown(request, name, request.before.get(name)),
            _shown(request, name, request.facts[name]),
            name in _IDENTIFIERS,
        )
        for name in labels
        if name in request.facts and (request.facts[name] or request.before)
    ]


def _shown(request: ChangeRequest, name: str, value: Any) -> str:
    """Return a stored fact as people read it; empty for none."""
    if isinstance(value, bool):
        return pgettext("an answer", "yes") if value else pgettext("an answer", "no")
    if not value:
        return ""
    field = _FORMS[request.kind].base_fields[name]
    if name == "openpgp_key":
        return mistakes.openpgp_fingerprint(value)
    if name == "email" and (written := mail_addresses.other_form(value)):
        return f"{value} ({written})"
    if name == "deputy_of":
        return str(Contact.objects.filter(constituent=request.constituent, pk=value).first() or "")
    if isinstance(field, ChoiceField):
        return str(dict(_choices(field)).get(value, value))
    if name in ("valid_from", "valid_to", "ends_on"):
        return str(formats.date_format(dt.date.fromisoformat(value), pgettext("date format", "j M Y")))
    if isinstance(value, dict):
        return ", ".join(f"{language}: {said}" for language, said in value.items())
    return ", ".join(value) if isinstance(value, list) else str(value)


def _choices(field: ChoiceField) -> Iterator[tuple[Any, Any]]:
    choices: Any = field.choices
    yield from choices
