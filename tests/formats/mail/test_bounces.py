"""What became of a message, and whether a person wrote one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.mail.written import message, report
from tocsin.formats.mail import Bounce, Mail, Outcome, is_automatic, is_of_address, read_bounce, read_message

MTA = "Reporting-MTA: dns; mx.example"
RETURNED = b"From: cirt@cirt.example\r\nMessage-ID: <key@cirt.example>\r\nSubject: Notice\r\n\r\n"
FAILED = "\r\n".join(
    [
        "Final-Recipient: rfc822; Anna@Bank.example",
        "Action: failed",
        "Status: 5.1.1",
        "Diagnostic-Code: smtp; 550 5.1.1 <anna@bank.example>: Recipient address rejected:",
        "    User unknown in virtual mailbox table",
    ]
)


def recipient(action: str, status: str) -> str:
    return f"Final-Recipient: rfc822; a@bank.example\r\nAction: {action}\r\nStatus: {status}"


def bounce_of(raw: bytes) -> Bounce | None:
    return read_bounce(read_message(raw))


def test_a_delivery_report_says_what_became_of_what_for_whom() -> None:
    assert bounce_of(report(MTA, FAILED, returned=RETURNED)) == Bounce(
        outcome=Outcome.PERMANENT,
        status="5.1.1",
        recipient="anna@bank.example",
        original_id="<key@cirt.example>",
        reason="550 5.1.1 <anna@bank.example>: Recipient address rejected: User unknown in virtual mailbox table",
    )


@pytest.mark.parametrize(
    ("action", "status", "outcome"),
    [
        ("failed", "5.7.1", Outcome.PERMANENT),
        ("failed", "4.4.7", Outcome.TRANSIENT),
        ("Failed (given up)", "5.0.0 (other)", Outcome.PERMANENT),
        ("failed", "nonsense", Outcome.PERMANENT),
        ("delayed", "4.4.1", Outcome.DELAYED),
        ("delivered", "2.0.0", Outcome.DELIVERED),
        ("relayed", "2.0.0", Outcome.DELIVERED),
        ("expanded", "2.0.0", Outcome.DELIVERED),
    ],
)
def test_each_action_of_a_report_is_understood(action: str, status: str, outcome: Outcome) -> None:
    found = bounce_of(report(MTA, recipient(action, status)))
    assert found is not None and found.outcome is outcome


def test_of_several_recipients_the_worst_off_counts() -> None:
    groups = [recipient("delivered", "2.0.0"), recipient("failed", "4.2.2"), recipient("delayed", "4.4.1")]
    found = bounce_of(report(MTA, *groups))
    assert found is not None and (found.outcome, found.status) == (Outcome.TRANSIENT, "4.2.2")


def test_a_report_that_says_nothing_of_a_recipient_is_no_bounce() -> None:
    assert bounce_of(report(MTA, "X-Nothing: at all")) is None


def plain(body: str, *headers: str, subject: str = "failure notice") -> bytes:
    return message("From: MAILER-DAEMON@mx.example", f"Subject: {subject}", *headers, body=body)


QMAIL = """Hi. This is the qmail-send program at mx.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<anna@bank.example>:
192.0.2.1 does not like recipient.
Remote host said: 550 sorry, no mailbox here by that name
Giving up on 192.0.2.1.

--- Below this line is a copy of the message.

Return-Path: <bounces+x@cirt.example>
Message-ID: <key@cirt.example>
"""
EXIM = """This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  anna@bank.example
    Unrouteable address
"""
EXIM_WAITS = """This message was created automatically by mail delivery software.
A message that you sent has not yet been delivered to one or more of its
recipients after more than 24 hours on the queue on mx.example.

  anna@bank.example

No action is required on your part.
"""
POSTFIX = """This is the mail system at host mx.example.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients.

<anna@bank.example>: host mx.bank.example[192.0.2.1] said: 452 4.2.2 Mailbox full
"""
EXCHANGE = """Delivery has failed to these recipients or groups:

anna@bank.example
The email address you entered couldn't be found. RecipientNotFound
"""
EXCHANGE_FR = """Échec de la remise pour ces destinataires ou groupes :

anna@bank.example
L’adresse n’existe pas.
"""


@pytest.mark.parametrize(
    ("raw", "outcome", "status"),
    [
        (plain(QMAIL), Outcome.PERMANENT, "5.1.1"),
        (plain(EXIM, subject="Mail delivery failed"), Outcome.PERMANENT, "5.1.1"),
        (plain(EXIM_WAITS, subject="Warning: message 1a2b delayed 24 hours"), Outcome.DELAYED, ""),
        (plain(POSTFIX, subject="Undelivered Mail Returned to Sender"), Outcome.TRANSIENT, "4.2.2"),
        (plain(EXCHANGE, subject="Undeliverable: Notice"), Outcome.PERMANENT, "5.1.1"),
        (plain(EXCHANGE_FR, subject="Non remis : Avis"), Outcome.PERMANENT, "5.1.1"),
        (plain("It went wrong: 554 no.", "X-Failed-Recipients: anna@bank.example"), Outcome.PERMANENT, "5.0.0"),
    ],
    ids=["qmail", "exim", "exim delayed", "postfix", "exchange", "exchange in French", "header alone"],
)
def test_servers_that_write_no_report_are_known_by_their_words(raw: bytes, outcome: Outcome, status: str) -> None:
    found = bounce_of(raw)
    assert found is not None
    assert (found.outcome, found.status, found.recipient) == (outcome, status, "anna@bank.example")


def test_the_line_that_says_why_is_told_and_the_quoted_message_is_known() -> None:
    found = bounce_of(plain(QMAIL))
    assert found is not None
    assert found.reason == "Remote host said: 550 sorry, no mailbox here by that name"
    assert found.original_id == "<key@cirt.example>"


@pytest.mark.parametrize(
    "raw",
    [
        message("From: anna@bank.example", "Subject: failure notice", body=QMAIL),  # a person who quotes one
        plain("I am away until Monday.", "Auto-Submitted: auto-replied", subject="Undeliverable: away"),
        plain("The weather is fine.", subject="News"),
    ],
    ids=["from a person", "absent", "from a program"],
)
def test_what_is_not_from_a_mail_server_about_a_message_is_no_bounce(raw: bytes) -> None:
    assert bounce_of(raw) is None


@pytest.mark.parametrize(
    ("answer", "is_so"),
    [
        ("550 5.1.1 no such user", True),
        ("5.1.2 554 5.1.2 bad destination system", True),
        ("556 5.1.10 the domain takes no mail", True),
        ("550 5.2.1 the mailbox is shut", True),
        ("550 5.4.1 Recipient address rejected: Access denied", True),
        ("5.4.4 Host found but no MX", True),
        ("5.0.0 550 5.1.1 told behind a general code", True),
        ("5.0.0 550 sorry, no mailbox here by that name", True),
        ("550 5.7.1 spam; there is no such user in your mail", False),
        ("5.7.1 550 5.1.1 of somebody else", False),
        ("550 5.1.8 your own domain does not exist", False),
        ("552 5.2.2 over quota", False),
        ("552 5.3.4 message too large", False),
        ("450 4.1.1 user unknown for now", False),
        ("550 relaying denied", False),
        ("554 blocked by 192.5.1.1", False),
        ("5.0.0 550 no", False),
        ("", False),
    ],
)
def test_whether_an_answer_is_about_the_address(answer: str, is_so: bool) -> None:
    assert is_of_address(answer) is is_so


@pytest.mark.parametrize(
    ("answer", "is_so"),
    [
        ("550 no", True),
        ("551 try elsewhere", True),
        ("553 no", True),
        ("554 no", False),
        ("450 not now", False),
        ("550 relaying denied", False),
        ("554 5.7.1 client host blocked", False),
    ],
)
def test_what_a_recipient_is_told_without_a_code_is_about_the_address(answer: str, is_so: bool) -> None:
    assert is_of_address(answer, of_recipient=True) is is_so


@pytest.mark.parametrize(
    ("header", "automatic"),
    [
        ("Auto-Submitted: auto-replied (vacation)", True),
        ("Auto-Submitted: auto-generated; owner-email=x", True),
        ("Auto-Submitted: no", False),
        ("Auto-Submitted: No (really)", False),
        ("Precedence: BULK", True),
        ("Precedence: first-class", False),
        ("List-Id: <team.example>", True),
        ("X-Autoreply: yes", True),
        ("X-Auto-Response-Suppress: DR, OOF", True),
        ("Return-Path: <>", True),
        ("Return-Path: <anna@bank.example>", False),
        ("Content-Type: multipart/report; boundary=x", True),
        ("From: Mailer-Daemon@mx.example", True),
        ("From: no-reply@shop.example", True),
        ("From: norepl@shop.example", False),
    ],
)
def test_what_no_person_wrote_is_known(header: str, automatic: bool) -> None:
    assert is_automatic(read_message(message(header))) is automatic


def test_the_envelope_says_it_too() -> None:
    mail = read_message(message("From: anna@bank.example"))
    assert is_automatic(mail, envelope_sender="<>")
    assert not is_automatic(mail, envelope_sender="anna@bank.example")


@given(st.text(max_size=300), st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=4))
def test_no_words_stop_the_reader_of_bounces(words: str, fields: list[tuple[str, str]]) -> None:
    said = Mail(subject="failure notice", text=words, sender_address="mailer-daemon@x", report=((), tuple(fields)))
    found = read_bounce(said)
    assert found is not None and (found.outcome is Outcome.DELAYED or found.status[:1] in ("", "4", "5"))
