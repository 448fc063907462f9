"""The one place that speaks SMTP: hands over one message after the other on one connection.

What the server says of a recipient or a content is an outcome of that message; what fails for all messages is the
failure of the line. Source: RFC 5321, section 4.2.1 (what the first digit of an answer means).
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import functools
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from types import TracebackType

from tocsin.courier.mail_servers import MailServer
from tocsin.kernel import legible
from tocsin.kernel.refusals import Unavailable

SILENCE_S = 60.0
"""So long is waited for each answer."""
LONGEST_S = 120.0
"""So long is spent on one message: a lease outlives it."""
LONGEST_ANSWER = 500
CLOSING = 421
"""The server goes away: nothing of the message's."""


class LineFailed(Unavailable):
    """The mail server takes nothing now."""

    def __init__(self, server: MailServer, problem: str) -> None:
        self.server, self.problem = server, problem.rstrip(".") + "."
        super().__init__(f"The mail server {server.name} takes nothing: {self.problem}")


class LineBroke(LineFailed):
    """The line failed while a message was being handed over: perhaps because of it, and perhaps it was taken."""


class Outcome(enum.Enum):
    """What the other side made of a message."""

    SENT = enum.auto()
    PUT_OFF = enum.auto()
    """To be tried again later."""
    REFUSED = enum.auto()
    """For good."""


@dataclasses.dataclass(frozen=True)
class Delivery:
    """The outcome, and what the other side said."""

    outcome: Outcome
    answer: str
    is_gone: bool = False
    """Whether the other side said that nothing is to be sent there any more."""
    is_unsure: bool = False
    """Whether the other side may have it all the same."""
    of_recipient: bool = False
    """Whether the recipient was refused, before any content was sent."""


class Mailer:
    """A connection to the mail server. Opened by `with`."""

    def __init__(
        self, server: MailServer, *, name: str, context: ssl.SSLContext | None = None, within_s: float | None = None
    ) -> None:
        """`within_s`: so long is waited for an answer, and for all of the greeting, where not as long as usual."""
        self.server, self._name = server, name
        self._silence_s, self._longest_s = within_s or SILENCE_S, within_s or LONGEST_S
        self._given_context = context
        self._smtp: smtplib.SMTP | None = None

    def __enter__(self) -> Mailer:
        try:
            self._open()
        except smtplib.SMTPResponseException as error:
            raise LineFailed(self.server, _said(error.smtp_code, error.smtp_error)) from error
        except ssl.SSLCertVerificationError as error:
            raise LineFailed(self.server, f"its certificate is not valid ({error.verify_message}).") from error
        except (smtplib.SMTPException, OSError, UnicodeError) as error:
            raise LineFailed(self.server, f"{_readable(error)}.") from error
        return self

    @functools.cached_property
    def _context(self) -> ssl.SSLContext:
        """What certificates are believed; to load those of the system takes as long as a message."""
        return self._given_context or ssl.create_default_context()

    def _open(self) -> None:
        smtp = self._connected()
        with contextlib.ExitStack() as unless_open:
            unless_open.callback(smtp.close)
            with self._cut_after(self._longest_s, smtp):
                self._greet(smtp)
            unless_open.pop_all()
        self._smtp = smtp

    def _connected(self) -> smtplib.SMTP:
        host, port, name = self.server.host, self.server.port, self._name
        if self.server.tls == "implicit":
            return smtplib.SMTP_SSL(host, port, local_hostname=name, timeout=self._silence_s, context=self._context)
        return smtplib.SMTP(host, port, local_hostname=name, timeout=self._silence_s)

    def _greet(self, smtp: smtplib.SMTP) -> None:
        smtp.ehlo_or_helo_if_needed()
        if self.server.tls == "starttls":
            smtp.starttls(context=self._context)
            smtp.ehlo()
        if self.server.user:
            smtp.login(self.server.user, self.server.password)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._smtp is None:
            return
        with contextlib.suppress(smtplib.SMTPException, OSError):
            if kind is None:
                self._smtp.quit()
        self._smtp.close()

    def deliver(self, content: bytes, *, sender: str, to: str) -> Delivery:
        """Hand a message over; say what the server made of it. Raises LineFailed, LineBroke when it was in hand."""
        assert self._smtp is not None, "opened by `with`"  # noqa: S101
        try:
            with self._cut_after(self._longest_s, self._smtp):
                return self._deliver(self._smtp, content, sender, to)
        except smtplib.SMTPResponseException as error:
            return self._judged(error.smtp_code, error.smtp_error)
        except (smtplib.SMTPException, OSError) as error:
            raise LineBroke(self.server, f"{_readable(error)}.") from error

    def _deliver(self, smtp: smtplib.SMTP, content: bytes, sender: str, to: str) -> Delivery:
        code, said = smtp.mail(sender)
        if code != 250:
            raise LineFailed(self.server, f"it does not take {sender} as the sender: {_said(code, said)}")
        code, said = smtp.rcpt(to)
        if is_taken := code in (250, 251):
            code, said = smtp.data(content)
        delivery = self._judged(code, said)
        if delivery.outcome is Outcome.REFUSED and not is_taken:
            delivery = dataclasses.replace(delivery, of_recipient=True)
        if delivery.outcome is not Outcome.SENT:
            smtp.rset()
        return delivery

    def _judged(self, code: int, said: bytes | str) -> Delivery:
        answer = _said(code, said)
        if code == CLOSING or code < 200:
            raise LineBroke(self.server, answer)
        if code < 300:
            return Delivery(Outcome.SENT, answer)
        return Delivery(Outcome.PUT_OFF if code < 500 else Outcome.REFUSED, answer)

    @staticmethod
    @contextlib.contextmanager
    def _cut_after(seconds: float, smtp: smtplib.SMTP) -> Iterator[None]:
        """Cut the connection from outside: a server that sends a byte now and then never lets a read time out."""

        def cut() -> None:
            with contextlib.suppress(OSError):  # closed already
                if smtp.sock is not None:
                    smtp.sock.shutdown(socket.SHUT_RDWR)

        watch = threading.Timer(seconds, cut)
        watch.daemon = True
        watch.start()
        try:
            yield
        finally:
            watch.cancel()


def _said(code: int, said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return f"{code} {legible.shown(' '.join(text.split()))}"[:LONGEST_ANSWER]


def _readable(error: Exception) -> str:
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return legible.shown(" ".join(said.split()).rstrip(".") or type(error).__name__)[:LONGEST_ANSWER]
