"""The team's pages of what members ask for."""

from __future__ import annotations

import datetime as dt
import html
import re
from typing import Any

import pytest
from django.test import Client

from tests.cast import Cast
from tests.directory.asking import TODAY, YESTERDAY, ask, claim_wish, contact_wish, end_wish
from tests.directory.conftest import AT, BY, claim
from tests.directory.test_members import browser_of, member
from tests.directory.test_openpgp import FINGERPRINT, KEY
from tocsin.directory import actions
from tocsin.directory.choices import ChangeKind, ChangeState
from tocsin.directory.models import ChangeRequest, Claim, Constituent, Contact
from tocsin.directory.wishes import Wish
from tocsin.kernel import clock

pytestmark = pytest.mark.django_db
LIST = "/directory/changes/"


def text(answer: Any) -> str:
    """Return what stands in the main part, without marks."""
    main = answer.content.decode().partition("<main")[2].partition("</main>")[0]
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", main).split()))


@pytest.fixture
def asked(cast: Cast, ministry: Constituent) -> dict[str, ChangeRequest]:
    """One request of every sort."""
    member(ministry, cast.contact)
    contact = Contact.objects.get(
        pk=actions.add_contact(ministry, email="soc@moh.example", name="Soc", by=BY, at=AT).contact
    )
    network = claim(ministry, "198.51.100.0/24")
    facts = {"name": "Health Ministry", "names": {"fr": "Ministère"}}
    wishes = {
        "claim": claim_wish(ministry, "192.0.2.0/24", valid_from=TODAY),
        "end": end_wish(network, YESTERDAY, "Given back\nto the registry."),
        "phone": contact_wish(contact, phone="+1 5"),
        "key": contact_wish(contact, openpgp_key=KEY),
        "new": Wish(
            ministry, ChangeKind.NEW_CONTACT, {"role": "legal", "email": "l@moh.example", "deputy_of": contact}
        ),
        "facts": Wish(ministry, ChangeKind.FACTS, facts),
    }
    return {name: ask(each, cast.contact, at=clock.now()) for name, each in wishes.items()}


@pytest.fixture
def browser(cast: Cast) -> Client:
    """The browser of an analyst."""
    return browser_of(cast.analyst)


def test_the_list_names_what_waits_the_oldest_first_and_counts_it(
    browser: Client, asked: dict[str, ChangeRequest]
) -> None:
    page = browser.get(LIST)
    said = text(page)
    assert "6 changes wait for a decision" in said
    titles = [
        "Enter the claim of 192.0.2.0/24", "End the claim of 198.51.100.0/24", "Change the contact Soc",
        "Enter the contact l@moh.example", "Change the facts of the organisation",
    ]  # fmt: skip
    places = [said.index(title) for title in titles]
    assert places == sorted(places)
    bar = page.content.decode().partition("<main")[0]
    assert re.search(r"Changes asked for.{0,80}>6<", bar), "the side bar counts them"
    assert re.findall(r'name="change" value="(\d+)"', page.content.decode()) == [str(asked["phone"].pk)]


def test_an_empty_list_says_what_will_stand_there(browser: Client, ministry: Constituent) -> None:
    said = text(browser.get(LIST))
    assert "No change waits for a decision" in said and "Members ask on their own pages" in said


@pytest.mark.parametrize(
    ("which", "shown"),
    [
        ("claim", ["192.0.2.0/24", "First day 2 Mar 2026", "From nobody"]),
        ("end", ["Last day – 1 Mar 2026", "Given back", "to the registry."]),
        ("phone", ["Telephone – +1 5"]),
        ("key", ["OpenPGP public key –", FINGERPRINT]),
        ("new", ["Role Legal", "l@moh.example", "Deputy of Soc"]),
        ("facts", ["Name Ministry of Health Health Ministry", "Name in other languages – fr: Ministère"]),
    ],
)
def test_a_request_shows_what_is_and_what_is_to_be(
    browser: Client, asked: dict[str, ChangeRequest], which: str, shown: list[str]
) -> None:
    said = text(browser.get(f"{LIST}{asked[which].pk}/"))
    assert all(each in said for each in [*shown, "Asked by Carla Contact, carla@cirt.example"]), said


def test_it_shows_from_whom_a_claim_would_take_what(
    browser: Client, asked: dict[str, ChangeRequest], bank: Constituent, cast: Cast
) -> None:
    for value in ("192.0.2.0/24", "192.0.0.0/16", "192.0.2.64/26"):
        claim(bank, value)
    said = text(browser.get(f"{LIST}{asked['claim'].pk}/"))
    for part in ("Somebody else claims exactly this", "these lose the findings in it", "keep what is theirs"):
        assert part in said
    assert said.count("Island Bank") == 3


def test_it_says_where_a_claim_gives_nothing_new(browser: Client, ministry: Constituent, cast: Cast) -> None:
    member(ministry, cast.contact)
    claim(ministry, "192.0.2.0/24", is_confirmed=True)
    request = ask(claim_wish(ministry, "192.0.2.0/25"), cast.contact)
    assert "gives the organisation nothing that it does not have" in text(browser.get(f"{LIST}{request.pk}/"))


def test_what_is_in_an_own_claim_is_not_said_to_be_nobodys(browser: Client, ministry: Constituent, cast: Cast) -> None:
    member(ministry, cast.contact)
    claim(ministry, "192.0.2.0/24")
    said = text(browser.get(f"{LIST}{ask(claim_wish(ministry, '192.0.2.0/25'), cast.contact).pk}/"))
    assert "It lies in a claim of its own that is not confirmed" in said and "192.0.2.0/24" in said
    assert "nobody's until now" not in said


def test_a_claim_is_approved_confirmed_and_told(browser: Client, asked: dict[str, ChangeRequest]) -> None:
    answer = {"decision": "approve", "is_confirmed": "on", "answer": "Welcome."}
    page = browser.post(f"{LIST}{asked['claim'].pk}/", answer, follow=True)
    assert "It is done, and Carla Contact is told." in text(page)
    assert Claim.objects.get(value="192.0.2.0/24").confirmed_by.startswith("Anan Analyst")
    done = text(browser.get(f"{LIST}{asked['claim'].pk}/"))
    assert "Done: Anan Analyst" in done and "Welcome." in done and "Refuse it" not in done
    assert "Approved: Enter the claim of 192.0.2.0/24" in text(browser.get("/directory/constituents/moh/"))


def test_it_is_refused_with_a_reason_alone(browser: Client, asked: dict[str, ChangeRequest]) -> None:
    address = f"{LIST}{asked['claim'].pk}/"
    for answer, said in (({"decision": "refuse"}, "Say why: the member reads it."), ({}, "This field is required")):
        refused = browser.post(address, answer)
        assert refused.status_code == 422 and said in text(refused)
    page = browser.post(address, {"decision": "refuse", "answer": "Whose is it?"}, follow=True)
    assert "It is refused, and Carla Contact is told why." in text(page)
    shown = browser.get(address).content.decode()
    assert "<bdi>Whose is it?</bdi>" in shown, "with its question mark at its own end, whichever way the page runs"
    assert ChangeRequest.objects.get(pk=asked["claim"].pk).state == ChangeState.REFUSED


def test_who_was_slower_reads_that_it_is_decided(browser: Client, asked: dict[str, ChangeRequest]) -> None:
    address, answer = f"{LIST}{asked['claim'].pk}/", {"decision": "approve"}
    assert browser.post(address, answer).status_code == 302
    again = browser.post(address, answer)
    assert (again.status_code, "This is decided already." in text(again)) == (422, True)
    assert Claim.objects.filter(value="192.0.2.0/24").count() == 1


def test_what_was_overtaken_can_only_be_refused(browser: Client, asked: dict[str, ChangeRequest]) -> None:
    Contact.objects.update(phone="+1 9")
    address = f"{LIST}{asked['phone'].pk}/"
    page = browser.get(address)
    assert "It can only be refused." in text(page) and 'value="approve"' not in page.content.decode()
    assert browser.post(address, {"decision": "approve"}).status_code == 422
    assert Contact.objects.get().phone == "+1 9"


def test_several_harmless_ones_are_approved_together_and_no_other(
    browser: Client, asked: dict[str, ChangeRequest], ministry: Constituent, cast: Cast
) -> None:
    region = ask(Wish(ministry, ChangeKind.FACTS, {"region": "North"}), cast.contact)
    chosen = [each.pk for each in (*asked.values(), region)]
    page = browser.post(f"{LIST}approve/", {"change": [*chosen, "x", "99999999999999999999"]}, follow=True)
    assert "2 requests are done." in text(page)
    done = ChangeRequest.objects.filter(state=ChangeState.APPROVED)
    assert {each.pk for each in done} == {asked["phone"].pk, region.pk}
    assert "Nothing was chosen." in text(browser.post(f"{LIST}approve/", follow=True))


def test_one_that_cannot_be_approved_stops_no_other(
    browser: Client, asked: dict[str, ChangeRequest], ministry: Constituent, cast: Cast
) -> None:
    region = ask(Wish(ministry, ChangeKind.FACTS, {"region": "North"}), cast.contact)
    Contact.objects.update(phone="+1 9")
    page = text(browser.post(f"{LIST}approve/", {"change": [asked["phone"].pk, region.pk]}, follow=True))
    assert (
        "1 request is done." in page and "Change the contact Soc: Telephone: What it was to change has changed" in page
    )


def test_the_page_of_the_constituent_shows_what_waits_and_who_said_it_is_right(
    browser: Client, asked: dict[str, ChangeRequest], ministry: Constituent, cast: Cast
) -> None:
    actions.say_entry_is_right(ministry, by=cast.contact, at=AT)
    said = text(browser.get("/directory/constituents/moh/"))
    assert "Enter the claim of 192.0.2.0/24" in said and "Said to be right 2 Mar , Carla Contact" in said
    assert "A member looked through the entry and says that it is right" in said


def test_what_a_member_did_at_once_stands_among_the_decided(browser: Client, ministry: Constituent, cast: Cast) -> None:
    member(ministry, cast.contact, is_administrator=True)
    ask(Wish(ministry, ChangeKind.FACTS, {"languages": ["fr"]}), cast.contact, at=clock.now())
    assert "Done at once" in text(browser.get(LIST))
    old = clock.now() - dt.timedelta(days=31)
    ChangeRequest.objects.update(asked_at=old, decided_at=old)
    assert "Nothing was asked in the last 30 days" in text(browser.get(LIST))


def test_hostile_words_of_a_member_stay_words(browser: Client, ministry: Constituent, cast: Cast) -> None:
    member(ministry, cast.contact)
    evil = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    wish = Wish(ministry, ChangeKind.FACTS, {"name": evil, "region": evil[:99]}, reason=evil)
    request = ask(wish, cast.contact, at=clock.now())
    for address in (LIST, f"{LIST}{request.pk}/", "/directory/constituents/moh/"):
        page = browser.get(address).content.decode()
        assert "<script>alert" not in page and "<img src=x" not in page


def test_nobody_but_the_team_decides(cast: Cast, asked: dict[str, ChangeRequest]) -> None:
    for person in (cast.contact, cast.stranger, cast.peer, cast.auditor, cast.observer):
        client = browser_of(person)
        for address in (LIST, f"{LIST}{asked['claim'].pk}/"):
            assert client.get(address).status_code == (200 if person == cast.auditor else 403)
        assert client.post(f"{LIST}{asked['claim'].pk}/", {"decision": "approve"}).status_code == 403
        assert client.post(f"{LIST}approve/", {"change": asked["phone"].pk}).status_code == 403
    assert not ChangeRequest.objects.exclude(state=ChangeState.WAITS).exists()
