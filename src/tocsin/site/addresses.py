"""Addresses of pages as a person at a browser must write them, for links that commands print."""

from __future__ import annotations

import dataclasses
from urllib.parse import urlsplit

from tocsin.site import instance
from tocsin.site.config import Config

_LOCAL = ("localhost", "127.0.0.1", "[::1]", "*")


def base_address(config: Config) -> str:
    """Return how a browser reaches this instance: its first public host name, else where it listens.

    That is where a server listens now, if one does: it may have been told another port than the settings say.
    """
    if public := public_host(config):
        return f"https://{public}"
    served = urlsplit(instance.served_at(config.home))
    if served.port:
        return f"{served.scheme}://localhost:{served.port}"
    return _as_set(config)


def belonging(config: Config) -> str:
    """Return the sentence that says when a link that was printed works, and by which setting; empty while it does."""
    if public := public_host(config):
        return f"It leads to {public}, the first of TOCSIN_ALLOWED_HOSTS."
    if instance.served_at(config.home):
        return ""
    return f"It works on this machine while the server runs on port {config.port} (TOCSIN_PORT)."


def moved(config: Config, port: int | None) -> str:
    """Return the sentence about links that were printed before, when the server is told another port than is set."""
    if port in (None, config.port) or public_host(config):
        return ""
    now = _as_set(dataclasses.replace(config, port=port))
    return (
        f"links that name {_as_set(config)} work at {now} now. Where it is to stay there, set TOCSIN_PORT={port}: "
        "commands then print links that lead there."
    )


def public_host(config: Config) -> str:
    """Return the first public host name; empty where the instance serves this machine alone."""
    return next((host.removeprefix(".") for host in config.allowed_hosts if host not in _LOCAL), "")


def _as_set(config: Config) -> str:
    return f"{'https' if config.tls_cert else 'http'}://localhost:{config.port}"


def enrolment_address(config: Config, token: str) -> str:
    """Return the whole address of an enrolment link."""
    from django.urls import reverse

    return base_address(config) + reverse("people_enrolment_link", args=[token])


def demo_address(config: Config, token: str) -> str:
    """Return the whole address of a link into the demonstration."""
    from django.urls import reverse

    return base_address(config) + reverse("people_demo_link", args=[token])
