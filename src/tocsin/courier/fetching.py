"""The one function that fetches something from an address somebody gave us.

Everything between us and the bytes is bounded: where they may come from, how
often it may send us elsewhere, how long it may take, how much it may be.
"""

from __future__ import annotations

import dataclasses
import http.client
import math
import ssl
import zlib
from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urljoin

from tocsin import __version__
from tocsin.courier.connecting import (
    NOTHING_MORE,
    Allowance,
    Deadline,
    PinnedConnection,
    Resolver,
    Target,
    check,
    system_resolver,
)
from tocsin.courier.refusals import AddressRefused, NotReachable, SentElsewhere, TooLarge, TooSlow

LONGEST_S = 10.0
LARGEST_BYTES = 20_000_000
LARGEST_EXCUSE_BYTES = 1_000_000
"""Of an answer that is none: what comes instead of a file that was to be written."""
REDIRECTS = 5
CHUNK_BYTES = 64 * 1024
REDIRECTING = frozenset({301, 302, 303, 307, 308})


@dataclasses.dataclass(frozen=True)
class Post:
    """What is sent along. It goes to the address it is meant for and to no other: a redirect is refused."""

    body: bytes
    headers: Mapping[str, str]
    """Beside those of every request; with the type of the body."""


class Written(Protocol):
    """A file, open for writing, or something like it: takes a body too large for the memory."""

    def write(self, data: bytes, /) -> object:
        """Take the next part."""
        ...


@dataclasses.dataclass(frozen=True)
class Fetched:
    """What came back."""

    url: str
    """Where it came from in the end, after redirects."""
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    """Unpacked; empty when it has not changed, or was written to a file."""

    @property
    def etag(self) -> str:
        """To be given to the next fetch, so that the same is not sent again."""
        return self.headers.get("etag", "")

    @property
    def last_modified(self) -> str:
        """To be given to the next fetch."""
        return self.headers.get("last-modified", "")

    @property
    def is_unchanged(self) -> bool:
        """Whether it is the same as last time."""
        return self.status == http.client.NOT_MODIFIED


def fetch(
    url: str,
    *,
    etag: str = "",
    last_modified: str = "",
    post: Post | None = None,
    into: Written | None = None,
    longest_s: float = LONGEST_S,
    silence_s: float = math.inf,
    largest_bytes: int = LARGEST_BYTES,
    allowance: Allowance = NOTHING_MORE,
    resolve: Resolver = system_resolver,
    context: ssl.SSLContext | None = None,
) -> Fetched:
    """Return what stands at `url`, whatever its status.

    Only http and https, ports 80 and 443, addresses of the public Internet;
    the name is resolved once and the checked address connected to; at most
    five redirects, each checked like the first, never from https to http.
    `longest_s` covers everything from the name to the last byte of the last
    redirect, `silence_s` bounds the wait for each byte; `largest_bytes` counts
    what is sent and what it unpacks to. With `post` it is posted. With `into`
    the body of an answer 200 is written to that file as it comes, which holds
    it wholly only when this returns; what other answers say stays in `body`.
    Raises the refusals of `courier.refusals`, and OSError when `into` does.
    """
    deadline = Deadline(url, longest_s, silence_s)
    asked = _Asked(_request_headers(etag, last_modified), post, into, largest_bytes)
    for _ in range(REDIRECTS + 1):
        target = check(url, deadline, allowance, resolve)
        answer = _ask(target, asked, deadline, context)
        if answer.status not in REDIRECTING or "location" not in answer.headers:
            return answer
        if post:
            raise SentElsewhere(url, "it sends elsewhere, where what is posted is not taken.")
        onward = _onward(url, answer.headers["location"])
        if target.secure and not onward.lower().startswith("https:"):
            raise AddressRefused(url, "it sends from https to an address without encryption.")
        url = onward
    raise AddressRefused(url, f"it sends elsewhere more than {REDIRECTS} times.")


@dataclasses.dataclass(frozen=True)
class _Asked:
    """What one fetch asks for, wherever it is sent."""

    headers: Mapping[str, str]
    post: Post | None
    into: Written | None
    largest: int


class _Unwritten(Exception):
    """The file that a body goes into failed: no fault of the network's."""

    def __init__(self, error: OSError) -> None:
        self.error = error


def _onward(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise AddressRefused(url, "it sends to what is not written as a web address.") from error


def _request_headers(etag: str, last_modified: str) -> dict[str, str]:
    headers = {
        "Accept": "*/*",
        "Accept-Encoding": "gzip, deflate",
        "Connection": "close",
        "User-Agent": f"Tocsin/{__version__}",
        "If-None-Match": etag,
        "If-Modified-Since": last_modified,
    }
    return {name: value for name, value in headers.items() if value and value.isprintable()}


def _ask(target: Target, asked: _Asked, deadline: Deadline, context: ssl.SSLContext | None) -> Fetched:
    connection = PinnedConnection(target, deadline, context)
    try:
        with _send(connection, target, asked) as response:  # it holds the socket when its body is not read
            received = {name.lower(): value for name, value in response.getheaders()}
            redirects = response.status in REDIRECTING
            body = b"" if redirects else _read(target.url, response, received, deadline, asked)
        deadline.left()
        return Fetched(target.url, response.status, received, body)
    except _Unwritten as unwritten:
        raise unwritten.error from None
    except TimeoutError as error:
        deadline.left()
        raise TooSlow(target.url, "the other side has fallen silent.") from error
    except ssl.SSLCertVerificationError as error:
        raise NotReachable(target.url, f"its certificate is not valid ({error.verify_message}).") from error
    except (OSError, http.client.HTTPException, zlib.error, ValueError) as error:
        deadline.left()  # a connection cut at the deadline looks like one that broke
        raise NotReachable(target.url, f"the connection failed ({type(error).__name__}).") from error
    finally:
        connection.close()


def _send(connection: PinnedConnection, target: Target, asked: _Asked) -> http.client.HTTPResponse:
    if asked.post is None:
        connection.request("GET", target.path, headers=dict(asked.headers))
    else:
        headers = {**asked.headers, **asked.post.headers}
        connection.request("POST", target.path, body=asked.post.body, headers=headers)
    return connection.getresponse()


def _read(
    url: str, response: http.client.HTTPResponse, headers: Mapping[str, str], deadline: Deadline, asked: _Asked
) -> bytes:
    """Return the body, counted while it streams, as sent and as unpacked; empty when it went into a file."""
    into = asked.into if response.status == http.client.OK else None
    largest = asked.largest if into or not asked.into else min(asked.largest, LARGEST_EXCUSE_BYTES)
    unpack = _unpacker(url, headers.get("content-encoding", ""))
    sent, read, body = 0, 0, bytearray()
    while chunk := response.read1(CHUNK_BYTES):
        deadline.left()
        sent += len(chunk)
        if sent > largest:
            raise TooLarge(url, f"it is larger than {largest:,} bytes.")
        part = unpack.decompress(chunk, largest - read + 1) if unpack else chunk
        read += len(part)
        if read > largest or (unpack and unpack.unconsumed_tail):
            raise TooLarge(url, f"it is larger than {largest:,} bytes when unpacked.")
        _put(part, into or body)
    deadline.left()  # a connection cut at the deadline looks like one that ended
    if sent:
        _require_whole(url, response, unpack)
    return bytes(body)


def _put(part: bytes, where: Written | bytearray) -> None:
    if isinstance(where, bytearray):
        where += part
        return
    try:
        where.write(part)
    except OSError as error:
        raise _Unwritten(error) from error


def _unpacker(url: str, encoding: str) -> zlib._Decompress | None:
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return None
    if encoding in ("gzip", "x-gzip", "deflate"):
        return zlib.decompressobj(zlib.MAX_WBITS | 32)  # 32: zlib tells gzip from zlib by the header
    raise NotReachable(url, f"it is packed as {encoding[:40]!r}, which was not asked for.")


def _require_whole(url: str, response: http.client.HTTPResponse, unpack: zlib._Decompress | None) -> None:
    if response.length or (unpack is not None and not unpack.eof):
        raise NotReachable(url, "the connection ended before everything had come.")
    if unpack is not None and unpack.unused_data:
        raise NotReachable(url, "other bytes follow what was packed.")
