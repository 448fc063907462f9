"""What hinders mail is said with what to do: real servers are greeted, and sent nothing."""

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
from tests.courier.mail_server import free_port, mail_server
from tocsin.courier import mail_servers
from tocsin.courier.trying import Hindrance, hindrance


def found(
    port: int, scheme: str = "smtp", *, user: str = "", host: str = "localhost", options: str = "", **how: Any
) -> Hindrance | None:
    """Return what hinders mail at an address."""
    server = mail_servers.read(f"{scheme}://{user}{host}:{port}{options}")
    return hindrance(server, name="cirt.example", **how)


def said(hindered: Hindrance | None) -> tuple[str, str]:
    assert hindered is not None
    return hindered.says, hindered.remedy


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate_for("localhost", tmp_path_factory.mktemp("tls") / "cert.pem")


def test_a_server_that_would_take_mail_is_greeted_and_sent_nothing(certificate: Path) -> None:
    with mail_server() as server:
        assert found(server.port) is None
    assert (server.connections, server.taken) == (1, [])
    with mail_server(tls_context=secured(certificate), require_starttls=True) as server:
        assert found(server.port, options="?tls=starttls", context=trusting(certificate)) is None


def test_where_nothing_listens_it_says_so() -> None:
    says, remedy = said(found(port := free_port()))
    assert (says, remedy) == (f"nothing listens at localhost:{port}", "Start the mail server, or mend host and port.")


def test_a_name_that_is_none_is_said_not_to_be_known() -> None:
    says, remedy = said(found(25, host=f"{'x' * 64}.example"))
    assert says == f"the name {'x' * 64}.example is not known" and "servers of names" in remedy


def test_a_certificate_that_is_not_believed_is_named(certificate: Path) -> None:
    with mail_server(tls_context=secured(certificate)) as server:
        says, remedy = said(found(server.port, options="?tls=starttls", context=ssl.create_default_context()))
    assert says == f"the certificate of localhost:{server.port} is not valid: self-signed certificate"
    assert remedy.startswith("Give it one for localhost that this machine believes")


def test_tls_that_is_not_as_the_address_says_is_told_apart(certificate: Path) -> None:
    with mail_server() as server:
        says, remedy = said(found(server.port, options="?tls=starttls"))
        assert "does not offer STARTTLS, and nothing is sent in clear" in says and "smtps://" in remedy
        says, remedy = said(found(server.port, "smtps", context=trusting(certificate)))
        assert "does not speak TLS from the first byte" in says and "Write smtp://" in remedy
    with mail_server(ssl_context=secured(certificate)) as server:
        says, remedy = said(found(server.port, within_s=0.3))
        assert "does not answer as a mail server" in says and "smtps://" in remedy
    assert server.taken == []


def test_a_password_that_is_not_taken_is_named_without_it(certificate: Path) -> None:
    def known(_server: Any, _session: Any, _envelope: Any, _kind: str, given: Any) -> AuthResult:
        return AuthResult(success=given.password == b"right", handled=False)

    context = trusting(certificate)
    with mail_server(authenticator=known, tls_context=secured(certificate)) as server:
        assert found(server.port, user="me:right@", options="?tls=starttls", context=context) is None
        says, remedy = said(found(server.port, user="me:wrong-word@", options="?tls=starttls", context=context))
    assert "does not take user and password: 535" in says and "wrong-word" not in says and remedy == "Mend them."
    with mail_server() as server:
        says, remedy = said(found(server.port, user="me:right@"))
    assert says.endswith("asks for no user and no password") and remedy.startswith("Take them out")


def test_a_server_that_refuses_everybody_is_quoted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        listener.settimeout(5)

        def refuse() -> None:
            connection, _address = listener.accept()
            with connection:
                connection.sendall(b"554 5.7.1 not you\r\n")
                connection.recv(100)

        threading.Thread(target=refuse, daemon=True).start()
        says, remedy = said(found(port))
    assert says == f"localhost:{port} answers 554 5.7.1 not you" and remedy == "Ask whoever runs it."


def test_no_more_than_so_long_is_waited() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        began = time.monotonic()
        says, _remedy = said(found(listener.getsockname()[1], within_s=0.3))
    assert "does not answer as a mail server" in says and time.monotonic() - began < 3
