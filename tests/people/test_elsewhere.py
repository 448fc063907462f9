"""Signing in by another service: a real provider on loopback, and one that lies."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import functools
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from tests.cast import Cast
from tests.people.conftest import SECRET, code_of
from tests.people.oidc_provider import Provider, user
from tocsin.audit.actors import COMMAND_LINE
from tocsin.audit.models import AuditRow
from tocsin.kernel import clock
from tocsin.kernel.refusals import Conflict
from tocsin.people import actions, issuer, queries
from tocsin.people.models import KnownElsewhere, Person

pytestmark = [
    pytest.mark.django_db,
    # The provider's own affair: it uses names of its library that will go.
    pytest.mark.filterwarnings("ignore:get_jwt_config:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:generate_user_info:DeprecationWarning"),
]

Enrolled = Callable[[Person], Person]
BACK = "/sign-in/elsewhere/back/"
TOKEN = "/oauth2/token"


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    """A provider that knows the cast, by addresses that it has verified or not."""
    verified = {"email_verified": True}
    known = [
        user("anan", email="Anan@cirt.example", **verified),
        user("anan two", email="anan@cirt.example", **verified),
        user("marta", email="marta@cirt.example", **verified, acr="gold", amr=["pwd", "otp"]),
        user("claims", email="nadia@cirt.example"),
        user("text", email="nadia@cirt.example", email_verified="true"),
        user("nobody", email="nobody@nowhere.example", **verified),
        user("moved", email="aldo@cirt.example", **verified),
    ]
    with Provider(known).running() as running:
        yield running


@pytest.fixture(autouse=True)
def on(provider: Provider, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The instance knows the provider."""
    provider.asked.clear()
    provider.changes.clear()
    monkeypatch.setattr(issuer, "_known", {})
    settings.TOCSIN = dataclasses.replace(
        settings.TOCSIN,
        oidc_issuer=provider.issuer,
        oidc_client="tocsin",
        oidc_secret="s3cret & more",
        oidc_name="Ministry",
        oidc_addresses=("127.0.0.1",),
    )


def sent(client: Client, onward: str = "") -> str:
    """Press the button; return where the browser is sent."""
    answer: Any = client.get("/sign-in/elsewhere/", {"next": onward} if onward else {})
    assert answer.status_code == 302, answer.content
    return str(answer.headers["Location"])


def come_back(client: Client, provider: Provider, subject: str, onward: str = "") -> Any:
    """Sign in there as somebody, and come back."""
    return client.get(provider.approve(sent(client, onward), subject))


def test_the_service_is_the_first_factor_and_the_second_is_asked_for_here(
    cast: Cast, client: Client, provider: Provider, enrolled: Enrolled, still: None
) -> None:
    enrolled(cast.analyst)
    assert "Sign in with Ministry" in client.get("/sign-in/").content.decode()
    answer = come_back(client, provider, "anan", "/account/")
    assert answer.headers["Location"].startswith("/sign-in/code/")
    assert client.get("/account/").status_code == 302, "not yet"
    assert client.post("/sign-in/code/", {"code": code_of(SECRET)}).status_code == 302
    assert client.get("/account/").status_code == 200
    row = KnownElsewhere.objects.get()
    assert (row.person, row.issuer, row.subject) == (cast.analyst, provider.issuer, "anan")
    codes = [row.code for row in AuditRow.objects.all()]
    assert codes[-2:] == ["person.bound", "person.signed_in"]


def test_what_is_asked_is_bound_to_the_browser(cast: Cast, client: Client, provider: Provider) -> None:
    cast.analyst  # noqa: B018  opens the account
    asked = parse_qs(urlsplit(address := sent(client)).query)
    assert {name: len(values) for name, values in asked.items()} == dict.fromkeys(asked, 1)
    assert asked["response_type"] == ["code"] and asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [f"http://testserver{BACK}"] and asked["scope"] == ["openid email"]
    assert asked["state"] != asked["nonce"] != asked["code_challenge"]
    cookie = client.cookies["elsewhere"]
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["max-age"] == 600
    client.get(provider.approve(address, "anan"))
    (told,) = provider.forms(TOKEN)
    digest = hashlib.sha256(told["code_verifier"].encode()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == asked["code_challenge"][0]
    (known,) = [known for path, known, _form in provider.asked if path == TOKEN]
    assert base64.b64decode(known.removeprefix("Basic ")) == b"tocsin:s3cret%20%26%20more"


def test_two_factors_there_are_enough_where_the_settings_say_so(
    cast: Cast, client: Client, provider: Provider, settings: Any
) -> None:
    cast.manager  # noqa: B018
    refused = come_back(client, provider, "marta")
    assert refused.status_code == 403 and "no second factor yet" in refused.content.decode()
    assert not KnownElsewhere.objects.exists()
    for trusted in ("gold", "otp"):
        settings.TOCSIN = dataclasses.replace(settings.TOCSIN, oidc_trusts_acr=(trusted,))
        browser = Client()
        answer = come_back(browser, provider, "marta", "/help/")
        assert answer.headers["Location"] == "/help/" and browser.get("/help/").status_code == 200
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, oidc_trusts_acr=("platinum",))
    assert come_back(Client(), provider, "marta").status_code == 403
    assert AuditRow.objects.latest("sequence").data["method"] == "another service"


@pytest.mark.parametrize("subject", ["claims", "text", "nobody", "stranger@cirt.example"])
def test_only_a_verified_address_of_an_open_account_counts(
    cast: Cast, client: Client, provider: Provider, enrolled: Enrolled, subject: str
) -> None:
    enrolled(cast.administrator)
    enrolled(cast.stranger)
    answer = come_back(client, provider, subject)
    assert answer.status_code == 403 and "There is no open account here" in answer.content.decode()
    assert "opens no accounts here" in answer.content.decode()
    assert not KnownElsewhere.objects.exists() and Person.objects.count() == 2
    assert client.get("/account/").status_code == 302


def test_once_bound_the_subject_counts_and_no_address(
    cast: Cast, client: Client, provider: Provider, enrolled: Enrolled
) -> None:
    enrolled(cast.analyst)
    assert come_back(client, provider, "anan").status_code == 302
    other = come_back(Client(), provider, "anan two")
    assert other.status_code == 403 and "belongs to somebody else there" in other.content.decode()
    Person.objects.filter(pk=cast.analyst.pk).update(email="new@cirt.example")
    assert come_back(Client(), provider, "anan").status_code == 302
    Person.objects.filter(pk=cast.analyst.pk).update(is_active=False)
    assert come_back(Client(), provider, "anan").status_code == 403
    by_at: dict[str, Any] = {"by": COMMAND_LINE, "at": clock.now()}
    with pytest.raises(Conflict, match="belongs to somebody else"):
        actions.bind(cast.manager, issuer=provider.issuer, subject="anan", **by_at)
    assert queries.person_known_elsewhere("https://other.example", "anan") is None


def test_an_answer_is_good_once_and_in_one_browser(
    cast: Cast, client: Client, provider: Provider, enrolled: Enrolled
) -> None:
    enrolled(cast.analyst)
    back = provider.approve(sent(client), "anan")
    thief = Client()
    assert thief.get(back).status_code == 403
    sent(thief)  # who has asked something of their own
    assert thief.get(back).status_code == 403
    assert client.get(back).status_code == 302
    assert client.get(back).status_code == 403
    assert client.get(BACK).status_code == 403


def test_an_answer_that_comes_late_or_says_no_is_none(
    cast: Cast, client: Client, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    back = provider.approve(sent(client), "anan")
    at = time.time()
    with monkeypatch.context() as later:
        later.setattr(time, "time", lambda: at + 601)
        assert "This took too long" in client.get(back).content.decode()
    state = parse_qs(urlsplit(sent(client)).query)["state"][0]
    said = client.get(BACK, {"state": state, "error": "access_denied"})
    assert said.status_code == 403 and "did not say who you are" in said.content.decode()
    state = parse_qs(urlsplit(sent(client)).query)["state"][0]
    assert client.get(BACK, {"state": state, "code": "x", "iss": "https://other.example"}).status_code == 403


NOW = dt.datetime.now(tz=dt.UTC)


@functools.cache
def our_own() -> RSAKey:
    """A key that the provider does not have."""
    return RSAKey.generate_key(2048)


LIES: dict[str, tuple[dict[str, Any], dict[str, Any], Any]] = {
    "signed with a key of its own": ({}, {}, "ours"),
    "signed with nothing": ({"alg": "none"}, {}, None),
    "signed with our secret": ({"alg": "HS256"}, {}, OctKey.import_key(b"s3cret & more and more and more and more")),
    "of another issuer": ({}, {"iss": "https://other.example"}, "provider"),
    "for another client": ({}, {"aud": "other"}, "provider"),
    "for several and by another": ({}, {"aud": ["tocsin", "other"], "azp": "other"}, "provider"),
    "for several": ({}, {"aud": ["tocsin", "other"]}, "provider"),
    "of another question": ({}, {"nonce": "other"}, "provider"),
    "of no question": ({}, {"nonce": None}, "provider"),
    "of yesterday": ({}, {"exp": int(NOW.timestamp()) - 86400}, "provider"),
    "for ever": ({}, {"exp": None}, "provider"),
    "of nobody": ({}, {"sub": None}, "provider"),
    "of a list": ({}, {"sub": ["anan"]}, "provider"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_token_that_does_not_hold_lets_nobody_in(
    cast: Cast, client: Client, provider: Provider, enrolled: Enrolled, lie: str
) -> None:
    enrolled(cast.analyst)
    header, wrong, key = LIES[lie]
    if key == "provider":  # as if the provider itself said so: with a key that it publishes
        provider.changes["/jwks"] = lambda _told: {"keys": [our_own().as_dict(private=False)]}
    if isinstance(key, str):
        key = our_own()

    def changed(told: dict[str, Any]) -> dict[str, Any]:
        claims = {**_claims_of(told["id_token"]), **wrong}
        claims = {name: value for name, value in claims.items() if value is not None}
        return {**told, "id_token": _signed({"alg": "RS256", **header}, claims, key)}

    provider.changes[TOKEN] = changed
    answer = come_back(client, provider, "anan")
    assert answer.status_code == 403 and not KnownElsewhere.objects.exists(), lie
    assert client.get("/account/").status_code == 302


def _claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def _signed(header: dict[str, Any], claims: dict[str, Any], key: Any) -> str:
    if key is None:
        parts = (base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in (header, claims))
        return b".".join([*parts, b""]).decode()
    return jwt.encode(header, claims, key, algorithms=[header["alg"]])


def test_a_token_signed_with_a_published_key_does_hold(
    cast: Cast, client: Client, provider: Provider, enrolled: Enrolled
) -> None:
    """The same way as the lies, told truly: so those are refused for what they say."""
    enrolled(cast.analyst)
    provider.changes["/jwks"] = lambda _told: {"keys": [our_own().as_dict(private=False)]}
    provider.changes[TOKEN] = lambda told: {
        **told, "id_token": _signed({"alg": "RS256"}, _claims_of(told["id_token"]), our_own())
    }  # fmt: skip
    assert come_back(client, provider, "anan").status_code == 302


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/.well-known/openid-configuration", {"issuer": "https://other.example"}),
        ("/.well-known/openid-configuration", {"token_endpoint": "ftp://127.0.0.1/token"}),
        ("/.well-known/openid-configuration", {"jwks_uri": None}),
        ("/.well-known/openid-configuration", {"authorization_endpoint": "javascript:alert(1)"}),
        ("/jwks", {"keys": "none"}),
        ("/jwks", {"keys": [{"kty": "oct"}]}),
        (TOKEN, {"id_token": None}),
        (TOKEN, {"id_token": "a.b.c"}),
    ],
)
def test_whatever_the_service_answers_is_a_page(
    cast: Cast, client: Client, provider: Provider, path: str, told: dict[str, Any]
) -> None:
    cast.analyst  # noqa: B018
    provider.changes[path] = lambda said: {**said, **told}
    first: Any = client.get("/sign-in/elsewhere/")
    if first.status_code == 302:
        first = client.get(provider.approve(first.headers["Location"], "anan"))
    assert first.status_code == 403 and "You are not signed in" in first.content.decode()


def test_a_service_that_cannot_be_reached_is_said_so(client: Client, settings: Any, caplog: Any) -> None:
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, oidc_issuer="http://127.0.0.1:9")
    page = client.get("/sign-in/elsewhere/")
    assert page.status_code == 503 and "cannot be reached now" in page.content.decode()
    assert "127.0.0.1:9" in caplog.text
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, oidc_addresses=())
    issuer._known.clear()
    assert client.get("/sign-in/elsewhere/").status_code == 503
    assert "not one of the public Internet" in caplog.text or "public" in caplog.text


def test_the_service_is_asked_about_itself_once(cast: Cast, client: Client, provider: Provider) -> None:
    for _time in range(3):
        sent(client)
    asked = [path for path, _known, _form in provider.asked]
    assert asked == ["/.well-known/openid-configuration", "/jwks"]


def test_nothing_is_there_where_no_service_is_set_up(client: Client, settings: Any) -> None:
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, oidc_issuer="")
    assert "/sign-in/elsewhere/" not in client.get("/sign-in/").content.decode()
    assert client.get("/sign-in/elsewhere/").status_code == client.get(BACK).status_code == 404


def test_one_goes_on_to_addresses_of_this_instance_alone(
    cast: Cast, client: Client, provider: Provider, settings: Any
) -> None:
    cast.manager  # noqa: B018
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, oidc_trusts_acr=("gold",), oidc_name="")
    answer = come_back(client, provider, "marta", "https://evil.example/")
    assert answer.headers["Location"] == "/"
    assert issuer.name() == "127.0.0.1"


def test_wrong_answers_are_limited_by_place(client: Client) -> None:
    statuses = [client.get(BACK, {"state": "x", "code": "y"}).status_code for _n in range(22)]
    assert statuses == [403] * 20 + [429] * 2
