"""Browsers in which people are signed in: what is kept of them, and how one is ended.

That a session was seen is noted beside the trail, as Django notes sessions themselves: it is no act of anybody's, and
would bury the acts.
"""

from __future__ import annotations

import datetime as dt
from importlib import import_module

from django.conf import settings
from django.contrib.sessions.models import Session
from django.http import HttpRequest

from tocsin.kernel import clock
from tocsin.kernel.clock import Instant
from tocsin.people import visitors
from tocsin.people.models import Person, SignedInSession

NOTED = "people.seen"
"""Session key: when it was last noted that the session was seen."""
NOTED_EVERY = dt.timedelta(minutes=5)
AGENT_LENGTH = 300


def of_request(request: HttpRequest) -> SignedInSession:
    """Return what is to be kept of the session in which a request comes; its person and times are the caller's."""
    request.session[NOTED] = clock.now().timestamp()
    if not request.session.session_key:
        request.session.save()
    return SignedInSession(
        session_key=str(request.session.session_key), address=visitors.address(request), agent=agent(request)
    )


def go_on(request: HttpRequest, person: Person, at: Instant) -> None:
    """Keep what is to be kept of a session that goes on under another key, all others of the person having ended.

    It is no sign-in: what ended the others stands in the trail.
    """
    row = of_request(request)
    row.person, row.began_at, row.seen_at = person, at, at
    row.save()


def agent(request: HttpRequest) -> str:
    """Return what the browser says that it is, as much as is kept."""
    return "".join(sign for sign in request.headers.get("User-Agent", "") if sign.isprintable())[:AGENT_LENGTH]


def note_seen(request: HttpRequest, at: Instant) -> None:
    """Note every few minutes that a session was seen of which anything is kept."""
    noted = request.session.get(NOTED)
    if not isinstance(noted, float) or at.timestamp() - noted < NOTED_EVERY.total_seconds():
        return
    request.session[NOTED] = at.timestamp()
    row = SignedInSession.objects.filter(session_key=request.session.session_key)
    row.update(seen_at=at, address=visitors.address(request))


def of_person(person: Person, at: Instant) -> list[SignedInSession]:
    """Return the sessions of a person that stand, last seen first."""
    rows = list(SignedInSession.objects.filter(person=person))
    standing = Session.objects.filter(session_key__in=[row.session_key for row in rows], expire_date__gt=at)
    keys = set(standing.values_list("session_key", flat=True))
    return [row for row in rows if row.session_key in keys]


def forget(session_key: str) -> None:
    """Delete a session: whoever comes with it is signed out."""
    import_module(settings.SESSION_ENGINE).SessionStore(session_key).delete()


def clear_lapsed() -> None:
    """Delete what is kept of sessions that are no more."""
    SignedInSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()
