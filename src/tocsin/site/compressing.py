"""Pages of members are compressed here: they are read on telephones, and not every instance has a proxy that does it.

Only these pages: they bear no secret but the token of their forms, which is
masked anew in every answer, and Django adds as many octets by chance as keep
the length from telling anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.middleware.gzip import GZipMiddleware

BELOW = "/my/"


def pages_of_members(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware. Compresses pages below BELOW for whoever takes that; outside of what reads pages as text."""
    compressed = GZipMiddleware(get_response)

    def respond(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        is_page = not response.streaming and response.headers.get("Content-Type", "").startswith("text/html")
        if is_page and request.path_info.startswith(BELOW):
            return cast("HttpResponse", compressed.process_response(request, response))
        return response

    return respond
