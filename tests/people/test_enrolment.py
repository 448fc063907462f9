"""From a one-time link to being signed in with two factors."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from tests.cast import PASSWORD, Cast
from tests.people.conftest import SECRET, code_of
from tests.processes import Instance, finish
from tocsin.audit.actors import COMMAND_LINE
from tocsin.audit.models import AuditRow
from tocsin.kernel import clock
from tocsin.kernel.refusals import Conflict, InvalidInput
from tocsin.people import actions, links, queries, sealing
from tocsin.people.models import EnrolmentLink, Person

Enrol = Callable[[Person], str]
NEW = {"password": "a very new passphrase", "again": "a very new passphrase"}


def test_a_link_leads_over_password_and_authenticator_to_recovery_codes_and_in(
    cast: Cast, client: Client, enrolment_address: Enrol
) -> None:
    page = client.get(enrolment_address(cast.analyst), follow=True)
    assert page.status_code == 200
    assert page.request["PATH_INFO"] == "/sign-in/enrol/", "the secret part leaves the address line"
    page = client.post("/sign-in/enrol/", NEW, follow=True)
    assert page.request["PATH_INFO"] == "/sign-in/authenticator/"
    html = page.content.decode()
    assert "<svg" in html
    assert "style=" not in html
    assert "<script" not in html
    secret = re.search(r"<bdi dir=.ltr.>([A-Z2-7 ]+)</bdi>", html)
    assert secret
    page = client.post("/sign-in/authenticator/", {"code": code_of(secret[1])}, follow=True)
    codes = re.findall(r"<li><code><bdi dir=.ltr.>(\w+)</bdi>", page.content.decode())
    assert len(codes) == 10
    client.post("/sign-in/recovery-codes/", {"kept": "yes"})
    assert client.get("/sign-in/recovery-codes/").content.decode().count("<li><code>") == 0, "shown once"
    assert [row.code for row in AuditRow.objects.all()] == [
        "person.enrolment_link_made", "person.enrolled", "person.second_factor_set_up", "person.signed_in",
        "person.recovery_codes_kept",
    ]  # fmt: skip

    other = Client()
    other.post("/sign-in/", {"login": cast.analyst.email, "password": NEW["password"]})
    assert other.post("/sign-in/code/", {"code": codes[0]}).status_code == 302
    assert other.get("/sign-in/recovery-codes/").status_code == 200
    again = Client()
    again.post("/sign-in/", {"login": cast.analyst.email, "password": NEW["password"]})
    assert again.post("/sign-in/code/", {"code": codes[0]}).status_code == 200, "a recovery code works once"


def test_no_secret_reaches_the_audit_trail(cast: Cast, client: Client, enrolment_address: Enrol) -> None:
    address = enrolment_address(cast.analyst)
    client.get(address)
    client.post("/sign-in/enrol/", NEW)
    client.get("/sign-in/authenticator/")
    client.post("/sign-in/authenticator/", {"code": code_of(sealing.unseal(client.session["mfa.totp.secret"]))})
    written = "".join(row.data_json for row in AuditRow.objects.all())
    for secret in (
        address.split("/")[-2],
        NEW["password"],
        Authenticator.objects.filter(type="totp").get().data["secret"],
    ):
        assert secret not in written
    assert address.split("/")[-2] not in str(list(EnrolmentLink.objects.values()))


def test_a_used_link_says_so(cast: Cast, client: Client, enrolment_address: Enrol) -> None:
    address = enrolment_address(cast.analyst)
    client.get(address)
    client.post("/sign-in/enrol/", NEW)
    answer = Client().get(address, follow=True)
    assert answer.status_code == 410
    assert b"used before" in answer.content


def test_an_expired_link_says_so(cast: Cast, client: Client) -> None:
    token = links.new_token()
    at = clock.now() - dt.timedelta(days=7, seconds=1)
    actions.make_enrolment_link(cast.analyst, token=token, by=COMMAND_LINE, at=at)
    answer = client.get(f"/sign-in/enrol/{token}/", follow=True)
    assert (answer.status_code, b"too old" in answer.content) == (410, True)


@pytest.mark.parametrize("token", ["x", "é\u202e", "a" * 5000, "%00"])
def test_an_unknown_link_says_so(db: None, client: Client, token: str) -> None:
    answer = client.get(f"/sign-in/enrol/{token}/", follow=True)
    assert (answer.status_code, b"not known" in answer.content) == (410, True)


def test_a_newer_link_takes_the_place_of_an_older_one(cast: Cast, client: Client, enrolment_address: Enrol) -> None:
    older, newer = enrolment_address(cast.analyst), enrolment_address(cast.analyst)
    assert client.get(older, follow=True).status_code == 410
    assert client.get(newer, follow=True).status_code == 200


def test_a_link_of_a_closed_account_is_not_known(cast: Cast, client: Client, enrolment_address: Enrol) -> None:
    address = enrolment_address(cast.analyst)
    Person.objects.update(is_active=False)
    assert client.get(address, follow=True).status_code == 410


@pytest.mark.parametrize(
    ("password", "again"),
    [("short", "short"), ("passwordpassword", "x"), ("123456789012345", "123456789012345"), ("anan@cirt.example",) * 2],
)
def test_a_weak_or_mistyped_password_is_refused_in_place(
    cast: Cast, client: Client, enrolment_address: Enrol, password: str, again: str
) -> None:
    client.get(enrolment_address(cast.analyst))
    answer = client.post("/sign-in/enrol/", {"password": password, "again": again})
    assert (answer.status_code, b'class="error"' in answer.content) == (200, True)
    assert not Person.objects.get(pk=cast.analyst.pk).has_usable_password()


def test_a_wrong_first_code_sets_nothing_up(cast: Cast, client: Client, enrolment_address: Enrol) -> None:
    client.get(enrolment_address(cast.analyst))
    client.post("/sign-in/enrol/", NEW)
    client.get("/sign-in/authenticator/")
    answer = client.post("/sign-in/authenticator/", {"code": "000000"})
    assert answer.status_code == 200
    assert not queries.has_second_factor(cast.analyst)


def test_a_link_for_an_enrolled_person_replaces_password_and_second_factor_and_ends_sessions(
    cast: Cast, client: Client, enrolment_address: Enrol, sign_in: Callable[[Person], Client]
) -> None:
    old = sign_in(cast.analyst)
    client.get(enrolment_address(cast.analyst))
    client.post("/sign-in/enrol/", NEW)
    assert not queries.has_second_factor(cast.analyst)
    assert old.get("/sign-in/recovery-codes/").headers["Location"].startswith("/sign-in/?")
    assert not Client().login(email=cast.analyst.email, password=PASSWORD)


def test_an_account_is_opened_once_whatever_the_case_of_its_address(cast: Cast) -> None:
    actions.create_person(email=" New@Cirt.Example ", name="", role="analyst", by=cast.administrator, at=clock.now())
    person = queries.person_by_email("NEW@cirt.example")
    assert person is not None
    assert (person.email, person.name, person.has_usable_password()) == ("new@cirt.example", "new", False)
    with pytest.raises(Conflict, match=r"account for new@cirt\.example"):
        actions.create_person(email="NEW@CIRT.EXAMPLE", name="", role="analyst", by=cast.administrator, at=clock.now())


@pytest.mark.parametrize(
    ("email", "role"), [("nobody", "analyst"), ("a@b.example", "root"), ("a@b.example\nBcc: x", "peer")]
)
def test_an_account_needs_an_address_and_a_role(cast: Cast, email: str, role: str) -> None:
    with pytest.raises(InvalidInput):
        actions.create_person(email=email, name="x", role=role, by=COMMAND_LINE, at=clock.now())


def test_a_second_factor_is_set_up_once(cast: Cast, enrolled: Callable[[Person], Person]) -> None:
    enrolled(cast.analyst)
    with pytest.raises(Conflict, match="already"):
        actions.set_up_second_factor(cast.analyst, secret=SECRET, by=cast.analyst, at=clock.now())


def test_of_many_who_use_a_link_at_once_one_succeeds(instance: Instance) -> None:
    instance.run(
        """
        from tocsin.people import actions
        from tocsin.people.models import Person
        from tocsin.audit.actors import COMMAND_LINE as by
        from tocsin.kernel.clock import now
        actions.create_person(email="new@cirt.example", name="New", role="analyst", by=by, at=now())
        actions.make_enrolment_link(Person.objects.get(), token="token", by=by, at=now())
        """
    )
    race = """
        import sys
        from tocsin.people import actions, links
        from tocsin.audit.actors import COMMAND_LINE as by
        from tocsin.kernel.clock import now
        print("ready", flush=True); sys.stdin.readline()
        try:
            actions.enrol(token="token", password="x", by=by, at=now())
            print("in")
        except links.LinkUsed:
            print("used")
    """
    processes = [instance.start(race) for _ in range(4)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert sorted(finish(process).strip() for process in processes) == ["in", "used", "used", "used"]


FIRST = {"email": "First@Cirt.example", "name": "First Person", **NEW}


@pytest.fixture
def first_address(db: None) -> str:
    token = links.new_token()
    actions.invite_first_person(token=token, by=COMMAND_LINE, at=clock.now())
    return f"/sign-in/enrol/{token}/"


def test_the_first_visitor_of_a_new_instance_becomes_its_administrator(client: Client, first_address: str) -> None:
    client.get(first_address)
    assert client.post("/sign-in/enrol/", FIRST).headers["Location"] == "/sign-in/authenticator/"
    person = Person.objects.get()
    assert (person.email, person.name, person.role) == ("first@cirt.example", "First Person", "national_administrator")
    assert Client().get(first_address, follow=True).status_code == 410


def test_the_first_person_begins_at_the_address(client: Client, first_address: str) -> None:
    client.get(first_address)
    fields = re.findall(r"<input[^>]*autofocus[^>]*>", client.get("/sign-in/enrol/").content.decode())
    assert len(fields) == 1 and 'name="email"' in fields[0]


def test_the_first_persons_password_must_not_be_the_address(client: Client, first_address: str) -> None:
    client.get(first_address)
    answer = client.post("/sign-in/enrol/", {**FIRST, "password": "first@cirt.example", "again": "first@cirt.example"})
    assert answer.status_code == 200
    assert not Person.objects.exists()


def test_the_first_address_makes_an_administrator_whoever_else_has_an_account(
    client: Client, first_address: str, cast: Cast, enrolled: Callable[[Person], Person]
) -> None:
    enrolled(cast.analyst)
    assert not cast.administrator.has_usable_password(), "invited by name, not enrolled"
    client.get(first_address)
    assert client.post("/sign-in/enrol/", FIRST).headers["Location"] == "/sign-in/authenticator/"
    assert Person.objects.get(email="first@cirt.example").role == "national_administrator"
    assert queries.an_administrator_can_sign_in()


def test_the_first_address_is_void_once_an_administrator_can_sign_in(
    client: Client, first_address: str, cast: Cast, enrolled: Callable[[Person], Person]
) -> None:
    client.get(first_address)
    enrolled(cast.administrator)
    assert client.post("/sign-in/enrol/", FIRST).status_code == 410
    assert Client().get(first_address).status_code == 410, "said before a form is filled in"
    with pytest.raises(Conflict, match="administrator can sign in"):
        actions.invite_first_person(token="x", by=COMMAND_LINE, at=clock.now())


def test_the_first_persons_address_must_be_new(client: Client, first_address: str, cast: Cast) -> None:
    client.get(first_address)
    answer = client.post("/sign-in/enrol/", {**FIRST, "email": cast.analyst.email.upper()})
    assert (answer.status_code, b"an account with this address" in answer.content) == (200, True)
    assert Person.objects.count() == 1


def test_a_closed_administrator_does_not_count(cast: Cast, enrolled: Callable[[Person], Person]) -> None:
    enrolled(cast.administrator)
    assert queries.an_administrator_can_sign_in()
    Person.objects.update(is_active=False)
    assert not queries.an_administrator_can_sign_in()


def test_a_refused_link_names_whom_to_ask_only_if_there_is_somebody(
    client: Client, cast: Cast, enrolled: Callable[[Person], Person]
) -> None:
    assert b"Run <code>tocsin init</code> on the server" in client.get("/sign-in/enrol/x/").content
    enrolled(cast.administrator)
    assert b"ask a national administrator" in client.get("/sign-in/enrol/x/").content


@pytest.mark.parametrize(
    "given", [{"name": "N" * 300}, {"name": "a\0b"}, {"name": "\u200b"}, {"email": f"{'a' * 60}@{'b.' * 110}example"}]
)
@pytest.mark.django_db
def test_what_an_account_cannot_hold_is_refused(given: dict[str, str]) -> None:
    facts = {"email": "x@team.example", "name": "N"} | given
    with pytest.raises(InvalidInput):
        actions.create_person(**facts, role="analyst", by=COMMAND_LINE, at=clock.now())
    assert not Person.objects.exists()


@pytest.mark.django_db
def test_the_label_of_anybody_can_be_kept() -> None:
    long = Person(name="N" * 200, email=f"ana@{'x' * 60}.example")
    assert len(long.audit_label) == 200 and long.audit_label.endswith(f"… <{long.email}>")
    assert len(Person(name="N" * 200, email=f"{'a' * 60}@{'b' * 180}.example").audit_label) == 200
    assert Person(name="Ana", email="ana@team.example").audit_label == "Ana <ana@team.example>"


def test_all_mistakes_in_an_enrolment_are_named_at_once(
    cast: Cast, client: Client, enrolment_address: Enrol, first_address: str
) -> None:
    client.get(enrolment_address(cast.analyst))
    answer = client.post("/sign-in/enrol/", {"password": "short", "again": "other"})
    assert summary(answer.content.decode()) == ["Password", "The same password again"]

    first = Client()
    first.get(first_address)
    typed = {"email": f"{'x' * 300}@cirt.example", "name": "", "password": "short", "again": "other"}
    answer = first.post("/sign-in/enrol/", typed)
    found = summary(answer.content.decode())
    assert set(found) == {"E-mail address to sign in with", "Name", "Password", "The same password again"}
    assert answer.status_code == 200 and not Person.objects.filter(email__startswith="xxx").exists()

    page = first.post("/sign-in/enrol/", {**typed, "email": "a@cirt.example", "name": "\u2060"}).content.decode()
    assert "Name: It holds nothing that can be seen." in re.sub(r"<[^>]+>", "", page)


def summary(page: str) -> list[str]:
    """Return the fields that are named at the top of a refused form."""
    top = page.partition('id="errors"')[2].partition("</ul>")[0]
    return list(dict.fromkeys(re.findall(r">([^<:]+): ", top)))
