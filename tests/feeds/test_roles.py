"""What each role meets: no page shows somebody a link or a form that the policy then refuses."""

from __future__ import annotations

import dataclasses
import html
import re
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.test import Client
from django.urls import resolve

from tests.cast import Cast
from tests.chance import fewer
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import main_of, signed_in, text
from tests.feeds.reports import write
from tests.feeds.test_every_page import NO_PAGES, addresses, country
from tocsin.directory import attribution
from tocsin.feeds.actions.findings import give_finding
from tocsin.people import access
from tocsin.people.choices import Role
from tocsin.people.models import Person

pytestmark = pytest.mark.django_db
__all__ = ["country"]

ROLES = [str(role) for role in Role]


@pytest.fixture
def busy(country: Store, cast: Cast, tmp_path: Path, settings: Any) -> Store:
    """The same with a held report, a broken one, findings that somebody holds, and an attribution that waits."""
    settings.SHOW_PARTS = True
    country.run(write(tmp_path, 5, [1]))
    torn = tmp_path / "2026-11-22-scan_rdp-xm-geo.csv.gz"
    torn.write_bytes(b"\x1f\x8b\x08 no gzip")
    country.run(torn)
    give_finding(addresses()["feeds:finding"].split("/")[2], owner=cast.analyst, seen=None, by=cast.analyst, at=AT)
    attribution.order(AT)
    return country


def of_role(cast: Cast, role: str) -> Person:
    return next(person for person in cast.everybody() if person.role == role)


@dataclasses.dataclass(frozen=True)
class Offer:
    """A link or a form that a page shows."""

    page: str
    address: str
    way: str
    """`get`, `part` as htmx asks for it, or `post`."""


def offers(page: str, answer: Any) -> list[Offer]:
    """Return what a page of ours leads to: one offer for each address, whatever it asks for."""
    whole = answer.content.decode()
    found = [("get", each) for each in re.findall(r'<a\b[^>]*?href="([^"]*)"', whole)]
    found += [("part", each) for each in re.findall(r'hx-get="([^"]*)"', whole)]
    for marks in re.findall(r"<form\b([^>]*)>", whole):
        target = re.search(r'action="([^"]*)"', marks)
        found.append(("post" if 'method="post"' in marks else "get", target[1] if target else ""))
    within = [(way, urljoin(page, html.unescape(each))) for way, each in found if not each.startswith(("#", "data:"))]
    return [Offer(page, each, way) for way, each in within if not urlsplit(each).netloc]


def route(offer: Offer) -> tuple[str, str]:
    """Return the way and the name of what answers there: all its addresses have one door."""
    found = resolve(urlsplit(offer.address).path)
    return offer.way, found.view_name or found.route


def is_refused(browser: Client, person: Person, offer: Offer) -> bool:
    """Whether what is offered is refused: links are followed; a form is not sent, its page is asked for its door."""
    if offer.way == "post":
        door = access.door_of(resolve(urlsplit(offer.address).path).func)
        return not access.may_open(person, offer.address) and door is not access.Door.ENROLLING
    headers = {"HX-Request": "true"} if offer.way == "part" else {}
    answer = browser.get(offer.address, headers=headers)
    assert b"".join(answer) or answer.status_code == 302  # to its end: a file is let go then
    return answer.status_code == 403


@pytest.mark.parametrize("role", fewer(ROLES))
def test_nothing_is_offered_that_is_then_refused(busy: Store, cast: Cast, role: str) -> None:
    person = of_role(cast, role)
    browser = signed_in(person)
    known = [address for name, address in addresses().items() if name not in NO_PAGES]
    pages = {address: browser.get(address) for address in (*known, "/search/?q=192.0.2")}
    opened = {address: page for address, page in pages.items() if page.status_code in (200, 404)}
    closed = {urlsplit(address).path for address, page in pages.items() if page.status_code == 403}
    shown = {(o.way, urlsplit(o.address).path): o for address, page in opened.items() for o in offers(address, page)}
    # What was opened is not opened twice; of things of one kind, one tells of all.
    others = {route(o): o for o in shown.values() if o.way != "get" or o.address not in pages}

    refused = [o for o in shown.values() if o.way == "get" and urlsplit(o.address).path in closed]
    refused += [offer for offer in others.values() if is_refused(browser, person, offer)]

    assert refused == []
    assert len(shown) > (40 if person.is_staff_of_team else 4), "links were looked at"


def test_the_page_that_refuses_leads_to_one_that_does_not(busy: Store, cast: Cast) -> None:
    browser = signed_in(cast.contact)
    page = browser.get("/findings/")

    assert page.status_code == 403
    assert not [offer for offer in offers("/findings/", page) if is_refused(browser, cast.contact, offer)]


@pytest.mark.parametrize("who", ["auditor", "observer"])
def test_who_may_only_look_is_not_invited_to_take_findings(busy: Store, cast: Cast, who: str) -> None:
    assert "Take some, worst first" in text(signed_in(cast.analyst).get("/"))

    assert "Take some" not in text(signed_in(getattr(cast, who)).get("/"))


def test_the_observer_reads_the_same_situation_without_links(busy: Store, cast: Cast) -> None:
    analyst, observer = signed_in(cast.analyst).get("/"), signed_in(cast.observer).get("/")

    for part in ('id="kinds"', 'id="feeds"'):
        seen, less = (main_of(page).partition(part)[2].partition("</section>")[0] for page in (analyst, observer))
        assert re.sub(r"<[^>]+>", "", seen) == re.sub(r"<[^>]+>", "", less) != "", part
    assert {urlsplit(each).path for each in re.findall(r'href="([^"#?]+)', main_of(observer))} == set()


def test_an_auditor_follows_a_finding_to_whose_it_is(busy: Store, cast: Cast) -> None:
    for reader in (cast.analyst, cast.auditor):
        assert "/directory/constituents/" in main_of(signed_in(reader).get("/findings/?whose=moh"))
