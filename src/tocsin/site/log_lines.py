"""What may stand in a log: no secret part of a one-time link, or of a key of the API.

Whoever reads logs (an operator, a machine that collects them) is not whom a
link was made for. Addresses of links reach logs by the path of a request that
failed; so every line that this software writes goes through `Discreet`, whoever
wrote it. Needs no Django: the web server uses it too.
"""

from __future__ import annotations

import logging
import re
from http import HTTPStatus

_LINK = re.compile(r"(sign-in(?:/|%2F)+(?:enrol|demo|link|forgotten)(?:/|%2F)+)[^\s/?#&'\"%]+", re.IGNORECASE)
"""As `people.urls` has them, also quoted in an address that leads there; a test compares."""

_KEY = re.compile(r"(tocsin_[a-z0-9]{8}_)[\w-]{20,}")
"""As `people.keys` writes them; a test compares."""


def discreet(text: str) -> str:
    """Return text without the secret parts of links and keys."""
    return _KEY.sub(r"\1…", _LINK.sub(r"\1…", text))


class Discreet(logging.Formatter):
    """Formats as another formatter does, and leaves secrets out of messages and tracebacks."""

    def __init__(self, inner: logging.Formatter | None = None) -> None:
        super().__init__()
        self._inner = inner or logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, or lines."""
        return discreet(self._inner.format(record))


class Untold(logging.Filter):
    """Lets pass what nobody has told yet: whoever answers 503 has said in the log why, in a sentence."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether the line is written."""
        return getattr(record, "status_code", None) != HTTPStatus.SERVICE_UNAVAILABLE
