"""What became of notices stands in their ledgers: by listeners at once, by the job when nobody lived to listen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.cast import Cast
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import links, signed_in, text
from tests.formats.mail.written import message, report
from tests.notices.conftest import BY_AT, DAY, contact, prepared, send
from tocsin.audit.actors import COMMAND_LINE
from tocsin.audit.models import AuditRow
from tocsin.courier import actions as outgoing
from tocsin.courier import claiming, tokens
from tocsin.courier.choices import Channel
from tocsin.courier.incoming import receiving
from tocsin.courier.models import OutgoingMessage
from tocsin.directory import actions as directory
from tocsin.directory.models import Constituent, Contact
from tocsin.kernel import clock
from tocsin.notices import actions, following, queries
from tocsin.notices.choices import NoticeState
from tocsin.notices.coming_back import coming_back
from tocsin.notices.models import LedgerEntry, Notice, Told
from tocsin.site import examination

pytestmark = pytest.mark.django_db
Callbacks = Callable[..., Any]
GONE = "Final-Recipient: rfc822; soc@bank.example\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 no"


@pytest.fixture(autouse=True)
def morning(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the morning of the tests for listeners too."""
    monkeypatch.setattr(clock, "now", lambda: AT)


@pytest.fixture
def bank(told: Store) -> Notice:
    """The bank's notice, in the outbox."""
    notice = prepared()[0]
    actions.preview_notice(notice, **BY_AT)
    actions.queue_notice(notice, **BY_AT)
    return notice


def claimed() -> OutgoingMessage:
    """Return the message as a worker has it in hand."""
    (found,) = claiming.claim("worker", Channel.MAIL, at=AT, at_most=1)
    return found


def sent(answer: str = "250 Ok") -> OutgoingMessage:
    """Have the mail server take the message."""
    found = claimed()
    outgoing.record_sent(found, answer=answer, **BY_AT)
    return found


def bounced(key: str, fields: str = GONE) -> None:
    """Let a bounce come in."""
    to = f"bounces+{tokens.make('bounce', key)}@back.cirt.example"
    receiving.receive(report("Reporting-MTA: dns; mx.bank.example", fields), envelope_recipient=to, at=AT)


def ledger(notice: Notice) -> list[tuple[str, str]]:
    return [(each.what, each.words) for each in notice.ledger.all()][4:]  # planned, read, queued, in clear


def state(notice: Notice) -> str:
    notice.refresh_from_db()
    return notice.state


def test_listeners_move_a_notice_as_its_message_moves(
    bank: Notice, django_capture_on_commit_callbacks: Callbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        found = sent()
    assert (state(bank), ledger(bank), Told.objects.count()) == ("sent", [("sent", "250 Ok")], 1)
    with django_capture_on_commit_callbacks(execute=True):
        bounced(found.key)
    assert state(bank) == "bounced" and Contact.objects.get(email="soc@bank.example").undelivered_since == AT


def test_what_no_listener_heard_is_found_and_written_once(bank: Notice) -> None:
    sent()
    assert state(bank) == "queued"  # the worker died before it could tell
    assert following.settle(at=AT) == 1
    assert (state(bank), ledger(bank)) == ("sent", [("sent", "250 Ok")])
    rows = AuditRow.objects.count()
    assert following.settle(at=AT) == 0
    assert (AuditRow.objects.count(), len(ledger(bank))) == (rows, 1)


def test_a_refused_message_leaves_its_findings_untold_and_its_contact_unreached(bank: Notice) -> None:
    outgoing.record_refused(claimed(), answer="550 5.1.1 no such user", of_recipient=True, **BY_AT)
    following.settle(at=AT)
    assert (state(bank), ledger(bank)) == ("bounced", [("bounced", "550 5.1.1 no such user")])
    row = Contact.objects.get(email="soc@bank.example")
    assert (row.undelivered_since, row.undelivered_answer) == (AT, "550 5.1.1 no such user")
    assert AuditRow.objects.order_by("sequence").last().code == "contact.undelivered"  # type: ignore[union-attr]
    plan = queries.plan_now(AT + DAY)
    assert [(key[0], number) for key, number in plan.unreached.items()] == [("bank", 1)] and not Told.objects.exists()


@pytest.mark.parametrize(
    ("answer", "of_recipient", "is_reached"),
    [
        ("550 no", True, False),
        ("550 no", False, True),
        ("554 5.7.1 message content rejected as spam", False, True),
        ("554 5.7.1 client host blocked", True, True),
    ],
)
def test_a_refusal_that_says_nothing_of_the_address_leaves_the_contact(
    bank: Notice, answer: str, of_recipient: bool, is_reached: bool
) -> None:
    """One rule about contents, at the own mail server, must not take a whole register off the list."""
    outgoing.record_refused(claimed(), answer=answer, of_recipient=of_recipient, **BY_AT)
    following.settle(at=AT)
    assert (state(bank), ledger(bank)) == ("bounced", [("bounced", answer)])
    assert (Contact.objects.get(email="soc@bank.example").undelivered_since is None) is is_reached


def test_a_mail_that_was_given_up_leaves_the_contact(bank: Notice) -> None:
    outgoing.give_up(claimed(), answer="450 4.1.1 user unknown for now", **BY_AT)
    following.settle(at=AT)
    assert state(bank) == "bounced" and Contact.objects.get(email="soc@bank.example").undelivered_since is None


def test_a_message_that_goes_after_all_counts_as_sent(bank: Notice) -> None:
    found = claimed()
    outgoing.record_refused(found, answer="550 no", **BY_AT)
    following.settle(at=AT)
    outgoing.retry_message(found, **BY_AT)
    following.settle(at=AT)
    assert state(bank) == "bounced"
    sent()
    following.settle(at=AT)
    assert (state(bank), Told.objects.count()) == ("sent", 1)


def test_a_message_taken_off_the_list_frees_the_findings(bank: Notice) -> None:
    outgoing.dismiss_message(OutgoingMessage.objects.get(), **BY_AT)
    following.settle(at=AT)
    assert state(bank) == "discarded"
    assert {each.constituent for each in queries.plan_now(AT).notices} == {"bank"}


def test_after_a_bounce_the_deputy_is_told_what_nobody_read(bank: Notice) -> None:
    contact("bank", "deputy@bank.example", role="technical", deputy_of=Contact.objects.get(email="soc@bank.example"))
    found = sent()
    following.settle(at=AT)
    bounced(found.key)
    following.settle(at=AT)
    assert (state(bank), Told.objects.count()) == ("bounced", 0)
    row = Contact.objects.get(email="soc@bank.example")
    assert row.undelivered_since == AT and "5.1.1" in row.undelivered_answer
    plan = queries.plan_now(AT + DAY)
    told_now = [each.to.to for each in plan.notices if each.constituent == "bank"]
    assert (told_now, plan.unreached) == (["deputy@bank.example"], {})


@pytest.mark.parametrize("status", ["4.2.2", "5.7.1", "5.3.4"])
def test_a_bounce_that_may_pass_or_is_of_the_content_leaves_the_contact(bank: Notice, status: str) -> None:
    found = sent()
    bounced(found.key, GONE.replace("5.1.1", status))
    following.settle(at=AT)
    assert state(bank) == "bounced" and Contact.objects.get(email="soc@bank.example").undelivered_since is None


def test_a_report_of_success_says_that_a_mail_was_delivered(bank: Notice) -> None:
    bounced(sent().key, "Final-Recipient: rfc822; soc@bank.example\r\nAction: delivered\r\nStatus: 2.1.5")
    following.settle(at=AT)
    assert (state(bank), ledger(bank)[1:]) == ("delivered", [("delivered", "2.1.5")])
    assert Told.objects.count() == 1 and not Contact.objects.exclude(undelivered_since=None).exists()


def test_a_bounce_that_is_seen_before_the_sending_was_noted_comes_after_it(bank: Notice) -> None:
    found = sent()
    bounced(found.key)
    following.follow_received(receiving.ReceivedMessage.objects.get(), at=AT)
    assert [what for what, _note in ledger(bank)] == ["sent", "bounced"]


def test_a_reply_stands_in_the_ledger_to_be_read(bank: Notice, cast: Cast) -> None:
    found = sent()
    to = f"reply+{tokens.make('reply', found.key)}@back.cirt.example"
    for _time in range(2):
        receiving.receive(message("From: it@bank.example", f"To: {to}", body="Closed."), envelope_recipient=to, at=AT)
    following.settle(at=AT)
    assert state(bank) == "sent" and ledger(bank)[1:] == [("replied", "it@bank.example")]
    told = Told.objects.filter(finding__in=bank.lines.values("finding"))
    assert told and all(row.reacted_at == AT for row in told), "somebody is there: nobody else is told of it"
    page = signed_in(cast.analyst).get(reverse("notices:notice", args=[bank.reference]))
    received = LedgerEntry.objects.get(what="replied").received
    assert "A reply came, to be read" in text(page)
    assert reverse("received:message", args=[received]) in links(page)
    page = signed_in(cast.auditor).get(reverse("notices:notice", args=[bank.reference]))
    assert reverse("received:message", args=[received]) not in links(page)


@pytest.mark.parametrize("first", ["reply", "bounce"])
def test_who_replies_has_read_it_whatever_else_comes_back(bank: Notice, first: str) -> None:
    """It went to several, and one of them is gone: nobody may read on that nobody has reacted."""
    found = sent()
    to = f"reply+{tokens.make('reply', found.key)}@back.cirt.example"
    for what in ("reply", "bounce") if first == "reply" else ("bounce", "reply"):
        if what == "reply":
            receiving.receive(message("From: it@bank.example", f"To: {to}", body="Ours."), envelope_recipient=to, at=AT)
        else:
            bounced(found.key)
        following.settle(at=AT)
    assert state(bank) == ("sent" if first == "reply" else "read")
    rows = Told.objects.filter(finding__in=bank.lines.values("finding"))
    assert {(row.people[0], row.reacted_at) for row in rows} == {("soc@bank.example", AT)}
    following.settle(at=AT)
    assert len(bank.ledger.filter(what="replied")) == 1


def test_an_automatic_answer_is_noted(bank: Notice) -> None:
    """Nobody has reacted by it: the next one is told when it is time."""
    found = sent()
    to = f"reply+{tokens.make('reply', found.key)}@back.cirt.example"
    away = message("From: it@bank.example", f"To: {to}", "Auto-Submitted: auto-replied", body="Away.")
    receiving.receive(away, envelope_recipient=to, at=AT)
    following.settle(at=AT)
    assert ledger(bank)[1:] == [("automatic", "it@bank.example")]


def test_mail_about_nothing_of_ours_moves_nothing(bank: Notice) -> None:
    sent()
    following.settle(at=AT)
    bounced("another")
    receiving.receive(message("From: a@b.example", "To: cirt@cirt.example", f"Subject: {bank.reference}"), at=AT)
    following.settle(at=AT)
    assert [what for what, _note in ledger(bank)] == ["sent"]


@pytest.mark.parametrize(
    ("facts", "is_reached"),
    [
        ({"email": "new@bank.example"}, True),
        ({"verified_on": AT.date()}, True),
        ({"verified_on": AT.date() - 3 * DAY}, False),
        ({"phone": "+1 555 0100"}, False),
    ],
)
def test_a_contact_is_written_to_again_once_somebody_confirms_it(
    told: Store, facts: dict[str, Any], is_reached: bool
) -> None:
    row = Contact.objects.get(email="soc@bank.example")
    directory.note_undelivered(row, answer="550 no", **BY_AT)
    directory.change_contact(row, **facts, **BY_AT)
    row.refresh_from_db()
    assert (row.undelivered_since is None) is is_reached
    assert ("bank" in {each.constituent for each in queries.plan_now(AT).notices}) is is_reached


def test_the_pages_say_that_mail_comes_back(told: Store, cast: Cast) -> None:
    row = Contact.objects.get(email="soc@bank.example")
    directory.note_undelivered(row, answer="550 <b>no</b>", **BY_AT)
    browser: Client = signed_in(cast.analyst)
    said = text(browser.get("/directory/constituents/bank/"))
    assert "Mail comes back since" in said and "550 <b>no</b>" in said
    assert "mail comes back" in text(browser.get("/notices/"))


def test_settling_many_asks_few_questions(bank: Notice, django_assert_max_num_queries: Callbacks) -> None:
    sent()
    following.settle(at=AT)
    fields = {
        "constituent": Constituent.objects.get(public_id="bank"), "policy": bank.policy, "to": "a@b.example",
        "language": "en", "tlp": "GREEN", "severity": 3, "not_before": AT, "made_at": AT, "new": 1,
    }  # fmt: skip
    Notice.objects.bulk_create(Notice(reference=f"r{n}", state="queued", **fields) for n in range(2_500))
    with django_assert_max_num_queries(6):
        assert following.settle(at=AT + dt.timedelta(minutes=1)) == 0


REFUSED = "554 5.7.1 Message rejected: it looks like spam"


def came_back(notice: Notice, at: dt.datetime) -> None:
    """Let a notice that is queued be refused."""
    actions.record_outcome(notice, what=NoticeState.BOUNCED, note=REFUSED, by=COMMAND_LINE, at=at)


def test_whom_the_content_keeps_from_being_told_is_named(
    bank: Notice, cast: Cast, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address is right, so its contact stays and is tried again: somebody has to look, or nobody is ever told."""
    came_back(bank, AT)
    again = next(each for each in prepared(AT + DAY) if each.constituent.public_id == "bank")
    actions.preview_notice(again, **BY_AT)
    actions.queue_notice(again, **BY_AT)
    came_back(again, AT + DAY)
    (found,) = coming_back(Notice.objects.all(), AT + DAY)
    assert (found.notice, found.times, found.since, found.answer) == (again, 2, AT, REFUSED)
    assert coming_back(Notice.objects.all(), AT + 40 * DAY) == [], "what was long ago says nothing of today"
    said = text(signed_in(cast.manager).get("/notices/"))
    assert "Notices to 1 address come back, and the address is right" in said and REFUSED in said
    monkeypatch.setattr(examination, "now", lambda: AT + DAY)
    *_others, verdict = examination._notices(settings.TOCSIN)
    assert "what is sent to 1 recipient comes back" in verdict.says and verdict.must_be_mended
    assert f"soc@bank.example, 2 in a row: {REFUSED}" in verdict.says
    Contact.objects.filter(email="soc@bank.example").update(undelivered_since=AT)
    assert coming_back(Notice.objects.all(), AT + DAY) == [], "that one is known, and not tried again"
    Contact.objects.filter(email="soc@bank.example").update(undelivered_since=None)
    LedgerEntry.objects.filter(notice=again, what="bounced").update(note="550 5.1.1 no such user")
    assert coming_back(Notice.objects.all(), AT + DAY) == [], (
        "the address was wrong, and somebody has confirmed it since"
    )
    LedgerEntry.objects.filter(notice=again, what="bounced").update(note=REFUSED)
    send(prepared(AT + 2 * DAY)[0], AT + 2 * DAY)
    assert coming_back(Notice.objects.all(), AT + 3 * DAY) == []
