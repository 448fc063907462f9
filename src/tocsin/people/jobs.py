"""The room's periodic work."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.conf import settings

from tocsin.jobs.registry import Running, every, job
from tocsin.people import sessions

CLEAR_SESSIONS = "people.clear_sessions"
DAILY_S = 86_400.0


@job(CLEAR_SESSIONS)
def clear_sessions(payload: dict[str, Any], running: Running) -> None:
    """Delete sessions that have expired: they open nothing any more, and nobody signs out of a browser that is shut."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    sessions.clear_lapsed()


every(CLEAR_SESSIONS, seconds=DAILY_S)
