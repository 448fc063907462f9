"""What becomes of a message that comes in."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cast import Cast
from tests.formats.mail.written import message, multipart, report, text
from tocsin.audit.listening import listens_to, stop_listening
from tocsin.audit.models import AuditRow
from tocsin.courier import tokens
from tocsin.courier.incoming import actions, dissecting, events, keeping, queries, receiving
from tocsin.courier.incoming.choices import Kind, Quarantine, State
from tocsin.courier.incoming.received import ReceivedMessage
from tocsin.courier.jobs import look_into_mail
from tocsin.kernel.clock import UTC
from tocsin.kernel.refusals import Conflict, InvalidInput

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("place")]

AT = dt.datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY = "notice42"
BOUNCES = f"bounces+{tokens.make('bounce', KEY)}@cirt.example"
REPLIES = f"reply+{tokens.make('reply', KEY)}@cirt.example"
FAILED = "Final-Recipient: rfc822; anna@bank.example\r\nAction: failed\r\nStatus: {}\r\nDiagnostic-Code: smtp; 550 no"
ALL = (events.MailReceived, events.MailBounced, events.ReplyReceived, events.AutomaticMailReceived,
       events.UnknownMailReceived)  # fmt: skip


def bounce(status: str = "5.1.1", to: str = BOUNCES, action: str = "failed") -> bytes:
    fields = FAILED.replace("failed", action, 1).format(status)
    return report("Reporting-MTA: dns; mx.example", fields, headers=[f"To: {to}"])


def reply(to: str = REPLIES, *headers: str, body: str = "Done.") -> bytes:
    top = ("From: Anna <Anna@bank.example>", f"To: CIRT <{to}>", "Subject: Re: Open ports")
    return message(*top, *headers, body=body)


def codes() -> list[str]:
    return list(AuditRow.objects.order_by("sequence").values_list("code", flat=True))


def test_a_reply_to_a_message_of_ours_is_to_be_read() -> None:
    row = receiving.receive(reply(), at=AT)
    assert (row.state, row.kind, row.reference, row.is_to_be_read) == (State.UNDERSTOOD, Kind.REPLY, KEY, True)
    assert (row.sender, row.sender_address) == ("Anna <Anna@bank.example>", "anna@bank.example")
    assert (row.subject, row.text) == ("Re: Open ports", "Done.")
    assert codes() == ["mail.received", "mail.replied"]
    assert list(queries.to_be_read()) == list(queries.about(KEY)) == [row]


@pytest.mark.parametrize(("status", "permanent"), [("5.1.1", True), ("4.4.7", False)])
def test_a_bounce_counts_by_its_token_and_says_how_it_is_with_the_address(status: str, permanent: bool) -> None:
    row = receiving.receive(bounce(status), envelope_sender="<>", envelope_recipient=BOUNCES.upper(), at=AT)
    assert (row.kind, row.reference, row.is_to_be_read) == (Kind.BOUNCE, KEY, False)
    (said,) = AuditRow.objects.filter(code="mail.bounced")
    assert json.loads(said.data_json) == {
        "reference": KEY, "received": row.pk, "permanent": permanent, "status": status,
        "recipient": "anna@bank.example", "reason": "550 no", "quarantine": "",
    }  # fmt: skip


@pytest.mark.usefixtures("read_here")
@pytest.mark.parametrize(
    ("raw", "envelope", "kind", "reference"),
    [
        (bounce(to="bounces@cirt.example"), "", Kind.AUTOMATIC, ""),  # without a token
        (bounce(to=BOUNCES.replace("notice42", "notice43")), "", Kind.AUTOMATIC, ""),  # about another message
        (bounce(to=f"bounces+{tokens.make('reply', KEY)}@x.example"), "", Kind.AUTOMATIC, ""),  # of another kind
        (bounce(to=REPLIES), "", Kind.AUTOMATIC, KEY),  # anybody who was written to can write that
        (bounce(action="delayed"), BOUNCES, Kind.AUTOMATIC, KEY),
        (bounce(action="delivered"), BOUNCES, Kind.AUTOMATIC, KEY),
        (reply(REPLIES, "Auto-Submitted: auto-replied"), "", Kind.AUTOMATIC, KEY),
        (reply(BOUNCES), "", Kind.REPLY, KEY),  # a person wrote to the sender of the envelope
        (reply("cirt@cirt.example"), REPLIES, Kind.REPLY, KEY),  # the mail server says whom it was for
        (reply("cirt@cirt.example", f"Delivered-To: {REPLIES}"), "", Kind.REPLY, KEY),
        (reply("cirt@cirt.example"), "", Kind.UNKNOWN, ""),
        (reply("cirt@cirt.example", f"In-Reply-To: <{KEY}@cirt.example>"), "", Kind.UNKNOWN, ""),  # proves nothing
        (reply("cirt@cirt.example", "List-Id: <news.example>"), "", Kind.AUTOMATIC, ""),
    ],
    ids=range(13),  # tokens are not the same in two processes
)
def test_only_a_token_of_ours_proves_what_a_message_is_about(
    raw: bytes, envelope: str, kind: Kind, reference: str
) -> None:
    row = receiving.receive(raw, envelope_recipient=envelope, at=AT)
    assert (row.kind, row.reference) == (kind, reference)
    assert row.is_to_be_read is (kind in (Kind.REPLY, Kind.UNKNOWN))


@pytest.mark.django_db(transaction=True)
def test_what_other_rooms_are_told_says_which_message_of_ours_it_is_about() -> None:
    told: list[Any] = []
    for kind in ALL[1:]:
        listens_to(kind)(told.append)
    try:
        pks = [receiving.receive(raw, at=AT).pk for raw in (bounce(), reply(), reply(BOUNCES, "Precedence: bulk"))]
    finally:
        for kind in ALL[1:]:
            stop_listening(kind, told.append)
    assert told == [
        events.MailBounced(reference=KEY, received=pks[0], permanent=True, status="5.1.1",
                           recipient="anna@bank.example", reason="550 no"),
        events.ReplyReceived(reference=KEY, received=pks[1], sender="anna@bank.example"),
        events.AutomaticMailReceived(reference=KEY, received=pks[2], outcome=""),
    ]  # fmt: skip


@pytest.mark.usefixtures("read_here")
def test_the_same_delivery_twice_is_one_and_to_another_recipient_is_another() -> None:
    first = receiving.receive(reply(), envelope_recipient=REPLIES, at=AT)
    assert receiving.receive(reply(), envelope_recipient=REPLIES, at=AT + dt.timedelta(hours=1)) == first
    other = receiving.receive(reply(), envelope_recipient="other@cirt.example", at=AT)
    assert other != first and other.sha256 == first.sha256
    assert ReceivedMessage.objects.count() == 2
    assert codes() == ["mail.received", "mail.replied"] * 2


def test_it_is_kept_before_anybody_looks_into_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def look(path: Path, **_more: Any) -> Any:
        assert path.read_bytes() == reply()
        assert ReceivedMessage.objects.get().state == State.KEPT
        raise KeyboardInterrupt

    monkeypatch.setattr(dissecting, "dissect", look)
    with pytest.raises(KeyboardInterrupt):
        receiving.receive(reply(), at=AT)
    assert ReceivedMessage.objects.get().state == State.KEPT


@pytest.mark.usefixtures("read_here")
def test_what_was_left_by_a_process_that_was_ended_is_looked_into_later() -> None:
    row = receiving.keep(reply(), at=AT)
    assert receiving.look_into_left(at=AT + dt.timedelta(minutes=1)) == 0
    look_into_mail({}, running=None)  # type: ignore[arg-type]  # it asks nothing of the worker
    row.refresh_from_db()
    assert (row.state, row.kind) == (State.UNDERSTOOD, Kind.REPLY)
    assert receiving.look_into(row, at=AT) == row and codes() == ["mail.received", "mail.replied"]


@pytest.mark.usefixtures("read_here")
def test_two_that_look_at_once_note_it_once() -> None:
    row = receiving.keep(reply(), at=AT)
    stale = ReceivedMessage.objects.get(pk=row.pk)
    receiving.look_into(row, at=AT)
    assert receiving.look_into(stale, at=AT).kind == Kind.REPLY
    assert codes() == ["mail.received", "mail.replied"]


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (multipart("mixed", [text("x")] * 501, "From: Anna <anna@bank.example>", f"To: {REPLIES}"), "parts"),
        (reply(REPLIES, *["X: y"] * 300), "headers"),
        (reply(REPLIES, "X: " + "y" * 70_000), "header length"),
        (reply(body="x" * 25_000_000), "bytes"),
    ],
    ids=["parts", "headers", "header length", "bytes"],
)
def test_beyond_a_limit_a_reply_is_in_quarantine_and_still_a_reply(raw: bytes, why: str) -> None:
    row = receiving.receive(raw, at=AT)
    assert (row.state, row.quarantine, row.kind, row.reference) == (State.QUARANTINED, why, Kind.REPLY, KEY)
    assert row.sender_address == "anna@bank.example" and row.is_to_be_read
    with pytest.raises(Conflict):
        actions.look_again(row, by=actions.POSTMAN, at=AT)


def test_of_a_message_that_is_too_large_the_beginning_is_kept(place: Path) -> None:
    row = receiving.receive(reply(body="x" * 30_000_000), at=AT)
    assert keeping.path_of(place, row.sha256).stat().st_size == 25_000_001
    assert keeping.is_whole(place, row.sha256)


@pytest.mark.parametrize(
    ("limits", "why"),
    [({"memory_mb": 30}, Quarantine.MEMORY), ({"cpu_s": 0}, Quarantine.CPU)],
    ids=["memory", "cpu"],
)
def test_a_reader_that_dies_leaves_the_message_in_quarantine_until_it_is_read_once_more(
    limits: dict[str, int], why: Quarantine, monkeypatch: pytest.MonkeyPatch, cast: Cast
) -> None:
    whole = dissecting.dissect
    monkeypatch.setattr(dissecting, "dissect", lambda path, **more: whole(path, **more, **limits))
    row = receiving.receive(reply(body="x" * 2_000_000), envelope_recipient=REPLIES, at=AT)
    assert (row.state, row.quarantine) == (State.QUARANTINED, why)
    assert (row.kind, row.reference, row.is_to_be_read) == (Kind.REPLY, KEY, True)

    monkeypatch.undo()
    actions.look_again(row, by=cast.analyst, at=AT)
    row.refresh_from_db()
    assert receiving.look_into(row, by=cast.analyst, at=AT).state == State.UNDERSTOOD
    assert codes() == ["mail.received", "mail.replied", "mail.looked_into_again", "mail.replied"]


def test_a_reader_that_takes_too_long_or_tells_nonsense_is_borne(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = keeping.path_of(place, keeping.keep(place, reply()))
    monkeypatch.setattr(dissecting, "_READER", "this")  # prints a poem
    with pytest.raises(dissecting.NotRead) as refused:
        dissecting.dissect(path)
    assert refused.value.why == Quarantine.DIED
    monkeypatch.setattr(dissecting, "LONGEST_S", 0.001)
    with pytest.raises(dissecting.NotRead) as refused:
        dissecting.dissect(path)
    assert refused.value.why == Quarantine.TIME


def test_a_file_that_is_gone_or_damaged_is_told(place: Path) -> None:
    row = receiving.keep(reply("cirt@cirt.example"), at=AT)
    keeping.path_of(place, row.sha256).write_bytes(b"damaged")
    row = receiving.look_into(row, at=AT)
    assert (row.state, row.quarantine, row.kind) == (State.QUARANTINED, Quarantine.LOST, Kind.UNKNOWN)
    with pytest.raises(dissecting.NotRead):
        dissecting.dissect(place / "nothing")


@pytest.mark.usefixtures("read_here")
def test_it_is_read_and_put_back_by_people_once(cast: Cast) -> None:
    row = receiving.receive(reply(), at=AT)
    actions.mark_read(row, by=cast.analyst, at=AT)
    row.refresh_from_db()
    assert (row.is_to_be_read, row.read_by, row.read_at) == (False, cast.analyst.audit_label, AT)
    with pytest.raises(Conflict):
        actions.mark_read(row, by=cast.manager, at=AT)
    actions.put_back(row, by=cast.manager, at=AT)
    with pytest.raises(Conflict):
        actions.put_back(row, by=cast.manager, at=AT)
    assert list(queries.to_be_read()) == [row]
    assert codes()[2:] == ["mail.read", "mail.put_back"]


def test_whatever_a_message_says_can_be_stored() -> None:
    raw = message(
        "From: " + "=?utf-8?Q?=00=E2=80=AE?=" + "é" * 900 + " <a\x00b@x.example>", "Subject: " + "s" * 3_000,
        "Message-ID: <\x00>", "References: <a\x00b>", "X-\x01: \x00", f"To: a\x00{REPLIES}",
        body=b"\x00\xff\xed\xa0\x80",
    )  # fmt: skip
    row = receiving.receive(raw, envelope_sender="a\x00b", envelope_recipient="\u202e" * 900, at=AT)
    row.refresh_from_db()
    assert row.state == State.UNDERSTOOD and len(row.subject) == 500 and "\\x00" in row.text


def test_nothing_is_no_message(place: Path) -> None:
    with pytest.raises(InvalidInput, match="No message came"):
        receiving.receive(b" \r\n", at=AT)
    assert not ReceivedMessage.objects.exists() and not (place / "mail").exists()


@pytest.mark.usefixtures("read_here")
def test_counts_are_by_kind_and_state() -> None:
    for raw in (reply(), bounce(), reply("cirt@cirt.example")):
        receiving.receive(raw, at=AT)
    kinds, states, unread = queries.counts()
    assert (dict(kinds), dict(states), unread) == ({"reply": 1, "bounce": 1, "unknown": 1}, {"understood": 3}, 2)
