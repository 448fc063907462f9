"""Real servers on loopback that count who connects."""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Answer = Callable[[socket.socket, bytes], None]
"""What a server does with a connection, given the request's head."""


class Server(socketserver.ThreadingTCPServer):
    """Counts connections, keeps the heads of requests, and answers by `answer`."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, answer: Answer, context: ssl.SSLContext | None = None, address: str = "127.0.0.1") -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        super().__init__((address, 0), Handler)
        self.answer, self.context = answer, context
        self.connections = 0
        self.heads: list[bytes] = []
        self.names: list[str | None] = []

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients here go away in the middle."""


class Handler(socketserver.BaseRequestHandler):
    """One connection."""

    server: Server

    def handle(self) -> None:
        """Count, read the head, answer."""
        self.server.connections += 1
        sock = self.request
        if self.server.context:
            self.server.context.sni_callback = lambda _s, name, _c: self.server.names.append(name)
            sock = self.server.context.wrap_socket(sock, server_side=True)
        with sock:
            head = b""
            while b"\r\n\r\n" not in head:
                data = sock.recv(65536)
                if not data:
                    return
                head += data
            self.server.heads.append(head)
            self.server.answer(sock, head)


@contextmanager
def serving(answer: Answer, context: ssl.SSLContext | None = None, address: str = "127.0.0.1") -> Iterator[Server]:
    """Serve while the block runs."""
    with Server(answer, context, address) as server, running(server):
        yield server


@contextmanager
def running(server: socketserver.BaseServer) -> Iterator[None]:
    """Have a server answer, in a thread of its own, while the block runs."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


def response(body: bytes = b"", status: str = "200 OK", **headers: str) -> Answer:
    """Answer always with this."""
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    if "Content_Length" not in headers:
        lines.append(f"Content-Length: {len(body)}")
    whole = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
    return lambda sock, head: sock.sendall(whole)
