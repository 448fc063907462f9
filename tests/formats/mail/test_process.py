"""The process that reads a message, and messages made to hang or kill it: at most 10 s and 512 MB for each.

A message of the largest size costs three seconds at most. Here each is a tenth of that, and time that grew faster than
length would show all the same.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.formats.mail.written import message
from tocsin.formats.mail.understanding import heard, understand

SIZE = 2_500_000
MOST_CPU_S = 3.0
SOURCE = Path(__file__).resolve().parents[3] / "src"


def filled(unit: bytes, size: int = SIZE) -> bytes:
    return (unit * (size // len(unit) + 1))[:size]


def deep() -> bytes:
    """Twenty multiparts, the boundary of each the beginning of the next: each line may belong to all of them."""
    return b"".join(
        b"Content-Type: multipart/mixed; boundary=%s\n\n--%s\n" % (b"a" * depth, b"a" * depth) for depth in range(1, 21)
    )


HTML = b"Content-Type: text/html\n\n"
BASE64 = b"Content-Type: application/x; name=x\nContent-Transfer-Encoding: base64\n\n"
REPORT = b"Content-Type: multipart/report; boundary=a\n\n--a\nContent-Type: message/delivery-status\n\n"
HOSTILE = {
    "parts": b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\n\nx\n" * 10_000,
    "brackets": b"To: " + b"(" * 60_000 + b"\nFrom: " + b"(" * 60_000 + b"\n\n",
    "boundaries": deep() + filled(b"\n--" + b"a" * 30 + b"X"),
    "boundaries and spaces": deep() + filled(b"\n--" + b"a" * 20 + b" " * 200 + b"X"),
    "signs of less": HTML + filled(b"<"),
    "open tags": HTML + filled(b"<a "),
    "links": HTML + filled(b"<a href='"),
    "comments": HTML + filled(b"<!--"),
    "silence": HTML + filled(b"<script></script "),
    "numbers": HTML + filled(b"&#99999999999"),
    "base64": BASE64 + filled(b"%=A\xff"),
    "quoted-printable": b"Content-Transfer-Encoding: quoted-printable\n\n" + filled(b"=\n="),
    "headers": filled(b"a: b\n"),
    "folds": b"Subject: x\n" + filled(b" \n"),
    "encoded words": filled(b"X: " + b"=?utf-8?q?=?utf-8?b?" * 3_200 + b"\n"),
    "addresses": filled(b"To: " + b"a@" * 32_000 + b"\n"),
    "letters": filled(b"To: " + b"a" * 64_000 + b"\n"),
    "parameters": b"Content-Type: multipart/x" + b";a*1*=''%41" * 5_500 + b"\n\n",
    "unprintable": b"\n" + filled("\u202e\u200b".encode()),
    "zeros": filled(b"\0"),
    "codes": b"From: mailer-daemon@x\nSubject: failure notice\n\n" + filled(b"5.1."),
    "groups": REPORT + filled(b"a: b\n\n"),
    "no groups": REPORT + filled(b"ab\n"),
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_message_takes_no_longer_than_its_length_allows(raw: bytes) -> None:
    began = time.process_time()
    understood = understand(raw)
    assert time.process_time() - began < MOST_CPU_S
    assert len(understood.mail.text) <= 100_000


def read(raw: bytes, cpu_s: int = 10, memory_mb: int = 512) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "tocsin.formats.mail", str(cpu_s), str(memory_mb)]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    return subprocess.run(command, input=raw, capture_output=True, env=environment, timeout=60)


def test_the_process_tells_what_the_function_returns() -> None:
    raw = message("From: a@x.example", "Subject: fine", body="Well.")
    done = read(raw)
    assert done.returncode == 0, done.stderr
    assert heard(done.stdout) == understand(raw)


def test_the_largest_message_is_read_within_the_limits() -> None:
    done = read(deep() + filled(b"\n--" + b"a" * 30 + b"X", 24_000_000))
    assert done.returncode == 0, done.stderr
    assert heard(done.stdout).mail.is_text_cut


def test_memory_that_is_not_there_ends_the_process_alone() -> None:
    assert read(b"\n" + filled(b"x", 24_000_000), memory_mb=40).returncode != 0
