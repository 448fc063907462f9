"""`/health`: whether this process can do its work, for load balancers and monitoring. Tells no secrets."""

from __future__ import annotations

from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from tocsin import __version__
from tocsin.site.setting_up import pending_migrations


@require_safe
def health(_request: HttpRequest) -> JsonResponse:
    """Answer 200 when the database answers and is of this version, else 503; the body says which."""
    lacking = _lacking_steps()
    database, migrated = lacking is not None, lacking == ()
    whole = database and migrated
    body = {"ok": whole, "database": database, "migrations": migrated, "version": __version__}
    return JsonResponse(body, status=200 if whole else 503, headers={"Cache-Control": "no-store"})


def _lacking_steps() -> tuple[str, ...] | None:
    """Return the steps that the database lacks; None when it does not answer."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return pending_migrations()
    except Error:
        return None
