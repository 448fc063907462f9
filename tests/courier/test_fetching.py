"""Fetching from real servers on loopback: what comes back, and what is too much."""

from __future__ import annotations

import gzip
import itertools
import socket
import ssl
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.courier.certificates import certificate_for, secured
from tests.courier.servers import Answer, Server, response, serving
from tocsin.courier.connecting import Allowance
from tocsin.courier.fetching import Fetched, fetch
from tocsin.courier.refusals import AddressRefused, NotReachable, TooLarge, TooSlow

NAME = "feeds.example"


def get(server: Server, path: str = "/report.csv", **options: Any) -> Fetched:
    scheme = "https" if server.context else "http"
    allowance = Allowance(frozenset({"127.0.0.1"}), frozenset({server.port}))
    options.setdefault("resolve", lambda name, port: ["127.0.0.1"])
    return fetch(f"{scheme}://{NAME}:{server.port}{path}", allowance=allowance, **options)


def test_a_file_is_fetched() -> None:
    with serving(response(b"a,b\n", ETag='"1"', Last_Modified="Sun, 01 Mar 2026 09:30:00 GMT")) as server:
        got = get(server, "/report.csv?day=1")
        head = server.heads[0].decode()
    assert (got.status, got.body, got.etag, got.last_modified) == (
        200,
        b"a,b\n",
        '"1"',
        "Sun, 01 Mar 2026 09:30:00 GMT",
    )
    assert head.startswith("GET /report.csv?day=1 HTTP/1.1\r\n")
    assert f"\r\nHost: {NAME}:{server.port}\r\n" in head
    assert "If-None-Match" not in head


def test_what_has_not_changed_is_not_sent_again() -> None:
    with serving(response(status="304 Not Modified", ETag='"1"', Content_Encoding="gzip")) as server:
        got = get(server, etag='"1"', last_modified="Sun, 01 Mar 2026 09:30:00 GMT")
        head = server.heads[0]
    assert (got.is_unchanged, got.body) == (True, b"")
    assert b'If-None-Match: "1"' in head
    assert b"If-Modified-Since: Sun" in head


def test_a_remembered_tag_with_line_breaks_adds_no_header() -> None:
    with serving(response(b"x")) as server:
        get(server, etag='"1"\r\nX-Evil: 1')
        assert b"Evil" not in server.heads[0]


def test_an_answer_that_is_an_error_comes_back_as_it_is() -> None:
    with serving(response(b"gone", status="410 Gone")) as server:
        assert get(server).status == 410


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress], ids=["gzip", "deflate"])
def test_packed_answers_are_unpacked(pack: Callable[[bytes], bytes]) -> None:
    encoding = "gzip" if pack is gzip.compress else "deflate"
    with serving(response(pack(b"rows\n" * 1000), Content_Encoding=encoding)) as server:
        assert get(server).body == b"rows\n" * 1000


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> Answer:
    def answer(sock: socket.socket, head: bytes) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for chunk in chunks:
            sock.sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        sock.sendall(end)

    return answer


def test_an_answer_in_chunks_is_put_together() -> None:
    with serving(chunked(b"one ", b"two")) as server:
        assert get(server).body == b"one two"


@pytest.mark.parametrize("size", [0, 1, 999, 1000])
def test_what_is_as_large_as_allowed_comes_whole(size: int) -> None:
    with serving(response(b"x" * size)) as server:
        assert len(get(server, largest_bytes=1000).body) == size


TOO_LARGE: dict[str, Answer] = {
    "said so": response(b"x" * 1001),
    "in chunks": chunked(b"x" * 600, b"x" * 600),
    "gzip bomb": response(gzip.compress(b"\0" * 50_000_000), Content_Encoding="gzip"),
    "deflate bomb": response(zlib.compress(b"\0" * 50_000_000), Content_Encoding="deflate"),
    "one byte over, packed": response(gzip.compress(b"x" * 1001), Content_Encoding="gzip"),
}


@pytest.mark.parametrize("answer", TOO_LARGE.values(), ids=TOO_LARGE)
def test_what_is_too_large_is_refused(answer: Answer) -> None:
    with serving(answer) as server, pytest.raises(TooLarge, match="larger than 1,000 bytes"):
        get(server, largest_bytes=1000)


def test_a_bomb_of_the_real_size_takes_little_memory_and_time() -> None:
    bomb = gzip.compress(b"\0" * 300_000_000, 1)
    started = time.process_time()
    with serving(response(bomb, Content_Encoding="gzip")) as server, pytest.raises(TooLarge):
        get(server)
    assert time.process_time() - started < 5


def test_an_endless_answer_is_cut() -> None:
    def endless(sock: socket.socket, head: bytes) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in itertools.count():
            sock.sendall(b"x" * 65536)

    with serving(endless) as server, pytest.raises(TooLarge):
        get(server)


BROKEN: dict[str, Answer] = {
    "cut short": response(b"x", Content_Length="10"),
    "chunks cut short": chunked(b"one", end=b"5\r\nab"),
    "gzip cut short": response(gzip.compress(b"x" * 1000)[:-9], Content_Encoding="gzip"),
    "no gzip": response(b"plain", Content_Encoding="gzip"),
    "bytes after gzip": response(gzip.compress(b"x") + b"more", Content_Encoding="gzip"),
    "unknown packing": response(b"x", Content_Encoding="br"),
    "twice packed": response(b"x", Content_Encoding="gzip, gzip"),
    "no HTTP": lambda sock, head: sock.sendall(b"SSH-2.0-x\r\n"),
    "nothing": lambda sock, head: None,
    "a header too long": response(b"", X="x" * 70_000),
    "too many headers": response(b"", **{f"X{number}": "x" for number in range(200)}),
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_a_broken_answer_is_refused_with_a_sentence(answer: Answer) -> None:
    with (
        serving(answer) as server,
        pytest.raises(NotReachable, match=r"^http://feeds\.example.* was not fetched: .*\.$"),
    ):
        get(server)


def drip(before: bytes) -> Answer:
    def answer(sock: socket.socket, head: bytes) -> None:
        sock.sendall(before)
        for _ in range(200):
            sock.sendall(b"x")
            time.sleep(0.05)

    return answer


SLOW: dict[str, Answer] = {
    "silent": lambda sock, head: time.sleep(3),
    "drips its headers": drip(b"HTTP/1.1 200 OK\r\nX: "),
    "drips its body": drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
    "drips without length": drip(b"HTTP/1.1 200 OK\r\n\r\n"),
}


@pytest.mark.parametrize("answer", SLOW.values(), ids=SLOW)
def test_a_slow_server_is_given_up(answer: Answer) -> None:
    started = time.monotonic()
    with serving(answer) as server:
        with pytest.raises(TooSlow):
            get(server, longest_s=0.4)
        assert time.monotonic() - started < 2


def test_a_slow_name_is_given_up() -> None:
    def slow(name: str, port: int) -> list[str]:
        time.sleep(3)
        return ["93.184.215.14"]

    with pytest.raises(TooSlow, match="name was not resolved in time"):
        fetch("http://feeds.example/", resolve=slow, longest_s=1.5)


def test_an_unknown_name_is_said_to_be_unknown() -> None:
    def unknown(name: str, port: int) -> list[str]:
        raise socket.gaierror

    with pytest.raises(NotReachable, match=r"the name feeds\.example is not known"):
        fetch("http://feeds.example/", resolve=unknown)


def redirecting(to: Callable[[int], str | None]) -> Answer:
    def answer(sock: socket.socket, head: bytes) -> None:
        step = int(head.split(b" ")[1].rpartition(b"/")[2] or 0)
        where = to(step)
        if where is None:
            response(b"there")(sock, head)
        else:
            response(b"elsewhere", status="302 Found", Location=where)(sock, head)

    return answer


def test_five_redirects_are_followed_and_six_are_not() -> None:
    with serving(redirecting(lambda step: f"/{step + 1}" if step < 5 else None)) as server:
        got = get(server, "/0")
        assert (got.body, got.url.rpartition("/")[2], server.connections) == (b"there", "5", 6)
    with serving(redirecting(lambda step: f"/{step + 1}")) as server:
        with pytest.raises(AddressRefused, match="elsewhere more than 5 times"):
            get(server, "/0")
        assert server.connections == 6


def test_a_redirect_to_no_web_address_is_refused() -> None:
    with serving(redirecting(lambda step: "http://[")) as server, pytest.raises(AddressRefused):
        get(server, "/0")


def test_the_second_address_is_tried_when_the_first_does_not_answer() -> None:
    with serving(response(b"there")) as server:
        allowance = Allowance(frozenset({"127.0.0.1", "127.0.0.9"}), frozenset({server.port}))
        got = fetch(
            f"http://{NAME}:{server.port}/", allowance=allowance, resolve=lambda name, port: ["127.0.0.9", "127.0.0.1"]
        )
    assert got.body == b"there"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate_for(NAME, tmp_path_factory.mktemp("tls") / "cert.pem")


def test_https_names_the_host_and_checks_the_certificate_for_it(certificate: Path) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate))
    with serving(response(b"secret"), secured(certificate)) as server:
        assert get(server, context=trusting).body == b"secret"
        assert server.names == [NAME]
        with pytest.raises(NotReachable, match="its certificate is not valid"):
            get(server)
        allowance = Allowance(frozenset({"127.0.0.1"}), frozenset({server.port}))
        with pytest.raises(NotReachable, match="its certificate is not valid"):
            fetch(
                f"https://other.example:{server.port}/",
                allowance=allowance,
                resolve=lambda name, port: ["127.0.0.1"],
                context=trusting,
            )


def test_https_never_becomes_http(certificate: Path) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate))
    answer = response(status="301 Moved Permanently", Location="http://feeds.example/")
    with serving(answer, secured(certificate)) as server, pytest.raises(AddressRefused, match="without encryption"):
        get(server, context=trusting)
