"""One's own account: sessions, password, language, keys for programs."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client, RequestFactory

from tests.cast import PASSWORD, Cast
from tests.people.conftest import SECRET, code_of
from tests.people.test_accounts import page_text, signed_in_as
from tocsin.audit.actors import COMMAND_LINE
from tocsin.audit.models import AuditRow
from tocsin.kernel import clock
from tocsin.kernel.refusals import Conflict, InvalidInput, NotPermitted
from tocsin.people import actions, keys, queries
from tocsin.people.choices import Scope
from tocsin.people.models import ApiKey, Person, SignedInSession
from tocsin.people.visitors import device_words

SignIn = Callable[[Person], Client]
NEW = {"old": PASSWORD, "password": "a very new passphrase", "again": "a very new passphrase"}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def second_browser(person: Person, step: int = 1, **headers: str) -> Client:
    """Sign a person in once more, elsewhere."""
    client = Client(headers=headers)
    client.post("/sign-in/", {"login": person.email, "password": PASSWORD})
    assert client.post("/sign-in/code/", {"code": code_of(SECRET, step)}).status_code == 302
    return client


def test_sessions_are_listed_in_words_and_one_is_ended(cast: Cast, sign_in: SignIn) -> None:
    here = sign_in(cast.analyst)
    there = second_browser(cast.analyst, user_agent=FIREFOX)
    page = page_text(here.get("/account/"))
    assert "Firefox on Linux" in page and page.count("this browser") == 1 and page.count("127.0.0.1") == 2
    row = SignedInSession.objects.get(agent=FIREFOX)
    assert here.post(f"/account/sessions/{row.pk}/end/").status_code == 302
    assert there.get("/help/").headers["Location"].startswith("/sign-in/")
    assert here.get("/help/").status_code == 200
    assert AuditRow.objects.latest("sequence").code == "person.session_ended"


def test_all_other_sessions_are_ended_and_this_one_goes_on(cast: Cast, sign_in: SignIn) -> None:
    here, there = sign_in(cast.analyst), second_browser(cast.analyst)
    assert "All other sessions have ended." in page_text(here.post("/account/sessions/end/", follow=True))
    assert there.get("/help/").headers["Location"].startswith("/sign-in/")
    page = page_text(here.get("/account/"))
    assert page.count("this browser") == page.count("127.0.0.1") == 1


def test_ending_this_session_signs_out(cast: Cast, sign_in: SignIn) -> None:
    here = sign_in(cast.analyst)
    row = SignedInSession.objects.get()
    assert here.post(f"/account/sessions/{row.pk}/end/").headers["Location"] == "/sign-in/"
    assert here.get("/help/").status_code == 302


def test_nobody_ends_the_session_or_the_key_of_somebody_else(cast: Cast, sign_in: SignIn) -> None:
    sign_in(cast.analyst)
    row = SignedInSession.objects.get()
    key = made_key(cast.analyst)[0]
    stranger = signed_in_as(cast.stranger)
    assert stranger.post(f"/account/sessions/{row.pk}/end/").status_code == 404
    assert stranger.post(f"/account/keys/{key.pk}/revoke/").status_code == 404
    assert stranger.get(f"/account/keys/{key.pk}/revoke/").status_code == 404
    for by in (cast.stranger, cast.auditor, cast.peer):
        with pytest.raises(NotPermitted):
            actions.end_session(row, by=by, at=clock.now())
        with pytest.raises(NotPermitted):
            actions.revoke_api_key(key, by=by, at=clock.now())
        with pytest.raises(NotPermitted):
            actions.end_sessions(cast.analyst, by=by, at=clock.now())


def test_that_a_session_was_seen_is_noted_every_few_minutes(
    cast: Cast, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = sign_in(cast.analyst)
    here.get("/help/")
    before = SignedInSession.objects.get().seen_at
    here.get("/help/")
    assert SignedInSession.objects.get().seen_at == before
    later = clock.now() + dt.timedelta(minutes=6)
    monkeypatch.setattr(clock, "now", lambda: later)
    here.get("/help/")
    assert SignedInSession.objects.get().seen_at == later


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge on Windows",
        ),
        ("Mozilla/5.0 (Linux; Android 9; SM) AppleWebKit/537.36 Chrome/120 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iPhone"),
        ("curl/8.5.0", "curl"),
        ("", "Unknown browser"),
    ],
)
def test_a_browser_is_said_in_words(agent: str, words: str) -> None:
    assert device_words(agent) == words


def test_another_password_needs_the_old_one_and_ends_all_other_sessions(cast: Cast, sign_in: SignIn) -> None:
    here, there = sign_in(cast.analyst), second_browser(cast.analyst)
    refused = here.post("/account/password/", {**NEW, "old": "not the old one at all"})
    assert (refused.status_code, "This is not your password." in page_text(refused)) == (422, True)
    weak = here.post("/account/password/", {**NEW, "password": "short", "again": "other"})
    assert "The two passwords differ" in page_text(weak) and "too short" in page_text(weak)
    assert Person.objects.get(pk=cast.analyst.pk).check_password(PASSWORD)
    done = here.post("/account/password/", NEW, follow=True)
    assert "Your password is changed." in page_text(done)
    assert here.get("/help/").status_code == 200
    assert there.get("/help/").headers["Location"].startswith("/sign-in/")
    assert SignedInSession.objects.count() == 1
    assert Person.objects.get(pk=cast.analyst.pk).check_password(NEW["password"])
    assert NEW["password"] not in "".join(row.data_json for row in AuditRow.objects.all())


def test_what_changes_how_one_signs_in_asks_for_a_factor_again_after_a_while(
    cast: Cast, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = sign_in(cast.analyst)
    assert here.get("/account/password/").status_code == 200
    later = clock.now() + dt.timedelta(minutes=16)
    monkeypatch.setattr(clock, "now", lambda: later)
    for address in ("/account/password/", "/account/keys/add/"):
        assert here.get(address).headers["Location"].startswith("/account/confirm/?next=%2Faccount%2F")
        assert here.post(address, NEW).headers["Location"].startswith("/account/confirm/")
    assert Person.objects.get(pk=cast.analyst.pk).check_password(PASSWORD)
    wrong = here.post("/account/confirm/?next=/account/password/", {"code": "000000"})
    assert "This code is not right" in page_text(wrong)
    right = here.post("/account/confirm/?next=/account/password/", {"code": code_of(SECRET, 1)})
    assert right.headers["Location"] == "/account/password/"
    assert here.get("/account/password/").status_code == 200
    assert here.get("/account/confirm/?next=https://evil.example/").headers["Location"] == "/account/"


def test_wrong_codes_and_passkeys_count_as_guesses_when_a_factor_is_asked_for_again(
    cast: Cast, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, asked = sign_in(cast.analyst), "/account/confirm/?next=/account/password/"
    later = clock.now() + dt.timedelta(minutes=16)
    monkeypatch.setattr(clock, "now", lambda: later)
    wrong = [{"code": "000000"}, {"credential": "{}", "token": "x"}] * 6
    refused = ["Too many attempts failed" in page_text(here.post(asked, guess)) for guess in wrong]
    assert refused == [False] * 10 + [True] * 2
    assert here.post(asked, {"code": code_of(SECRET, 1)}).status_code == 200, "the right one comes too late"
    assert here.get("/account/password/").headers["Location"].startswith("/account/confirm/")


def test_wrong_old_passwords_count_as_guesses(cast: Cast, sign_in: SignIn) -> None:
    sign_in(cast.analyst)
    thief = signed_in_as(cast.analyst)
    said = [page_text(thief.post("/account/password/", {**NEW, "old": f"wrong number {n}"})) for n in range(11)]
    assert ["Too many attempts failed" in each for each in said] == [False] * 10 + [True]
    right = thief.post("/account/password/", NEW)
    assert right.status_code == 422, "also the right one is not checked any more"


def made_key(person: Person, days: int = 30, at: Any = None, **facts: Any) -> tuple[ApiKey, str]:
    """Make a key; return it and its secret."""
    secret, at = keys.new_secret(), at or clock.now()
    given = {"name": "Dashboard", "scopes": [Scope.READ_FINDINGS], **facts}
    event = actions.make_api_key(
        person, **given, secret=secret, expires_at=at + dt.timedelta(days=days), by=person, at=at
    )
    return ApiKey.objects.get(pk=event.key), secret


def test_a_key_is_made_shown_once_and_stands_for_its_person(cast: Cast) -> None:
    client = signed_in_as(cast.analyst)
    day = (clock.now() + dt.timedelta(days=90)).date().isoformat()
    answer = client.post("/account/keys/add/", {"name": "Dashboard", "scopes": "findings:read", "expires_on": day})
    (secret,) = re.findall(r"tocsin_\w{8}_[\w-]{43}", answer.content.decode())
    assert "no-store" in answer.headers["Cache-Control"]
    at = clock.now()
    assert queries.person_of_key(secret, Scope.READ_FINDINGS, at) == cast.analyst
    later = client.get("/account/").content.decode()
    assert secret not in later and secret.split("_")[1] in later and "Read findings" in later
    kept = "".join(map(str, [*ApiKey.objects.values(), *AuditRow.objects.values_list("data_json", flat=True)]))
    assert secret not in kept and secret.split("_", 2)[2] not in kept


def test_a_key_opens_nothing_when_it_is_wrong_ended_revoked_closed_or_for_something_else(cast: Cast) -> None:
    key, secret = made_key(cast.analyst)
    at = clock.now()

    def opens(given: str = secret, scope: str = Scope.READ_FINDINGS, when: Any = at) -> bool:
        return queries.person_of_key(given, scope, when) is not None

    assert opens()
    wrong = [f"{secret}x", secret[:-1], secret.upper(), secret.split("_", 2)[2], "", "tocsin__", "tocsin_aaaaaaaa_é\0"]
    assert not any(map(opens, wrong))
    assert not opens(scope="findings:write")
    assert not opens(when=key.expires_at) and opens(when=key.expires_at - dt.timedelta(seconds=1))
    Person.objects.filter(pk=cast.analyst.pk).update(is_active=False)
    assert not opens()
    Person.objects.filter(pk=cast.analyst.pk).update(is_active=True)
    actions.revoke_api_key(key, by=cast.analyst, at=at)
    assert not opens()
    with pytest.raises(Conflict, match="revoked already"):
        actions.revoke_api_key(key, by=cast.analyst, at=at)


def test_a_program_asks_by_the_header_and_its_use_is_noted(cast: Cast, rf: RequestFactory) -> None:
    key, secret = made_key(cast.contact)
    at = clock.now()

    def asking(header: str | None) -> Person | None:
        request = rf.get("/", headers={"Authorization": header} if header else {})
        return keys.person_asking(request, Scope.READ_FINDINGS, at)

    assert asking(f"Bearer {secret}") == asking(f"bearer  {secret}") == cast.contact
    assert ApiKey.objects.get(pk=key.pk).last_used_at == at
    for header in (None, secret, f"Basic {secret}", "Bearer", "Bearer x", f"Bearer {secret[:-1]}"):
        assert asking(header) is None


@pytest.mark.parametrize(
    ("facts", "where"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "\u2060"}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"days": 367}, "expires_on"),
        ({"days": 0}, "expires_on"),
    ],
)
def test_a_key_has_a_name_something_to_do_and_an_end(cast: Cast, facts: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        made_key(cast.analyst, **facts)
    assert refused.value.where == where and not ApiKey.objects.exists()


@pytest.mark.parametrize("day", ["2020-01-01", "2099-01-01", "soon", ""])
def test_a_last_day_that_is_none_is_refused_in_place(cast: Cast, day: str) -> None:
    facts = {"name": "Dashboard", "scopes": "findings:read", "expires_on": day}
    assert signed_in_as(cast.analyst).post("/account/keys/add/", facts).status_code == 422
    assert not ApiKey.objects.exists()


def test_keys_are_made_by_their_person_alone_and_not_without_end(cast: Cast) -> None:
    at = clock.now()
    for by in (cast.administrator, COMMAND_LINE):
        with pytest.raises(NotPermitted):
            actions.make_api_key(
                cast.analyst, name="x", scopes=[Scope.READ_FINDINGS], secret=keys.new_secret(),
                expires_at=at + dt.timedelta(days=1), by=by, at=at,
            )  # fmt: skip
    for number in range(keys.MOST):
        made_key(cast.analyst, name=f"key {number}")
    with pytest.raises(Conflict, match="20 keys"):
        made_key(cast.analyst)


def test_staff_who_manage_people_revoke_anybodys_key_but_not_an_administrators(cast: Cast) -> None:
    (key, _), (theirs, _) = made_key(cast.analyst), made_key(cast.administrator)
    head = signed_in_as(cast.manager)
    assert "Dashboard" in page_text(head.get(f"/people/{cast.analyst.pk}/"))
    assert head.get(f"/people/{cast.analyst.pk}/keys/{theirs.pk}/revoke/").status_code == 404, "parent and child"
    head.post(f"/people/{cast.analyst.pk}/keys/{key.pk}/revoke/")
    assert head.post(f"/people/{cast.administrator.pk}/keys/{theirs.pk}/revoke/").status_code == 403
    assert ApiKey.objects.get(pk=key.pk).revoked_at is not None
    assert ApiKey.objects.get(pk=theirs.pk).revoked_at is None
    own = signed_in_as(cast.administrator)
    assert "never works again" in page_text(own.get(f"/account/keys/{theirs.pk}/revoke/"))
    assert "The key is revoked." in page_text(own.post(f"/account/keys/{theirs.pk}/revoke/", follow=True))


def test_everybody_has_an_own_account_page(cast: Cast) -> None:
    for person in cast.everybody():
        page = page_text(signed_in_as(person).get("/account/"))
        assert person.name in page and "Keys for programs" in page
    assert Client().get("/account/").headers["Location"].startswith("/sign-in/")
