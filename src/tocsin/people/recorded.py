"""What rows about accounts say, and people as things that rows are about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping

from django.conf import settings
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from tocsin.audit import wording
from tocsin.audit.wording import Data, Fact, Group, Kind, Sentence
from tocsin.kernel.clock import zone_of
from tocsin.people import queries
from tocsin.people.choices import Purpose, Role
from tocsin.people.models import Person


def _until(text: str) -> str:
    at = timezone.localtime(dt.datetime.fromisoformat(text))
    said = formats.date_format(at, pgettext("date format", "j M Y, H:i"))
    return f"{said} {zone_of(at)}"


def _created(data: Data) -> str:
    role = dict(Role.choices).get(data["role"], data["role"])
    return _("Account opened for {email} ({role})").format(email=data["email"], role=role)


def _link_made(data: Data) -> str:
    if data.get("is_mailed"):
        return _("Enrolment link mailed to its holder, valid until {until}").format(until=_until(data["expires_at"]))
    return _("Enrolment link made, valid until {until}").format(until=_until(data["expires_at"]))


def _first_invited(data: Data) -> str:
    return _("Link for the first national administrator made, valid until {until}").format(
        until=_until(data["expires_at"])
    )


def _demo_link_made(data: Data) -> str:
    return _("One-time link to the demonstration made, valid until {until}").format(until=_until(data["expires_at"]))


def _link_mailed(data: Data) -> str:
    if data["purpose"] == Purpose.RESET:
        return _("Link to choose a new password mailed, valid until {until}").format(until=_until(data["expires_at"]))
    return _("Link to sign in mailed, valid until {until}").format(until=_until(data["expires_at"]))


def _signed_in(data: Data) -> str:
    words = {
        "code": _("Signed in with a code of the authenticator"),
        "recovery code": _("Signed in with a recovery code"),
        "another service": _("Signed in by another service, which asked for two factors"),
        "enrolment": _("Signed in by an enrolment link"),
        "demonstration": _("Signed in to the demonstration by a link"),
    }
    return words.get(data["method"]) or _("Signed in ({method})").format(method=data["method"])


def _sessions_ended(data: Data) -> str:
    number = int(data["ended"])
    return ngettext("All sessions ended: {number}", "All sessions ended: {number}", number).format(number=number)


def _key_made(data: Data) -> str:
    said = _("Key of the API made: {name} ({prefix}…), valid until {until}")
    return said.format(name=data["name"], prefix=data["prefix"], until=_until(data["expires_at"]))


_SENTENCES: dict[str, Sentence] = {
    "person.created": _created,
    "person.changed": lambda _data: _("Account changed"),
    "person.closed": lambda _data: _("Account closed"),
    "person.opened_again": lambda _data: _("Account opened again"),
    "person.sessions_ended": _sessions_ended,
    "person.session_ended": lambda data: _("Session ended that began on {when}").format(when=_until(data["began_at"])),
    "person.password_changed": lambda _data: _("Password changed"),
    "person.authenticator_replaced": lambda _data: _("New authenticator set up; the old one no longer signs in"),
    "person.authenticator_removed": lambda _data: _("Authenticator removed"),
    "person.passkey_added": lambda data: _("Passkey added: {name}").format(name=data["name"]),
    "person.passkey_renamed": lambda _data: _("Passkey renamed"),
    "person.passkey_removed": lambda data: _("Passkey removed: {name}").format(name=data["name"]),
    "api_key.made": _key_made,
    "api_key.revoked": lambda data: _("Key of the API revoked: {prefix}…").format(prefix=data["prefix"]),
    "person.enrolment_link_made": _link_made,
    "person.first_invited": _first_invited,
    "person.enrolled": lambda _data: _("Password chosen by an enrolment link"),
    "person.second_factor_set_up": lambda _data: _("Second factor set up"),
    "person.recovery_codes_renewed": lambda _data: _("New recovery codes made; the old ones no longer work"),
    "person.recovery_codes_kept": lambda _data: _("Recovery codes kept; they are not shown again"),
    "person.link_mailed": _link_mailed,
    "person.mailed_link_used": lambda _data: _("Link to sign in used; the second factor is asked for next"),
    "person.password_reset": lambda _data: _("New password chosen by a mailed link; all sessions ended"),
    "person.bound": lambda data: _("Known to the service {issuer} from now on").format(issuer=data["issuer"]),
    "person.signed_in": _signed_in,
    "person.demo_link_made": _demo_link_made,
    "person.demo_link_used": _signed_in,
    "person.language_chosen": lambda _data: _("Language of pages and mail chosen"),
}


def _facts() -> Mapping[str, Fact]:
    fields = ("name", "email", "role", "language", "clearance")
    names = {field: str(Person._meta.get_field(field).verbose_name) for field in fields}  # type: ignore[union-attr]
    words = {"role": {code: str(label) for code, label in Role.choices}, "language": dict(settings.LANGUAGES)}
    return {field: Fact(label, words.get(field, {})) for field, label in names.items()}


def _names(keys: Collection[str]) -> Mapping[str, str]:
    return {str(pk): name for pk, name in queries.names_of(int(key) for key in keys if key.isdigit()).items()}


def _find(text: str) -> str | None:
    if text.isascii() and text.isdigit():
        return text[:18]
    person = queries.person_by_email(text)
    return str(person.pk) if person else None


wording.register(Group("people", gettext_lazy("Accounts and signing in"), _SENTENCES, {"person": "person"}, _facts))
wording.register_kind(Kind("person", gettext_lazy("Person"), _names, lambda _key: "", _find, is_number=True))
