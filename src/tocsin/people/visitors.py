"""From where a request comes, as far as it can be believed, and what the browser calls itself."""

from __future__ import annotations

import contextlib
import ipaddress
import re

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

_BROWSERS = (
    ("Edge", "Edg"), ("Opera", "OPR/"), ("Firefox", "Firefox/"), ("Chrome", "Chrome/"), ("Chrome", "CriOS/"),
    ("Firefox", "FxiOS/"), ("Safari", "Safari/"),
)  # fmt: skip
"""Name and sign, in the order in which they are looked for: most call themselves by the names of others, too."""
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("macOS", "Mac OS X"),
    ("ChromeOS", "CrOS"), ("Linux", "Linux"),
)  # fmt: skip


def address(request: HttpRequest) -> str:
    """Return the visitor's address: what a trusted proxy says of its visitor, else the other end itself."""
    other_end: str = request.META.get("REMOTE_ADDR", "")
    if other_end in settings.TOCSIN_TRUSTED_PROXIES:
        told = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        with contextlib.suppress(ValueError):
            return str(ipaddress.ip_address(told))
    return other_end


def device_words(agent: str) -> str:
    """Return which browser on which system it is, in words; what cannot be told is said so."""
    browser = next((name for name, sign in _BROWSERS if sign in agent), "")
    system = next((name for name, sign in _SYSTEMS if sign in agent), "")
    if browser and system:
        return _("{browser} on {system}").format(browser=browser, system=system)
    known = browser or system or re.split(r"[/ ]", agent)[0]
    return known or _("Unknown browser")
