"""What is wrong with what is to be entered: all of it at once, each mistake with its field.

The actions refuse by it, and pages ask it when a form is not even whole: so facts may be lacking, and what hangs on a
fact that is lacking is not looked at.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from tocsin.courier import mail_addresses, openpgp
from tocsin.directory.choices import ClaimKind, ContactRole, Status
from tocsin.directory.languages import is_language
from tocsin.directory.models import Claim, Constituent, Contact
from tocsin.directory.rules import canonical, is_public_id, periods_overlap
from tocsin.directory.sectors import sectors
from tocsin.kernel import clock, legible
from tocsin.kernel.refusals import Conflict, InvalidInput, Refusal

Facts = Mapping[str, Any]
Mistakes = Iterator[Refusal]


def of_new_constituent(facts: Facts) -> Mistakes:
    """Yield what is wrong with a constituent that is to be entered. Where `public_id` is empty, one is made."""
    public_id = facts.get("public_id", "")
    if public_id and not is_public_id(public_id):
        remedy = _("Use letters, digits, dot, underscore and hyphen, at most 64.")
        yield InvalidInput(_("{value!r} cannot be an id.").format(value=public_id), where="public_id", remedy=remedy)
    elif public_id and Constituent.objects.filter(public_id=public_id).exists():
        yield Conflict(_("There is a constituent {value} already.").format(value=public_id), where="public_id")
    yield from _of_facts(facts)


def of_changed_constituent(constituent: Constituent, facts: Facts) -> Mistakes:
    """Yield what is wrong with facts that a constituent is to have."""
    yield from _of_facts(facts)
    if facts.get("status") == Status.FORMER and (still := constituent.claims.filter(valid_to__isnull=True).count()):
        sentence = _("{name} still has {count} claims without a last day. End them first.")
        yield Conflict(sentence.format(name=constituent.name, count=still), where="status")
    if _is_in_circle(constituent, facts.get("parent")):
        yield Conflict(_("{name} would be its own parent.").format(name=constituent.name), where="parent")


def of_texts(facts: Facts, *, one_line: Sequence[str] = (), lines: Sequence[str] = ()) -> Mistakes:
    """Yield which texts nobody could read: of one line, or of several."""
    for field in (*one_line, *lines):
        if said := legible.flaw(facts.get(field, ""), lines=field in lines):
            yield InvalidInput(_(said), where=field)


def _of_facts(facts: Facts) -> Mistakes:
    """Yield facts that the tables or the pages could not carry."""
    yield from of_texts(facts, one_line=("name", "region"), lines=("note",))
    for said in sorted({legible.flaw(name) for name in facts.get("names", {}).values()} - {""}):
        yield InvalidInput(_(said), where="names")
    if not facts.get("name", "-").strip():
        yield InvalidInput(_("A constituent needs a name."), where="name")
    if facts.get("sector", "other") not in sectors():
        yield InvalidInput(_("{value!r} is no sector.").format(value=facts["sector"]), where="sector")
    if facts.get("status", Status.ACTIVE) not in Status.values:
        yield InvalidInput(_("{value!r} is no status.").format(value=facts["status"]), where="status")
    for field in ("languages", "names"):
        for code in facts.get(field, ()):
            if not is_language(code):
                yield InvalidInput(_("{value!r} is not a language code.").format(value=code), where=field)


def _is_in_circle(constituent: Constituent, parent: Constituent | None) -> bool:
    seen = {constituent.pk}
    while parent is not None:
        if parent.pk in seen:
            return True
        seen.add(parent.pk)
        parent = parent.parent
    return False


def of_new_claim(constituent: Constituent, facts: Facts) -> Mistakes:
    """Yield what is wrong with a claim that is to be entered: `kind`, `value`, `valid_from` and `valid_to`."""
    yield from of_texts(facts, one_line=("source",))
    value, period = None, (facts.get("valid_from"), facts.get("valid_to"))
    if facts.get("kind") and facts.get("value"):
        try:
            value = canonical(facts["kind"], facts["value"])
        except ValueError as error:
            yield InvalidInput(str(error), where="value")
    if period[0] and period[1] and period[1] < period[0]:
        yield InvalidInput(_("The last day is before the first day."), where="valid_to")
        return
    if not {"valid_from", "valid_to"} <= facts.keys():
        return
    if constituent.status == Status.FORMER and period[1] is None:
        yield InvalidInput(_("A former constituent's claim needs a last day."), where="valid_to")
    for claim in constituent.claims.filter(kind=facts.get("kind"), value=value) if value else ():
        if periods_overlap(period, (claim.valid_from, claim.valid_to)):
            sentence = _("{name} claims {value} already at that time.")
            yield Conflict(sentence.format(name=constituent.name, value=claim.label), where="value")
            return


def of_last_day(claim: Claim, ends_on: dt.date | None) -> Mistakes:
    """Yield what is wrong with the last day that a claim is to have."""
    if ends_on and claim.valid_from and ends_on < claim.valid_from:
        sentence = _("{value} is claimed from {first} on: the last day cannot be before.")
        yield InvalidInput(sentence.format(value=claim.label, first=_day(claim.valid_from)), where="ends_on")
    if ends_on and claim.valid_to and ends_on > claim.valid_to:
        sentence = _("{value} has ended on {last} already. Enter a new claim for the time after.")
        yield Conflict(sentence.format(value=claim.label, last=_day(claim.valid_to)), where="ends_on")


def of_settled_day(claim: Claim, ends_on: dt.date | None, at: clock.Instant) -> Mistakes:
    """Yield what is wrong with the last day by which a conflict is settled: until a day ahead both would go on."""
    yield from of_last_day(claim, ends_on)
    if ends_on and ends_on > clock.day_of(at):
        sentence = _(
            "{last} is ahead, and until then both would claim {value}. Give today or an earlier day, "
            "or settle it when that day has come."
        )
        yield InvalidInput(sentence.format(value=claim.label, last=_day(ends_on)), where="ends_on")


def _day(on: dt.date) -> str:
    return str(formats.date_format(on, pgettext("date format", "j M Y")))


def of_verified_day(on: dt.date | None, at: clock.Instant) -> Mistakes:
    """Yield what is wrong with the day on which somebody was reached."""
    if on and on > clock.latest_day(at):
        yield InvalidInput(_("{value} has not come yet.").format(value=_day(on)), where="verified_on")


def of_contact(contact: Contact, facts: Facts) -> Mistakes:
    """Yield what is wrong with the facts that a contact is to have, changed or not."""
    yield from of_texts(facts, one_line=("name", "phone"))
    if {"email", "phone"} <= facts.keys() and not facts["email"] and not facts["phone"]:
        yield InvalidInput(_("A contact needs an e-mail address or a telephone number."), where="email")
    before = Contact.objects.filter(pk=contact.pk).first() or Contact()
    if facts.get("email", "") != before.email:  # what stood there on an earlier day hinders no other change
        yield from _of_address(contact, facts.get("email") or "")
    if facts.get("name", "") != before.name and not legible.flaw(facts.get("name") or ""):
        yield from _of_one(mail_addresses.checked_name, facts.get("name") or "")
    if facts.get("role", ContactRole.SECURITY) not in ContactRole.values:
        yield InvalidInput(_("{value!r} is no role.").format(value=facts["role"]), where="role")
    if (language := facts.get("language")) and not is_language(language):
        yield InvalidInput(_("{value!r} is not a language code.").format(value=language), where="language")
    deputised = facts.get("deputy_of")
    if deputised and (deputised.constituent_id != contact.constituent_id or deputised.pk == contact.pk):
        yield InvalidInput(_("A deputy stands in for another contact of the same constituent."), where="deputy_of")
    yield from _of_double(contact, facts)
    try:
        openpgp_fingerprint(facts.get("openpgp_key", ""))
    except openpgp.NotAPublicKey as error:
        yield InvalidInput(str(error), where="openpgp_key")


def _of_address(contact: Contact, email: str) -> Mistakes:
    """Yield why an address is none, takes no mail, or would be taken for another."""
    if email and not _is_email(email):
        yield InvalidInput(_("{value!r} is not an e-mail address.").format(value=email), where="email")
    elif said := mail_addresses.deceit(email, _own_hosts(contact)):
        yield InvalidInput(said, where="email")
    elif email:
        yield from _of_one(mail_addresses.checked, email)


def _of_one(check: Callable[[str], str], value: str) -> Mistakes:
    try:
        check(value)
    except InvalidInput as refused:
        yield refused


def _own_hosts(contact: Contact) -> Iterator[str]:
    """Yield the hosts that are known as a constituent's own: its domains, and those of its contacts."""
    row = contact.constituent
    yield from row.claims.filter(kind=ClaimKind.SUFFIX).values_list("value", flat=True)
    for email in row.contacts.exclude(email="").values_list("email", flat=True):
        yield email.rpartition("@")[2]


def _of_double(contact: Contact, facts: Facts) -> Mistakes:
    """Yield that a mailbox is a contact in a role already, however its letters are written.

    Doubles of an earlier day stay: who changes something else of one is not hindered.
    """
    role, email = facts.get("role"), facts.get("email")
    if not email:
        return
    mailbox = mail_addresses.mailbox(email)
    rows = Contact.objects.filter(constituent=contact.constituent_id, role=role).exclude(email="")
    same = {pk: known for pk, known in rows.values_list("pk", "email") if mail_addresses.mailbox(known) == mailbox}
    is_there = email in {known for pk, known in same.items() if pk != contact.pk}
    if is_there or (same and contact.pk not in same):
        yield Conflict(_("{value} is a contact in this role already.").format(value=email), where="email")


def of_new_key(contact: Contact, key: str | None, at: clock.Instant) -> Mistakes:
    """Yield why nothing could be encrypted to a key that a contact is to have. The one it has may stay as it is."""
    stored = Contact.objects.filter(pk=contact.pk).values_list("openpgp_key", flat=True).first()
    if key and key.strip() and key.strip() != (stored or "").strip() and (said := openpgp.flaw(key, at=at)):
        yield InvalidInput(said, where="openpgp_key")


def openpgp_fingerprint(key: str) -> str:
    """Return the fingerprint of a key; empty without one. Raises openpgp.NotAPublicKey."""
    return openpgp.fingerprint(key) if key.strip() else ""


def _is_email(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True
