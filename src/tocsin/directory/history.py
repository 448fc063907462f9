"""Sentences for the audit rows of the room, in the reader's language."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any

from django.forms import Form
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from tocsin.audit import wording
from tocsin.directory import asked
from tocsin.directory.forms import ConstituentForm, ContactForm
from tocsin.kernel import legible

Data = dict[str, Any]


def sentence(code: str, data: Data) -> str:
    """Return what an audit row says, as a sentence; the code itself for one that is not known here."""
    known = _SENTENCES.get(code)
    return known(data) if known else code


def field_names(form: type[Form], fields: Iterable[str]) -> str:
    """Return fields as their form calls them, the known ones by their label."""
    labels = {name: str(field.label) for name, field in form.base_fields.items()}
    return ", ".join(sorted(labels.get(field, field) for field in fields))


def _changed(data: Data) -> str:
    return _("Changed: {fields}").format(fields=field_names(ConstituentForm, data["after"]))


def _contact(data: Data) -> str:
    return _("Contact changed: {fields}").format(fields=field_names(ContactForm, data["after"]))


def _undelivered(data: Data) -> str:
    said = _("Mail to {email} comes back: {answer}") if data["answer"] else _("Mail to {email} comes back")
    return said.format(email=legible.shown(data["email"]), answer=legible.shown(data["answer"]))


def _values(data: Data) -> str:
    return wording.listed(data["values"])


def _day(text: str) -> str:
    return str(formats.date_format(dt.date.fromisoformat(text), pgettext("date format", "j M Y")))


def _ended(data: Data) -> str:
    text = _("Claim of {values} ends on {day}: {reason}") if data["reason"] else _("Claim of {values} ends on {day}")
    return text.format(values=_values(data), day=_day(data["ends_on"]), reason=data["reason"])


def _settled(data: Data) -> str:
    first, second = data["constituents"]
    text = _("{value} goes to {first}; the claim of {second} ends on {day}: {reason}")
    return text.format(
        value=data["value"], first=first, second=second, day=_day(data["ends_on"]), reason=data["reason"]
    )


def _kept(data: Data) -> str:
    text = _("{value} stays with {first} and {second}: {reason}")
    first, second = data["constituents"]
    return text.format(value=data["value"], first=first, second=second, reason=data["reason"])


def _member(data: Data) -> str:
    text = (
        _("{name} became a member and administers the entry")
        if data["is_administrator"]
        else _("{name} became a member")
    )
    return text.format(name=data["name"])


def _membership(data: Data) -> str:
    is_administrator = data["after"].get("is_administrator")
    text = _("{name} administers the entry") if is_administrator else _("{name} no longer administers the entry")
    return text.format(name=data["name"])


def _asked(data: Data) -> str:
    text = _("Done by a member: {wish}") if data["is_at_once"] else _("Asked for: {wish}")
    return text.format(wish=_wish(data))


def _refused(data: Data) -> str:
    return _("Refused: {wish}. {reason}").format(wish=_wish(data), reason=legible.shown(data["answer"], lines=True))


def _wish(data: Data) -> str:
    return asked.sentence(data["kind"], legible.shown(data["about"]))


_SENTENCES: dict[str, Callable[[Data], str]] = {
    "constituent.added": lambda _data: _("Entered"),
    "constituent.changed": _changed,
    "contact.added": lambda _data: _("Contact entered"),
    "contact.changed": _contact,
    "contact.undelivered": _undelivered,
    "membership.added": _member,
    "membership.changed": _membership,
    "membership.ended": lambda data: _("{name} is no longer a member").format(name=data["name"]),
    "claim.added": lambda data: _("Claim of {values} entered").format(values=_values(data)),
    "claim.confirmed": lambda data: _("Claim of {values} confirmed").format(values=_values(data)),
    "claim.ended": _ended,
    "conflict.settled": _settled,
    "conflict.kept": _kept,
    "change.asked": _asked,
    "change.approved": lambda data: _("Approved: {wish}").format(wish=_wish(data)),
    "change.refused": _refused,
    "change.outdated": lambda data: _("Overtaken: {wish}").format(wish=_wish(data)),
    "change.taken_back": lambda data: _("Taken back: {wish}").format(wish=_wish(data)),
    "entry.said_right": lambda _data: _("A member looked through the entry and says that it is right"),
    "directory.imported": lambda data: _("Imported from {files}").format(files=wording.listed(data["files"])),
}
