"""A publisher on loopback: a real server that checks signatures itself and serves reports as the real one does."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.courier.servers import running

KEY, SECRET = "key-1234", "secret-äöü-5678"

Way = Callable[["Handler", bytes], None]
"""How a server delivers a report."""


class Office(ThreadingHTTPServer):
    """Holds reports, gives them to whoever signs rightly, and remembers what was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.reports: list[dict[str, Any]] = []
        self.contents: dict[str, bytes] = {}
        self.ways: dict[str, list[Way]] = {}
        """Of an id: how its next downloads are delivered; as they should when none is left."""
        self.asked: list[tuple[str, dict[str, Any]]] = []
        """Method and body of each signed request."""
        self.downloaded: list[str] = []
        """Ids, as often as they were asked for."""
        self.answer_list: Way | None = None
        self.has_downloads = True

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def offer(self, path: Path, id: str = "", *ways: Way, content: bytes | None = None, **facts: Any) -> str:
        """Have a report; return its id. `ways` are how it is delivered the first times."""
        id = id or hashlib.sha256(path.name.encode()).hexdigest()[:40]
        day, _, rest = path.name[:10], path.name[10:11], path.name[11:]
        entry = {"id": id, "file": path.name, "type": rest.partition("-")[0], "timestamp": day, "report": "xm-geo"}
        self.reports.append({**entry, **facts})
        self.contents[id] = path.read_bytes() if content is None else content
        self.ways[id] = list(ways)
        return id

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients here go away in the middle."""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Office

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def give(self, status: int, body: bytes, **headers: str) -> None:
        """Answer."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def say(self, status: int, value: Any) -> None:
        """Answer with JSON."""
        self.give(status, json.dumps(value).encode(), Content_Type="application/json")

    def do_GET(self) -> None:
        """Deliver a report."""
        id = self.path.rpartition("/")[2]
        self.server.downloaded.append(id)
        content = self.server.contents.get(id)
        if content is None or not self.server.has_downloads:
            self.give(404, b"<html>Not found</html>")
        elif self.server.ways[id]:
            self.server.ways[id].pop(0)(self, content)
        else:
            self.give(200, content, Content_Type="text/csv")

    def do_POST(self) -> None:
        """Check the signature over the bytes that came, then list or give rows."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        right = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        asked = json.loads(body)
        if not hmac.compare_digest(self.headers.get("HMAC2", ""), right) or asked["apikey"] != KEY:
            self.say(401, {"error": "Invalid API key or signature."})
            return
        self.server.asked.append((self.path, asked))
        if self.path == "/api2/reports/list":
            self._list(asked)
        elif self.path == "/api2/reports/download":
            self._rows(asked)
        else:
            self.say(404, {"error": "no such method"})

    def _list(self, asked: dict[str, Any]) -> None:
        if self.server.answer_list:
            self.server.answer_list(self, b"")
            return
        first, _, last = asked["date"].partition(":")
        found = [
            report
            for report in self.server.reports
            if first <= report["timestamp"] <= (last or first)
            and asked.get("type") in (None, report["type"])
            and report["report"] in asked.get("reports", [report["report"]])
        ]
        self.say(200, found[: asked["limit"]])

    def _rows(self, asked: dict[str, Any]) -> None:
        content = self.server.contents.get(asked["id"])
        if content is None:
            self.say(404, {"error": "report not found"})
            return
        header, *rows = content.decode().splitlines()
        names = header.split(",")
        self.say(200, [dict(zip(names, row.split(","), strict=True)) for row in rows][: asked["limit"]])


@contextmanager
def office() -> Iterator[Office]:
    """Serve while the block runs."""
    with Office() as server, running(server):
        yield server


def cut(handler: Handler, content: bytes) -> None:
    """Promise all, send half."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content[: len(content) // 2])


def cut_without_length(handler: Handler, content: bytes) -> None:
    """Promise nothing, send all but the end of the last line."""
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(content[:-4])


def silent(handler: Handler, content: bytes) -> None:
    """Send a little, then nothing for a while."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content[:10])
    handler.wfile.flush()
    time.sleep(1)


def answering(status: int, body: bytes = b"", **headers: str) -> Way:
    """Answer with this in place of what was asked for."""
    return lambda handler, _content: handler.give(status, body, **headers)


def saying(status: int, value: Any) -> Way:
    """Answer with JSON in place of what was asked for."""
    return lambda handler, _content: handler.say(status, value)


def with_headers(**headers: str) -> Way:
    """Send what was asked for with headers beside it."""
    return lambda handler, content: handler.give(200, content, **headers)
