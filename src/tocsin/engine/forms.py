"""One form for what is written in several ways: `Bad.example.` and `bad.example` are one asset.

What stands in place of an address, and what tells two findings on one asset
apart, goes into the key of a finding, which is permanent. So a mapping says of
which kind such a cell is, and its key is made of the kind's one form. Of whole
columns: `canonical`. Light: pages name kinds, too.
"""

from __future__ import annotations

import ipaddress
import re
import urllib.parse
from collections.abc import Callable

from tocsin.engine.convert import BadCell, as_fqdn, as_network, as_text, as_token, as_url

_DEFAULT_PORTS = {"http": 80, "https": 443, "ftp": 21}
_MAILBOX = re.compile(r"[^@\s]+@([^@\s]+)\Z")
_WITH_PORT = re.compile(r"(\[[^\]]*\]|[^:]*):[0-9]{1,5}\Z")


def one_url(text: str) -> str:
    """Return a URL with scheme and host in small letters, without the port that its scheme implies (RFC 3986, 6.2)."""
    parts = urllib.parse.urlsplit(as_url(text))
    host = one_host(parts.hostname or "")
    try:
        port = parts.port
    except ValueError:
        raise BadCell(f"{text[:60]!r} is not a URL: its port is none") from None
    user, at, _ = parts.netloc.rpartition("@")
    place = f"[{host}]" if ":" in host else host
    shown = f":{port}" if port is not None and port != _DEFAULT_PORTS.get(parts.scheme) else ""
    return urllib.parse.urlunsplit(parts._replace(netloc=f"{user}{at}{place}{shown}", path=parts.path or "/"))


def one_mailbox(text: str) -> str:
    """Return a mail address in small letters, its domain in ASCII. No provider tells mailboxes apart by capitals."""
    word = text.strip().lower()
    found = _MAILBOX.match(word)
    if not found:
        raise BadCell(f"{text[:60]!r} is not a mail address")
    return word[: found.start(1)] + as_fqdn(found[1])


def one_host(text: str) -> str:
    """Return what a `Host` header names, without its port: a host name, or an address."""
    word = text.strip()
    if with_port := _WITH_PORT.match(word):
        word = with_port[1]
    try:
        return str(ipaddress.ip_address(word.strip("[]")))
    except ValueError:
        return as_fqdn(word)


FORMS: dict[str, Callable[[str], str]] = {
    "text": as_text,
    "lower_token": lambda text: as_token(text).lower(),
    "fqdn": as_fqdn,
    "host": one_host,
    "network": as_network,
    "url": one_url,
    "email": one_mailbox,
}
"""By kind: the one form of a cell. Raises BadCell for a cell that is not of the kind."""
