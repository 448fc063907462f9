"""Links by mail: to sign in, to choose a new password; and what people are told of their own account."""

from __future__ import annotations

import dataclasses
import datetime as dt
import email
import email.policy
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from tests.cast import PASSWORD, Cast
from tests.people.conftest import SECRET, code_of
from tests.people.test_accounts import page_text
from tocsin.audit.actors import COMMAND_LINE, System
from tocsin.audit.models import AuditRow
from tocsin.courier.actions import stop_all
from tocsin.courier.models import OutgoingMessage
from tocsin.jobs import queue, registry, worker
from tocsin.jobs.models import Job
from tocsin.kernel import clock
from tocsin.kernel.refusals import InvalidInput, NotPermitted
from tocsin.people import actions, limiter, links, queries
from tocsin.people.choices import Purpose, Role, Standing
from tocsin.people.forms import EnrolmentByMailForm
from tocsin.people.mailing import LINK_JOB
from tocsin.people.models import MailedLink, Person

pytestmark = pytest.mark.django_db

Enrolled = Callable[[Person], Person]
SignIn = Callable[[Person], Client]
NEW = {"password": "a very new passphrase", "again": "a very new passphrase"}
LINK = re.compile(r"http://testserver(/sign-in/(?:link|forgotten)/[\w-]{43}/)")


@pytest.fixture(autouse=True)
def mailing(settings: Any) -> None:
    """An instance that may send mail."""
    settings.TOCSIN = dataclasses.replace(
        settings.TOCSIN, smtp_url="smtp://127.0.0.1:1", mail_from="cirt@cirt.example", mail_domain="back.cirt.example"
    )


def worked() -> None:
    """Let a worker do what was asked for."""
    registry.load()
    while worker.do_next("test", kind=LINK_JOB):
        pass


def mails() -> list[tuple[str, str, str]]:
    """Return what was mailed, oldest first: to whom, about what, and its text."""
    found = []
    for row in OutgoingMessage.objects.order_by("pk"):
        read = email.message_from_bytes(bytes(row.content), policy=email.policy.default)
        found.append((row.recipient, str(read["Subject"]), str(read.get_content())))
    return found


def asked(client: Client, address: str, purpose: str = "link") -> str:
    """Ask for a link and let it be mailed; return the page."""
    answer = client.post(f"/sign-in/{purpose}/", {"email": address})
    worked()
    return str(answer.content.decode())


def link_in_last_mail() -> str:
    """Return the address in the last mail."""
    (found,) = LINK.findall(mails()[-1][2])
    return str(found)


def test_a_contact_signs_in_by_a_mailed_link_and_the_second_factor(
    cast: Cast, client: Client, enrolled: Enrolled, still: None
) -> None:
    enrolled(cast.contact)
    asked(client, cast.contact.email)
    to, subject, said = mails()[-1]
    assert (to, subject) == (cast.contact.email, "Sign in to CIRT")
    assert "within 15 minutes" in said and "TLP" not in said + subject
    link = link_in_last_mail()
    for _look in range(3):  # as programs do that look for harm in mail
        assert cast.contact.email in client.get(link).content.decode()
    answer: Any = client.post(link)
    assert answer.headers["Location"].startswith("/sign-in/code/")
    assert client.get("/account/").status_code == 302, "a link alone signs nobody in"
    assert client.post("/sign-in/code/", {"code": code_of(SECRET)}).status_code == 302
    assert client.get("/account/").status_code == 200
    assert [row.code for row in AuditRow.objects.all()][-3:] == [
        "person.link_mailed", "person.mailed_link_used", "person.signed_in",
    ]  # fmt: skip
    assert "This link was used before" in Client().get(link).content.decode()


def test_the_secret_of_a_link_is_in_the_mail_alone(cast: Cast, client: Client, enrolled: Enrolled) -> None:
    enrolled(cast.contact)
    asked(client, cast.contact.email)
    token = link_in_last_mail().split("/")[-2]
    rows = [*MailedLink.objects.values(), *Job.objects.values(), *AuditRow.objects.values("data_json")]
    assert token not in str(rows) and client.cookies["link"].value not in str(rows)


def test_a_link_opens_nothing_in_another_browser(cast: Cast, client: Client, enrolled: Enrolled) -> None:
    enrolled(cast.contact)
    asked(client, cast.contact.email)
    link, thief = link_in_last_mail(), Client()
    for answer in (thief.get(link), thief.post(link)):
        assert answer.status_code == 410
        assert "not the browser in which the link was asked for" in answer.content.decode()
    asked(thief, "somebody@else.example")  # who has a cookie of their own
    assert thief.post(link).status_code == 410
    assert client.post(link).status_code == 302


def test_a_newer_link_takes_the_place_of_an_older_and_all_end_after_a_quarter_of_an_hour(
    cast: Cast, client: Client, enrolled: Enrolled
) -> None:
    enrolled(cast.contact)
    asked(client, cast.contact.email)
    first = link_in_last_mail()
    asked(client, cast.contact.email)
    second = link_in_last_mail()
    assert "This link is not known" in client.get(first).content.decode()
    assert client.get(second).status_code == 200
    MailedLink.objects.update(expires_at=clock.now() - dt.timedelta(seconds=1))
    page = client.post(second)
    assert page.status_code == 410 and "This link is too old" in page.content.decode()


def test_the_answer_is_the_same_whosever_the_address_is(cast: Cast, enrolled: Enrolled) -> None:
    enrolled(cast.contact)
    enrolled(cast.analyst)
    enrolled(cast.stranger)
    Person.objects.filter(pk=cast.stranger.pk).update(is_active=False)
    OutgoingMessage.objects.all().delete()  # they were told of their second factors
    pages, jobs = set(), []
    for address in (cast.contact.email, cast.analyst.email, cast.stranger.email, "nobody@nowhere.example"):
        answer = Client().post("/sign-in/link/", {"email": address})
        pages.add(re.sub(r'value="[^"]*"', "", answer.content.decode()))
        assert "link" in answer.cookies
        jobs.append(Job.objects.filter(kind=LINK_JOB).count())
        assert OutgoingMessage.objects.count() == 0, "nothing is looked into before the page is answered"
    assert len(pages) == 1 and jobs == [1, 2, 3, 4]
    worked()
    assert [to for to, _subject, _text in mails()] == [cast.contact.email]


def test_asking_costs_the_same_questions_whosever_the_address_is(
    cast: Cast, enrolled: Enrolled, django_assert_num_queries: Any
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    enrolled(cast.contact)
    numbers = set()
    for address in (cast.contact.email, "nobody@nowhere.example"):
        with CaptureQueriesContext(connection) as seen:
            Client().post("/sign-in/link/", {"email": address})
        numbers.add(len(seen))
    assert len(numbers) == 1


def test_who_may_have_which_link(cast: Cast, enrolled: Enrolled) -> None:
    for person in cast.everybody():
        enrolled(person)
        by_link, may_reset = (queries.may_have_by_mail(person, purpose) for purpose in Purpose)
        assert by_link is (person.role == Role.CONSTITUENT_CONTACT)
        assert may_reset is (person.role != Role.NATIONAL_ADMINISTRATOR)
    without = Person(email="new@bank.example", role=Role.CONSTITUENT_CONTACT)
    without.set_password(PASSWORD)
    without.save()
    assert not any(queries.may_have_by_mail(without, purpose) for purpose in Purpose), "no factor that could be asked"
    asked_for = {"purpose": Purpose.SIGN_IN, "browser_hash": "", "base": ""}
    with pytest.raises(NotPermitted):
        actions.mail_link(cast.analyst, **asked_for, by=COMMAND_LINE, at=clock.now())


def test_a_link_that_was_mailed_ends_with_what_it_was_mailed_for(
    cast: Cast, client: Client, enrolled: Enrolled
) -> None:
    enrolled(cast.contact)
    asked(client, cast.contact.email)
    link = link_in_last_mail()
    assert client.get(link.replace("/link/", "/forgotten/")).status_code == 410, "of another purpose"
    Person.objects.filter(pk=cast.contact.pk).update(role=Role.ANALYST)
    assert client.post(link).status_code == 410
    Person.objects.filter(pk=cast.contact.pk).update(role=Role.CONSTITUENT_CONTACT, is_active=False)
    assert client.post(link).status_code == 410


def test_nothing_is_offered_where_no_mail_leaves(cast: Cast, client: Client, settings: Any) -> None:
    assert "Send me a link" in client.get("/sign-in/").content.decode()
    assert "Have a link mailed" in client.get("/sign-in/no-access/").content.decode()
    stop_all(reason="A mistake.", by=COMMAND_LINE, at=clock.now())
    for lacking in ("stopped", "not set up"):
        assert "Send me a link" not in client.get("/sign-in/").content.decode(), lacking
        assert "Have a link mailed" not in client.get("/sign-in/no-access/").content.decode()
        for where in ("link", "forgotten"):
            page = client.post(f"/sign-in/{where}/", {"email": cast.contact.email})
            assert page.status_code == 409 and "No mail leaves this instance now" in page.content.decode()
        assert not Job.objects.exists()
        settings.TOCSIN = dataclasses.replace(settings.TOCSIN, smtp_url="")


@pytest.mark.parametrize(
    "typed", ["", "no address", "a@b", "a@b.example\r\nBcc: c@d.example", "x" * 300 + "@b.example"]
)
def test_what_is_no_address_is_said_to_be_none(client: Client, typed: str) -> None:
    page = client.post("/sign-in/link/", {"email": typed}).content.decode()
    assert 'aria-invalid="true"' in page and not Job.objects.exists()


def test_asking_is_limited_by_address_and_takes_no_guesses(cast: Cast, enrolled: Enrolled, sign_in: SignIn) -> None:
    owners = sign_in(cast.contact)
    statuses = [Client().post("/sign-in/link/", {"email": cast.contact.email}).status_code for _n in range(7)]
    assert statuses == [200] * 5 + [429] * 2
    statuses = [Client().post("/sign-in/link/", {"email": "no@where.example"}).status_code for _n in range(7)]
    assert statuses == [200] * 5 + [429] * 2, "whosever it is"
    owners.post("/sign-in/out/")
    assert owners.post("/sign-in/link/", {"email": cast.contact.email}).status_code == 200, "of a known browser"
    assert limiter.begin(Client().get("/sign-in/").wsgi_request, cast.contact) is not None


def test_asking_for_many_is_limited_by_place() -> None:
    statuses = [Client().post("/sign-in/link/", {"email": f"a{n}@where.example"}).status_code for n in range(22)]
    assert statuses == [200] * 20 + [429] * 2


def test_links_that_are_not_known_count_as_guesses(client: Client) -> None:
    statuses = {client.get(f"/sign-in/link/{links.new_token()}/").status_code for _n in range(22)}
    assert statuses == {410, 429}


def test_a_new_password_is_chosen_by_a_link_and_the_factor_is_still_asked_for(
    cast: Cast, client: Client, sign_in: SignIn
) -> None:
    elsewhere = sign_in(cast.analyst)
    assert elsewhere.get("/account/").status_code == 200
    asked(client, cast.analyst.email, "forgotten")
    link = link_in_last_mail()
    assert client.get(link).status_code == 200
    assert client.post(link, {**NEW, "again": "another passphrase"}).status_code == 422
    assert client.post(link, {"password": "short", "again": "short"}).status_code == 422
    answer = client.post(link, NEW)
    assert "Your password is changed" in page_text(answer) and client.get("/account/").status_code == 302
    assert elsewhere.get("/account/").status_code == 302, "every session has ended"
    assert mails()[-1][1] == "Your password for CIRT was changed"
    assert "chosen by a link" in mails()[-1][2]
    assert client.post(link, NEW).status_code == 410
    enter: Any = client.post("/sign-in/", {"login": cast.analyst.email, "password": NEW["password"]})
    assert enter.headers["Location"].startswith("/sign-in/code/")
    row = AuditRow.objects.get(code="person.password_reset")
    assert row.data == {"person": cast.analyst.pk, "sessions_ended": 1}


def test_a_contact_enrols_without_a_password(
    cast: Cast, client: Client, enrolment_address: Callable[[Person], str], still: None
) -> None:
    client.get(enrolment_address(cast.contact))
    page = client.get("/sign-in/enrol/").content.decode()
    assert "Leave the password out if you like" in page and " required" not in page
    assert client.post("/sign-in/enrol/", {"password": "", "again": "x"}).status_code == 200
    assert client.post("/sign-in/enrol/", {"password": "", "again": ""}).status_code == 302
    html = client.get("/sign-in/authenticator/").content.decode()
    secret = re.search(r"<bdi dir=.ltr.>([A-Z2-7 ]+)</bdi>", html)
    assert secret
    client.post("/sign-in/authenticator/", {"code": code_of(secret[1])})
    person = Person.objects.get(pk=cast.contact.pk)
    assert not person.has_usable_password() and client.get("/account/").status_code == 200
    (shown,) = queries.with_state(Person.objects.filter(pk=person.pk), clock.now())
    assert shown.is_enrolled and shown.has_factor and Standing.OPEN  # type: ignore[attr-defined]
    asked(Client(), person.email)
    assert mails()[-1][1] == "Sign in to CIRT"
    assert not queries.may_have_by_mail(person, Purpose.RESET)

    assert 'name="old"' not in client.get("/account/password/").content.decode()
    client.post("/account/password/", NEW)
    assert Person.objects.get(pk=person.pk).check_password(NEW["password"])


def test_who_opened_an_account_cannot_take_it_once_it_is_in_use(cast: Cast) -> None:
    """An analyst makes links for contacts who never signed in: not having a password is no sign of that any more."""
    facts: dict[str, Any] = {"by": cast.analyst, "at": clock.now()}
    ways: list[Callable[[Person], object]] = [
        lambda person: actions.set_up_second_factor(person, secret=SECRET, by=person, at=clock.now()),
        lambda person: actions.bind(
            person, issuer="https://login.example", subject="x", by=System("another service"), at=clock.now()
        ),
        lambda person: person.set_password(PASSWORD),
    ]
    for number, use in enumerate(ways):
        person = Person(email=f"c{number}@bank.example", role=Role.CONSTITUENT_CONTACT)
        person.set_unusable_password()
        person.save()
        actions.make_enrolment_link(person, token=links.new_token(), **facts)
        use(person)
        with pytest.raises(NotPermitted):
            actions.make_enrolment_link(person, token=links.new_token(), **facts)


def test_others_and_where_no_mail_leaves_need_a_password(
    cast: Cast, client: Client, enrolment_address: Callable[[Person], str], settings: Any
) -> None:
    client.get(enrolment_address(cast.analyst))
    assert "Leave the password out" not in client.get("/sign-in/enrol/").content.decode()
    assert client.post("/sign-in/enrol/", {"password": "", "again": ""}).status_code == 200
    token = links.new_token()
    by_at: dict[str, Any] = {"by": COMMAND_LINE, "at": clock.now()}
    actions.make_enrolment_link(cast.analyst, token=token, **by_at)
    with pytest.raises(InvalidInput, match="Choose a password"):
        actions.enrol(token=token, password="", **by_at)
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, smtp_url="")
    client.get(enrolment_address(cast.contact))
    assert "Leave the password out" not in client.get("/sign-in/enrol/").content.decode()
    form = EnrolmentByMailForm({"password": "x", "again": "x"}, person=cast.contact)
    assert not form.is_valid() and "password" in form.errors
    with pytest.raises(ValidationError):
        form.fields["password"].run_validators("x" * 1001)


def test_people_are_told_what_was_done_to_their_account(cast: Cast, sign_in: SignIn) -> None:
    browser = sign_in(cast.analyst)
    told = [subject for _to, subject, _text in mails()]
    assert told == [
        "A second factor was set up for your account at CIRT", "Your account at CIRT was used in another browser",
    ]  # fmt: skip
    by_at: dict[str, Any] = {"by": cast.analyst, "at": clock.now()}
    actions.add_passkey(cast.analyst, name="Laptop", credential={}, **by_at)
    actions.change_password(cast.analyst, password=NEW["password"], **by_at)
    assert [subject for _to, subject, _text in mails()][2:] == [
        "A passkey was added to your account at CIRT", "Your password for CIRT was changed",
    ]  # fmt: skip
    for to, _subject, said in mails():
        assert to == cast.analyst.email and cast.analyst.email in said and "If it was not, tell the team" in said
    before = len(mails())
    browser.post("/sign-in/out/")
    browser.post("/sign-in/", {"login": cast.analyst.email, "password": NEW["password"]})
    assert browser.post("/sign-in/code/", {"code": code_of(SECRET, 1)}).status_code == 302
    assert len(mails()) == before, "a browser that is known is no news"


def test_mail_speaks_the_language_of_its_reader(cast: Cast, enrolled: Enrolled) -> None:
    enrolled(cast.contact)
    cast.contact.language = "fr"
    cast.contact.save()
    at = clock.now()
    actions.mail_link(
        cast.contact,
        purpose=Purpose.SIGN_IN,
        browser_hash="",
        base="http://testserver",
        by=System("mailed link"),
        at=at,
    )
    row = OutgoingMessage.objects.latest("pk")
    assert b"Content-Language: fr" in bytes(row.content)


def test_a_job_for_an_account_that_is_no_more_sends_nothing(cast: Cast) -> None:
    payload = {"email": cast.contact.email, "purpose": "sign_in", "browser_hash": "", "base": ""}
    queue.hurry(LINK_JOB, payload, at=clock.now())
    worked()
    assert mails() == [] and not Job.objects.filter(kind=LINK_JOB).exclude(state="done").exists()
