"""Who may view the directory and not edit it: every page of it as the team reads it, and nothing to change it by."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import resolve

from tests.cast import Cast
from tests.directory.conftest import BY, claim
from tests.directory.test_change_pages import LIST, asked, text
from tests.directory.test_members import browser_of
from tests.feeds.pages import links, main_of
from tocsin.directory import actions, attribution
from tocsin.directory.models import ChangeRequest, Claim, Constituent, Contact, Membership
from tocsin.jobs.choices import State
from tocsin.jobs.models import Job
from tocsin.kernel import clock
from tocsin.people import access
from tocsin.people.policy import Ability

pytestmark = pytest.mark.django_db
__all__ = ["asked"]
Asked = dict[str, ChangeRequest]
MOH = "/directory/constituents/moh/"
CHANGES = re.compile(r'<form[^>]*method="post"|What to do|type="checkbox"|"button primary"|Settle<')
"""What changes something, or leads there."""


@pytest.fixture
def auditor(cast: Cast) -> Client:
    """The browser of an auditor."""
    return browser_of(cast.auditor)


@pytest.fixture
def equal(asked: Asked, ministry: Constituent, bank: Constituent) -> tuple[int, int]:
    """Two claims of the same, beside what the ministry asks for and a part of its network that is the bank's."""
    one, other = (claim(owner, "203.0.113.0/24") for owner in (ministry, bank))
    claim(bank, "198.51.100.128/25")
    return one.pk, other.pk


def pages(asked: Asked) -> list[str]:
    """Return the addresses that an auditor reads."""
    actions.refuse_change(asked["facts"], answer="Not its name.", by=BY, at=clock.now())
    of_changes = [f"{LIST}{asked[name].pk}/" for name in ("claim", "phone", "facts")]
    return ["/directory/", "/directory/conflicts/", LIST, MOH, f"{MOH}relations/", *of_changes]


def test_an_auditor_reads_what_the_team_reads(
    auditor: Client, cast: Cast, asked: Asked, equal: tuple[int, int]
) -> None:
    analyst = browser_of(cast.analyst)
    told = {
        "/directory/": "Ministry of Health",
        "/directory/conflicts/": "203.0.113.0/24",
        LIST: "Soc",
        MOH: "soc@moh.example",
        f"{MOH}relations/": cast.contact.email,
    }
    for address in pages(asked):
        page = text(auditor.get(address))
        assert told.get(address, cast.contact.email) in page and told.get(address, "") in text(analyst.get(address))
    assert "lies inside another's" in text(auditor.get("/directory/conflicts/"))
    assert "Not its name." in text(auditor.get(f"{LIST}{asked['facts'].pk}/"))


def test_an_auditor_meets_nothing_to_change_it_by(
    auditor: Client, cast: Cast, asked: Asked, equal: tuple[int, int]
) -> None:
    analyst = browser_of(cast.analyst)
    offered = set[str]()
    for address in pages(asked):
        seen, main = analyst.get(address), main_of(auditor.get(address))
        offered |= {urlsplit(each).path for each in links(seen) if is_for_editors(each)}
        assert not [each for each in re.findall(r'href="(/directory/[^"]*)"', main) if is_for_editors(each)], address
        assert not CHANGES.findall(main), address
    assert len(offered) >= 8, "the team is led to what changes it"


def is_for_editors(address: str) -> bool:
    """Whether a page of the directory is for those who may edit it."""
    path = urlsplit(address).path
    is_ours = path.startswith("/directory/")
    return is_ours and access.door_of(resolve(path).func) is Ability.EDIT_DIRECTORY


def test_what_an_auditor_sends_is_refused_and_changes_nothing(
    auditor: Client, asked: Asked, equal: tuple[int, int]
) -> None:
    kept = Claim.objects.get(pk=equal[0])
    member, contact = Membership.objects.get(), Contact.objects.get()
    before = [list(model.objects.order_by("pk").values()) for model in (ChangeRequest, Claim, Contact, Membership)]
    for address in (
        "/directory/add/", "/directory/import/", "/directory/attribution/", f"{LIST}approve/",
        f"{LIST}{asked['phone'].pk}/", f"/directory/conflicts/{equal[0]}-{equal[1]}/", f"{MOH}change/",
        f"{MOH}claims/add/", f"{MOH}contacts/add/", f"{MOH}members/add/", f"{MOH}members/{member.pk}/",
        f"{MOH}members/{member.pk}/end/", f"/directory/claims/{kept.pk}/confirm/", f"/directory/claims/{kept.pk}/end/",
        f"/directory/contacts/{contact.pk}/",
    ):  # fmt: skip
        sent = {"decision": "approve", "change": asked["phone"].pk, "reason": "r", "ends_on": "2030-01-01"}
        assert auditor.post(address, sent).status_code == 403, address
    after = [list(model.objects.order_by("pk").values()) for model in (ChangeRequest, Claim, Contact, Membership)]
    assert after == before


def test_an_auditor_follows_how_far_the_attribution_is_and_does_not_start_it(
    auditor: Client, cast: Cast, ministry: Constituent
) -> None:
    attribution.order(clock.now())
    Job.objects.update(state=State.FAILED, last_error="No room.", finished_at=clock.now())

    said, offered = auditor.get("/directory/"), browser_of(cast.analyst).get("/directory/")

    assert "No room." in text(said) and "No room." in text(offered)
    assert "Do it now" in text(offered) and "Do it now" not in text(said)


def test_a_directory_without_anybody_invites_an_auditor_to_nothing(auditor: Client) -> None:
    page = text(auditor.get("/directory/"))

    assert "No constituents yet" in page and "Import a file" not in page and "Enter one by hand" not in page


def test_an_auditor_finds_organisations_and_the_side_bar_leads_there(auditor: Client, ministry: Constituent) -> None:
    page = auditor.get("/search/?q=Ministry")

    assert MOH in (page.headers.get("Location", "") or main_of(page))
    assert 'href="/directory/"' in auditor.get("/").content.decode()
