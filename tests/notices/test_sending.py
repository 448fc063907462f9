"""Notices leave: into the outbox, onto a real mail server, encrypted for GnuPG, and only those that may."""

from __future__ import annotations

import dataclasses
import datetime as dt
import email
import email.policy
import io
import zipfile
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.cast import Cast
from tests.courier.mail_server import MailServer, mail_server
from tests.courier.test_openpgp import Gpg, gpg  # noqa: F401  the ring of keys
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import links, main_of, signed_in, text
from tests.notices.conftest import BY_AT, policy, prepared, set_mail
from tocsin.audit.models import AuditRow
from tocsin.courier import composing, sending, team_key
from tocsin.courier.models import OutgoingMessage
from tocsin.directory.models import Contact
from tocsin.kernel import clock
from tocsin.kernel.refusals import Conflict
from tocsin.notices import actions, following, letters, mails
from tocsin.notices.choices import NoticeState
from tocsin.notices.models import LedgerEntry, Notice, Told
from tocsin.notices.views import notices as views

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def morning(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the morning of the tests, on pages too."""
    for module in (views, clock):
        monkeypatch.setattr(module, "now", lambda: AT)


@pytest.fixture
def browser(cast: Cast) -> Client:
    """The analyst's browser."""
    return signed_in(cast.analyst)


@pytest.fixture
def server(told: Store, settings: Any) -> Iterator[MailServer]:
    """The mail server of the instance."""
    with mail_server() as running:
        set_mail(settings, smtp_url=f"smtp://127.0.0.1:{running.port}")
        yield running


def read() -> list[Notice]:
    """Prepare what is due, and have it read; the bank's comes first."""
    found = prepared()
    for notice in found:
        actions.preview_notice(notice, **BY_AT)
    return found


def drain() -> None:
    """Let a worker have its turn, and the job that follows what was sent."""
    sending.drain(sending.Turn("worker", now=lambda: AT))
    following.settle(at=AT)


def parsed(content: bytes) -> EmailMessage:
    found = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def test_a_notice_goes_from_the_button_to_its_recipient(browser: Client, server: MailServer) -> None:
    bank, ministry = read()
    address = reverse("notices:notice", args=[bank.reference])
    assert "Send it" in text(browser.get(address))
    assert "1 notice is on its way." in text(browser.post(f"{address}send/", follow=True))
    drain()
    (taken,) = server.taken
    mail = parsed(taken.content)
    assert (taken.to, mail["Auto-Submitted"]) == ("soc@bank.example", "auto-generated")
    assert mail["Subject"] == f"[TLP:AMBER] 1 finding on the networks of bank ({bank.reference})"
    body = mail.get_body()
    assert body is not None and "192.0.2.70:3389" in body.get_content() and "TLP:AMBER" in body.get_content()
    (file,) = mail.iter_attachments()
    assert file.get_filename() == f"notice-{bank.reference}-TLP-AMBER.csv" and "192.0.2.70" in file.get_content()
    bank.refresh_from_db()
    ministry.refresh_from_db()
    assert (bank.state, ministry.state, Told.objects.count()) == ("sent", "previewed", 1)
    said = text(browser.get(address))
    assert "bank was told of 1 finding" in said and "soc@bank.example , sent 19 Nov" in said
    assert "As it was sent" in said and "Pass this on only within" in said and "not before" not in said
    assert "In clear" in said and "No OpenPGP key of the recipient is known" in said and "250 2.0.0 taken" in said


def test_all_that_was_read_is_sent_at_once_the_worst_first(browser: Client, server: MailServer) -> None:
    read()
    assert "Tell 2 organisations" in text(browser.get("/notices/"))
    page = browser.post("/notices/send/", follow=True)
    assert "2 notices are on their way." in text(page) and "<h1>2 notices are on their way</h1>" in main_of(page)
    drain()
    assert sorted(server.recipients) == ["soc@bank.example", "soc@moh.example"]
    assert set(Notice.objects.values_list("state", flat=True)) == {"sent"}
    said = text(browser.get("/notices/"))
    assert "What may be sent" not in said and "Nobody is to be told of anything now" in said
    french = next(parsed(each.content) for each in server.taken if each.to == "soc@moh.example")
    assert french["Content-Language"] == "fr"


def test_the_outbox_and_the_state_stand_in_one_transaction(told: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    bank, _ministry = read()

    def dies(*_given: object, **_named: object) -> None:
        raise RuntimeError("the process dies here")

    monkeypatch.setattr(LedgerEntry.objects, "create", dies)
    rows = AuditRow.objects.count()
    with pytest.raises(RuntimeError):
        actions.queue_notice(bank, **BY_AT)
    bank.refresh_from_db()
    assert (bank.state, OutgoingMessage.objects.count(), AuditRow.objects.count()) == ("previewed", 0, rows)


def test_a_policy_that_writes_to_many_asks_first(told: Store, browser: Client, settings: Any) -> None:
    read()
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, notice_people=1)
    assert "One policy writes to 2 people, more than 1." in main_of(browser.get("/notices/"))
    assert "it asks first" in text(browser.post("/notices/send/", follow=True))
    assert not OutgoingMessage.objects.exists()
    browser.post("/notices/send/", {"confirmed": "on"})
    assert OutgoingMessage.objects.count() == 2


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"email": "a@b.example,c@d.example"}, "another address by now"),
        ({"name": "Ann <all@x.example>"}, "not fit to stand beside an address"),
        ({"is_active": False}, "is not told any more"),
        ({"undelivered_since": AT}, "Mail to this contact comes back"),
        ({"openpgp_key": "no key"}, "key"),
    ],
)
def test_what_hinders_one_notice_is_said_and_hinders_no_other(
    told: Store, browser: Client, facts: dict[str, Any], why: str
) -> None:
    bank, ministry = read()
    Contact.objects.filter(email="soc@bank.example").update(**facts)
    said = text(browser.get(reverse("notices:notice", args=[bank.reference])))
    assert "It cannot be sent: " in said and why in said and "Send it" not in said
    said = text(browser.post("/notices/send/", follow=True))
    assert f"{bank.reference} to bank is not sent: " in said and why in said
    assert list(OutgoingMessage.objects.values_list("reference_key", flat=True)) == [ministry.reference]
    bank.refresh_from_db()
    assert bank.state == "previewed" and not bank.ledger.filter(what="queued").exists()
    page = browser.get("/notices/")
    assert "<h1>1 notice cannot be sent</h1>" in main_of(page) and why in text(page) and bank.reference in text(page)
    assert "Tell 1 organisation" not in text(page) and "What may be sent" not in text(page)
    assert f"/directory/constituents/{bank.constituent.public_id}/#contacts" in links(page)


def test_many_recipients_in_one_address_are_refused(told: Store) -> None:
    """As many as the column holds: more come no further than where they are entered (`test_hostile_contacts`)."""
    bank, _ministry = read()
    many = ", ".join(f"u{number}@x.example" for number in range(16))
    Contact.objects.filter(email="soc@bank.example").update(email=many)
    Notice.objects.filter(pk=bank.pk).update(to=many)
    bank.refresh_from_db()
    assert "not one address" in mails.hindrance(bank, AT)


def test_without_a_sender_nothing_is_queued(told: Store, settings: Any) -> None:
    set_mail(settings, mail_from="")
    done = actions.send_notices(read(), most=50, **BY_AT)
    assert not done.references and "Mail is not set up" in done.refused[0].why


def test_gpg_reads_a_notice_that_is_marked_amber(
    server: MailServer,
    gpg: Gpg,  # noqa: F811
) -> None:
    now = dt.datetime.now(dt.UTC)  # the key is of today
    key = gpg.key("soc@bank.example", "default", "default", "1y")
    Contact.objects.filter(email="soc@bank.example").update(openpgp_key=key)
    bank, _ministry = read()
    event = actions.queue_notice(bank, by=BY_AT["by"], at=now)
    assert event.protection == "encrypted" and not bank.ledger.filter(what="in-clear").exists()
    sending.drain(sending.Turn("worker", now=lambda: now))
    (taken,) = server.taken
    assert b"192.0.2.70" not in taken.content
    part = list(parsed(taken.content).iter_parts())[1]
    opened = gpg.done("--decrypt", given=part.get_content())
    assert "192.0.2.70:3389" in str(parsed(opened).get_body().get_content())  # type: ignore[union-attr]


def test_an_expired_key_is_never_answered_by_clear_text(told: Store, gpg: Gpg) -> None:  # noqa: F811
    old = gpg.key("old@bank.example", "default", "default", "1d", faked="20200101T000000")
    Contact.objects.filter(email="soc@bank.example").update(openpgp_key=old)
    bank, _ministry = read()
    with pytest.raises(Conflict, match="expired"):
        actions.queue_notice(bank, **BY_AT)
    assert not OutgoingMessage.objects.exists()


def test_without_a_key_the_text_and_the_ledger_say_so(told: Store) -> None:
    bank, _ministry = read()
    actions.queue_notice(bank, **BY_AT)
    body = parsed(bytes(OutgoingMessage.objects.get().content)).get_body()
    assert body is not None and "This message was not encrypted" in body.get_content()
    prose = [line for line in body.get_content().splitlines() if not line.startswith("  ")]
    assert max(map(len, prose)) <= composing.WIDTH
    assert list(bank.ledger.values_list("what", flat=True))[-2:] == ["queued", "in-clear"]


def test_a_large_list_goes_zipped(told: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    bank, _ministry = read()
    whole = letters.attachment_of(bank)
    head, row = whole.split(b"\n")[:2]
    large = b"\n".join([head, *[row] * (composing.ZIPPED_ABOVE_BYTES // len(row) + 1)]) + b"\n"
    monkeypatch.setattr(mails, "attachment_of", lambda _notice, _at, **_options: large)
    actions.queue_notice(bank, **BY_AT)
    content = bytes(OutgoingMessage.objects.get().content)
    (file,) = parsed(content).iter_attachments()
    assert file.get_filename() == f"notice-{bank.reference}-TLP-AMBER.csv.zip" and len(content) < len(large) / 10
    with zipfile.ZipFile(io.BytesIO(file.get_content())) as archive:
        assert archive.read(f"notice-{bank.reference}-TLP-AMBER.csv") == large


def test_a_notice_that_waits_can_be_held_back(told: Store) -> None:
    bank, _ministry = read()
    actions.queue_notice(bank, **BY_AT)
    actions.discard_notice(bank, reason="They called.", **BY_AT)
    assert OutgoingMessage.objects.get().state == "dismissed"
    with pytest.raises(Conflict, match="another state"):
        actions.queue_notice(bank, **BY_AT)


def test_working_hours_and_severity_go_along(told: Store) -> None:
    policy(category="vulnerable-system", threshold=6, works_from=dt.time(14), works_until=dt.time(17), time_zone="UTC")
    ministry = next(each for each in read() if each.constituent.public_id == "moh")
    actions.queue_notice(ministry, **BY_AT)
    row = OutgoingMessage.objects.get()
    assert (row.next_at, row.severity) == (AT.replace(hour=14), ministry.severity)


@pytest.mark.parametrize("what", ["demonstration", "exercise"])
def test_an_exercise_and_a_demonstration_send_nothing_and_say_so(
    told: Store, browser: Client, settings: Any, what: str
) -> None:
    if what == "demonstration":
        settings.TOCSIN_IS_DEMO = True
    else:
        settings.TOCSIN = dataclasses.replace(settings.TOCSIN, exercise=True)
    bank, _ministry = read()
    address = reverse("notices:notice", args=[bank.reference])
    assert "nothing leaves it" in main_of(browser.get("/notices/"))
    assert "nothing leaves it here" in text(browser.post(f"{address}send/", follow=True))
    assert OutgoingMessage.objects.get().state == "held"
    said = text(browser.get(address))
    assert "Never leaves" in said and what in said
    assert Notice.objects.get(pk=bank.pk).state == NoticeState.QUEUED


def test_only_who_may_send_notices_sends_them(told: Store, cast: Cast) -> None:
    bank, _ministry = read()
    for person in (cast.auditor, cast.contact, cast.stranger):
        other = signed_in(person)
        for path in ("/notices/send/", reverse("notices:send", args=[bank.reference])):
            assert other.post(path).status_code in (403, 404)
    assert not OutgoingMessage.objects.exists()
    assert "Send it" not in text(signed_in(cast.auditor).get(reverse("notices:notice", args=[bank.reference])))


def test_the_verify_page_and_the_notice_name_the_same_marks(told: Store, settings: Any) -> None:
    set_mail(settings, team_phone="+1 555 010 0199")
    key = team_key.made("CIRT Meridia", "cirt@cirt.example")
    fingerprint = team_key.take_into_use(key, replace=False, **BY_AT).fingerprint
    said = letters.letter_of(prepared()[0])
    page = text(Client().get("/notices/verify/"))
    for mark in ("cirt@cirt.example", "+1 555 010 0199", fingerprint):
        assert mark and mark in page and mark in mails.text(said)
