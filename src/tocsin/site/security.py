"""What every response tells the browser it may not do.

`style-src` has no 'unsafe-inline': templates and charts carry classes, never
`style=`. Django's SecurityMiddleware adds nosniff, Cross-Origin-Opener-Policy,
Referrer-Policy and, under TLS, HSTS.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from tocsin.people.access import longest_body

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

LONGEST_ADDRESS = 6_000
"""Below what the web server takes (`serving.parts`), so that the page can say it."""
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in ("camera", "geolocation", "microphone", "payment", "usb", "browsing-topics", "display-capture")
)


def heads_alone(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware, the outermost. What answers HEAD is headers; the web server drops what else there is, and logs it."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if request.method == "HEAD" and isinstance(response, HttpResponse):
            response.content = b""
        elif request.method == "HEAD" and isinstance(response, StreamingHttpResponse):
            response.streaming_content = ()
        return response

    return respond


def security_headers(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware. A page asked for with a session, or that starts one, is stored nowhere."""

    def respond(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.headers.setdefault("X-Frame-Options", "DENY")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if _has_session(request, response):
            response.headers["Cache-Control"] = "no-store"
        return response

    return respond


def address_length(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware. Answers an address that is too long with a page that says so; the web server has only its own."""

    def respond(request: HttpRequest) -> HttpResponse:
        if len(request.get_full_path()) > LONGEST_ADDRESS:
            return render(request, "414.html", status=HTTPStatus.REQUEST_URI_TOO_LONG)
        return get_response(request)

    return respond


class BodyLength:
    """Middleware. Refuses a body that is longer than any that the page asks for, before it is read.

    Only what a page marked `people.access.receives` asks for may be long. A body of unknown length is refused: no
    browser sends one.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass on."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """Return None to let pass."""
        limit = longest_body(view)
        length = request.META.get("CONTENT_LENGTH") or ("0" if "HTTP_TRANSFER_ENCODING" not in request.META else "")
        if length.isdecimal() and int(length) <= limit:
            return None
        shown = {"limit": _("{number} MB").format(number=round(limit / 2**20))}
        return render(request, "413.html", shown, status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


def _has_session(request: HttpRequest, response: HttpResponse) -> bool:
    """The cookie is enough: looking the session up would cost public pages a query."""
    name = settings.SESSION_COOKIE_NAME
    is_static = request.path_info.startswith(settings.STATIC_URL)
    return not is_static and (name in request.COOKIES or name in response.cookies)
