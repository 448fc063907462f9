"""Open a connection to exactly the address that was checked, with a deadline over everything on it.

The name is resolved once and never again: who can change what a name means
between check and connection gains nothing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import ipaddress
import math
import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

from tocsin.courier.addresses import Address, is_public
from tocsin.courier.refusals import AddressRefused, NotReachable, TooSlow

PORTS = {"http": 80, "https": 443}
URL_LENGTH = 8000
_PRIVATE_NAMES = frozenset(
    {
        "localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home", "lan", "home.arpa",
        "alt", "invalid", "onion", "test",
    }
)  # fmt: skip
"""Ends of names that no public server bears. Source: IANA, Special-Use Domain Names (RFC 6761, 6762, 7686, 8375, 9476);
ICANN, 2024 (`internal`) and 2018 (`corp`, `home`); the others are in use within many networks and delegated nowhere.
"""
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\x9f\\]")

Resolver = Callable[[str, int], list[str]]
"""Takes a name and a port; returns addresses as text. Raises OSError."""


@dataclasses.dataclass(frozen=True)
class Allowance:
    """What a caller lets pass beyond the rule: for tests, and for a mirror in one's own network."""

    addresses: frozenset[str] = frozenset()
    ports: frozenset[int] = frozenset()


NOTHING_MORE = Allowance()


class Deadline:
    """An instant after which nothing is waited for, and how long a silence before it is borne."""

    def __init__(self, url: str, seconds: float, silence_s: float = math.inf) -> None:
        self.url, self.seconds, self.silence_s = url, seconds, silence_s
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return how many seconds are left. Raises TooSlow when none are."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TooSlow(self.url, f"it took longer than {self.seconds:g} s.")
        return left

    def patience(self) -> float:
        """Return for how many seconds the next byte is waited for. Raises TooSlow when none are left."""
        return min(self.left(), self.silence_s)


@dataclasses.dataclass(frozen=True)
class Target:
    """Where one request goes, checked."""

    url: str
    secure: bool
    host: str
    """Name or address literal, for SNI, certificate and Host header."""
    port: int
    addresses: tuple[str, ...]
    """What is connected to: the first of them that answers."""
    path: str


def check(url: str, deadline: Deadline, allowance: Allowance, resolve: Resolver) -> Target:
    """Return where a request for `url` goes. Raises AddressRefused, NotReachable or TooSlow.

    When a name has several addresses all of them must pass: one that points
    inward shows what the name is for.
    """
    parts, port = _split(url)
    host = parts.hostname or ""
    if port not in PORTS.values() and port not in allowance.ports:
        raise AddressRefused(url, f"port {port} is none of 80 and 443.")
    addresses = [_parse(url, text) for text in _resolved(url, host, port, deadline, resolve)]
    for address in addresses:
        if not is_public(address) and str(address) not in allowance.addresses:
            raise AddressRefused(url, f"{host} is {address}, which is not an address of the public Internet.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(url, parts.scheme == "https", host, port, tuple(map(str, addresses)), path)


def written(url: str) -> None:
    """Raise AddressRefused for what no request may go to, as far as the address itself tells: no name is asked for."""
    parts, port = _split(url)
    if port not in PORTS.values():
        raise AddressRefused(url, f"port {port} is none of 80 and 443.")
    try:
        address = ipaddress.ip_address(parts.hostname or "")
    except ValueError:
        return
    if not is_public(address):
        raise AddressRefused(url, f"{address} is not an address of the public Internet.")


def may_be_public(host: str) -> bool:
    """Say whether the name of a host may be one of the public Internet, as far as its spelling tells.

    Not so are names without a dot and those of private use; nor addresses as no registry writes them but every
    operating system reads them: 127.1, 2130706433, 0x7f000001.
    """
    try:
        return is_public(ipaddress.ip_address(host))
    except ValueError:
        pass
    labels = host.lower().rstrip(".").split(".")
    if len(labels) < 2 or labels[-1] in _PRIVATE_NAMES or ".".join(labels[-2:]) in _PRIVATE_NAMES:
        return False
    # The last label of a name is never a number, be it written in octal or in hexadecimal.
    return not re.fullmatch(r"\d+|0x[0-9a-f]*", labels[-1])


def _split(url: str) -> tuple[SplitResult, int]:
    if len(url) > URL_LENGTH or not url.isascii() or _UNSAFE.search(url):
        raise AddressRefused(url[:200], "it is not written as a web address.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressRefused(url, "it is not written as a web address.") from error
    if parts.scheme not in PORTS:
        raise AddressRefused(url, "only http and https are fetched.")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused(url, "an address must carry no user name and no password.")
    if not parts.hostname or "%" in parts.netloc:
        raise AddressRefused(url, "it names no host.")
    return parts, PORTS[parts.scheme] if port is None else port


def _resolved(url: str, host: str, port: int, deadline: Deadline, resolve: Resolver) -> list[str]:
    """Return the host's addresses; the resolver cannot be interrupted, so it is left behind when it is too slow."""
    answers: queue.SimpleQueue[list[str] | OSError | UnicodeError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(resolve(host, port))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=ask, name=f"resolve {host}", daemon=True).start()
    try:
        answer = answers.get(timeout=deadline.patience())
    except queue.Empty:
        raise TooSlow(url, "its name was not resolved in time.") from None
    if isinstance(answer, Exception) or not answer:
        raise NotReachable(url, f"the name {host} is not known.")
    return answer


def system_resolver(host: str, port: int) -> list[str]:
    """Ask the operating system."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _parse(url: str, text: str) -> Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError as error:
        raise AddressRefused(url, f"{text} is no address.") from error


class PinnedConnection(http.client.HTTPConnection):
    """A connection to a checked address that names the host it is meant for.

    Without a context of its own an https address is met with the certificates of this computer, which takes some
    30 ms to read: for http they are left alone.
    """

    def __init__(self, target: Target, deadline: Deadline, context: ssl.SSLContext | None) -> None:
        super().__init__(target.host, target.port, timeout=deadline.patience())
        if target.secure:
            self.default_port = PORTS["https"]
        self._secured_by = (context or ssl.create_default_context()) if target.secure else None
        self._target, self._deadline = target, deadline
        self._watch: threading.Timer | None = None

    def connect(self) -> None:
        """Connect, and shake hands when it is https."""
        plain = self._first_that_answers()
        with contextlib.ExitStack() as unless_connected:
            unless_connected.callback(plain.close)
            plain.settimeout(self._deadline.patience())
            secured = self._secured_by
            self.sock = secured.wrap_socket(plain, server_hostname=self._target.host) if secured else plain
            unless_connected.pop_all()
        self._cut_at_the_deadline(self.sock)

    def _first_that_answers(self) -> socket.socket:
        *others, last = self._target.addresses
        for address in others:
            with contextlib.suppress(OSError):
                share = self._deadline.patience() / 2  # leave time for the others
                return socket.create_connection((address, self._target.port), share)
        return socket.create_connection((last, self._target.port), self._deadline.patience())

    def _cut_at_the_deadline(self, sock: socket.socket) -> None:
        """End the connection from outside: a peer that sends a byte now and then never lets a read time out."""

        def cut() -> None:
            with contextlib.suppress(OSError):  # closed already
                sock.shutdown(socket.SHUT_RDWR)

        self._watch = threading.Timer(self._deadline.left(), cut)
        self._watch.daemon = True
        self._watch.start()

    def close(self) -> None:
        """Close, and no longer watch the time."""
        if self._watch:
            self._watch.cancel()
        super().close()
