"""The bytes of a mail, as a reader's program understands them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import email
import email.policy
import io
import zipfile
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tocsin.courier import composing, tokens
from tocsin.courier.composing import Attachment, Mail, compose
from tocsin.kernel.refusals import InvalidInput, Unavailable
from tocsin.kernel.tlp import TLP

AT = dt.datetime(2026, 11, 23, 9, 30, tzinfo=dt.UTC)
MAIL = Mail(to="it@bank.example", subject="Three open services", text="They answer anybody.", tlp=TLP.GREEN)


@pytest.fixture(autouse=True)
def _set_up(settings: Any) -> None:
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, mail_from="cirt@cirt.example", team_name="CIRT Meridia")


def parsed(mail: Mail = MAIL, key: str = "k1", **changes: Any) -> EmailMessage:
    composed = compose(dataclasses.replace(mail, **changes), key=key, at=AT)
    message = email.message_from_bytes(composed.content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def body(message: EmailMessage) -> str:
    part = message.get_body()
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def test_a_mail_says_who_to_whom_what_and_how_far_it_may_travel() -> None:
    message = parsed(name="Anna Berg")
    assert message["From"] == "CIRT Meridia <cirt@cirt.example>"
    assert message["To"] == "Anna Berg <it@bank.example>"
    assert message["Subject"] == "[TLP:GREEN] Three open services"
    assert message["Message-ID"] == "<k1@cirt.example>"
    assert message["Date"] == "Mon, 23 Nov 2026 09:30:00 +0000"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Reply-To"] is None
    assert message.get_content_type() == "text/plain"
    assert body(message).startswith("They answer anybody.\n\n-- \nTLP:GREEN\n")


def test_the_same_mail_is_the_same_bytes() -> None:
    assert compose(MAIL, key="k1", at=AT) == compose(MAIL, key="k1", at=AT)


def test_replies_and_bounces_come_back_to_addresses_of_their_own_where_such_are_read(settings: Any) -> None:
    assert composing.envelope_sender("k1") == "cirt@cirt.example"
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, mail_domain="back.cirt.example")
    message = parsed()
    reply, bounce = str(message["Reply-To"]), composing.envelope_sender("k1")
    assert message["Message-ID"] == "<k1@back.cirt.example>"
    assert tokens.read("reply", reply.removeprefix("reply+").partition("@")[0]) == "k1"
    assert tokens.read("bounce", bounce.removeprefix("bounces+").partition("@")[0]) == "k1"
    assert reply.endswith("@back.cirt.example") and bounce.endswith("@back.cirt.example")


@pytest.mark.parametrize("tlp", list(TLP))
def test_every_label_stands_in_the_subject_and_at_the_end_with_its_meaning(tlp: TLP) -> None:
    message = parsed(tlp=tlp)
    assert str(message["Subject"]).startswith(f"[{tlp.label}] ")
    footer = body(message).partition("-- \n")[2].split("\n")
    assert footer[0] == tlp.label
    assert " ".join(footer[1:]).strip().endswith(".")


def test_prose_is_wrapped_and_tables_are_left_as_they_are() -> None:
    table = "  " + "192.0.2.1  tcp/3389  open  " * 6
    text = body(parsed(text=f"{'word ' * 60}\n\n{table}\n" + "x" * 200))
    lines = text.split("\n")
    assert table.rstrip() in [line.rstrip() for line in lines]
    assert "x" * 200 in lines
    assert all(len(line) <= 78 for line in lines if not line.startswith((" ", "x")))


def test_letters_of_every_script_arrive_and_no_line_is_longer_than_mail_servers_take() -> None:
    text = "Équipe: فريق الأمن 安全团队 " * 40 + "\n" + "é" * 3000
    content = compose(dataclasses.replace(MAIL, text=text, subject="安全 " * 40), key="k1", at=AT).content
    assert content.isascii()
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert "é" * 3000 in body(parsed(text=text))
    assert str(parsed(subject="安全 " * 40)["Subject"]) == "[TLP:GREEN] " + ("安全 " * 40).strip()


def test_the_end_speaks_the_language_of_the_recipient(settings: Any) -> None:
    assert parsed(language="fr")["Content-Language"] == "fr"
    assert parsed()["Content-Language"] == settings.LANGUAGE_CODE


def test_a_table_goes_along() -> None:
    message = parsed(attachments=(Attachment("findings.csv", b"asset,port\n192.0.2.1,3389\n"),))
    (file,) = message.iter_attachments()
    assert (file.get_filename(), file.get_content_type()) == ("findings.csv", "text/csv")
    assert file.get_payload(decode=True) == b"asset,port\n192.0.2.1,3389\n"
    assert body(message).startswith("They answer anybody.")


def test_a_large_table_is_zipped() -> None:
    table = b"192.0.2.1,3389\n" * 20_000
    message = parsed(attachments=(Attachment("findings.csv", table),))
    (file,) = message.iter_attachments()
    assert (file.get_filename(), file.get_content_type()) == ("findings.csv.zip", "application/zip")
    packed = file.get_payload(decode=True)
    assert isinstance(packed, bytes) and len(packed) < 10_000
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.read("findings.csv") == table


def test_what_is_too_large_even_zipped_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composing, "LARGEST_BYTES", 100)
    with pytest.raises(InvalidInput, match="attached"):
        parsed(attachments=(Attachment("a.csv", b"x" * 101),))


@pytest.mark.parametrize(
    "changes",
    [
        {"to": "a@x.example\nBcc: b@x.example"},
        {"to": "a@x.example, b@x.example"},
        {"name": "A\r\nBcc: b@x.example"},
        {"name": "\u202eevil"},
        {"subject": "a\nBcc: b@x.example"},
        {"subject": "a\r"},
        {"subject": ""},
        {"subject": "\u200b"},
        {"subject": "x" * 201},
        {"text": ""},
        {"text": "a\x1b[2J"},
        {"text": "x" * 200_001},
        {"attachments": (Attachment("../a.csv", b""),)},
        {"attachments": (Attachment("a\r\nX: y.csv", b""),)},
        {"attachments": (Attachment("", b""),)},
    ],
    ids=str,
)
def test_hostile_data_is_refused_by_a_sentence(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refused:
        parsed(**changes)
    assert str(refused.value).isprintable() and str(refused.value).endswith(".")


def test_what_turns_the_direction_of_text_is_written_out() -> None:
    message = parsed(subject="a\u202eb", text="c\u202ed")
    assert message["Subject"] == "[TLP:GREEN] a\\u202eb"
    assert body(message).startswith("c\\u202ed")


@pytest.mark.parametrize("field", ["subject", "name"])
def test_what_looks_like_an_encoded_word_stays_what_it_is(field: str) -> None:
    disguised = "=?utf-8?q?=E2=80=AEgnp=2Eexe?="
    message = parsed(**{field: disguised})
    if field == "subject":
        assert message["Subject"] == f"[TLP:GREEN] {disguised}"
    else:
        assert message["To"].addresses[0].display_name == disguised


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.text(max_size=120), st.text(max_size=60))
def test_no_text_of_others_becomes_a_header(subject: str, name: str) -> None:
    try:
        message = parsed(subject=subject, name=name)
    except InvalidInput:
        return
    assert set(message.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Language", "MIME-Version",
        "Content-Type", "Content-Transfer-Encoding",
    }  # fmt: skip
    assert [each.addr_spec for each in message["To"].addresses] == ["it@bank.example"]


def test_without_a_sender_nothing_is_composed_but_what_never_leaves(settings: Any) -> None:
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, mail_from="")
    with pytest.raises(Unavailable, match="TOCSIN_MAIL_FROM"):
        compose(MAIL, key="k1", at=AT)
    assert b"nobody@invalid" in compose(MAIL, key="k1", at=AT, never_leaves=True).content
