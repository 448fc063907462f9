"""`tocsin mail receive`, as mail servers use it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from tests.commands import ROOT, environment
from tests.formats.mail.written import message, report
from tests.homes import Home
from tests.small_disks import mounted
from tocsin.courier import tokens
from tocsin.kernel.disk import FULL
from tools.pictures.scenes import free_port

RAW = message("From: Anna <anna@bank.example>", "To: cirt@cirt.example", "Subject: Hello", body=b"It is fixed.\xff")
KEYS = {"received", "sha256", "state", "kind", "reference", "quarantine", "to_be_read", "outcome"}


def receive(home: Home, raw: bytes, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command to its end, as a pipe does: a message is octets, not text."""
    command = [sys.executable, "-m", "tocsin", "mail", "receive", *words]
    return subprocess.run(command, input=raw, capture_output=True, env=environment(home.place, **home.settings))


def kept(home: Home) -> list[dict[str, Any]]:
    """Return the rows of the instance."""
    code = """
        import json
        from tocsin.site.starting import open_instance
        open_instance()
        from tocsin.courier.models import ReceivedMessage
        fields = ("sha256", "state", "kind", "reference", "envelope_sender", "envelope_recipient", "text")
        print(json.dumps(list(ReceivedMessage.objects.order_by("pk").values(*fields))))
    """
    rows: list[dict[str, Any]] = json.loads(home.python(code))
    return rows


def file_of(home: Home, sha256: str) -> bytes:
    return (home.place / "mail" / sha256[:2] / f"{sha256}.eml").read_bytes()


def test_a_message_on_standard_input_is_taken_in(made: Home) -> None:
    done = receive(made, RAW, "--json", "--sender", "anna@bank.example", "--recipient", "cirt@cirt.example")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert set(told) == KEYS
    assert (told["state"], told["kind"], told["to_be_read"]) == ("understood", "unknown", True)
    assert file_of(made, told["sha256"]) == RAW
    (row,) = kept(made)
    assert (row["envelope_sender"], row["envelope_recipient"]) == ("anna@bank.example", "cirt@cirt.example")
    assert row["text"] == "It is fixed.ÿ"

    again = receive(made, RAW, "--recipient", "cirt@cirt.example")
    assert again.stdout.decode() == f"Message {told['received']} is kept: of nobody we wrote to, to be read.\n"
    assert len(kept(made)) == 1 and json.loads(made.done("audit", "verify", "--json"))["ok"]


def test_nothing_on_standard_input_is_refused(ready: Path) -> None:
    done = receive(Home(ready), b"")
    assert (done.returncode, done.stderr.decode()) == (
        1,
        "tocsin: No message came. Give one on standard input, as a mail server does.\n",
    )


class _Delivering:
    """A mail server that hands what it takes to the script that we ship for its pipe."""

    def __init__(self, home: Home, folder: Path) -> None:
        self.script = str(ROOT / "deploy" / "receive-mail")
        command = folder / "tocsin"
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tocsin "$@"\n', encoding="utf-8")
        command.chmod(0o700)
        self.surroundings = {**environment(home.place, **home.settings), "TOCSIN": str(command)}

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # its name for it
        """Take a message, or put it off, as the exit code of the pipe says."""
        pipe = await asyncio.create_subprocess_exec(
            self.script,
            envelope.mail_from or "",
            envelope.rcpt_tos[0],
            stdin=asyncio.subprocess.PIPE,
            env=self.surroundings,
        )
        await pipe.communicate(envelope.content)
        return "250 taken" if pipe.returncode == 0 else f"451 later {pipe.returncode}"


@pytest.fixture
def server(made: Home, tmp_path: Path) -> Iterator[Controller]:
    """A mail server on loopback that delivers to an instance."""
    controller = Controller(_Delivering(made, tmp_path), hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller
    controller.stop()


def _send(server: Controller, sender: str, recipient: str, raw: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", server.port) as line:
        line.sendmail(sender, [recipient], raw)


def _tokens(home: Home) -> dict[str, str]:
    """Return tokens as this instance makes them."""
    code = """
        from tocsin.site.starting import open_instance
        open_instance()
        import json
        from tocsin.courier import tokens
        print(json.dumps({kind: tokens.make(kind, "notice42") for kind in ("bounce", "reply")}))
    """
    made: dict[str, str] = json.loads(home.python(code))
    return made


def test_a_mail_server_delivers_bounces_and_replies_and_keeps_what_is_not_taken(made: Home, server: Controller) -> None:
    ours = _tokens(made)
    failed = "Final-Recipient: rfc822; anna@bank.example\r\nAction: failed\r\nStatus: 5.1.1"
    _send(server, "", f"bounces+{ours['bounce']}@cirt.example", report("Reporting-MTA: dns; mx", failed))
    _send(server, "anna@bank.example", f"reply+{ours['reply']}@cirt.example", RAW)
    found = [(row["kind"], row["reference"], row["envelope_sender"]) for row in kept(made)]
    assert found == [("bounce", "notice42", "<>"), ("reply", "notice42", "anna@bank.example")]
    assert tokens.read("reply", ours["reply"]) is None  # another instance's secret

    (made.place / "version").rename(made.place / "gone")
    with pytest.raises(smtplib.SMTPDataError) as refused:
        _send(server, "anna@bank.example", "cirt@cirt.example", RAW)
    assert (refused.value.smtp_code, refused.value.smtp_error) == (451, b"later 75")


KILLS = int(os.environ.get("TOCSIN_TEST_KILLS", "3"))
"""Of how many messages the command is killed; measure with some hundred."""


def _killed_or_done(home: Home, file: Path, after_s: float) -> bool:
    """Give a message to the command and kill it after a while; say whether it had acknowledged the message."""
    command = [sys.executable, "-m", "tocsin", "mail", "receive"]
    surroundings = environment(home.place, **home.settings)
    with file.open("rb") as raw:
        process = subprocess.Popen(command, stdin=raw, stdout=subprocess.DEVNULL, env=surroundings)
    try:
        return process.wait(after_s) == 0
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait() == 0


def test_what_was_acknowledged_is_there_though_the_command_was_killed_at_any_moment(made: Home, tmp_path: Path) -> None:
    """Each message is given again, as a mail server does, until its command says that it has it."""
    lot, tries, acknowledged = random.Random(42), 0, []
    for number in range(KILLS):
        raw = message(f"Subject: {number}", body=b"x" * lot.randrange(1_000_000))
        file = tmp_path / "message"
        file.write_bytes(raw)
        moments = [0.1 if number == 0 else lot.uniform(0.1, 0.7), lot.uniform(0.1, 0.7), 60.0]
        tries += next(each for each, moment in enumerate(moments, 1) if _killed_or_done(made, file, moment))
        acknowledged.append(hashlib.sha256(raw).hexdigest())
    rows = [row["sha256"] for row in kept(made)]
    assert tries > KILLS and sorted(rows) == sorted(acknowledged)
    assert [hashlib.sha256(file_of(made, each)).hexdigest() for each in rows] == rows
    assert json.loads(made.done("audit", "verify", "--json"))["ok"]


@pytest.mark.mounts
def test_on_a_full_disk_nothing_is_acknowledged_and_the_same_message_is_taken_when_there_is_room(
    tmp_path: Path, _first_instance: Path
) -> None:
    raw = message("Subject: large", body=b"x" * 2_000_000)
    with mounted(tmp_path / "disk", "16m") as disk:
        home = Home(_first_instance).copy(disk / "home")
        filler = disk / "filler"
        space = os.statvfs(disk)
        filler.write_bytes(b"\0" * (space.f_bavail * space.f_frsize - 1_000_000))
        done = receive(home, raw)
        assert done.returncode == 1
        assert done.stderr.decode() == f"tocsin: {FULL}\n"
        assert kept(home) == [] and not [path for path in (home.place / "mail").rglob("*") if path.is_file()]
        filler.unlink()
        assert receive(home, raw).returncode == 0
        assert file_of(home, kept(home)[0]["sha256"]) == raw


def test_a_backup_takes_the_mail_along(ready: Path, tmp_path: Path) -> None:
    home = Home(ready)
    assert receive(home, RAW).returncode == 0
    home.done("backup", tmp_path / "b.tar.zst")
    other = Home(tmp_path / "other")
    other.done("restore", tmp_path / "b.tar.zst")
    (row,) = kept(other)
    assert file_of(other, row["sha256"]) == RAW
