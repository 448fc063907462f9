"""Networks, autonomous systems and domain suffixes as people write them, in one canonical form.

The registry, the importers and the engine agree on what is the same network
because all of them pass through here.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z")
MAX_ASN = 2**32 - 1


def network(text: str) -> Network:
    """Return the network that `text` names.

    Raises ValueError, with the network that was probably meant, when host bits
    are set or it is no network at all.
    """
    text = text.strip()
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        try:
            meant = ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise ValueError(f"{text!r} is not a network. Write it as 203.0.113.0/24 or 2001:db8::/32.") from None
        raise ValueError(f"{text} is not a whole network. Write it as {meant}.") from None


def asn(text: str | int) -> int:
    """Return the number of the autonomous system that `text` names, with or without `AS`. Raises ValueError."""
    word = str(text).strip().upper().removeprefix("AS")
    if not word.isascii() or not word.isdigit() or not 0 < int(word) <= MAX_ASN:
        raise ValueError(f"{text!r} is not an autonomous system number. Write it as 64496 or AS64496.")
    return int(word)


def suffix(text: str) -> str:
    """Return the domain suffix that `text` names: lower case, in its ASCII form, without dots at the ends.

    Raises ValueError when it is not a domain name.
    """
    name = text.strip().removeprefix("*.").strip(".").lower()
    try:
        ascii_name = name if name.isascii() else name.encode("idna").decode("ascii")
    except UnicodeError:
        ascii_name = ""
    labels = ascii_name.split(".")
    if not ascii_name or len(ascii_name) > 253 or not all(_LABEL.match(label) for label in labels):
        raise ValueError(f"{text!r} is not a domain name. Write it as ministry.example.")
    return ascii_name
