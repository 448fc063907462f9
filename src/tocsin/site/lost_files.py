"""What a page answers when a file of the store that it needs is missing or damaged."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from tocsin.engine.lost import LostFile

log = logging.getLogger(__name__)


class LostFiles:
    """Middleware. Answers with a page that says which file it is and what to do; the log names the file too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass on."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Return the page, or None for any other error."""
        if not isinstance(error, LostFile):
            return None
        log.error("%s", error)
        return render(request, "503.html", {"file": error.file}, status=HTTPStatus.SERVICE_UNAVAILABLE)
