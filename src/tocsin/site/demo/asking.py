"""Let members of one organisation have asked for changes of its entry: some wait, some are decided."""

from __future__ import annotations

import datetime as dt
from typing import Any

from tocsin.site.demo.telling import MEMBER, MEMBER_OF

COLLEAGUE = "control@meridia.example"
WISHES: tuple[tuple[str, str, dict[str, Any], str], ...] = (
    (MEMBER, "claim", {"kind": "network", "value": "198.18.129.48/28"}, "The new control room, rented since May."),
    (MEMBER, "claim", {"kind": "network", "value": "198.19.86.0/24"}, "The substations, to be told apart."),
    (COLLEAGUE, "facts", {"region": "Serrat and North Reef"}, ""),
    (MEMBER, "facts", {"name": "National Power Authority"}, "The new name is in the gazette of last week."),
    (COLLEAGUE, "contact", {"phone": "+999 55 2970"}, "We have new telephones."),
)  # fmt: skip
"""Who asks for what, and why, the oldest first."""
REFUSED = {"kind": "suffix", "value": "island-bank.example"}
ANSWER = "That name is registered by somebody else. Send us the contract if you look after it for them."


def let_members_ask(**by_and_at: Any) -> None:
    """Let them ask, unless a load that was cut short has done so."""
    from tocsin.directory.actions import add_member, ask_for_change, refuse_change
    from tocsin.directory.choices import ChangeKind
    from tocsin.directory.models import ChangeRequest, Constituent
    from tocsin.directory.wishes import Wish
    from tocsin.people import links
    from tocsin.people.queries import person_by_email

    organisation = Constituent.objects.get(public_id=MEMBER_OF)
    if ChangeRequest.objects.exists():
        return
    if person_by_email(COLLEAGUE) is None:
        colleague: dict[str, Any] = {"email": COLLEAGUE, "name": "Sefa Lindqvi", "is_administrator": False}
        add_member(organisation, **colleague, token=links.new_token(), **by_and_at)
    contact = organisation.contacts.filter(is_active=True).first()
    at = by_and_at["at"]
    wishes: list[tuple[str, str, dict[str, Any], str]] = [
        (MEMBER, "claim", REFUSED, ""),
        (MEMBER, "facts", {"languages": ["fr", "en"]}, ""),
        *WISHES,
    ]
    for number, (email, kind, facts, reason) in enumerate(wishes):
        whom = contact if kind == "contact" else None
        person, when = person_by_email(email), at - dt.timedelta(hours=len(wishes) - number)
        if person is not None:
            ask_for_change(Wish(organisation, ChangeKind(kind), facts, contact=whom, reason=reason), by=person, at=when)
    refused = ChangeRequest.objects.filter(facts__value=REFUSED["value"]).first()
    if refused is not None:
        refuse_change(refused, answer=ANSWER, **by_and_at)
