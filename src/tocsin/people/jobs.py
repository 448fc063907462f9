"""The room's periodic work."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.conf import settings

from tocsin.audit.actors import System
from tocsin.jobs.registry import Running, every, job
from tocsin.kernel import clock
from tocsin.people import actions, queries, sessions
from tocsin.people.mailing import LINK_JOB

CLEAR_SESSIONS = "people.clear_sessions"
DAILY_S = 86_400.0


@job(CLEAR_SESSIONS)
def clear_sessions(payload: dict[str, Any], running: Running) -> None:
    """Delete sessions that have expired: they open nothing any more, and nobody signs out of a browser that is shut."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    sessions.clear_lapsed()


@job(LINK_JOB)
def mail_link(payload: dict[str, Any], running: Running) -> None:
    """Mail the link that somebody asked for, if the address is that of an account that may have one."""
    person, purpose = queries.person_by_email(payload["email"]), payload["purpose"]
    if person and queries.may_have_by_mail(person, purpose) and queries.is_mail_offered():
        for_browser = {"browser_hash": payload["browser_hash"], "base": payload["base"]}
        actions.mail_link(person, purpose=purpose, **for_browser, by=System("mailed link"), at=clock.now())


every(CLEAR_SESSIONS, seconds=DAILY_S)
