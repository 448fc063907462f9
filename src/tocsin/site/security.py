"""What every response tells the browser it may not do.

`style-src` has no 'unsafe-inline': templates and charts carry classes, never
`style=`. Django's SecurityMiddleware adds nosniff, Cross-Origin-Opener-Policy,
Referrer-Policy and, under TLS, HSTS.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

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

PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in ("camera", "geolocation", "microphone", "payment", "usb", "browsing-topics", "display-capture")
)


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


def _has_session(request: HttpRequest, response: HttpResponse) -> bool:
    """The cookie is enough: looking the session up would cost public pages a query."""
    name = settings.SESSION_COOKIE_NAME
    is_static = request.path_info.startswith(settings.STATIC_URL)
    return not is_static and (name in request.COOKIES or name in response.cookies)
