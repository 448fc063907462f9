"""A real mail server on loopback that keeps what it takes, and answers as it is told."""

from __future__ import annotations

import dataclasses
import email
import email.policy
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller


@dataclasses.dataclass(frozen=True)
class Taken:
    """A message that the server took."""

    sender: str
    to: str
    content: bytes

    @property
    def message(self) -> EmailMessage:
        """As a reader's program understands it."""
        return email.message_from_bytes(self.content, policy=email.policy.default)  # type: ignore[return-value]


class MailServer:
    """What it took, and what it answers: to a sender, to a recipient, to a content."""

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self.sender_answers: dict[str, str] = {}
        self.answers: dict[str, str] = {}
        """Recipient → what is said to it instead of 250."""
        self.content_answers: list[str] = []
        """Said to the next contents instead of taking them; `cut` breaks the connection."""
        self.connections = 0
        self.port = 0

    async def handle_EHLO(self, server: Any, session: Any, envelope: Any, hostname: str, responses: Any) -> Any:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        envelope.mail_from = address
        return self.sender_answers.get(address, "250 OK")

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        answer = self.answers.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.content_answers:
            answer = self.content_answers.pop(0)
            if answer == "cut":
                server.transport.close()
            return answer
        assert len(envelope.rcpt_tos) == 1
        self.taken.append(Taken(envelope.mail_from, envelope.rcpt_tos[0], envelope.original_content))
        return "250 2.0.0 taken"

    @property
    def recipients(self) -> list[str]:
        """To whom it took something, in order."""
        return [taken.to for taken in self.taken]


@contextmanager
def mail_server(**how: Any) -> Iterator[MailServer]:
    """Serve while the block runs; keyword arguments go to aiosmtpd."""
    kept = MailServer()
    controller = Controller(kept, hostname="127.0.0.1", port=free_port(), **how)
    controller.start()
    kept.port = controller.port
    try:
        yield kept
    finally:
        controller.stop()


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
