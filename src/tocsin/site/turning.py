"""Text from outside never turns the direction of what follows it on a page.

A name that holds U+202E has the rest of its line written backwards, in titles
and labels too, where no element could keep it apart. Names come from reports,
files, directories and people, and stand in a hundred places; so this is done
once, to whole pages. Templates and translations have none of these characters:
where directions meet, they use `<bdi>`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from tocsin.kernel import legible

_TURNING = re.compile(rb"\xe2(?:\x80[\xaa-\xae]|\x81[\xa6-\xa9])")
"""What `legible.unturned` writes out, in UTF-8."""
_FIELD = re.compile(r"(<input\b[^>]*>|<textarea\b.*?</textarea>)", re.DOTALL)
"""What is sent back as it stands. Nothing in it reaches beyond it."""


def written_out(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware. Writes out, in every page, the characters that turn the direction of what follows."""

    def respond(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        is_page = not response.streaming and response.headers.get("Content-Type", "").startswith("text/html")
        if is_page and _TURNING.search(response.content):
            parts = _FIELD.split(response.content.decode())
            response.content = "".join(part if at % 2 else legible.unturned(part) for at, part in enumerate(parts))
        return response

    return respond
