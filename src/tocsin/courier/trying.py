"""Whether the mail server would take our mail now: it is greeted as before mail, and nothing is handed over.

For whoever has set it up and has nothing to send yet. What waits to be sent finds out by itself: `sending`.
"""

from __future__ import annotations

import dataclasses
import queue
import smtplib
import socket
import ssl
import threading

from tocsin.courier.mail_servers import MailServer
from tocsin.courier.mailer import LineFailed, Mailer

WITHIN_S = 5.0
"""So long is waited, for all of it: whoever asks sits and waits."""


@dataclasses.dataclass(frozen=True)
class Hindrance:
    """Why a mail server takes nothing from us, and what to do."""

    says: str
    remedy: str


def hindrance(
    server: MailServer, *, name: str, context: ssl.SSLContext | None = None, within_s: float = WITHIN_S
) -> Hindrance | None:
    """Return why the server would take nothing now; None when it would. `name` is what we call ourselves.

    To ask the system what a name means cannot be interrupted, so it is left behind when it takes too long.
    """
    answers: queue.SimpleQueue[Hindrance | None] = queue.SimpleQueue()

    def ask() -> None:
        answers.put(_greeted(Mailer(server, name=name, context=context, within_s=within_s)))

    threading.Thread(target=ask, name=f"greet {server.name}", daemon=True).start()
    try:
        return answers.get(timeout=within_s)
    except queue.Empty:
        return _silent(server, f"nothing within {within_s:g} s")


def _greeted(mailer: Mailer) -> Hindrance | None:
    try:
        with mailer:
            return None
    except LineFailed as failure:
        return _found(mailer.server, failure)


def _found(server: MailServer, failure: LineFailed) -> Hindrance:
    """Return what a failure means for whoever wrote the address."""
    problem = failure.problem.rstrip(".")
    match failure.__cause__:
        case socket.gaierror() | UnicodeError():
            return Hindrance(f"the name {server.host} is not known", "Mend it, or the servers of names it is asked of.")
        case ConnectionRefusedError():
            return Hindrance(f"nothing listens at {server.name}", "Start the mail server, or mend host and port.")
        case ssl.SSLError() as error:
            return _of_tls(server, error)
        case smtplib.SMTPAuthenticationError():
            return Hindrance(f"{server.name} does not take user and password: {problem}", "Mend them.")
        case smtplib.SMTPNotSupportedError() if "AUTH" in problem:
            remedy = "Take them out, or name the port on which it asks for them, often 587."
            return Hindrance(f"{server.name} asks for no user and no password", remedy)
        case smtplib.SMTPNotSupportedError():
            remedy = "Have it offer STARTTLS, or write smtps:// where it speaks TLS from the first byte."
            return Hindrance(f"{server.name} does not offer STARTTLS, and nothing is sent in clear", remedy)
        case TimeoutError() | smtplib.SMTPServerDisconnected():
            return _silent(server, problem)
        case smtplib.SMTPResponseException():
            return Hindrance(f"{server.name} answers {problem}", "Ask whoever runs it.")
    return Hindrance(f"{server.name} cannot be reached: {problem}", "Mend host and port, or let this machine go there.")


def _of_tls(server: MailServer, error: ssl.SSLError) -> Hindrance:
    if isinstance(error, ssl.SSLCertVerificationError):
        remedy = f"Give it one for {server.host} that this machine believes, or write the name that it has."
        return Hindrance(f"the certificate of {server.name} is not valid: {error.verify_message}", remedy)
    if server.tls == "implicit":
        remedy = "Write smtp:// where it begins with STARTTLS."
        return Hindrance(f"{server.name} does not speak TLS from the first byte", remedy)
    return Hindrance(f"{server.name} begins TLS and fails: {error.reason}", "Have it speak TLS 1.2 or newer.")


def _silent(server: MailServer, problem: str) -> Hindrance:
    remedy = "See that it is a mail server; write smtps:// where it speaks TLS from the first byte."
    return Hindrance(f"{server.name} does not answer as a mail server: {problem}", remedy)
