"""`/health`: whether this process can do its work, for load balancers and monitoring. Tells no secrets."""

from __future__ import annotations

from http import HTTPStatus

from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from tocsin import __version__
from tocsin.site.setting_up import pending_migrations


@require_safe
def health(_request: HttpRequest) -> JsonResponse:
    """Answer 200 when the database answers and is of this version, else 503; the body says which."""
    lacking = _lacking_steps()
    database, migrated = lacking is not None, lacking == ()
    return _answer(HTTPStatus.OK if migrated else HTTPStatus.SERVICE_UNAVAILABLE, database=database, migrated=migrated)


def is_asked_for(request: HttpRequest) -> bool:
    """Say whether a request is for this: a machine asks it, which reads no pages."""
    return request.path == reverse("health")


def unwell(status: HTTPStatus) -> JsonResponse:
    """Return the answer where it could not even be asked how things are."""
    return _answer(status, database=False, migrated=False)


def _answer(status: HTTPStatus, *, database: bool, migrated: bool) -> JsonResponse:
    body = {"ok": status == HTTPStatus.OK, "database": database, "migrations": migrated, "version": __version__}
    return JsonResponse(body, status=status, headers={"Cache-Control": "no-store"})


def _lacking_steps() -> tuple[str, ...] | None:
    """Return the steps that the database lacks; None when it does not answer."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return pending_migrations()
    except Error:
        return None
