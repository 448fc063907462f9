"""Networks, autonomous systems and domain suffixes as people write them, in one canonical form.

The registry, the importers and the engine agree on what is the same network
because all of them pass through here.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

MAPPED = 0xFFFF_0000_0000
"""::ffff:0.0.0.0 as a number: where IPv4 stands among addresses of 128 bits (RFC 4291, §2.5.5.2)."""

_LAST_MAPPED = MAPPED | 0xFFFF_FFFF
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z")
_MAPPED_NETWORK = ipaddress.IPv6Network((MAPPED, 96))
DEVIATIONS = frozenset("ß\u03c2\u200c\u200d")
"""ß, final sigma and the joiners: IDNA 2003 wrote them as other letters, IDNA 2008 keeps them (RFC 5894, §7.2)."""
MAX_ASN = 2**32 - 1


def network(text: str) -> Network:
    """Return the network that `text` names; one of IPv4 addresses written as IPv6 (`::ffff:0:0/96`) as IPv4.

    Raises ValueError, with the network that was probably meant, when host bits
    are set, it holds only on one link (`fe80::%eth0/64`), or is no network at all.
    """
    text = text.strip()
    if "%" in text:
        raise ValueError(f"{text!r} holds on one link only. Write a network that others can reach, as 2001:db8::/32.")
    try:
        return _unmapped(ipaddress.ip_network(text))
    except ValueError:
        try:
            meant = ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise ValueError(f"{text!r} is not a network. Write it as 203.0.113.0/24 or 2001:db8::/32.") from None
        raise ValueError(f"{text} is not a whole network. Write it as {meant}.") from None


def _unmapped(found: Network) -> Network:
    if isinstance(found, ipaddress.IPv6Network) and found.subnet_of(_MAPPED_NETWORK):
        low = int(found.network_address) & 0xFFFF_FFFF
        return ipaddress.IPv4Network((low, found.prefixlen - _MAPPED_NETWORK.prefixlen))
    return found


def span(network: Network) -> tuple[int, int]:
    """Return the first and last address of a network as 128-bit numbers; IPv4 in its mapped place."""
    place = MAPPED if network.version == 4 else 0
    return int(network.network_address) | place, int(network.broadcast_address) | place


def spans(network: Network) -> list[tuple[int, int]]:
    """Return the first and last addresses of what a network holds: as `span`, but without the mapped place of IPv4.

    That place lies in ::/64 and wider networks, and nobody who writes those means all of IPv4.
    """
    first, last = span(network)
    if first >= MAPPED or last < _LAST_MAPPED:
        return [(first, last)]
    return [(first, MAPPED - 1)] + ([(_LAST_MAPPED + 1, last)] if last > _LAST_MAPPED else [])


def address_text(number: int) -> str:
    """Return an address of 128 bits as people write it; in the mapped place of IPv4, as IPv4."""
    if number >> 32 == MAPPED >> 32:
        return socket.inet_ntoa((number & 0xFFFF_FFFF).to_bytes(4, "big"))
    return str(ipaddress.IPv6Address(number))


def asn(text: str | int) -> int:
    """Return the number of the autonomous system that `text` names, with or without `AS`. Raises ValueError."""
    word = str(text).strip().upper().removeprefix("AS")
    if not word.isascii() or not word.isdigit() or not 0 < int(word) <= MAX_ASN:
        raise ValueError(f"{text!r} is not an autonomous system number. Write it as 64496 or AS64496.")
    return int(word)


def ascii_name(name: str) -> str:
    """Return a domain name in its ASCII form.

    Raises UnicodeError when it has none, or when IDNA 2003, which Python knows, would make another name of it than
    registries do: `straße.example` must not become `strasse.example`, which is somebody else's.
    """
    if name.isascii():
        return name
    if not DEVIATIONS.isdisjoint(name):
        raise UnicodeError(f"{name!r} has a letter that IDNA 2003 and 2008 write differently")
    return name.encode("idna").decode("ascii")


def suffix(text: str) -> str:
    """Return the domain suffix that `text` names: lower case, in its ASCII form, without dots at the ends.

    Raises ValueError when it is not a domain name.
    """
    name = text.strip().removeprefix("*.").strip(".").lower()
    if not DEVIATIONS.isdisjoint(name):
        raise ValueError(
            f"{text!r} has a letter that is written in two ways. Write its ASCII form, as xn--fa-hia.example."
        )
    try:
        found = ascii_name(name)
    except UnicodeError:
        found = ""
    labels = found.split(".")
    # A number at the end is an address: no such domain exists (RFC 3696, §2).
    if not found or len(found) > 253 or labels[-1].isdigit() or not all(_LABEL.match(label) for label in labels):
        raise ValueError(f"{text!r} is not a domain name. Write it as ministry.example.")
    return found
