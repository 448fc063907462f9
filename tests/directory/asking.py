"""What the tests of changes that members ask for have in common."""

from __future__ import annotations

import datetime as dt
from typing import Any

from tests.directory.conftest import AT
from tocsin.audit.models import AuditRow
from tocsin.directory import actions
from tocsin.directory.choices import ChangeKind, ClaimKind
from tocsin.directory.models import ChangeRequest, Claim, Constituent, Contact
from tocsin.directory.wishes import Wish
from tocsin.people.models import Person

TODAY = AT.date()
TOMORROW = TODAY + dt.timedelta(days=1)
YESTERDAY = TODAY - dt.timedelta(days=1)


def ask(asked: Wish, by: Person, *, at: dt.datetime = AT) -> ChangeRequest:
    """Ask, and return the request."""
    return ChangeRequest.objects.get(pk=actions.ask_for_change(asked, by=by, at=at).request)


def claim_wish(constituent: Constituent, value: str, kind: ClaimKind = ClaimKind.NETWORK, **facts: Any) -> Wish:
    """Return the wish for a claim."""
    period = {"valid_from": None, "valid_to": None, **facts}
    return Wish(constituent, ChangeKind.CLAIM, {"kind": kind, "value": value, **period})


def end_wish(claim: Claim, ends_on: dt.date, reason: str = "Sold.") -> Wish:
    """Return the wish that a claim ends."""
    return Wish(claim.constituent, ChangeKind.END_OF_CLAIM, {"ends_on": ends_on}, claim=claim, reason=reason)


def contact_wish(contact: Contact, **facts: Any) -> Wish:
    """Return the wish that a contact changes."""
    return Wish(contact.constituent, ChangeKind.CONTACT, facts, contact=contact)


def codes(since: int = 0) -> list[str]:
    """Return what was done after a row of the trail."""
    return list(AuditRow.objects.filter(sequence__gt=since).order_by("sequence").values_list("code", flat=True))


def last() -> int:
    """Return the number of the newest row of the trail."""
    return AuditRow.objects.count()
