"""A real server of names on loopback that answers TXT questions from a table."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dns.message
import dns.rcode
import dns.resolver
import dns.rrset

from tocsin.courier import domains


class _Names(socketserver.UDPServer):
    def __init__(self, texts: dict[str, list[str]], silent: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Question)
        self.texts, self.silent, self.asked = texts, silent, list[str]()


class _Question(socketserver.BaseRequestHandler):
    server: _Names

    def handle(self) -> None:
        """Answer one question."""
        data, sock = self.request
        question = dns.message.from_wire(data)
        name = question.question[0].name
        plain = name.to_text(omit_final_dot=True).lower()
        self.server.asked.append(plain)
        if self.server.silent:
            return
        answer = dns.message.make_response(question)
        texts = self.server.texts.get(plain)
        if texts is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        for text in texts or ():
            parts = [text[start : start + 200] for start in range(0, len(text), 200)] or [""]
            quoted = " ".join(f'"{part}"' for part in parts)
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", quoted))
        sock.sendto(answer.to_wire(), self.client_address)


@contextmanager
def names(texts: dict[str, list[str]], *, silent: bool = False) -> Iterator[tuple[dns.resolver.Resolver, list[str]]]:
    """Answer while the block runs; give who asks it, and what it was asked."""
    with _Names(texts, silent) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield domains.resolver(["127.0.0.1"], int(server.server_address[1])), server.asked
        finally:
            server.shutdown()
            thread.join()
