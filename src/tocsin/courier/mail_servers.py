"""Where mail is handed over: the address of the mail server, read and checked. Pure, without Django.

smtp://user:password@mail.example:587      STARTTLS, without which nothing is sent
smtps://user:password@mail.example:465     TLS from the first byte
smtp://127.0.0.1:25                        this machine, in clear
smtp://mail.example:25?tls=none            in clear although it is elsewhere
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from urllib.parse import parse_qsl, unquote, urlsplit

from tocsin.kernel.refusals import InvalidInput

PORTS = {"smtp": 587, "smtps": 465}
TLS = ("starttls", "none")
REMEDY = "Write smtp://user:password@mail.example:587, or smtp://127.0.0.1:25 for a mail server on this machine."
_LABELS = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?)*")


@dataclasses.dataclass(frozen=True)
class MailServer:
    """A server that takes our mail."""

    host: str
    port: int
    tls: str
    """`implicit`, `starttls` or `none`."""
    user: str = ""
    password: str = dataclasses.field(default="", repr=False)

    @property
    def name(self) -> str:
        """Host and port, without what is secret."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read(address: str) -> MailServer:
    """Return the server that a setting names. Raises InvalidInput; the sentence never shows the address."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise InvalidInput("its host or its port is none.", where="TOCSIN_SMTP_URL", remedy=REMEDY) from None
    if parts.scheme not in PORTS or not parts.hostname:
        raise InvalidInput("it is no address of a mail server.", where="TOCSIN_SMTP_URL", remedy=REMEDY)
    if not _is_host(parts.hostname) or parts.path.strip("/") or parts.fragment or port == 0:
        raise InvalidInput("its host or its port is none.", where="TOCSIN_SMTP_URL", remedy=REMEDY)
    tls = _tls(parts.scheme, parts.hostname, dict(parse_qsl(parts.query, keep_blank_values=True)))
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if password and tls == "none" and not _is_loopback(parts.hostname):
        words = "it would send a password in clear."
        raise InvalidInput(words, where="TOCSIN_SMTP_URL", remedy="Take tls=none out.")
    return MailServer(parts.hostname, port or PORTS[parts.scheme], tls, user, password)


def _tls(scheme: str, host: str, options: dict[str, str]) -> str:
    wanted = options.pop("tls", "")
    if options:
        unknown = ", ".join(sorted(options))[:80]
        raise InvalidInput(f"it has no option {unknown!r}.", where="TOCSIN_SMTP_URL", remedy="There is only tls.")
    if wanted not in ("", *TLS) or (wanted and scheme == "smtps"):
        raise InvalidInput("tls is starttls or none, and only for smtp.", where="TOCSIN_SMTP_URL")
    if scheme == "smtps":
        return "implicit"
    return wanted or ("none" if _is_loopback(host) else "starttls")


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return bool(_LABELS.fullmatch(host)) and len(host) <= 253
    return True


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
