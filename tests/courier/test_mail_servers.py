"""Addresses of mail servers: what is understood, and that nothing goes in clear unless it is said."""

from __future__ import annotations

import pytest

from tocsin.courier import mail_servers
from tocsin.courier.mail_servers import MailServer
from tocsin.kernel.refusals import InvalidInput


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("smtp://mail.example", MailServer("mail.example", 587, "starttls")),
        ("smtp://mail.example:25", MailServer("mail.example", 25, "starttls")),
        ("smtps://mail.example", MailServer("mail.example", 465, "implicit")),
        ("smtp://127.0.0.1:2525", MailServer("127.0.0.1", 2525, "none")),
        ("smtp://localhost:25", MailServer("localhost", 25, "none")),
        ("smtp://[::1]:25", MailServer("::1", 25, "none")),
        ("smtp://127.0.0.1:25?tls=starttls", MailServer("127.0.0.1", 25, "starttls")),
        ("smtp://mail.example:25?tls=none", MailServer("mail.example", 25, "none")),
        ("smtp://me%40x:p%3Aw@mail.example/", MailServer("mail.example", 587, "starttls", "me@x", "p:w")),
    ],
)
def test_an_address_says_where_and_how(address: str, expected: MailServer) -> None:
    assert mail_servers.read(address) == expected


@pytest.mark.parametrize(
    "address",
    [
        "mail.example",
        "http://mail.example",
        "smtp://",
        "smtp://mail.example:99999",
        "smtp://mail.example:0",
        "smtp://mail example",
        "smtp://mail.example/inbox",
        "smtp://mail.example?tls=perhaps",
        "smtp://mail.example?ssl=1",
        "smtps://mail.example?tls=none",
        "smtp://[::1",
        "smtp://me:secret-word@mail.example?tls=none",
    ],
)
def test_what_is_none_is_refused_without_showing_it(address: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        mail_servers.read(address)
    assert refused.value.where == "TOCSIN_SMTP_URL"
    assert "secret-word" not in str(refused.value)


def test_a_password_is_not_shown() -> None:
    server = mail_servers.read("smtp://me:secret-word@mail.example")
    assert "secret-word" not in repr(server)
    assert server.name == "mail.example:587"
