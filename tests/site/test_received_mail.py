"""Pages of mail that came in."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.cast import Cast
from tests.feeds.pages import links, main_of, signed_in, text
from tests.formats.mail.written import message, multipart, report
from tests.formats.mail.written import text as part
from tocsin.audit.models import AuditRow
from tocsin.courier import tokens
from tocsin.courier.incoming import dissecting, keeping, receiving
from tocsin.courier.incoming.received import ReceivedMessage
from tocsin.feeds import needed
from tocsin.formats.mail.understanding import understand
from tocsin.kernel.clock import UTC

pytestmark = pytest.mark.django_db

AT = dt.datetime(2026, 11, 22, 12, tzinfo=UTC)
EVIL = "<script>alert(1)</script>\u202e\x1b[2J"
REPLY = message(
    f"From: {EVIL} <anna@bank.example>",
    f"To: reply+{tokens.make('reply', 'notice42')}@cirt.example",
    f"Subject: Re: {EVIL}",
    f"X-Odd: {EVIL}",
    body=f"It is fixed. {EVIL}",
)
BOUNCE = report(
    "Reporting-MTA: dns; mx.example",
    "\r\n".join(
        [
            "Final-Recipient: rfc822; otto@bank.example",
            "Action: failed",
            "Status: 5.1.1",
            "Diagnostic-Code: smtp; 550 <i>no</i>",
        ]
    ),
    headers=[f"To: bounces+{tokens.make('bounce', 'notice43')}@cirt.example"],
)


@pytest.fixture
def box(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, ReceivedMessage]:
    """A reply, a bounce, a stranger's mail of HTML with a file, and one beyond a limit; none is read.

    They are looked into in this process, which costs less than one of its own for each.
    """
    monkeypatch.setattr(dissecting, "dissect", lambda path, **more: understand(path.read_bytes(), **more))
    settings.TOCSIN = settings.CONFIG = dataclasses.replace(settings.CONFIG, home=tmp_path)
    page = part('<p>See <a href="javascript:alert(1)">this</a><img src=https://track.example/></p>', "text/html")
    file = message('Content-Disposition: attachment; filename="<b>.exe"', "Content-Type: text/html", body=b"<b>")
    raws = {
        "reply": REPLY,
        "bounce": BOUNCE,
        "stranger": multipart("mixed", [page, file], "From: sami@x.example", "Subject: Look"),
        "over": message("From: big@x.example", "Subject: Much", *["X: y"] * 300),
    }
    return {
        name: receiving.receive(raw, at=AT + dt.timedelta(minutes=number))
        for number, (name, raw) in enumerate(raws.items())
    }


@pytest.fixture
def analyst(cast: Cast) -> Client:
    """The analyst's browser."""
    return signed_in(cast.analyst)


def address(row: ReceivedMessage, what: str = "") -> str:
    return f"/mail/received/{row.pk}/{what}"


def test_the_list_says_what_came_from_whom_and_what_it_is(box: Any, analyst: Client) -> None:
    said = text(analyst.get("/mail/received/"))
    assert "3 messages are to be read" in said
    for words in ("big@x.example Much Of nobody we wrote to In quarantine", "sami@x.example Look Of nobody we wrote to",
                  "Undelivered Mail Bounce Will never be delivered", "<anna@bank.example> Re: <script>"):  # fmt: skip
        assert words in said, said
    led_to = [each for each in links(analyst.get("/mail/received/")) if each.startswith("/mail/received/")]
    assert led_to == [address(box[name]) for name in reversed(box)]


def test_the_list_is_narrowed_by_what_it_is_and_how_it_stands(box: Any, analyst: Client) -> None:
    def shown(query: str) -> list[str]:
        found = [each for each in links(analyst.get(f"/mail/received/?{query}")) if each.startswith("/mail/received/")]
        return [name for name, row in box.items() if address(row) in found]

    assert shown("kind=bounce") == ["bounce"]
    assert shown("kind=bounce&kind=reply") == ["reply", "bounce"]
    assert shown("state=quarantined") == ["over"]
    assert shown("state=unread") == ["reply", "stranger", "over"]
    assert shown("kind=bounce&state=unread") == []
    assert "Take away a filter" in text(analyst.get("/mail/received/?kind=bounce&state=unread"))
    assert "kind=love" in text(analyst.get("/mail/received/?kind=love"))


def test_an_empty_list_says_how_mail_comes_in(analyst: Client) -> None:
    said = text(analyst.get("/mail/received/"))
    assert "No mail has come in yet" in said and "tocsin mail receive" in said


def test_a_message_is_shown_as_text_and_says_what_is_proven(box: Any, analyst: Client) -> None:
    answer = analyst.get(address(box["reply"]))
    said = text(answer)
    assert "It answers a message of ours" in said and "notice42" in said
    assert "It is fixed. <script>alert(1)</script>\\u202e\\x1b[2J" in said
    body = answer.content.decode()
    assert "<script>alert" not in body and "\u202e" not in body and "\x1b" not in body


def test_of_html_only_its_text_is_shown_and_of_files_only_their_names(box: Any, analyst: Client) -> None:
    answer = analyst.get(address(box["stranger"]))
    said = text(answer)
    assert "Nothing proves that it is about a message of ours" in said
    assert "See this <javascript:alert(1)>" in said and "<b>.exe" in said
    assert "track.example" not in answer.content.decode()
    assert not [each for each in links(answer) if "javascript" in each]
    assert "<b>.exe" not in main_of(answer)


def test_a_bounce_says_whom_it_was_for_and_why(box: Any, analyst: Client) -> None:
    said = text(analyst.get(address(box["bounce"])))
    assert "will never be delivered" in said and "otto@bank.example" in said and "550 <i>no</i>" in said


def test_the_message_as_it_came_is_downloaded_and_never_shown(box: Any, analyst: Client, tmp_path: Path) -> None:
    row = box["stranger"]
    answer: Any = analyst.get(address(row, "raw/"))
    assert answer.content == keeping.path_of(tmp_path, row.sha256).read_bytes()
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == f'attachment; filename="mail-{row.pk}.eml"'
    assert answer["X-Content-Type-Options"] == "nosniff"

    keeping.path_of(tmp_path, row.sha256).unlink()
    assert analyst.get(address(row, "raw/")).status_code == 404
    assert "Its file is missing" in text(analyst.get(address(row)))


def test_a_message_is_marked_as_read_and_put_back(box: Any, analyst: Client, cast: Cast) -> None:
    row = box["reply"]
    assert "Marked as read." in text(analyst.post(address(row, "decide/"), {"do": "read"}, follow=True))
    assert "by Anan Analyst" in text(analyst.get(address(row)))
    again = text(signed_in(cast.manager).post(address(row, "decide/"), {"do": "read"}, follow=True))
    assert "Somebody has marked this message as read by now." in again
    assert "It is to be read again." in text(analyst.post(address(row, "decide/"), {"do": "put-back"}, follow=True))
    said = [(each.code, each.actor_key) for each in AuditRow.objects.order_by("-sequence")[:2]]
    assert said == [("mail.put_back", cast.analyst.audit_key), ("mail.read", cast.analyst.audit_key)]


def test_what_could_not_be_read_is_looked_into_again(analyst: Client, box: Any, tmp_path: Path) -> None:
    raw = message("From: late@x.example", "Subject: Later", body="At last.")
    row = receiving.keep(raw, at=AT)
    assert "nobody has looked into it yet" in text(analyst.get(address(row)))
    path = keeping.path_of(tmp_path, row.sha256)
    path.write_bytes(b"damaged")
    failed = text(analyst.post(address(row, "decide/"), {"do": "look"}, follow=True))
    assert "could not be read this time either" in failed and "missing or damaged" in failed
    path.write_bytes(raw)
    done = text(analyst.post(address(row, "decide/"), {"do": "look"}, follow=True))
    assert "It was looked into." in done and "At last." in done


def test_what_is_beyond_a_limit_says_so_and_is_not_tried_again(box: Any, analyst: Client) -> None:
    said = text(analyst.get(address(box["over"])))
    assert "more than 200 headers" in said and "Look into it again" not in said
    refused = text(analyst.post(address(box["over"], "decide/"), {"do": "look"}, follow=True))
    assert "read as far as it can be" in refused
    assert analyst.post(address(box["over"], "decide/"), {"do": "burn"}).status_code == 404


def test_situation_asks_for_what_is_to_be_read_until_it_is(box: Any, analyst: Client, cast: Cast) -> None:
    assert "Mail received" in analyst.get("/mail/received/").content.decode().partition("<main")[0]
    (asked,) = needed.decisions(cast.analyst, (), {}, (), {})
    assert (asked.title, asked.url) == ("3 messages that came in are to be read", "/mail/received/?state=unread")
    assert needed.decisions(cast.auditor, (), {}, (), {}) == []
    for name in ("reply", "stranger", "over"):
        analyst.post(address(box[name], "decide/"), {"do": "read"})
    assert "Every message has been read" in text(analyst.get("/mail/received/"))
    assert needed.decisions(cast.analyst, (), {}, (), {}) == []


def test_mail_is_for_the_team_alone(box: Any, cast: Cast) -> None:
    pages = ["/mail/received/", address(box["reply"]), address(box["reply"], "raw/")]
    for person in (cast.contact, cast.stranger, cast.peer, cast.auditor, cast.observer):
        browser = signed_in(person)
        assert {browser.get(page).status_code for page in pages} == {403}, person
        assert browser.post(address(box["reply"], "decide/"), {"do": "read"}).status_code == 403
    assert signed_in(cast.analyst).get("/mail/received/9999/").status_code == 404
