"""`tocsin serve` in a process of its own, and somebody who signs in over HTTP with password and authenticator.

Every request has a connection of its own, so that it meets whichever web process is free: nothing is kept warm for it.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import hmac
import http.client
import http.cookies
import json
import re
import secrets
import socket
import struct
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.processes import Failed, cpu_s, descendants, high_water_mb
from bench.product import Instance

STARTS_S = 30
_CODE_S = 30
_SECRET = re.compile(r"<bdi dir=.ltr.>([A-Z2-7 ]+)</bdi>")
Fields = Sequence[tuple[str, str]]


@dataclasses.dataclass(frozen=True)
class Served:
    """A running instance on loopback."""

    pid: int
    port: int

    def web(self) -> list[int]:
        """Return the processes that answer, with the one that watches them."""
        return [pid for pid in descendants(self.pid) if b"gunicorn" in _command(pid)]

    def cpu_s(self) -> float:
        """Return the CPU seconds that those have used so far."""
        return sum(map(cpu_s, self.web()))

    def peak_mb(self) -> float:
        """Return the most resident memory that any one of them ever had, in MiB."""
        return max(map(high_water_mb, self.web()))


def _command(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


@contextlib.contextmanager
def serving(instance: Instance) -> Iterator[Served]:
    """Serve an instance until the block ends. Raises Failed when it does not answer in time."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-m", "tocsin", "serve", "--port", str(port)]
    with subprocess.Popen(command, env=instance.environment, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(process, port)
            yield Served(process.pid, port)
        finally:
            process.terminate()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + STARTS_S
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError):
            if Visitor(port).get("/health").status == 200:
                return
        time.sleep(0.1)
    raise Failed(f"`tocsin serve` did not answer within {STARTS_S} s.")


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came back, and how long it took to its last byte."""

    status: int
    body: bytes
    location: str
    wall_s: float

    @property
    def text(self) -> str:
        """Return the body as text."""
        return self.body.decode()


class Visitor:
    """A browser without a screen: it keeps cookies, and follows nothing by itself."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._cookies: dict[str, str] = {}

    def get(self, path: str) -> Answer:
        """Ask for a page."""
        return self._ask("GET", path)

    def post(self, path: str, fields: Fields) -> Answer:
        """Send a form with the token of the page last seen. Raises Failed when it leads nowhere."""
        sent = [*fields, ("csrfmiddlewaretoken", self._cookies.get("csrf", ""))]
        answer = self._ask("POST", path, urllib.parse.urlencode(sent))
        if answer.status != 302:
            raise Failed(f"POST {path} was answered with {answer.status}.")
        return answer

    def _ask(self, method: str, path: str, body: str | None = None) -> Answer:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        began = time.perf_counter()
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)) as connection:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            content = response.read()
        wall_s = time.perf_counter() - began
        for line in response.headers.get_all("Set-Cookie", []):
            self._cookies |= {name: morsel.value for name, morsel in http.cookies.SimpleCookie(line).items()}
        return Answer(response.status, content, response.headers.get("Location", ""), wall_s)


def signed_in(instance: Instance, served: Served) -> tuple[Visitor, str]:
    """Open an account by the command line and enrol by its link; return who is signed in, and the address to sign in.

    Raises Failed.
    """
    email = f"bench-{secrets.token_hex(4)}@cirt.example"
    _cost, said = instance.tocsin("user", "create", "--email", email, "--role", "analyst", "--json")
    visitor = Visitor(served.port)
    visitor.get(urllib.parse.urlsplit(json.loads(said)["enrolment"]).path)
    visitor.get("/sign-in/enrol/")
    password = secrets.token_urlsafe(24)
    visitor.post("/sign-in/enrol/", [("password", password), ("again", password)])
    secret = _SECRET.search(visitor.get("/sign-in/authenticator/").text)
    if secret is None:
        raise Failed("The page that sets up an authenticator shows no secret.")
    visitor.post("/sign-in/authenticator/", [("code", code_of(secret[1], time.time()))])
    if (status := visitor.get("/findings/").status) != 200:
        raise Failed(f"Whoever has enrolled gets {status} for /findings/.")
    return visitor, email


def code_of(secret: str, at_s: float) -> str:
    """Return what an authenticator shows for a secret at an instant (RFC 6238, SHA-1, six digits)."""
    key = base64.b32decode(secret.replace(" ", ""))
    digest = hmac.new(key, struct.pack(">Q", int(at_s) // _CODE_S), hashlib.sha1).digest()
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFF_FFFF) % 1_000_000:06d}"
