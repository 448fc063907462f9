"""Give a demonstration the traces of use: broken files, a withdrawn run, an import that is half done.

It works with the product's own commands. Not for an instance in earnest.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

MAPPING = """
[feed]
name = "lamps"
title = "Lamps that can be switched from anywhere"
[fields]
"time.source" = "timestamp"
"source.ip" = "ip"
"source.port" = "port"
"extra.bulb" = "bulb"
"extra.colour" = "colour"
[constants]
"classification.type" = "vulnerable-system"
"""
"""Names two columns that no report here has."""
HEADER = "timestamp,severity,ip,protocol,port,hostname,tag,asn,geo\n"
MESSAGES = """
import datetime as dt, sys
from tocsin.site.starting import set_up_django
set_up_django()
from tocsin.courier.models import OutgoingMessage

at = dt.datetime.fromisoformat(sys.argv[1] + "T06:40:00+00:00")
rows = [
    ("refused", 2, "it@island-bank.example", "550 5.1.1 <it@island-bank.example>: no such user here"),
    ("given_up", 3, "soc@harbour.example", "451 4.7.1 Greylisting in action, please come back later"),
    ("queued", 4, "duty@ministry-of-health.example", "450 4.2.1 The mailbox is busy"),
    ("queued", 6, "noc@meridia-telecom.example", ""),
    ("sent", 4, "cert@university.example", "250 2.0.0 Ok: queued as 4XtZ2m1pQz"),
    ("held", 3, "exercise@water.example", ""),
    ("dismissed", 5, "old@ferry.example", "550 5.7.1 relaying denied"),
]
for number, (state, severity, to, answer) in enumerate(rows):
    made_at = at - dt.timedelta(hours=number)
    OutgoingMessage.objects.create(
        key=f"worn{number}", idempotency=f"worn:{number}", channel="mail", recipient=to, severity=severity, state=state,
        subject="[TLP:AMBER] Remote desktops that anybody can reach", tlp="AMBER", made_at=made_at, last_answer=answer,
        next_at=at + dt.timedelta(minutes=45) if answer and state == "queued" else made_at,
        failing_since=made_at if answer and state == "queued" else None,
        is_exercise=state == "held", why_held="exercise" if state == "held" else "", content=b"",
    )
"""
"""Writes messages in every state, as they are after a morning of sending."""
ROWS = 500_000
"""Rows of each of the files of the large import: it says how far it is after each."""
FILES = 4
HALF_DONE = 4
"""The number of the run that stays half done: the demonstration's own is the first."""
LONGEST_S = 120.0


@contextlib.contextmanager
def worn(home: Path, folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Wear the demonstration at `home`, which may be served, with files made in `folder`.

    Its last import stands still until the end of the `with`, and is killed then. Raises RuntimeError when that import
    does not get as far as it should.
    """
    day = (home / "demo").read_text(encoding="ascii")[:10]
    _run(environment, "feed", "run", "--partial", *_broken(folder, day), _described(home, folder, day))
    again = folder / f"{day}-scan_ntp-twice.csv"
    again.write_text(_rows(day, 60))
    _run(environment, "feed", "run", "--partial", str(again))
    _run(environment, "feed", "withdraw", "3", "--reason", "Test data of the publisher, sent by mistake")
    for letter in _letters():
        _run(environment, "mail", "receive", given=letter)
    subprocess.run([sys.executable, "-c", MESSAGES, day], env=environment, check=True)
    large = [folder / f"{day}-scan_http-part-{number}.csv" for number in range(FILES)]
    for number, part in enumerate(large):
        part.write_text(_rows(day, ROWS + number))  # the same content twice would be read once
    with _halted(home, environment, "feed", "run", "--partial", *map(str, large)):
        yield


def _letters() -> list[bytes]:
    """Return messages as they come in: one of a person, one of a program, and one that goes beyond a limit."""
    text = "Dear team,\n\nour web server sends traffic we cannot explain.\nWhom can we call?\n\nMere Tau"
    traces = "\n".join(f"X-Trace: {number}" for number in range(300))
    attached = (
        'Content-Type: multipart/mixed; boundary="b"\n\n'
        f"--b\nContent-Type: text/plain; charset=utf-8\n\n{text}\n"
        '--b\nContent-Type: application/pdf; name="invoice.pdf.exe"\n\n%PDF\n--b--\n'
    )
    letters = (
        f"From: News <news@list.example>\nSubject: This week\nList-Id: <list.example>\n\n{text}",
        f"From: Mere Tau <mere@harbour.example>\nTo: cirt@meridia.example\nSubject: Strange traffic\n{attached}",
        f"{traces}\nFrom: soc@bank.example\nSubject: Our log\n\n{text}",
    )
    return [letter.encode() for letter in letters]


def _broken(folder: Path, day: str) -> list[str]:
    """Write one good report, one cut short and one of junk; return their paths."""
    whole, cut = folder / f"{day}-scan_smb-small.csv", folder / f"{day}-scan_rdp-cut.csv.gz"
    junk = folder / f"{day}-scan_dns-junk.csv"
    whole.write_text(_rows(day, 40))
    cut.write_bytes(gzip.compress(_rows(day, 4000).encode())[:9000])
    junk.write_bytes(random.Random(2).randbytes(4000))
    return [str(whole), str(cut), str(junk)]


def _described(home: Path, folder: Path, day: str) -> str:
    """Write a mapping file, and a report that lacks some of its columns; return the path of that."""
    mappings, report = home / "mappings", folder / f"{day}-lamps.csv"
    mappings.mkdir(exist_ok=True)
    mappings.joinpath("lamps.toml").write_text(MAPPING)
    report.write_text(_rows(day, 20))
    return str(report)


def _rows(day: str, count: int) -> str:
    """Return a report of `count` rows of harmless addresses."""
    dice = random.Random(count)
    lines = (
        f"{day} 0{dice.randrange(6)}:{dice.randrange(10, 60)}:00,medium"
        f",198.18.{dice.randrange(256)}.{dice.randrange(256)},tcp,{dice.choice((80, 443, 8080))},,web,64496,XM\n"
        for _row in range(count)
    )
    return HEADER + "".join(lines)


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "tocsin", *words]


def _run(environment: Mapping[str, str], *words: str, given: bytes = b"") -> None:
    """Run a command; broken files make it end with 1, which is what is wanted. `given` is its standard input."""
    quiet = subprocess.DEVNULL
    subprocess.run(_command(*words), env=environment, check=False, input=given, stdout=quiet, stderr=quiet)


@contextlib.contextmanager
def _halted(home: Path, environment: Mapping[str, str], *words: str) -> Iterator[None]:
    """Have an import stand still as soon as it has read its first file."""
    quiet = subprocess.DEVNULL
    running = subprocess.Popen(_command(*words), env=environment, start_new_session=True, stdout=quiet, stderr=quiet)
    try:
        until = time.monotonic() + LONGEST_S
        while not _progress(home):
            if running.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"The import that should be half done is not: progress {_progress(home)}.")
            time.sleep(0.05)
        os.killpg(running.pid, signal.SIGSTOP)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()


def _progress(home: Path) -> float:
    """Return how far the last import is, 0 to 1."""
    address = f"file:{home / 'tocsin.sqlite3'}?mode=ro"
    with contextlib.closing(sqlite3.connect(address, uri=True, timeout=10)) as database:
        found = database.execute("SELECT progress FROM feeds_run WHERE id = ?", (HALF_DONE,)).fetchone()
    return float(found[0]) if found else 0.0
