"""What the courier takes along, and what it writes to a file as it comes."""

from __future__ import annotations

import gzip
import io
import socket
import time
from typing import Any

import pytest

from tests.courier.servers import Answer, Server, response, serving
from tocsin.courier.connecting import Allowance
from tocsin.courier.fetching import CHUNK_BYTES, LARGEST_EXCUSE_BYTES, Fetched, Post, fetch
from tocsin.courier.refusals import AddressRefused, NotReachable, TooLarge, TooSlow

SENT = Post(b'{"apikey":"k"}', {"Content-Type": "application/json", "HMAC2": "00ff"})


def ask(server: Server, **options: Any) -> Fetched:
    allowance = Allowance(frozenset({"127.0.0.1"}), frozenset({server.port}))
    return fetch(f"http://127.0.0.1:{server.port}/api", allowance=allowance, **options)


def reading_the_body(answer: Answer, bodies: list[bytes]) -> Answer:
    def read(sock: socket.socket, head: bytes) -> None:
        top, _, body = head.partition(b"\r\n\r\n")
        length = int(top.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        while len(body) < length:
            body += sock.recv(65536)
        bodies.append(body)
        answer(sock, head)

    return read


def test_what_is_posted_arrives_with_its_headers() -> None:
    bodies: list[bytes] = []
    with serving(reading_the_body(response(b"[]"), bodies)) as server:
        got = ask(server, post=SENT)
    head = server.heads[0].decode("latin-1")
    assert (got.status, got.body, bodies) == (200, b"[]", [SENT.body])
    assert head.startswith("POST /api HTTP/1.1\r\n")
    assert "\r\nHMAC2: 00ff\r\n" in head and "\r\nContent-Type: application/json\r\n" in head


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_what_is_posted_is_sent_nowhere_else(status: str) -> None:
    with serving(response()) as elsewhere:
        location = f"http://127.0.0.1:{elsewhere.port}/"
        with serving(response(status=status, Location=location)) as server:
            allowance = Allowance(frozenset({"127.0.0.1"}), frozenset({server.port, elsewhere.port}))
            with pytest.raises(AddressRefused, match="posted"):
                fetch(f"http://127.0.0.1:{server.port}/", post=SENT, allowance=allowance)
    assert elsewhere.connections == 0


def test_nothing_is_posted_to_this_machine_unless_it_was_let_pass() -> None:
    with serving(response()) as server, pytest.raises(AddressRefused):
        fetch(f"http://127.0.0.1:{server.port}/", post=SENT)
    assert server.connections == 0


@pytest.mark.parametrize("packed", [False, True])
def test_a_large_body_goes_into_a_file(packed: bool) -> None:
    content = b"0123456789abcdef" * 100_000
    sent = gzip.compress(content) if packed else content
    headers = {"Content_Encoding": "gzip"} if packed else {}
    file = io.BytesIO()
    with serving(response(sent, **headers)) as server:
        got = ask(server, into=file)
    assert (got.status, got.body, file.getvalue() == content) == (200, b"", True)


def test_a_file_is_bounded_too() -> None:
    file = io.BytesIO()
    with serving(response(b"x" * 300_000)) as server, pytest.raises(TooLarge):
        ask(server, into=file, largest_bytes=200_000)
    assert len(file.getvalue()) <= 200_000 + CHUNK_BYTES


def test_an_excuse_is_not_written_to_the_file() -> None:
    file = io.BytesIO()
    with serving(response(b"Gone.", status="410 Gone")) as server:
        got = ask(server, into=file)
    assert (got.status, got.body, file.getvalue()) == (410, b"Gone.", b"")


def test_an_excuse_is_short() -> None:
    with serving(response(b"x" * (LARGEST_EXCUSE_BYTES + 1), status="500 Oh")) as server, pytest.raises(TooLarge):
        ask(server, into=io.BytesIO())


def test_a_connection_that_breaks_is_no_whole_file() -> None:
    with serving(response(b"half", Content_Length="1000")) as server, pytest.raises(NotReachable):
        ask(server, into=io.BytesIO())


class Full:
    """A file on a full disk."""

    def write(self, _data: bytes, /) -> None:
        raise OSError(28, "No space left on device")


def test_a_full_disk_is_not_the_networks_fault() -> None:
    with serving(response(b"a,b\n")) as server, pytest.raises(OSError, match="No space left") as caught:
        ask(server, into=Full())
    assert caught.value.errno == 28


def test_silence_is_borne_for_a_while_only() -> None:
    def drip(sock: socket.socket, _head: bytes) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
        time.sleep(1)

    began = time.monotonic()
    with serving(drip) as server, pytest.raises(TooSlow, match="fallen silent"):
        ask(server, into=io.BytesIO(), longest_s=60, silence_s=0.2)
    assert time.monotonic() - began < 5


def test_a_slow_line_that_goes_on_is_borne() -> None:
    def drip(sock: socket.socket, _head: bytes) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n")
        for letter in b"abcdef":
            time.sleep(0.1)
            sock.sendall(bytes([letter]))

    file = io.BytesIO()
    with serving(drip) as server:
        ask(server, into=file, longest_s=60, silence_s=0.5)
    assert file.getvalue() == b"abcdef"
