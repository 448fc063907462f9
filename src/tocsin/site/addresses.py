"""Addresses of pages as a person at a browser must write them, for links that commands print."""

from __future__ import annotations

from tocsin.site.config import Config

_LOCAL = ("localhost", "127.0.0.1", "[::1]", "*")


def base_address(config: Config) -> str:
    """Return how a browser reaches this instance: its first public host name, else where it listens."""
    public = [host for host in config.allowed_hosts if host not in _LOCAL]
    if public:
        return f"https://{public[0].removeprefix('.')}"
    return f"{'https' if config.tls_cert else 'http'}://localhost:{config.port}"


def enrolment_address(config: Config, token: str) -> str:
    """Return the whole address of an enrolment link."""
    from django.urls import reverse

    return base_address(config) + reverse("people_enrolment_link", args=[token])


def demo_address(config: Config, token: str) -> str:
    """Return the whole address of a link into the demonstration."""
    from django.urls import reverse

    return base_address(config) + reverse("people_demo_link", args=[token])
