"""An instance that may send, a clock that is moved by hand, and turns of a worker on a real mail server."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.courier.mail_server import MailServer, mail_server
from tocsin.courier import sending
from tocsin.courier.composing import Mail
from tocsin.courier.models import OutgoingMessage
from tocsin.courier.outbox import Posting, Reference, put_mail
from tocsin.kernel.tlp import TLP

AT = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.at = AT

    def __call__(self) -> dt.datetime:
        return self.at

    def move(self, **by: float) -> None:
        self.at += dt.timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(settings: Any, tmp_path: Path) -> Iterator[MailServer]:
    """The mail server of an instance that may send."""
    with mail_server() as running:
        settings.TOCSIN = dataclasses.replace(
            settings.TOCSIN,
            home=tmp_path,
            smtp_url=f"smtp://127.0.0.1:{running.port}",
            mail_from="cirt@cirt.example",
            mail_domain="back.cirt.example",
        )
        yield running


Put = Callable[..., OutgoingMessage]


@pytest.fixture
def put(db: None, server: MailServer, clock: Clock) -> Put:
    """Queue a mail to somebody; keyword arguments are those of a posting."""

    def one(to: str = "it@bank.example", **posting: Any) -> OutgoingMessage:
        known = {"key": f"test:{to}", "reference": Reference("test", to), **posting}
        mail = Mail(to=to, subject="Open services", text="They answer anybody.", tlp=TLP.GREEN)
        return put_mail(mail, Posting(**known), at=clock())

    return one


@pytest.fixture
def drain(server: MailServer, clock: Clock) -> Callable[..., dt.datetime | None]:
    """Let a worker have its turn."""

    def turn(worker: str = "worker", **how: Any) -> dt.datetime | None:
        return sending.drain(sending.Turn(worker, now=clock, **how))

    return turn


def state(message: OutgoingMessage) -> str:
    """Return where a message is now."""
    message.refresh_from_db()
    return message.state
