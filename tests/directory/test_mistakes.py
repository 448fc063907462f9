"""A refused form names all its mistakes at once, each with its field: also those that only the action can see."""

from __future__ import annotations

import datetime as dt
import html
import re

import pytest
from django.http import HttpResponse

from tests.directory.conftest import AT, BY, claim
from tests.directory.test_pages import CONSTITUENT, Pages, pages
from tocsin.directory import actions
from tocsin.directory.choices import ClaimKind
from tocsin.directory.models import Claim, Constituent
from tocsin.kernel.refusals import Conflict, InvalidInput, Refusal

pytestmark = pytest.mark.django_db
__all__ = ["pages"]


def mistakes(answer: HttpResponse) -> list[str]:
    """Return the sentences at the top of a refused form, each with its field."""
    assert answer.status_code == 422
    summary = answer.content.decode().partition('id="errors"')[2].partition("</ul>")[0]
    return [html.unescape(each) for each in re.findall(r"<li><(?:a|b)[^>]*>(.*?)</(?:a|b)></li>", summary)]


def test_all_mistakes_in_a_constituent_are_named_at_once(
    pages: Pages, ministry: Constituent, bank: Constituent
) -> None:
    """Those that the form sees and those that only the action sees."""
    typed = {"sector": "magic", "status": "active", "public_id": "moh", "languages": "?? fr", "names": "Fr: Le port"}
    assert mistakes(pages.post("/directory/add/", name="", **typed)) == [
        "Name: This field is required.",
        "Sector: Select a valid choice. magic is not one of the available choices.",
        "Id: There is a constituent moh already.",
        "Languages to write in: '??' is not a language code.",
        "Name in other languages: 'Fr' is not a language code.",
    ]
    claim(ministry, "192.0.2.0/24")
    actions.change_constituent(bank, parent=ministry, by=BY, at=AT)
    typed = {"sector": "health", "status": "former", "parent": "bank", "languages": "??"}
    assert mistakes(pages.post(f"{CONSTITUENT}change/", name="Health", **typed)) == [
        "Languages to write in: '??' is not a language code.",
        "Status: Ministry of Health still has 1 claims without a last day. End them first.",
        "Part of: Ministry of Health would be its own parent.",
    ]


def test_texts_that_nobody_can_read_are_refused_and_still_there(pages: Pages, ministry: Constituent) -> None:
    answer = pages.post(f"{CONSTITUENT}change/", name="\u200b", sector="health", status="active", note="a\x1b[2J")
    assert mistakes(answer) == [
        "Name: It holds nothing that can be seen.", "Note for the team: It holds a control character.",
    ]  # fmt: skip
    assert 'value="\u200b"' in answer.content.decode() and "a\x1b[2J</textarea>" in answer.content.decode()
    assert "maxlength" not in answer.content.decode().partition("<main")[2]
    typed = {"kind": "network", "value": "192.0.2.0/24", "source": "\x07"}
    assert mistakes(pages.post(f"{CONSTITUENT}claims/add/", **typed)) == ["How we know: It holds a control character."]
    contact = {"role": "security", "name": "\u2060", "email": "a@b.example"}
    assert mistakes(pages.post(f"{CONSTITUENT}contacts/add/", **contact)) == [
        "Name: It holds nothing that can be seen."
    ]
    with pytest.raises(InvalidInput, match="reason: It holds nothing"):
        one = claim(ministry, "192.0.2.0/24")
        actions.end_claim(one, ends_on=AT.date(), reason="\u200b", by=BY, at=AT)


def test_all_mistakes_in_a_claim_are_named_at_once(pages: Pages, ministry: Constituent) -> None:
    address = f"{CONSTITUENT}claims/add/"
    typed = {"kind": "network", "value": "192.0.2.1/24", "valid_from": "2026-02-31", "valid_to": "2026-01-01"}
    assert mistakes(pages.post(address, **typed)) == [
        "First day: Enter a valid date.",
        "Network, autonomous system or domain suffix: 192.0.2.1/24 is not a whole network. Write it as 192.0.2.0/24.",
    ]
    assert mistakes(pages.post(address, **{**typed, "valid_from": "2026-03-01"})) == [
        "Network, autonomous system or domain suffix: 192.0.2.1/24 is not a whole network. Write it as 192.0.2.0/24.",
        "Last day: The last day is before the first day.",
    ]
    claim(ministry, "192.0.2.0/24")
    assert mistakes(pages.post(address, kind="network", value="192.0.2.0/24", source="x" * 201)) == [
        "How we know: Ensure this value has at most 200 characters (it has 201).",
        "Network, autonomous system or domain suffix: Ministry of Health claims 192.0.2.0/24 already at that time.",
    ]
    assert Claim.objects.count() == 1


def test_the_last_day_of_a_claim_is_named_beside_what_else_is_wrong(pages: Pages, ministry: Constituent) -> None:
    row = claim(ministry, "192.0.2.0/24", valid_from=dt.date(2026, 1, 1))
    assert mistakes(pages.post(f"/directory/claims/{row.pk}/end/", ends_on="2025-01-01", reason="x" * 1001)) == [
        "Why it ends: Ensure this value has at most 1000 characters (it has 1001).",
        "Last day: 192.0.2.0/24 is claimed from 1 Jan 2026 on: the last day cannot be before.",
    ]


def test_all_mistakes_in_a_contact_are_named_at_once(pages: Pages, ministry: Constituent) -> None:
    address = f"{CONSTITUENT}contacts/add/"
    typed = {"role": "nobody", "email": "x", "language": "??", "openpgp_key": "no key", "verified_on": "yesterday"}
    assert [each.partition(":")[0] for each in mistakes(pages.post(address, **typed))] == [
        "Role", "Verified on", "E-mail address", "Language", "OpenPGP public key",
    ]  # fmt: skip
    assert mistakes(pages.post(address, role="security", language="??")) == [
        "E-mail address: A contact needs an e-mail address or a telephone number.",
        "Language: '??' is not a language code.",
    ]
    assert mistakes(pages.post(address, role="security", email="x" * 255)) == [
        "E-mail address: Ensure this value has at most 254 characters (it has 255)."
    ], "an address was given, though none that will do"
    contact = actions.add_contact(ministry, email="soc@moh.example", by=BY, at=AT).contact
    changed = {"role": "security", "email": "soc@moh.example", "language": "??", "openpgp_key": "no key"}
    found = mistakes(pages.post(f"/directory/contacts/{contact}/", **changed))
    assert [each.partition(":")[0] for each in found] == ["Language", "OpenPGP public key"]


def test_all_mistakes_in_a_decision_are_named_at_once(pages: Pages, ministry: Constituent, bank: Constituent) -> None:
    ours = claim(ministry, "192.0.2.0/24", valid_from=dt.date(2026, 1, 1))
    theirs = claim(bank, "192.0.2.0/24")
    address = f"/directory/conflicts/{ours.pk}-{theirs.pk}/"
    early = "192.0.2.0/24 is claimed from 1 Jan 2026 on: the last day cannot be before."
    assert mistakes(pages.post(address, decision=str(theirs.pk), ends_on="2025-01-01", reason="")) == [
        "Why: This field is required.",
        f"Last day of the other claim: {early}",
    ]
    assert mistakes(pages.post(address, decision=str(ours.pk), ends_on="2025-01-01", reason="")) == [
        "Why: This field is required."
    ], "theirs, which ends, has no first day"


def test_an_action_refuses_by_all_mistakes_too(ministry: Constituent) -> None:
    with pytest.raises(InvalidInput) as refused:
        actions.add_contact(ministry, email="x", language="??", openpgp_key="no key", by=BY, at=AT)

    found: list[Refusal] = [refused.value, *refused.value.further]
    assert [each.where for each in found] == ["email", "language", "openpgp_key"]
    assert str(refused.value) == "email: 'x' is not an e-mail address."
    with pytest.raises(Conflict) as known:
        actions.add_constituent(public_id="moh", name="Second", sector="magic", by=BY, at=AT)
    assert [each.where for each in (known.value, *known.value.further)] == ["public_id", "sector"]


def test_one_mistake_hides_only_what_hangs_on_it(ministry: Constituent) -> None:
    claim(ministry, "192.0.2.0/24")
    day = dt.date(2026, 1, 1)
    with pytest.raises(InvalidInput) as refused:
        actions.add_claim(ministry, kind=ClaimKind.NETWORK, value="x", valid_from=day, valid_to=AT.date(), by=BY, at=AT)
    assert (refused.value.where, refused.value.further) == ("value", ())
    backwards = {"valid_from": AT.date(), "valid_to": day}
    with pytest.raises(InvalidInput) as refused:
        actions.add_claim(ministry, kind=ClaimKind.NETWORK, value="x", **backwards, by=BY, at=AT)
    assert [each.where for each in refused.value.further] == ["valid_to"]
