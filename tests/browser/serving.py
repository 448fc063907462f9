"""The site served to a browser from the database of a test."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any
from wsgiref.simple_server import WSGIServer, make_server

from django.core.handlers.wsgi import WSGIHandler
from django.db import connections

from tests.browser.conftest import Quiet


@contextlib.contextmanager
def serving(settings: Any, name: str = "127.0.0.1") -> Iterator[str]:
    """Serve the site under a name of this computer, one request after the other; give its address."""
    settings.ALLOWED_HOSTS = [name]
    ours = connections["default"]
    is_in_memory = ours.vendor == "sqlite" and ours.is_in_memory_db()  # type: ignore[attr-defined]
    with make_server("127.0.0.1", 0, WSGIHandler(), WSGIServer, Quiet) as server:

        def serve() -> None:
            if is_in_memory:  # a database in memory belongs to one connection
                connections["default"] = ours
            server.serve_forever(poll_interval=0.02)
            if not is_in_memory:
                connections.close_all()

        ours.inc_thread_sharing()
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://{name}:{server.server_port}"
        server.shutdown()
        thread.join()
        ours.dec_thread_sharing()
