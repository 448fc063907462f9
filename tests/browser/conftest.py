"""A browser, and the site served to it without a database."""

from __future__ import annotations

import contextlib
import os
import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.core.handlers.wsgi import WSGIHandler
from playwright.sync_api import Browser, Page, sync_playwright

from tools.pictures.browser import launch
from tools.pictures.pseudo import compile_pseudo_arabic

OpenPage = Callable[..., Page]
# Playwright keeps an event loop in the thread of the tests; theirs is the only code that asks the database there.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


class Server(socketserver.ThreadingMixIn, WSGIServer):
    """Answers several requests at once, as a browser asks them."""

    daemon_threads = True


class Quiet(WSGIRequestHandler):
    """Writes no log."""

    def log_message(self, format: str, *values: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium. Fails, not skips, where there is none."""
    with sync_playwright() as playwright:
        launched = launch(playwright)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def pseudo_arabic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pseudo-Arabic translation of everything, which is not shipped, made once."""
    folder = tmp_path_factory.mktemp("arabic")
    compile_pseudo_arabic(folder)
    return folder


@pytest.fixture
def arabic(settings: Any, pseudo_arabic: Path) -> None:
    """Pages are there in English and in pseudo-Arabic."""
    settings.LANGUAGES = [("en", "English"), ("ar", "العربية")]
    settings.LOCALE_PATHS = [pseudo_arabic]


@pytest.fixture
def address(settings: Any) -> Iterator[str]:
    """Where the site is served while the test runs, with its parts shown."""
    settings.SHOW_PARTS = True
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    # Who may pass has tests of its own, with a database.
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if not name.endswith(".Gate")]
    with make_server("127.0.0.1", 0, WSGIHandler(), Server, Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[OpenPage]:
    """Open a page in a manner of one's own. What the browser complains of, broken policy too, fails the test."""
    complaints: list[str] = []
    with contextlib.ExitStack() as contexts:

        def open_it(path: str, width: int = 1366, language: str = "en", **options: Any) -> Page:
            context = browser.new_context(viewport={"width": width, "height": 768}, locale=language, **options)
            contexts.callback(context.close)
            page = context.new_page()
            page.on("console", lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.goto(address + path)
            return page

        yield open_it
    assert complaints == []
