"""Passkeys in a real browser with a virtual authenticator: added, signed in with, used after the password, removed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from playwright.sync_api import Browser, Page, expect

from tests.browser.serving import serving
from tests.cast import PASSWORD, Cast
from tests.people.conftest import SECRET
from tests.people.test_accounts import signed_in_as
from tocsin.audit.models import AuditRow
from tocsin.kernel import clock
from tocsin.people import actions
from tocsin.people.models import Person

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def served(settings: Any) -> Iterator[str]:
    """Where the site is served under a name, one request after the other, from the database of the test."""
    with serving(settings, "localhost") as address:
        yield address


@pytest.fixture
def person(cast: Cast) -> Person:
    """An analyst with password and authenticator."""
    cast.analyst.set_password(PASSWORD)
    cast.analyst.save()
    actions.set_up_second_factor(cast.analyst, secret=SECRET, by=cast.analyst, at=clock.now())
    return cast.analyst


@pytest.fixture
def device(browser: Browser, served: str, person: Person) -> Iterator[tuple[Page, Any, str]]:
    """A browser on a device that holds passkeys; the person is signed in. Complaints of the browser fail the test."""
    complaints: list[str] = []
    context = browser.new_context(locale="en")
    for name, morsel in signed_in_as(person).cookies.items():
        context.add_cookies([{"name": name, "value": morsel.value, "url": served}])
    page = context.new_page()
    page.on("console", lambda line: complaints.append(line.text) if "Content Security" in line.text else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    devices = context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    kept = devices.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": {**options, "isUserVerified": True, "automaticPresenceSimulation": True}},
    )
    yield page, devices, kept["authenticatorId"]
    context.close()
    assert complaints == []


def add_passkey(page: Page, served: str, name: str = "My telephone") -> None:
    """Add a passkey as a person does."""
    page.goto(f"{served}/account/passkeys/add/")
    page.fill("[name=name]", name)
    page.click("form[data-passkey] button.primary")
    page.wait_for_url(f"{served}/account/")


def test_a_passkey_is_added_signs_in_alone_and_stands_in_for_the_code(
    device: tuple[Page, Any, str], served: str, person: Person
) -> None:
    page, devices, held = device
    add_passkey(page, served)
    expect(page.get_by_role("main")).to_contain_text("Passkey “My telephone”")

    page.context.clear_cookies()
    page.goto(f"{served}/sign-in/?next=/help/")
    page.click("form[data-passkey] button")
    page.wait_for_url(f"{served}/help/")
    assert AuditRow.objects.latest("sequence").data == {"person": person.pk, "method": "passkey"}

    page.context.clear_cookies()
    page.goto(f"{served}/sign-in/")
    page.fill("[name=login]", person.email)
    page.fill("[name=password]", PASSWORD)
    page.click("form.form:not([data-passkey]) button")
    page.wait_for_url(f"{served}/sign-in/code/**")
    page.click("form[data-passkey] button")
    page.wait_for_url(f"{served}/")
    assert AuditRow.objects.filter(code="person.signed_in").count() == 2

    (key,) = devices.send("WebAuthn.getCredentials", {"authenticatorId": held})["credentials"]
    assert key["rpId"] == "localhost" and key["isResidentCredential"]


def test_an_answer_is_good_once_and_a_removed_passkey_opens_nothing(
    device: tuple[Page, Any, str], served: str, person: Person
) -> None:
    page, _devices, _held = device
    add_passkey(page, served, "Old telephone")
    sent: list[str] = []
    page.on("request", lambda asked: sent.append(asked.post_data or "") if "/sign-in/passkey/" in asked.url else None)
    page.context.clear_cookies()
    page.goto(f"{served}/sign-in/")
    page.click("form[data-passkey] button")
    page.wait_for_url(f"{served}/")

    from django.http import QueryDict
    from django.test import Client

    answer = {name: QueryDict(sent[0])[name] for name in ("credential", "token")}
    replayed = Client(headers={"host": "localhost"}).post("/sign-in/passkey/", answer)
    assert replayed.status_code == 422 and b"This took too long" in replayed.content

    key = Authenticator.objects.get(type=Authenticator.Type.WEBAUTHN)
    page.goto(f"{served}/account/passkeys/{key.pk}/remove/")
    page.click("main button.primary")
    expect(page.get_by_role("main")).to_contain_text("The passkey is removed.")
    page.context.clear_cookies()
    page.goto(f"{served}/sign-in/")
    page.click("form[data-passkey] button")
    expect(page.get_by_role("heading", level=1)).to_have_text("You are not signed in")
    assert not page.context.cookies() or all(cookie["name"] != "session" for cookie in page.context.cookies())
