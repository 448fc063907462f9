"""What a message says."""

from __future__ import annotations

import base64
import datetime as dt
import functools
import hashlib
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.formats.mail.written import message, multipart, text
from tocsin.formats.mail import Cap, Mail, read_message
from tocsin.formats.mail.understanding import heard, told, understand

HELD = b"\x00\x01 what is attached \xff"


@functools.cache
def whole() -> bytes:
    written = EmailMessage(policy=SMTP)
    written["From"] = "Zoë Analyst <Zoe@Bank.example>"
    written["To"] = "Team <reply+abc@cirt.example>, other@x.example"
    written["Subject"] = "Re: [TLP:AMBER] Ouverture du port 23 à l’étranger – où ça se trouve"
    written["Date"] = "Sun, 22 Nov 2026 10:30:00 +0100"
    written["Message-ID"] = "<m1@bank.example>"
    written["In-Reply-To"] = "<key@cirt.example>"
    written["References"] = "<first@cirt.example> <key@cirt.example>"
    written.set_content("Grüße,\nwe have closed it.\n")
    written.add_alternative("<p>not this</p>", subtype="html")
    written.add_attachment(HELD, maintype="application", subtype="octet-stream", filename="données ☃.bin")
    return bytes(written)


def test_a_message_says_who_writes_what_to_whom() -> None:
    mail = read_message(whole())
    assert (mail.sender, mail.sender_address) == ("Zoë Analyst <Zoe@Bank.example>", "zoe@bank.example")
    assert mail.addressed_to == ("reply+abc@cirt.example", "other@x.example")
    assert mail.subject == "Re: [TLP:AMBER] Ouverture du port 23 à l’étranger – où ça se trouve"
    assert mail.sent_at == dt.datetime(2026, 11, 22, 9, 30, tzinfo=dt.UTC)
    assert (mail.message_id, mail.references) == ("<m1@bank.example>", ("<key@cirt.example>", "<first@cirt.example>"))
    assert (mail.text, mail.is_from_html, mail.over, mail.defects) == ("Grüße,\nwe have closed it.", False, (), ())
    (attached,) = mail.attachments
    assert (attached.name, attached.type) == ("données ☃.bin", "application/octet-stream")
    assert (attached.sha256, attached.size_bytes) == (hashlib.sha256(HELD).hexdigest(), len(HELD))


def test_lines_may_end_either_way_and_a_mailbox_file_may_have_been_taken_apart() -> None:
    unix = whole().replace(b"\r\n", b"\n")
    assert read_message(b"From MAILER-DAEMON Sun Nov 22\n" + unix) == read_message(whole())


def test_html_is_read_as_text_with_where_its_links_lead() -> None:
    page = """<html><head><title>no</title><style>p{}</style></head><body><p>Dear&nbsp;team,<br>see
      <a href="https://evil.example/?a=1&amp;b">your bank</a></p><script>steal()</script><ul><li>one<li>two</ul>
      <!-- hidden --> 3 < 4 &amp; 5 &gt; 4 <img src="https://track.example/x.png"></body></html>"""
    mail = read_message(text(page, "text/html"))
    assert mail.is_from_html
    assert mail.text.split("\n") == [
        "Dear\xa0team,",
        "see your bank <https://evil.example/?a=1&b>",
        "",
        "- one",
        "- two",
        "3 < 4 & 5 > 4",
    ]


def test_plain_text_is_preferred_where_there_is_some() -> None:
    both = [text("plain"), text("<b>rich</b>", "text/html")]
    assert read_message(multipart("alternative", both)).text == "plain"
    assert read_message(multipart("alternative", [text(" \r\n"), both[1]])).text == "rich"
    assert read_message(multipart("mixed", both)).text == "plain\n\nrich"
    assert read_message(multipart("alternative", both)).attachments == ()


@pytest.mark.parametrize(
    ("header", "subject"),
    [
        ("=?utf-8?B?w6k=?= =?utf-8?Q?t=C3=A9?= at", "été at"),
        ("=?utf-8?B?4pk=?= =?utf-8?B?hA==?=", "♄".replace("♄", "\u2644")),
        ("=?iso-8859-1?Q?a_b=E9?=", "a bé"),
        ("=?no-such-set?Q?caf=E9?=", "café"),
        ("=?utf-8?B?!!!?= rest", "rest"),
        ("=?utf-8?Q?open", "=?utf-8?Q?open"),
        ("caf\udce9", "café"),
        ("directly é", "directly é"),
        ("a\u202eb", "a\\u202eb"),
        ("=?utf-8?Q?a=E2=80=AEb=00c=1B[31m?=", "a\\u202eb\\x00c\\x1b[31m"),
        ("=?idna?Q?xn--?=", "xn--"),
        ("=?hex?Q?41?=", "41"),
    ],
)
def test_a_subject_is_read_whatever_it_is_written_in(header: str, subject: str) -> None:
    assert read_message(message(f"Subject: {header}")).subject.strip() == subject


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ('"ceo@bank.example" <Thief@evil.example>', "thief@evil.example"),
        ("plain@bank.example (Comment <other@x.example)", "other@x.example"),
        ("plain@bank.example", "plain@bank.example"),
        ("<no address>", ""),
        ("=?utf-8?Q?boss=40bank=2Eexample?= <thief@evil.example>", "thief@evil.example"),
        ("", ""),
    ],
)
def test_a_name_that_looks_like_an_address_is_none(written: str, address: str) -> None:
    assert read_message(message(f"From: {written}")).sender_address == address


@pytest.mark.parametrize(
    ("octets", "charset", "words"),
    [
        ("é".encode("latin-1"), "utf-8", "é"),
        ("é".encode(), "us-ascii", "é"),
        ("é".encode(), "iso-8859-15", "é".encode().decode("iso-8859-15")),
        ("Москва".encode("koi8-r"), "KOI8-R", "Москва"),
        ("日本".encode("shift_jis"), "Shift_JIS", "日本"),
        (b"a\x81", "cp1252", "a\ufffd"),
        (b"+2AA-", "utf-7", "+2AA-"),
        (b"a\x00b", "utf-8", "a\\x00b"),
        ("a".encode("utf-16"), "utf-16", "a"),
    ],
)
def test_a_text_is_read_whatever_its_sender_says_it_is_in(octets: bytes, charset: str, words: str) -> None:
    assert read_message(message(f'Content-Type: text/plain; charset="{charset}"', body=octets)).text == words


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ('filename="a.pdf"', "a.pdf"),
        ("filename*=UTF-8''na%C3%AFve.pdf", "naïve.pdf"),
        ("filename*0*=utf-8''na%C3; filename*1*=%AFve; filename*2=.pdf", "naïve.pdf"),
        ('filename="=?utf-8?Q?na=C3=AFve.pdf?="', "naïve.pdf"),
        ('filename="../../etc/passwd"', "../../etc/passwd"),
        ('filename="invoice\u202efdp.exe"', "invoice\\u202efdp.exe"),
        ('filename="never closed', "never closed"),
        ("filename*=UTF-8''%00%FF", "\\x00ÿ"),
    ],
)
def test_an_attachment_has_the_name_that_its_sender_gave_it(parameters: str, name: str) -> None:
    mail = read_message(message(f"Content-Disposition: attachment; {parameters}", body=b"x"))
    assert [each.name for each in mail.attachments] == [name]
    assert mail.text == ""


@pytest.mark.parametrize("rubbish", [b"aGVsbG8", b"aGVsbG8=", b"%%aGVs\r\n!bG8==", b"aGVsbG8====="])
def test_base64_is_read_as_far_as_it_is_some(rubbish: bytes) -> None:
    part = message("Content-Type: text/plain", "Content-Transfer-Encoding: base64", body=rubbish)
    assert read_message(part).text == "hello"


def test_steering_characters_of_a_text_are_written_out() -> None:
    mail = read_message(text("one\tcell\nnext \x1b[2J\u200b\u202eline\rlast"))
    assert mail.text == "one\tcell\nnext \\x1b[2J\\u200b\\u202eline\nlast"


def test_a_multipart_without_end_or_without_boundary_is_read_all_the_same() -> None:
    cut = multipart("mixed", [text("one"), text("two")]).rpartition(b"--==b--")[0]
    assert read_message(cut).text == "one\n\ntwo"
    unbound = read_message(message("Content-Type: multipart/mixed", body="loose"))
    assert (unbound.text, unbound.defects) == ("loose", ("multipart without parts",))
    assert read_message(b"no header at all").defects == ("broken headers",)
    assert read_message(b"") == Mail()


def nested(depth: int) -> bytes:
    inner = text("within")
    for number in range(depth):
        inner = multipart("mixed", [inner], boundary=f"b{number}x")
    return b"From: a@x.example\r\nSubject: deep\r\n" + inner


@pytest.mark.parametrize(
    ("raw", "cap"),
    [
        (nested(21), Cap.DEPTH),
        (multipart("mixed", [text("x")] * 501, "From: a@x.example", "Subject: deep"), Cap.PARTS),
        (message("From: a@x.example", *["X: y"] * 300, "Subject: deep"), Cap.HEADERS),
        (message("From: a@x.example", "X: " + "y" * 70_000, "Subject: deep"), Cap.HEADER_LENGTH),
        (message("From: a@x.example", "Subject: deep", body=b"x" * 25_000_000), Cap.BYTES),
    ],
    ids=lambda each: str(each) if isinstance(each, Cap) else "",
)
def test_beyond_a_limit_nothing_is_read_but_who_wrote_about_what(raw: bytes, cap: Cap) -> None:
    mail = read_message(raw)
    assert (mail.over, mail.sender_address, mail.subject) == ((cap,), "a@x.example", "deep")


def test_within_the_limits_nothing_is_left_out() -> None:
    assert read_message(nested(20)).text == "within"
    assert len(read_message(multipart("mixed", [text("x")] * 500)).text.split()) == 500
    assert not read_message(message(*["X: y"] * 200)).over


def test_a_long_text_is_cut_and_says_so() -> None:
    mail = read_message(text("\x00" * 150_000))
    assert (len(mail.text), mail.is_text_cut) == (100_000, True)


def test_what_is_told_of_a_message_is_heard_as_it_was() -> None:
    understood = understand(whole())
    assert heard(told(understood)) == understood


WORDS = st.sampled_from(
    [b"--b\n", b"--b--\n", b"\n", b"\r\n", b"Content-Type: multipart/mixed; boundary=b\n", b"Subject: =?utf-8?B?",
     b"Content-Type: text/html\n", b"<a href='", b"<!--", b"Content-Transfer-Encoding: base64\n", b"From: (((<a@",
     b"Content-Type: message/delivery-status\n", b"Action: failed\n", b"Status: 5.1.1\n", b"?=", b";a*0*=''%", b"\xff"]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(WORDS | st.binary(max_size=12), max_size=40).map(b"".join))
def test_nothing_that_anybody_can_send_stops_the_reader(raw: bytes) -> None:
    understood = understand(raw)
    assert heard(told(understood)) == understood
    shown = (understood.mail.sender, understood.mail.subject, *(value for _, value in understood.mail.headers))
    assert all(each.isprintable() for each in shown if each.isascii())
    assert b"\\u0000" not in told(understood)  # which no database takes


@settings(max_examples=60, deadline=None)
@given(
    st.text(st.characters(categories=["L", "N", "P", "S"], exclude_characters="\u115f\u1160\u2800\u3164\uffa0")),
    st.binary(max_size=80),
    st.sampled_from(["utf-8", "utf-16"]),
)
def test_what_is_written_by_the_rules_is_read_back(words: str, held: bytes, charset: str) -> None:
    coded = base64.encodebytes(words.encode(charset))
    part = message(f"Content-Type: text/plain; charset={charset}", "Content-Transfer-Encoding: base64", body=coded)
    file = message("Content-Type: application/x", "Content-Transfer-Encoding: base64", body=base64.encodebytes(held))
    mail = read_message(multipart("mixed", [part, file]))
    assert [each.sha256 for each in mail.attachments] == [hashlib.sha256(held).hexdigest()]
    assert mail.text == words
