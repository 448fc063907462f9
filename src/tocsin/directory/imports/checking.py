"""From plain items to records, or to every problem by row and column. All is checked before anything is refused."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from tocsin.courier import mail_addresses, openpgp
from tocsin.directory.choices import ClaimKind, ContactRole, Status
from tocsin.directory.imports.reading import read_items
from tocsin.directory.imports.records import (
    ClaimRecord,
    ConstituentRecord,
    ContactRecord,
    ImportRefused,
    Place,
    Problem,
    RawItem,
    ReadFiles,
    no_other_contact,
)
from tocsin.directory.languages import is_language
from tocsin.directory.rules import canonical, is_public_id, periods_overlap
from tocsin.directory.sectors import sectors
from tocsin.kernel import clock, legible
from tocsin.kernel.refusals import InvalidInput

T = TypeVar("T")
CLAIM_FIELDS = {"networks": ClaimKind.NETWORK, "asns": ClaimKind.ASN, "domains": ClaimKind.SUFFIX}
DATE_FIELDS = ("valid_from", "valid_to", "confirmed_by", "confirmed_on", "source")
FIELDS = frozenset(
    ("id", "name", "names", "sector", "languages", "status", "region", "parent", "note", "contact", "contacts")
) | CLAIM_FIELDS.keys() | set(DATE_FIELDS)  # fmt: skip
CLAIM_OBJECT_FIELDS = frozenset(("value", *DATE_FIELDS))
CONTACT_FIELDS = frozenset(
    ("role", "name", "language", "email", "phone", "openpgp_key", "verified_on", "deputy_of", "active")
)
_PHONE = re.compile(r"\+?[0-9][0-9 ()./-]{3,38}\Z")
MAX_NOTE, MAX_KEY = 10_000, 200_000


def read_files(files: Iterable[tuple[str, bytes]], *, today: dt.date | None = None) -> ReadFiles:
    """Return what the files hold, checked. Raises ImportRefused with every problem of all of them.

    What was confirmed or verified, was so `today` at the latest: on the last day that has begun anywhere, unless it is
    told.
    """
    latest = today or clock.latest_day(clock.now())
    records: list[ConstituentRecord] = []
    problems: list[Problem] = []
    remarks: list[str] = []
    names: list[str] = []
    hashes: list[str] = []
    for name, content in files:
        items, wrong, assumed = read_items(name, content)
        names.append(name)
        hashes.append(hashlib.sha256(content).hexdigest())
        problems += wrong
        remarks += assumed
        records += (_Checker(item, problems, latest).constituent() for item in items)
    problems += _twice(records)
    if problems:
        raise ImportRefused(problems)
    return ReadFiles(tuple(names), tuple(hashes), tuple(records), tuple(remarks))


def _twice(records: Sequence[ConstituentRecord]) -> Iterable[Problem]:
    """Find ids, or names without an id, that stand in the files twice."""
    seen: dict[tuple[str, str], Place] = {}
    for record in records:
        name = record.given.get("name", "")
        key = ("id", record.public_id) if record.public_id else ("name", name)
        if not key[1]:
            continue
        if key in seen:
            sentence = _("{value} stands in row {row} of {file} already.")
            first = seen[key]
            yield Problem(record.place.at(key[0]), sentence.format(value=key[1], row=first.row, file=first.file))
        seen.setdefault(key, record.place)


class _Checker:
    """Checks one item; what is wrong goes to `problems`, and the value is left out."""

    def __init__(self, item: RawItem, problems: list[Problem], latest: dt.date) -> None:
        self.item, self.problems, self.latest = item, problems, latest

    def wrong(self, field: str, sentence: str) -> None:
        """Note a problem with a field, under the name of its column."""
        self.problems.append(Problem(self.item.place.at(self.item.columns.get(field, field)), sentence))

    def constituent(self) -> ConstituentRecord:
        """Return the item as a record."""
        fields = self.item.fields
        self._known(fields, FIELDS, "")
        given = {
            "name": self._required_name(fields),
            "sector": self._one_of(fields, "sector", sectors()),
            "status": self._one_of(fields, "status", Status.values),
            "region": self._text(fields, "region", "", 100),
            "note": self._text(fields, "note", "", MAX_NOTE, lines=True),
            "names": self._names(fields),
            "languages": self._languages(fields),
        }
        claims = self._claims(fields)
        if given["status"] == Status.FORMER and any(claim.valid_to is None for claim in claims):
            self.wrong("status", _("A former constituent's claims need a last day: give valid_to."))
        return ConstituentRecord(
            self.item.place,
            self._public_id(fields, "id") or "",
            # Empty words for a choice mean "as it is": no constituent is without a sector or status.
            {key: value for key, value in given.items() if value is not None and not (key in _CHOICES and value == "")},
            self._public_id(fields, "parent"),
            claims,
            frozenset(kind for field, kind in CLAIM_FIELDS.items() if field in fields),
            self._contacts(fields),
        )

    # ---- values

    def _known(self, fields: Mapping[str, Any], known: frozenset[str], prefix: str) -> None:
        for key in fields:
            if key not in known:
                sentence = _("There is no such field. Known are: {fields}.")
                self.wrong(prefix + key[:60], sentence.format(fields=", ".join(sorted(known))))

    def _text(
        self, fields: Mapping[str, Any], key: str, prefix: str, longest: int, *, lines: bool = False
    ) -> str | None:
        """Return a text in composed form, or None when it is not given or not right."""
        value = fields.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            self.wrong(prefix + key, _("It must be text."))
            return None
        text = unicodedata.normalize("NFC", value.strip())
        if said := legible.flaw(text, lines=lines):
            self.wrong(prefix + key, _(said))
            return None
        if len(text) > longest:
            sentence = _("It is longer than {longest} characters.")
            self.wrong(prefix + key, sentence.format(longest=longest))
            return None
        return text

    def _read(self, field: str, read: Callable[[str], T], text: str | None) -> T | None:
        """Return `read(text)`, or None with its sentence noted; None for no text."""
        if not text:
            return None
        try:
            return read(text)
        except ValueError as error:
            self.wrong(field, str(error))
        except InvalidInput as refused:
            self.wrong(field, refused.problem)
        return None

    def _date(self, fields: Mapping[str, Any], key: str, prefix: str) -> dt.date | None:
        return self._read(prefix + key, _date, self._text(fields, key, prefix, 40))

    def _past_date(self, fields: Mapping[str, Any], key: str, prefix: str) -> dt.date | None:
        """Return a day on which something was done: a later one would stand above all that is done until then."""
        given = self._date(fields, key, prefix)
        if given is None or given <= self.latest:
            return given
        self.wrong(prefix + key, _("{value} has not come yet.").format(value=given))
        return None

    def _one_of(self, fields: Mapping[str, Any], key: str, known: Iterable[str], prefix: str = "") -> str | None:
        text = self._text(fields, key, prefix, 60)
        if not text:
            return text
        word = text.lower()
        if word not in known:
            sentence = _("{value!r} is not known. Known are: {known}.")
            self.wrong(prefix + key, sentence.format(value=text, known=", ".join(known)))
            return None
        return word

    def _language(self, field: str, text: str) -> str | None:
        if is_language(text):
            return text
        self.wrong(field, _("{value!r} is not a language code. Write it as fr or pt-BR.").format(value=text))
        return None

    # ---- facts

    def _required_name(self, fields: Mapping[str, Any]) -> str | None:
        before = len(self.problems)
        name = self._text(fields, "name", "", 200)
        if not name and len(self.problems) == before:
            self.wrong("name", _("Each constituent needs a name."))
        return name

    def _public_id(self, fields: Mapping[str, Any], key: str) -> str | None:
        text = self._text(fields, key, "", 200)
        if text and not is_public_id(text):
            sentence = _("{value!r} cannot be an id: letters, digits, dot, underscore and hyphen, at most 64.")
            self.wrong(key, sentence.format(value=text))
        return text

    def _names(self, fields: Mapping[str, Any]) -> dict[str, str] | None:
        value = fields.get("names")
        if value is None:
            return None
        if not isinstance(value, dict):
            self.wrong("names", _('It must be an object by language: {{"fr": "…"}}.').format())
            return None
        names = {key: self._text(value, key, "names.", 200) for key in value if self._language(f"names.{key}", key)}
        return {key: name for key, name in names.items() if name}

    def _languages(self, fields: Mapping[str, Any]) -> list[str] | None:
        value = fields.get("languages")
        if value is None:
            return None
        codes = [self._language("languages", str(code)) for code in self._list("languages", value)]
        return list(dict.fromkeys(code for code in codes if code))

    def _list(self, field: str, value: Any) -> list[Any]:
        if isinstance(value, list):
            return value
        self.wrong(field, _("It must be a list."))
        return []

    # ---- claims

    def _claims(self, fields: Mapping[str, Any]) -> tuple[ClaimRecord, ...]:
        shared = self._dates(fields, "")
        claims: list[ClaimRecord] = []
        for field, kind in CLAIM_FIELDS.items():
            value = fields.get(field)
            for number, given in enumerate(self._list(field, value) if value is not None else (), start=1):
                claim = self._claim(kind, f"{field}[{number}]", given, shared)
                if claim:
                    claims.append(claim)
        self._claimed_twice(claims)
        return tuple(claims)

    def _claim(self, kind: ClaimKind, field: str, given: Any, shared: Mapping[str, Any]) -> ClaimRecord | None:
        own: Mapping[str, Any] = {}
        if isinstance(given, dict):
            self._known(given, CLAIM_OBJECT_FIELDS, f"{field}.")
            own = {key: value for key, value in self._dates(given, f"{field}.").items() if value}
            given = given.get("value", "")
        if isinstance(given, bool) or not isinstance(given, str | int) or (isinstance(given, int) and kind != "asn"):
            self.wrong(field, _("It must be text."))
            return None
        if given == "":
            self.wrong(field, _("The value is missing."))
            return None
        value = self._read(field, lambda text: canonical(kind, text), str(given)[:300])
        if value is None:
            return None
        place = self.item.place.at(self.item.columns.get(field, field))
        claim = ClaimRecord(place, kind, value, **{**shared, **own})
        if claim.valid_from and claim.valid_to and claim.valid_to < claim.valid_from:
            sentence = _("{value}: the last day {last} is before the first day {first}.")
            self.wrong(field, sentence.format(value=value, last=claim.valid_to, first=claim.valid_from))
        return claim

    def _dates(self, fields: Mapping[str, Any], prefix: str) -> dict[str, Any]:
        return {
            "valid_from": self._date(fields, "valid_from", prefix),
            "valid_to": self._date(fields, "valid_to", prefix),
            "confirmed_by": self._text(fields, "confirmed_by", prefix, 200) or "",
            "confirmed_on": self._past_date(fields, "confirmed_on", prefix),
            "source": self._text(fields, "source", prefix, 200) or "",
        }

    def _claimed_twice(self, claims: Sequence[ClaimRecord]) -> None:
        seen: dict[tuple[str, str], list[ClaimRecord]] = {}
        for claim in claims:
            same = seen.setdefault((claim.kind, claim.value), [])
            if any(periods_overlap(claim.period, other.period) for other in same):
                sentence = _("{value} is claimed twice by the same constituent.").format(value=claim.value)
                self.problems.append(Problem(claim.place, sentence))
            same.append(claim)

    # ---- contacts

    def _contacts(self, fields: Mapping[str, Any]) -> tuple[ContactRecord, ...]:
        simple = (self._text(fields, "contact", "", 2_000) or "").replace(";", " ").replace(",", " ").split()
        many = len(simple) + len(given if isinstance(given := fields.get("contacts"), list) else ())
        if many > MOST_CONTACTS:
            words = _("{number} contacts are too many; {most} are the most.")
            self.wrong("contacts", words.format(number=many, most=MOST_CONTACTS))
            return ()
        contacts = [self._contact("contact", {"email": address}, "contact") for address in simple]
        value = fields.get("contacts")
        for number, given in enumerate(self._list("contacts", value) if value is not None else (), start=1):
            contacts.append(self._contact(f"contacts[{number}]", given, f"contacts[{number}].email"))
        right = [contact for contact in contacts if contact]
        for number, contact in enumerate(right):
            if contact.key in {other.key for other in right[:number]}:
                self.problems.append(Problem(contact.place, _("The contact stands there twice in the same role.")))
        mailbox = mail_addresses.mailbox
        for contact in right:
            if contact.deputy_of and mailbox(contact.deputy_of) == mailbox(contact.email):
                self.problems.append(no_other_contact(contact))
        return tuple(right)

    def _contact(self, field: str, given: Any, email_field: str) -> ContactRecord | None:
        if not isinstance(given, dict):
            self.wrong(field, _("It must be an object with fields such as role and email."))
            return None
        prefix = f"{field}."
        self._known(given, CONTACT_FIELDS, prefix)
        email = self._read(email_field, _email, self._text(given, "email", prefix, 254)) or ""
        phone = self._read(f"{prefix}phone", _phone, self._text(given, "phone", prefix, 60)) or ""
        if not given.get("email") and not given.get("phone"):
            self.wrong(field, _("A contact needs an e-mail address or a telephone number."))
        values: dict[str, Any] = {
            "name": self._read(f"{prefix}name", mail_addresses.checked_name, self._text(given, "name", prefix, 200)),
            "phone": phone or None,
            "language": self._contact_language(given, prefix),
            "verified_on": self._past_date(given, "verified_on", prefix),
            "is_active": self._truth(given, "active", prefix),
            **self._openpgp(given, prefix),
        }
        role = self._one_of(given, "role", ContactRole.values, prefix) or ContactRole.SECURITY
        return ContactRecord(
            self.item.place.at(self.item.columns.get(email_field, field)),
            ContactRole(role),
            email,
            {key: value for key, value in values.items() if value is not None},
            self._text(given, "deputy_of", prefix, 254) or "",
        )

    def _contact_language(self, given: Mapping[str, Any], prefix: str) -> str | None:
        text = self._text(given, "language", prefix, 20)
        return self._language(f"{prefix}language", text) if text else text

    def _truth(self, given: Mapping[str, Any], key: str, prefix: str) -> bool | None:
        value = given.get(key)
        if value is None or isinstance(value, bool):
            return value
        self.wrong(prefix + key, _("It must be true or false."))
        return None

    def _openpgp(self, given: Mapping[str, Any], prefix: str) -> dict[str, str]:
        key = self._text(given, "openpgp_key", prefix, MAX_KEY, lines=True)
        fingerprint = self._read(f"{prefix}openpgp_key", openpgp.fingerprint, key)
        return {"openpgp_key": key, "openpgp_fingerprint": fingerprint} if key and fingerprint else {}


_CHOICES = ("sector", "status")
MOST_CONTACTS = 100
"""Of one constituent, in one file."""


def _date(text: str) -> dt.date:
    try:
        return clock.day(text)
    except ValueError:
        return _refuse_date(text)


def _refuse_date(text: str) -> dt.date:
    raise ValueError(_("{value!r} is not a date. Write it as 2026-01-31.").format(value=text)) from None


def _email(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError:
        raise ValueError(_("{value!r} is not an e-mail address.").format(value=text)) from None
    mail_addresses.checked(text)
    return text


def _phone(text: str) -> str:
    if not _PHONE.match(text):
        raise ValueError(_("{value!r} is not a telephone number. Write it as +000 123 4567.").format(value=text))
    return text
