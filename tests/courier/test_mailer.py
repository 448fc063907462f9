"""SMTP against a real server: what is taken, put off, refused, and what is the line's failure and no message's."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult

from tests.courier.certificates import certificate_for, secured, trusting
from tests.courier.mail_server import MailServer, free_port, mail_server
from tocsin.courier import mail_servers, mailer
from tocsin.courier.mailer import Delivery, LineBroke, LineFailed, Mailer, Outcome

CONTENT = b"Subject: x\r\n\r\n.\r\nFrom here on\r\n"
FROM = "bounces+k1@cirt.example"
TO = "it@bank.example"


def opened(port: int, scheme: str = "smtp", options: str = "", user: str = "", **how: Any) -> Mailer:
    server = mail_servers.read(f"{scheme}://{user}localhost:{port}{options}")
    return Mailer(server, name="cirt.example", **how)


def deliver(server: MailServer, to: str = TO) -> Delivery:
    with opened(server.port) as line:
        return line.deliver(CONTENT, sender=FROM, to=to)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate_for("localhost", tmp_path_factory.mktemp("tls") / "cert.pem")


def test_a_message_arrives_byte_for_byte_under_its_own_sender() -> None:
    with mail_server() as server:
        assert deliver(server) == Delivery(Outcome.SENT, "250 2.0.0 taken")
    (taken,) = server.taken
    assert (taken.sender, taken.to, taken.content) == (FROM, TO, CONTENT)


def test_many_messages_go_by_one_connection() -> None:
    with mail_server() as server, opened(server.port) as line:
        for number in range(5):
            line.deliver(CONTENT, sender=FROM, to=f"u{number}@bank.example")
    assert (len(server.taken), server.connections) == (5, 1)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("450 4.2.1 mailbox busy", Outcome.PUT_OFF),
        ("451 4.7.1 greylisted", Outcome.PUT_OFF),
        ("452 4.2.2 mailbox full", Outcome.PUT_OFF),
        ("550 5.1.1 no such user", Outcome.REFUSED),
        ("553 5.1.3 bad address", Outcome.REFUSED),
    ],
)
def test_what_is_said_of_a_recipient_is_an_outcome_and_others_go_on(answer: str, outcome: Outcome) -> None:
    with mail_server() as server, opened(server.port) as line:
        server.answers[TO] = answer
        of_recipient = outcome is Outcome.REFUSED
        assert line.deliver(CONTENT, sender=FROM, to=TO) == Delivery(outcome, answer, of_recipient=of_recipient)
        assert line.deliver(CONTENT, sender=FROM, to="other@bank.example").outcome is Outcome.SENT
    assert server.recipients == ["other@bank.example"]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [("451 4.3.0 try later", Outcome.PUT_OFF), ("554 5.7.1 looks like spam", Outcome.REFUSED)],
)
def test_what_is_said_of_a_content_is_an_outcome(answer: str, outcome: Outcome) -> None:
    with mail_server() as server:
        server.content_answers.append(answer)
        assert deliver(server) == Delivery(outcome, answer)


def test_an_answer_that_steers_terminals_is_written_out() -> None:
    with mail_server() as server:
        server.answers[TO] = "550 no\x1b[2J"
        assert deliver(server).answer == "550 no\\x1b[2J"


def test_a_sender_that_is_not_taken_is_the_failure_of_the_line() -> None:
    with mail_server() as server:
        server.sender_answers[FROM] = "550 5.7.1 not for you"
        with pytest.raises(LineFailed, match="not for you") as failed:
            deliver(server)
    assert not isinstance(failed.value, LineBroke)


@pytest.mark.parametrize("answer", ["cut", "421 4.3.2 closing"])
def test_a_line_that_breaks_amid_a_message_says_so(answer: str) -> None:
    with mail_server() as server:
        server.content_answers.append(answer)
        with pytest.raises(LineBroke):
            deliver(server)


def test_a_server_that_is_not_there_is_the_failure_of_the_line() -> None:
    with pytest.raises(LineFailed, match="refused"), opened(free_port()):
        pass


def test_a_server_that_says_it_is_busy_is_the_failure_of_the_line() -> None:
    with _talking(b"421 4.3.2 too many connections\r\n") as port, pytest.raises(LineFailed, match="421"), opened(port):
        pass


def test_a_server_that_falls_silent_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailer, "SILENCE_S", 0.2)
    with _talking(b"") as port, pytest.raises(LineFailed, match="timed out"), opened(port):
        pass


def test_a_server_that_dribbles_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailer, "LONGEST_S", 0.5)
    began = time.monotonic()
    with _talking(b"220 x\r\n", b"250-a\r\n") as port, pytest.raises(LineFailed), opened(port):
        pass
    assert time.monotonic() - began < 10


class _talking:
    """A server that says its first words, and then its others for ever."""

    def __init__(self, first: bytes, others: bytes = b"") -> None:
        self.first, self.others = first, others
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.done = threading.Event()

    def __enter__(self) -> int:
        threading.Thread(target=self._talk, daemon=True).start()
        return int(self.listener.getsockname()[1])

    def __exit__(self, *_error: object) -> None:
        self.done.set()
        self.listener.close()

    def _talk(self) -> None:
        connection, _address = self.listener.accept()
        with connection:
            connection.sendall(self.first)
            while not self.done.wait(0.05):
                try:
                    connection.sendall(self.others)
                except OSError:
                    return


def test_starttls_is_required_and_the_certificate_checked(certificate: Path) -> None:
    with mail_server(tls_context=secured(certificate), require_starttls=True) as server:
        with opened(server.port, options="?tls=starttls", context=trusting(certificate)) as line:
            assert line.deliver(CONTENT, sender=FROM, to=TO).outcome is Outcome.SENT
        with pytest.raises(LineFailed, match="certificate is not valid"):
            opened(server.port, options="?tls=starttls").__enter__()
    assert len(server.taken) == 1


def test_nothing_is_sent_in_clear_where_tls_is_asked_for() -> None:
    with mail_server() as server, pytest.raises(LineFailed, match="STARTTLS"):
        opened(server.port, options="?tls=starttls").__enter__()
    assert server.taken == []


def test_tls_from_the_first_byte(certificate: Path) -> None:
    with mail_server(ssl_context=secured(certificate)) as server:
        with opened(server.port, "smtps", context=trusting(certificate)) as line:
            assert line.deliver(CONTENT, sender=FROM, to=TO).outcome is Outcome.SENT
        with pytest.raises(LineFailed, match="certificate is not valid"):
            opened(server.port, "smtps", context=ssl.create_default_context()).__enter__()


def test_a_password_opens_the_line_and_a_wrong_one_is_never_repeated(certificate: Path) -> None:
    def known(_server: Any, _session: Any, _envelope: Any, _kind: str, given: Any) -> AuthResult:
        return AuthResult(success=given.password == b"right", handled=False)

    how = {"authenticator": known, "auth_required": True, "tls_context": secured(certificate)}
    with mail_server(**how) as server:
        context, options = trusting(certificate), "?tls=starttls"
        with opened(server.port, options=options, user="me:right@", context=context) as line:
            assert line.deliver(CONTENT, sender=FROM, to=TO).outcome is Outcome.SENT
        with pytest.raises(LineFailed) as failed:
            opened(server.port, options=options, user="me:wrong-word@", context=context).__enter__()
    assert "wrong-word" not in str(failed.value)
    assert "535" in str(failed.value)
