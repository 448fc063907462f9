"""What was sent comes back: a bounce to the sender of its envelope, and an answer to the address that it names."""

from __future__ import annotations

from collections.abc import Callable
from email import message_from_bytes

import pytest

from tests.courier.conftest import AT, Put
from tests.courier.mail_server import MailServer
from tests.formats.mail.written import message, report
from tocsin.courier.incoming import receiving
from tocsin.courier.incoming.choices import Kind

pytestmark = pytest.mark.django_db


def test_a_bounce_and_an_answer_are_known_by_the_addresses_that_were_sent(
    put: Put, drain: Callable[..., object], server: MailServer
) -> None:
    sent = put()
    drain()
    (taken,) = server.taken
    failed = "Final-Recipient: rfc822; it@bank.example\r\nAction: failed\r\nStatus: 5.1.1"
    bounce = receiving.receive(
        report("Reporting-MTA: dns; mx.bank.example", failed), envelope_recipient=taken.sender, at=AT
    )
    assert (bounce.kind, bounce.reference) == (Kind.BOUNCE, sent.key)

    answer_to = message_from_bytes(taken.content)["Reply-To"]
    answer = receiving.receive(message("From: it@bank.example", f"To: {answer_to}", body="Closed."), at=AT)
    assert (answer.kind, answer.reference) == (Kind.REPLY, sent.key)

    own = receiving.receive(taken.content, envelope_recipient=answer_to, at=AT)
    assert own.kind == Kind.AUTOMATIC  # our own mail, sent back to us, is nobody's answer
