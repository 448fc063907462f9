"""Where the server may listen.

Loopback, or with TLS of its own, or behind a declared reverse proxy that
speaks TLS: passwords and findings never cross a network in the clear.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

from tocsin.kernel.refusals import Conflict, InvalidInput, Refusal, Unavailable
from tocsin.site.config import Config


@dataclasses.dataclass(frozen=True)
class Listening:
    """Where and how the server listens."""

    host: str
    port: int
    tls_cert: Path | None = None
    tls_key: Path | None = None
    trusted_proxies: tuple[str, ...] = ()

    @property
    def bind(self) -> str:
        """`127.0.0.1:8000` or `[::1]:8000`."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        return f"{'https' if self.tls_cert else 'http'}://{self.bind}/"


def listening(config: Config) -> Listening:
    """Return where to listen. Raises InvalidInput or Conflict with what to set instead."""
    for fault in faults(config):
        raise fault
    host = config.bind.strip("[]")
    return Listening(host, config.port, config.tls_cert, config.tls_key, config.trusted_proxies)


def faults(config: Config) -> Iterator[Refusal]:
    """Yield each reason not to listen there."""
    for check in (_check_tls, _check_reach):
        try:
            check(config)
        except (InvalidInput, Conflict) as fault:
            yield fault


def _check_reach(config: Config) -> None:
    if not (is_loopback(config.bind.strip("[]")) or config.tls_cert or config.tls_key or config.trusted_proxies):
        raise Conflict(
            f"{config.bind} can be reached from other machines, and without TLS everybody on the way reads along. "
            "Set TOCSIN_TLS_CERT and TOCSIN_TLS_KEY, or TOCSIN_TRUSTED_PROXIES when a reverse proxy stands in front, "
            "or leave TOCSIN_BIND at 127.0.0.1."
        )


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        raise InvalidInput(
            f"{host!r} is not an address.", where="TOCSIN_BIND", remedy="Write 127.0.0.1, 0.0.0.0 or ::."
        ) from None


def check_free(where: Listening) -> None:
    """Refuse with Unavailable when something else listens there already."""
    family = socket.AF_INET6 if ":" in where.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((where.host, where.port))
        except OSError as error:
            message = (
                f"{where.bind} cannot be listened on ({error.strerror}). Choose another with TOCSIN_PORT or --port."
            )
            raise Unavailable(message) from error


def _check_tls(config: Config) -> None:
    if (config.tls_cert is None) != (config.tls_key is None):
        raise InvalidInput("TOCSIN_TLS_CERT and TOCSIN_TLS_KEY belong together; set both or neither.")
    if config.tls_cert is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(config.tls_cert, config.tls_key)
    except (OSError, ssl.SSLError) as error:
        message = f"the certificate and its key cannot be used ({error})."
        raise InvalidInput(message, where="TOCSIN_TLS_CERT", remedy="Both must be readable PEM files.") from error
