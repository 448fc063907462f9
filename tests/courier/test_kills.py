"""Worker and mail server are killed at random: every message arrives, hardly one twice, and then as the same message.

PostgreSQL is taken away, too, and comes back: every third time, instead of a kill.
TOCSIN_TEST_KILLS says how often they are killed. A kill costs one message its second copy at most; where they are
many, it is looked at that fewer than one message in a hundred comes twice, and there are kills alone.
"""

from __future__ import annotations

import collections
import contextlib
import email
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import forking
from tests.courier.mail_server import free_port
from tests.forwarding import Way
from tests.processes import Instance

KILLS = int(os.environ.get("TOCSIN_TEST_KILLS", "6"))
MEASURED = 100
"""From so many kills on, one message in a hundred is enough to tell."""
AWAY_S = 0.3
MESSAGES = KILLS * (50 if KILLS >= MEASURED else 20)
SERVER = """
import os, sys, time
from pathlib import Path
from aiosmtpd.controller import Controller

class Keep:
    async def handle_DATA(self, server, session, envelope):
        name = f"{time.time_ns()}-{os.getpid()}"
        path = Path(sys.argv[2]) / f"{name}.tmp"
        path.write_bytes(envelope.rcpt_tos[0].encode() + b"\\n" + envelope.original_content)
        path.rename(path.with_suffix(".eml"))
        return "250 taken"

controller = Controller(Keep(), hostname="127.0.0.1", port=int(sys.argv[1]), ready_timeout=60)
controller.start()
print("ready", flush=True)
time.sleep(3600)
"""
PUT = """
    import sys
    from django.db import transaction
    from tocsin.courier.composing import Mail
    from tocsin.courier.outbox import Posting, put_mail
    from tocsin.kernel.clock import now
    from tocsin.kernel.tlp import TLP

    with transaction.atomic():
        for number in range(int(sys.argv[1]), int(sys.argv[2])):
            mail = Mail(to=f"u{number}@bank.example", subject="Open", text="They answer.", tlp=TLP.GREEN)
            put_mail(mail, Posting(f"test:{number}", severity=1 + number % 6), at=now())
"""
WORKER = """
    import datetime as dt, os, sys, time
    from django.db import Error, close_old_connections
    from tocsin.courier import rules, sending

    rules.FIRST_PAUSE = rules.FIRST_PAUSE_OF_LINE = dt.timedelta(seconds=0.05)
    rules.LONGEST_PAUSE = rules.LONGEST_PAUSE_OF_LINE = dt.timedelta(seconds=0.1)
    print("ready", flush=True)
    while True:
        try:
            sending.drain(sending.Turn(f"worker:{os.getpid()}", lease=dt.timedelta(seconds=1)))
        except Error as error:  # as the worker of `serve`: it tries again
            print(type(error).__name__, file=sys.stderr)
        close_old_connections()
        time.sleep(0.02)
"""
LEFT = """
    from tocsin.audit.queries import verify
    from tocsin.courier.models import OutgoingMessage
    from tocsin.audit.models import AuditRow
    left = OutgoingMessage.objects.exclude(state="sent").count()
    print(left, AuditRow.objects.filter(code="message.sent").count(), verify().broken_at)
"""


class Killed:
    """A process that is started again after each kill."""

    def __init__(self, start: Callable[[], forking.Process]) -> None:
        self._start = start
        self.process = start()

    def kill(self) -> None:
        self.end()
        self.process = self._start()

    def end(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    def wait_until_ready(self) -> None:
        assert self.process.stdout.readline() == "ready\n"


@contextlib.contextmanager
def running(instance: Instance, inbox: Path) -> Iterator[tuple[Killed, Killed]]:
    """A worker and a mail server, each in a process of its own."""
    port = free_port()
    instance.environment |= {
        "TOCSIN_SMTP_URL": f"smtp://127.0.0.1:{port}",
        "TOCSIN_MAIL_FROM": "cirt@cirt.example",
        "TOCSIN_MAIL_DOMAIN": "back.cirt.example",
    }

    serve = ["-c", SERVER, str(port), str(inbox)]
    server = Killed(lambda: forking.Process(serve, instance.environment))
    worker = Killed(lambda: instance.start(WORKER))
    try:
        server.wait_until_ready()
        worker.wait_until_ready()
        yield server, worker
    finally:
        server.end()
        worker.end()


@contextlib.contextmanager
def taken_away_at_will(instance: Instance) -> Iterator[Way | None]:
    """The way of an instance to its database, if there is one: SQLite is a file."""
    if not (address := instance.environment["TOCSIN_DATABASE_URL"]):
        yield None
        return
    with Way(address) as way:
        instance.environment["TOCSIN_DATABASE_URL"] = way.address
        yield way


def strike(way: Way | None, chance: random.Random, number: int, server: Killed, worker: Killed) -> None:
    """Take away the database, every third time and if it is a server; else kill the worker or the mail server.

    Not where the share is measured: this falls between the server's yes and our commit nearly always.
    """
    if way is None or number % 3 or KILLS >= MEASURED:
        (worker if chance.random() < 0.6 else server).kill()
        return
    way.close()
    time.sleep(AWAY_S)
    way.open()


def arrived(inbox: Path) -> list[tuple[str, str, bytes]]:
    """Return recipient, Message-ID and bytes of all that the server has taken."""
    found = []
    for path in inbox.glob("*.eml"):
        to, _line, content = path.read_bytes().partition(b"\n")
        found.append((to.decode(), email.message_from_bytes(content)["Message-ID"], content))
    return found


@pytest.mark.slow
def test_nothing_is_lost_and_hardly_anything_comes_twice_whoever_is_killed(instance: Instance, tmp_path: Path) -> None:
    inbox, chance = tmp_path / "inbox", random.Random(7)
    inbox.mkdir()
    with taken_away_at_will(instance) as way, running(instance, inbox) as (server, worker):
        for first in range(0, MESSAGES, 1000):
            instance.run(PUT, str(first), str(min(first + 1000, MESSAGES)))
        killed = 0
        while killed < KILLS:
            before = len(list(inbox.iterdir()))
            strike(way, chance, killed, server, worker)
            killed += 1
            step = max((MESSAGES - before) // (KILLS - killed + 1), 1)
            _wait_for(inbox, min(before + chance.randint(1, step), MESSAGES))
        _wait_until_all_are_sent(instance)
        left, written, broken_at = instance.run(LEFT).split()
    taken = arrived(inbox)
    times = collections.Counter(to for to, _id, _content in taken)
    twice = sum(times.values()) - MESSAGES
    print(f"{MESSAGES} messages, {KILLS} kills, {twice} duplicates")
    assert (left, written, broken_at) == ("0", str(MESSAGES), "None")
    assert set(times) == {f"u{number}@bank.example" for number in range(MESSAGES)}
    assert len({message_id for _to, message_id, _content in taken}) == MESSAGES
    assert len(set(taken)) == MESSAGES, "a second try sends the same bytes"
    assert twice <= KILLS, "a kill costs one message its second copy at most"
    assert KILLS < MEASURED or twice <= MESSAGES / 100


def _wait_for(inbox: Path, messages: int) -> None:
    until = time.monotonic() + 60
    while len(list(inbox.iterdir())) < messages:
        assert time.monotonic() < until, "no message for a minute"
        time.sleep(0.01)


def _wait_until_all_are_sent(instance: Instance) -> None:
    until = time.monotonic() + 120
    while instance.run(LEFT).split()[0] != "0":
        assert time.monotonic() < until
        time.sleep(0.3)


WORK = """
    import signal, threading
    from tocsin.jobs import worker
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    print("ready", flush=True)
    worker.work(stop, poll_s=0.05)
"""


def test_a_worker_sends_what_is_queued_as_soon_as_it_is(instance: Instance, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    with running(instance, inbox) as (_server, idle):
        idle.end()
        worker = Killed(lambda: instance.start(WORK))
        worker.wait_until_ready()
        instance.run(PUT, "0", "5")
        _wait_for(inbox, 5)
        worker.process.send_signal(signal.SIGTERM)
        worker.process.communicate(timeout=30)
        assert worker.process.returncode == 0
    assert {to for to, _id, _content in arrived(inbox)} == {f"u{number}@bank.example" for number in range(5)}
