"""Signing in to a demonstration without second factor: only there, and only from the machine it runs on."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest

from tocsin.people.models import Person

DEMO_SESSION = "people.demonstration"
"""Session key: number of the person who came by a link to the demonstration."""

FORWARDED = ("forwarded", "via", "x-real-ip", "x-client-ip", "client-ip", "true-client-ip")


def allows(request: HttpRequest, *, is_demo: bool, bind: str) -> bool:
    """Say whether a request may enter the demonstration without second factor.

    The instance must be marked as one and bound to loopback, and the request must come from loopback, ask for a
    loopback host (or another site's page could reach it by a name of its own) and have passed no proxy.
    """
    return (
        is_demo
        and _is_loopback(bind)
        and _is_loopback(request.META.get("REMOTE_ADDR", ""))
        and _is_loopback(_host(request))
        and not any(name.lower() in FORWARDED or name.lower().startswith("x-forwarded") for name in request.headers)
    )


def allowed_here(request: HttpRequest) -> bool:
    """Say the same for this instance."""
    return allows(request, is_demo=settings.TOCSIN_IS_DEMO, bind=settings.TOCSIN_BIND)


def is_demo_session(request: HttpRequest, person: Person) -> bool:
    """Say whether this person came by a link to the demonstration; checked anew at every request."""
    return bool(request.session.get(DEMO_SESSION) == person.pk and allowed_here(request))


def _host(request: HttpRequest) -> str:
    host = request.get_host()
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]


def _is_loopback(address: str) -> bool:
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
