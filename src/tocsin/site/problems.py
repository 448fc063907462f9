"""What goes wrong below /api/ is said in JSON, as RFC 9457 has it: a program reads it.

A refusal of an operation is one here (`problem`). What is refused before any operation is asked, or breaks in one,
would be a page: an address that is not there, a verb that it does not have, a database that is away. `Problems` puts
a problem in the place of such pages.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

BELOW = "/api/"
MEDIA = "application/problem+json"
KEPT = ("Allow", "Retry-After", "WWW-Authenticate")
"""Headers that a program goes by, of the page in whose place a problem stands."""
SAID: dict[int, Any] = {
    HTTPStatus.BAD_REQUEST: gettext_lazy("This question was not understood."),
    HTTPStatus.FORBIDDEN: gettext_lazy("This is not permitted."),
    HTTPStatus.NOT_FOUND: gettext_lazy("There is nothing at this address, or nothing that is yours."),
    HTTPStatus.METHOD_NOT_ALLOWED: gettext_lazy("This address does not have this verb."),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: gettext_lazy("What was sent is too long."),
    HTTPStatus.REQUEST_URI_TOO_LONG: gettext_lazy("The address is too long."),
    HTTPStatus.SERVICE_UNAVAILABLE: gettext_lazy("Something that is needed is not there now. Ask again later."),
}


def problem(status: int, detail: str, errors: Sequence[dict[str, str]] = ()) -> HttpResponse:
    """Return what a program is told. `errors` name the places of several mistakes."""
    said: dict[str, Any] = {
        "type": "about:blank", "title": HTTPStatus(status).phrase, "status": int(status), "detail": detail,
    }  # fmt: skip
    if errors:
        said["errors"] = list(errors)
    return HttpResponse(json.dumps(said, ensure_ascii=False), content_type=MEDIA, status=status)


class Problems:
    """Middleware, outside of all others that say anything: what it is given is what would be sent."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer; put a problem in the place of a page that says what is wrong."""
        response = self.get_response(request)
        is_page = response.status_code >= HTTPStatus.BAD_REQUEST and response.headers.get("Content-Type") != MEDIA
        if not (is_page and request.path_info.startswith(BELOW)):
            return response
        said = SAID.get(response.status_code, _("This went wrong, and that is our fault. It stands in our log."))
        instead = problem(response.status_code, str(said))
        for name in KEPT:
            if name in response.headers:
                instead[name] = response[name]
        return instead
