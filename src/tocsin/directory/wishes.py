"""What a member of a constituent asks for, as the actions will take it: what is wrong with it, whose word is enough.

A wish waits as plain facts in a request. It is looked at when it is asked for and again when it is decided, by the same
rules as what staff type, and by a few more: who asks is outside the team.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from tocsin.courier import mail_addresses
from tocsin.directory import mistakes, rules
from tocsin.directory.choices import ChangeKind, ClaimKind
from tocsin.directory.models import ChangeRequest, Claim, Constituent, Contact
from tocsin.kernel.clock import Instant
from tocsin.kernel.events import plain
from tocsin.kernel.refusals import Conflict, InvalidInput, Refusal

LONGEST_REASON = 1_000
CLAIM_FACTS = ("kind", "value", "valid_from", "valid_to")
CONTACT_FACTS = ("role", "name", "language", "email", "phone", "openpgp_key", "deputy_of", "is_active")
ENTRY_FACTS = ("name", "names", "sector", "languages", "region")
"""Not status, parent and note: these are the team's."""
FACTS: Mapping[str, tuple[str, ...]] = {
    ChangeKind.CLAIM: CLAIM_FACTS,
    ChangeKind.END_OF_CLAIM: ("ends_on",),
    ChangeKind.NEW_CONTACT: CONTACT_FACTS,
    ChangeKind.CONTACT: CONTACT_FACTS,
    ChangeKind.FACTS: ENTRY_FACTS,
}
"""What may be asked for, by kind; nothing else reaches an action."""
_DAYS = ("valid_from", "valid_to", "ends_on")


@dataclasses.dataclass(frozen=True)
class Wish:
    """What is asked for."""

    constituent: Constituent
    kind: ChangeKind
    facts: Mapping[str, Any]
    claim: Claim | None = None
    """That is to end."""
    contact: Contact | None = None
    """That is to be changed."""
    reason: str = ""

    @property
    def about(self) -> str:
        """What it is about, in one word; empty for the facts of the constituent."""
        if self.kind == ChangeKind.CLAIM:
            value = str(self.facts["value"])
            return f"AS{value}" if self.facts["kind"] == ClaimKind.ASN else value
        if self.kind == ChangeKind.NEW_CONTACT:
            return str(Contact(**{name: self.facts.get(name, "") for name in ("name", "email", "phone")}))
        return str(self.claim or self.contact or "")


def wish_of(request: ChangeRequest) -> Wish:
    """Return what a request asks for, as the actions take it."""
    row, facts = request.constituent, dict(request.facts)
    for name in _DAYS:
        if facts.get(name):
            facts[name] = dt.date.fromisoformat(facts[name])
    if facts.get("deputy_of"):
        facts["deputy_of"] = row.contacts.filter(pk=facts["deputy_of"]).first()
    return Wish(row, ChangeKind(request.kind), facts, request.claim, request.contact, request.reason)


def in_order(wish: Wish) -> Wish:
    """Return a wish with what it would really change, its value in the form in which it is stored.

    Called when nothing is wrong with it.
    """
    facts = dict(wish.facts)
    if wish.kind == ChangeKind.CLAIM:
        facts = {name: facts.get(name) for name in CLAIM_FACTS}
        facts["kind"] = ClaimKind(facts["kind"])
        facts["value"] = rules.canonical(facts["kind"], facts["value"])
    elif is_of_what_is_there(wish):
        facts = {name: value for name, value in facts.items() if _now(wish, name) != value}
    return dataclasses.replace(wish, facts=facts)


def as_stored(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts as a request keeps them."""
    return {name: value.pk if isinstance(value, Contact) else plain(value) for name, value in facts.items()}


def before(wish: Wish) -> dict[str, Any]:
    """Return the facts as they are now, as a request keeps them; nothing for what is new."""
    if not is_of_what_is_there(wish):
        return {}
    return as_stored({name: _now(wish, name) for name in wish.facts})


def is_of_what_is_there(wish: Wish) -> bool:
    """Whether something is to be changed that is there already."""
    return wish.kind not in (ChangeKind.CLAIM, ChangeKind.NEW_CONTACT)


def _now(wish: Wish, name: str) -> Any:
    if wish.kind == ChangeKind.END_OF_CLAIM:
        return wish.claim.valid_to if wish.claim else None
    return getattr(wish.contact or wish.constituent, name)


# ---- what is wrong with it


def mistakes_of(wish: Wish) -> Iterator[Refusal]:
    """Yield what is wrong with a wish. Facts may be lacking, as in a form that is not whole."""
    if unknown := wish.facts.keys() - set(FACTS[wish.kind]):
        raise TypeError(f"nobody may ask for {sorted(unknown)} of a {wish.kind}")
    yield from _OF_KIND[wish.kind](wish)
    yield from mistakes.of_texts({"reason": wish.reason}, lines=("reason",))
    if len(wish.reason) > LONGEST_REASON:
        words = _("It has {number} characters; {most} are the most.")
        yield InvalidInput(words.format(number=len(wish.reason), most=LONGEST_REASON), where="reason")
    if is_of_what_is_there(wish) and all(_now(wish, name) == value for name, value in wish.facts.items()):
        yield Conflict(_("It is so already: nothing would change."))


def mistakes_of_key(wish: Wish, at: Instant) -> Iterator[Refusal]:
    """Yield why nothing could be encrypted to the key that a contact is to have."""
    if wish.kind in (ChangeKind.CONTACT, ChangeKind.NEW_CONTACT):
        contact = wish.contact or Contact(constituent=wish.constituent)
        yield from mistakes.of_new_key(contact, wish.facts.get("openpgp_key"), at)


def _of_claim(wish: Wish) -> Iterator[Refusal]:
    yield from mistakes.of_new_claim(wish.constituent, wish.facts)


def _of_end(wish: Wish) -> Iterator[Refusal]:
    if wish.claim:
        yield from mistakes.of_last_day(wish.claim, wish.facts.get("ends_on"))


def _of_contact(wish: Wish) -> Iterator[Refusal]:
    contact = wish.contact or Contact(constituent=wish.constituent)
    stated = {**{name: getattr(contact, name) for name in CONTACT_FACTS}, **wish.facts}
    found = list(mistakes.of_contact(contact, stated))
    yield from found
    if not {"email", "name"} & {each.where for each in found}:
        yield from _of_addressee(wish.facts)


def _of_addressee(facts: Mapping[str, Any]) -> Iterator[Refusal]:
    """Yield why nothing could be mailed to a contact: staff are told so when a notice goes, others now."""
    for name, check in (("email", mail_addresses.checked), ("name", mail_addresses.checked_name)):
        try:
            if facts.get(name):
                check(facts[name])
        except InvalidInput as refused:
            yield refused


def _of_facts(wish: Wish) -> Iterator[Refusal]:
    yield from mistakes.of_changed_constituent(wish.constituent, wish.facts)


_OF_KIND = {
    ChangeKind.CLAIM: _of_claim,
    ChangeKind.END_OF_CLAIM: _of_end,
    ChangeKind.NEW_CONTACT: _of_contact,
    ChangeKind.CONTACT: _of_contact,
    ChangeKind.FACTS: _of_facts,
}


def is_about(request: ChangeRequest) -> frozenset[tuple[Any, ...]]:
    """Return what a request would change, each as one value: two that share one cannot both be meant."""
    facts, kind = request.facts, str(request.kind)
    if kind == ChangeKind.CLAIM:
        return frozenset({(kind, facts["kind"], facts["value"])})
    if kind == ChangeKind.NEW_CONTACT:
        mailbox = mail_addresses.mailbox(facts.get("email") or "") or facts.get("phone")
        return frozenset({(kind, facts.get("role"), mailbox)})
    return frozenset((kind, request.claim_id, request.contact_id, name) for name in facts)


def is_outdated(request: ChangeRequest) -> bool:
    """Whether what a request is to change is no longer as it was, or others have entered the same meanwhile."""
    wish = wish_of(request)
    if before(wish) != request.before:
        return True
    return any(isinstance(each, Conflict) for each in mistakes_of(wish))


# ---- whose word is enough


def takes_effect_at_once(wish: Wish, *, administers: bool, today: dt.date) -> bool:
    """Whether it is done without the team when who asks administers the entry. `wish` is in order."""
    return administers and rules.needs_no_approval(wish.kind, wish.facts, today)
