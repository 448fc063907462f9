"""Another authenticator in place of one's own, or none beside a passkey."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import qrcode
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY
from django.test import Client

from tests.cast import PASSWORD, Cast
from tests.people.conftest import SECRET, code_of
from tests.people.test_accounts import page_text
from tocsin.audit.models import AuditRow
from tocsin.kernel import clock
from tocsin.kernel.refusals import Conflict
from tocsin.people import actions, queries, sealing
from tocsin.people.models import Person
from tocsin.people.qr import MARGIN, qr_svg

pytestmark = pytest.mark.django_db

SignIn = Callable[[Person], Client]
ADDRESS = "/account/authenticator/"


def enter(person: Person, code: str) -> bool:
    """Sign in elsewhere with the password and a code; say whether that lets in."""
    browser = Client()
    browser.post("/sign-in/", {"login": person.email, "password": PASSWORD})
    browser.post("/sign-in/code/", {"code": code})
    return browser.get("/account/").status_code == 200


def test_a_secret_that_waits_for_its_first_code_is_sealed_in_the_session(cast: Cast, sign_in: SignIn) -> None:
    browser = sign_in(cast.analyst)

    def waits() -> str:
        return str(browser.session.get(SECRET_SESSION_KEY, ""))

    for answer in (browser.get(ADDRESS), browser.post(ADDRESS, {"code": "000000"})):
        shown = re.search(r"<bdi dir=.ltr.>([A-Z2-7 ]+)</bdi>", answer.content.decode())
        secret = shown[1].replace(" ", "") if shown else ""
        assert len(secret) == 32 and sealing.is_sealed(waits()) and secret not in waits()
        assert sealing.unseal(waits()) == secret
    assert browser.post(ADDRESS, {"code": code_of(secret)}).status_code == 302 and waits() == ""


def test_the_drawing_of_the_code_has_all_of_it_and_weighs_little() -> None:
    told = f"otpauth://totp/Tocsin:{'a' * 254}?secret={SECRET}&issuer=Tocsin"
    svg = str(qr_svg(told, "Code"))
    runs = re.findall(r"M(\d+) (\d+)h(\d+)v1h-\3z", svg)
    drawn = {(int(row), int(column) + number) for column, row, length in runs for number in range(int(length))}
    code = qrcode.QRCode(border=MARGIN, error_correction=qrcode.constants.ERROR_CORRECT_M)
    code.add_data(told)
    modules = code.get_matrix()
    assert drawn == {(row, column) for row, each in enumerate(modules) for column, dark in enumerate(each) if dark}
    assert len(svg) < 20_000, "of the 50 KB of its page"


def test_a_new_authenticator_takes_the_place_of_the_old_one(cast: Cast, sign_in: SignIn) -> None:
    browser = sign_in(cast.analyst)
    assert 'href="/account/authenticator/"' in browser.get("/account/").content.decode()
    page = browser.get("/account/authenticator/").content.decode()
    assert "<svg" in page and "takes the place of the one that you have" in page
    secret = re.search(r"<bdi dir=.ltr.>([A-Z2-7 ]+)</bdi>", page)
    assert secret and secret[1].replace(" ", "") != SECRET
    assert browser.post("/account/authenticator/", {"code": "000000"}).status_code == 422
    codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    assert browser.post("/account/authenticator/", {"code": code_of(secret[1])}).status_code == 302
    assert "The new authenticator signs you in" in page_text(browser.get("/account/"))
    assert not enter(cast.analyst, code_of(SECRET, 1)), "of the old one"
    assert enter(cast.analyst, code_of(secret[1], 1)) and enter(cast.analyst, codes[0])
    row = AuditRow.objects.get(code="person.authenticator_replaced")
    assert row.data == {"person": cast.analyst.pk} and row.actor_key == cast.analyst.audit_key


def test_it_is_removed_beside_a_passkey_and_never_alone(cast: Cast, sign_in: SignIn) -> None:
    browser = sign_in(cast.analyst)
    assert 'href="/account/authenticator/remove/"' not in browser.get("/account/").content.decode()
    refused = browser.post("/account/authenticator/remove/", follow=True)
    assert "This is your only second factor" in page_text(refused)
    actions.add_passkey(cast.analyst, name="Laptop", credential={}, by=cast.analyst, at=clock.now())
    assert 'href="/account/authenticator/remove/"' in browser.get("/account/").content.decode()
    assert "Remove the authenticator?" in page_text(browser.get("/account/authenticator/remove/"))
    assert queries.authenticator_of(cast.analyst) is not None, "a question changes nothing"
    browser.post("/account/authenticator/remove/")
    assert queries.authenticator_of(cast.analyst) is None and queries.has_second_factor(cast.analyst)
    assert browser.get("/account/authenticator/remove/").status_code == 404
    page: Any = browser.get("/account/authenticator/")
    assert "takes the place" not in page.content.decode(), "one may be added again"
    by_at: dict[str, Any] = {"by": cast.analyst, "at": clock.now()}
    with pytest.raises(Conflict, match="There is no authenticator"):
        actions.remove_authenticator(cast.analyst, **by_at)
    actions.replace_authenticator(cast.analyst, secret=SECRET, **by_at)
    assert queries.authenticator_of(cast.analyst) is not None


def test_a_factor_is_asked_for_again_before(cast: Cast, sign_in: SignIn) -> None:
    browser = sign_in(cast.analyst)
    session = browser.session
    session["people.confirmed_at"] = 0.0
    session.save()
    for address in ("/account/authenticator/", "/account/authenticator/remove/"):
        answer: Any = browser.get(address)
        assert answer.headers["Location"].startswith("/account/confirm/")
        assert browser.post(address, {"code": "000000"}).status_code == 302
    assert queries.authenticator_of(cast.analyst) is not None
