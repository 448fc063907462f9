"""A real provider of OpenID Connect on loopback, and a hand on what it sends."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import oidc_provider_mock
import werkzeug.serving


class Provider:
    """The provider. What it is asked is written down; what it answers may be changed on its way."""

    def __init__(self, users: Iterable[oidc_provider_mock.User]) -> None:
        app = oidc_provider_mock.app(require_nonce=True, user_claims=list(users))
        self._app = app
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        """Path, value of Authorization, and the form."""
        self.changes: dict[str, Callable[[dict[str, Any]], Any]] = {}
        """By path, what becomes of the JSON that is answered there."""
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = werkzeug.serving.make_server("127.0.0.1", 0, self._serve, threaded=True)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"

    def _serve(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path, told = environ["PATH_INFO"], {}
        if environ["REQUEST_METHOD"] == "POST":
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            environ["wsgi.input"] = io.BytesIO(body)
            told = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        self.asked.append((path, environ.get("HTTP_AUTHORIZATION", ""), told))
        if (change := self.changes.get(path)) is None:
            return self._app(environ, start_response)  # type: ignore[no-any-return]
        held: list[Any] = []
        said = b"".join(self._app(environ, lambda *told, **_more: held.append(told)))
        body = json.dumps(change(json.loads(said))).encode()
        start_response(held[0][0], [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    def forms(self, path: str) -> list[dict[str, str]]:
        """Return the forms that were sent to a path."""
        return [told for asked, _known, told in self.asked if asked == path]

    def approve(self, address: str, subject: str) -> str:
        """Say who one is, as a browser does that was sent here; return where it is sent back to, without the host."""
        parts = urlsplit(address)
        connection = http.client.HTTPConnection("127.0.0.1", self._server.server_port, timeout=10)
        with contextlib.closing(connection):
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", f"{parts.path}?{parts.query}", urlencode({"sub": subject}), headers)
            back = urlsplit(connection.getresponse().headers["Location"])
        return f"{back.path}?{back.query}"

    @contextlib.contextmanager
    def running(self) -> Iterator[Provider]:
        """Serve until the end of the block."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


def user(subject: str, **claims: Any) -> oidc_provider_mock.User:
    """Somebody whom the provider knows."""
    return oidc_provider_mock.User(sub=subject, claims=claims)
