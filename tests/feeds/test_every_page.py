"""What holds for every page of the table of addresses, whichever room answers it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.cast import Cast
from tests.effect import made as effects
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import asked_by_member, signed_in, text, things_of
from tests.feeds.reports import write
from tocsin.audit.actors import COMMAND_LINE
from tocsin.courier import webhooks
from tocsin.courier.incoming import receiving
from tocsin.courier.models import ReceivedMessage, Webhook
from tocsin.directory import actions
from tocsin.directory.choices import ClaimKind
from tocsin.directory.models import ChangeRequest, Claim, Constituent, Contact
from tocsin.feeds import queries
from tocsin.feeds.models import Run
from tocsin.notices import actions as notices
from tocsin.notices.choices import NoticeState
from tocsin.notices.models import HoldOut, Notice, Policy, Suppression
from tocsin.notices.queries import plan_now
from tocsin.people.models import Person

pytestmark = pytest.mark.django_db

SAID = "One part of the address was not understood and is left out: "
A_MINUTE = re.compile(r"\d\d:\d\d UTC")
"""Of the clock on a page, which may turn between two of them."""


@pytest.fixture
def country(week: Store, tmp_path: Path) -> Store:
    """The week with something on every page: quarantine, a contact, a conflict, a nested claim."""
    path = write(tmp_path, 4, [1, 2, 3, 70, 200])
    path.write_text(path.read_text() + "yesterday noon,medium,192.0.2.11,tcp,3389,rdp,1,XM,\n")
    week.run(path)
    for public_id in ("moh", "bank"):
        constituent = Constituent.objects.get(public_id=public_id)
        actions.add_claim(constituent, kind=ClaimKind.ASN, value="64500", by=COMMAND_LINE, at=AT)
    actions.add_contact(constituent, email="soc@bank.example", by=COMMAND_LINE, at=AT)
    asked_by_member("moh", region="North")
    receiving.keep(b"From: a@bank.example\n\nHello.", at=AT)
    stated: dict[str, Any] = {"by": COMMAND_LINE, "at": AT}
    hook: dict[str, Any] = {"url": "https://hook.example/", "secret": "whsec", "label": "", "key": "moh"}
    webhooks.add_webhook(room="directory", **hook, **stated)
    notices.add_policy(**stated)
    notices.add_suppression(category="spam", until=AT.date(), reason="They know.", **stated)
    effects.reckoned(**stated)
    HoldOut.objects.create(
        category="vulnerable-system",
        mildest=6,
        share=50,
        key="key",
        until=AT.date() + dt.timedelta(days=180),
        reason="x",
        began_at=AT,
    )
    notices.prepare_notices(plan_now(AT), most=50, **stated)
    return week


def addresses() -> dict[str, str]:
    """Return the name of each address of the table with an address of what is there."""
    one, other = Claim.objects.filter(kind=ClaimKind.ASN).order_by("pk")
    known: dict[str, Any] = {
        "public_id": "moh",
        "public": queries.finding_id(
            queries.findings().page(queries.Filter(), sort="asset", descending=False, limit=1)[0]
        ),
        "one": one.pk,
        "other": other.pk,
        "code": "shadowserver",
        "form": "csv",
        "token": "x" * 43,
        "key": Webhook.objects.get().key,
        "reference": Notice.objects.get().reference,
    }
    known["id"] = known["public"]
    numbers = things_of(Person.objects.filter(role="national_administrator").first() or Cast().administrator, "moh")
    keys = {"contact": Contact.objects.get().pk, "claim": one.pk, "run": Run.objects.latest("pk").pk, "order": 1}
    keys["received"] = ReceivedMessage.objects.get().pk
    keys |= {"asked-for": ChangeRequest.objects.get().pk}
    keys |= {"policy": Policy.objects.get().pk, "suppression": Suppression.objects.get().pk}
    keys["hold-out"] = HoldOut.objects.get().pk

    def key(name: str) -> int:
        return next((keys[kind] for kind in keys if kind in name), keys["run"])

    found = {}
    for name, pattern in _patterns(get_resolver()):
        given = {**known, **numbers(name), **({"public_id": "bank"} if name == "my:change-contact" else {})}
        wanted = {each: given[each] if each in given else key(name) for each in pattern.pattern.converters}
        found[name] = reverse(name, kwargs=wanted)
    return found


def member_of(cast: Cast, *public_ids: str) -> Person:
    """Have the contact administer the entries of constituents, and return them."""
    for public_id in public_ids:
        row = Constituent.objects.get(public_id=public_id)
        facts: dict[str, Any] = {"email": cast.contact.email, "name": "", "is_administrator": True, "token": ""}
        actions.add_member(row, **facts, by=COMMAND_LINE, at=AT)
    return cast.contact


def _patterns(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            yield from _patterns(each, f"{before}{each.namespace}:" if each.namespace else before)
        else:
            yield f"{before}{each.name}", each


GO_ON = {
    "feeds:progress": "a part of the page of a run",
    "directory:attribution": "a part of many pages",
    "feeds:claim-for": "goes to a form, or back with a sentence",
    "account_login": "somebody who has signed in goes to the first page",
    "mfa_authenticate": "is nothing before the password",
}
"""What answers with another address, and why. Its page says what is not understood of its own."""
NO_PAGES = {
    "health": "for programs",
    "feeds:export": "a file, or a refusal",
    "my:export": "a file, or a refusal",
    "received:raw": "a file",
    "notices:attachment": "a file",
    "api:api-root": "for programs",
    "api:openapi-json": "for programs",
    "api:findings": "for programs",
    "api:finding": "for programs",
    "api:answer": "for programs",
    "api:notices": "for programs",
    "effect:curve": "a file",
    "people_elsewhere": "is there where another service is set up, and goes to it",
    "people_back_from_elsewhere": "the same, and comes back",
    "own:remove-authenticator": "is there for who has one",
}


def test_every_page_says_that_a_parameter_is_unknown(country: Store, cast: Cast, settings: Any) -> None:
    settings.SHOW_PARTS = True
    staff, visitor, found = signed_in(cast.administrator), Client(), addresses()
    Notice.objects.update(state=NoticeState.SENT)
    browser_of_member = signed_in(member_of(cast, "moh", "bank"))
    silent, elsewhere = [], set()
    for name, address in found.items():
        browser = browser_of_member if name.startswith("my") else staff
        answer: Any = browser.get(f"{address}?nonsense=1")
        if answer.status_code == 302 and name in GO_ON:
            elsewhere.add(name)
            answer = visitor.get(f"{address}?nonsense=1")
        if answer.status_code in (302, 405) or name in NO_PAGES:
            continue
        if f"{SAID}nonsense=1" not in _text(answer):
            silent.append((name, answer.status_code))

    assert silent == [] and elsewhere == set(GO_ON)


def test_where_to_go_on_to_is_no_unknown_parameter(client: Client, cast: Cast) -> None:
    assert "not understood" not in _text(client.get("/sign-in/?next=/findings/"))
    client.force_login(cast.analyst)
    assert "not understood" not in _text(client.get("/sign-in/authenticator/?next=/findings/"))


def _text(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", answer.content.decode()))


def test_what_mailers_hang_on_a_link_is_passed_over_and_goes_no_further(country: Store, cast: Cast) -> None:
    for name, answer in pages_that_open(cast, "utm_source=mail&fbclid=x").items():
        assert "not understood" not in text(answer), name
        assert not re.search(r'href="[^"]*(utm_source|fbclid)', answer.content.decode()), name


def test_what_no_page_knows_goes_no_further(country: Store, cast: Cast) -> None:
    for name, answer in pages_that_open(cast, "nonsense=1").items():
        assert not re.search(r'href="[^"]*nonsense', answer.content.decode()), name


def pages_that_open(cast: Cast, query: str) -> dict[str, Any]:
    """Return what the analyst is answered by each page that she may open, by its name."""
    browser = signed_in(cast.analyst)
    answers = {name: browser.get(f"{address}?{query}") for name, address in addresses().items()}
    opened = {name: one for name, one in answers.items() if one.status_code == 200 and name not in NO_PAGES}
    assert len(opened) > 20, sorted(opened)
    return opened


@pytest.mark.parametrize(
    "path", ["/findings/", "/feeds/quarantine/", "/directory/unattributed/", "/feeds/", "/feeds/runs/1/", "/directory/"]
)
def test_a_page_that_a_list_does_not_have_is_said_and_the_first_shown(country: Store, cast: Cast, path: str) -> None:
    browser = signed_in(cast.analyst)
    whole, page = (A_MINUTE.sub("", text(browser.get(asked))) for asked in (path, f"{path}?page=99"))

    said = f"{SAID}page=99 ."
    assert said in page
    assert page.replace(said, "").split() == whole.split()


@pytest.mark.parametrize("query", ["first_seen=2026-02-31", "from=2026-11-99", "day=yesterday", "asm=64496"])
def test_a_filter_that_findings_do_not_have_is_said(country: Store, cast: Cast, query: str) -> None:
    assert f"{SAID}{query} ." in text(signed_in(cast.analyst).get(f"/findings/?{query}"))


def test_a_hit_is_shown_and_not_gone_to_where_something_was_not_understood(country: Store, cast: Cast) -> None:
    browser = signed_in(cast.analyst)

    assert browser.get("/search/?q=moh").status_code == 302
    assert f"{SAID}nonsense=1" in text(browser.get("/search/?q=moh&nonsense=1"))
