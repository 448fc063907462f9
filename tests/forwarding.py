"""A database server that a test can take away and give back, by a way to it that closes."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType

import dj_database_url


class Way:
    """Leads from a port to the tests' PostgreSQL server. Closed, it refuses and cuts as a server does."""

    def __init__(self, address: str) -> None:
        self._to = dj_database_url.parse(address)
        self._sockets: list[socket.socket] = []
        self._listener = self._listen(0)
        port = self._listener.getsockname()[1]
        self.address = f"postgresql://{self._to['USER']}:{self._to['PASSWORD']}@127.0.0.1:{port}/{self._to['NAME']}"
        self._port = port

    def __enter__(self) -> Way:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Take the server away."""
        for each in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._sockets.clear()

    def open(self) -> None:
        """Give it back."""
        self._listener = self._listen(self._port)

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):  # it was closed
            while True:
                near, _from = listener.accept()
                far = self._connect()
                self._sockets += [near, far]
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=(source, target), daemon=True).start()

    def _connect(self) -> socket.socket:
        host, port = self._to["HOST"], self._to["PORT"] or 5432
        if not host.startswith("/"):
            return socket.create_connection((host or "127.0.0.1", int(port)))
        far = socket.socket(socket.AF_UNIX)
        far.connect(f"{host}/.s.PGSQL.{port}")
        return far


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for each in (source, target):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
