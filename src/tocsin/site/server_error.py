"""What is answered when a page cannot be made, and why: the database, the disk, or an error of ours.

The page asks the database nothing, nor the session, nor who is signed in: it is what is left when those cannot be had.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from http import HTTPStatus
from pathlib import Path

from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.template.loader import get_template
from django.views.defaults import server_error as broken

from tocsin.kernel.disk import is_full
from tocsin.site import health, unusable

ASK_AGAIN_S = 30
"""What browsers and machines are told to wait."""
TELL_AGAIN_S = 60.0
"""The log says the same once in so long, however many pages are asked for meanwhile."""
FULL = "full"
log = logging.getLogger(__name__)
_told_at_s: dict[str, float] = {}
_telling = threading.Lock()


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer for an error that no page foresaw. Django calls it where it caught that error."""
    error = sys.exception()
    why = _why(error) if error else None
    if error and why:
        _tell(why, error)
    if health.is_asked_for(request):
        return health.unwell(HTTPStatus.SERVICE_UNAVAILABLE if why else HTTPStatus.INTERNAL_SERVER_ERROR)
    return _page(request, why) if why else broken(request)


def _page(request: HttpRequest, why: str) -> HttpResponse:
    is_question = request.method in ("GET", "HEAD")
    page = get_template("unusable.html").render(
        {
            "why": why,
            "again": request.get_full_path() if is_question else "",
            "team_name": settings.CONFIG.team_name,
            "exercise": settings.CONFIG.exercise,
        }
    )
    headers = {"Retry-After": str(ASK_AGAIN_S), "Cache-Control": "no-store"}
    return HttpResponse(page, status=HTTPStatus.SERVICE_UNAVAILABLE, headers=headers)


def _why(error: BaseException) -> str | None:
    """Return `full` or how the database is, when that is why; None for an error of the software."""
    if isinstance(error, Error | OSError) and is_full(error, _home()):
        return FULL
    return unusable.state_of_database(error) if isinstance(error, Error) else None


def _tell(why: str, error: BaseException) -> None:
    """Say it in the log, once in a while."""
    with _telling:
        now_s = time.monotonic()
        if now_s - _told_at_s.get(why, -TELL_AGAIN_S) < TELL_AGAIN_S:
            return
        _told_at_s[why] = now_s
    log.error("tocsin: %s Pages that need it answer 503 until then.", unusable.outage(error, _home()))


def _home() -> Path:
    home: Path = settings.TOCSIN.home
    return home
