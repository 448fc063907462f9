"""The fingerprint of an OpenPGP public key, and nothing else about it.

Enough to print on a contact and compare over the telephone; no signature is
checked here. Source: RFC 9580, sections 4.2 (packets), 5.5.4 (fingerprints) and
6.2 (armour).
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import re

from django.utils.translation import gettext as _

_BEGIN = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
_END = "-----END PGP PUBLIC KEY BLOCK-----"
_CHECKSUM = re.compile(r"=[A-Za-z0-9+/]{4}")
_PUBLIC_KEY = 6


class NotAPublicKey(ValueError):
    """The text holds no armoured OpenPGP public key."""


def fingerprint(armoured: str) -> str:
    """Return the primary key's fingerprint in upper-case hexadecimal. Raises NotAPublicKey with a sentence."""
    if "PRIVATE KEY BLOCK" in armoured:
        raise NotAPublicKey(_("This is a private key. Never send it to anybody; export the public key instead."))
    body = _body(armoured)
    if not body:
        raise NotAPublicKey(_("This is not an armoured OpenPGP public key (-----BEGIN PGP PUBLIC KEY BLOCK-----)."))
    try:
        packets = base64.b64decode(body, validate=True)
    except ValueError:
        raise NotAPublicKey(_("The OpenPGP key is damaged: its text is not base64.")) from None
    return _of_key(_first_packet(packets))


def _body(armoured: str) -> str:
    """Return the base64 between the first pair of armour lines, without headers and checksum; empty for none."""
    # Searched, not matched: whoever sends the text must not choose how long a pattern tries.
    begin = armoured.find(_BEGIN)
    end = armoured.find(_END, begin + 1)
    if begin < 0 or end < 0:
        return ""
    lines = armoured[begin + len(_BEGIN) : end].splitlines()[1:]
    words = ["".join(line.split()) for line in itertools.dropwhile(lambda line: ": " in line, lines)]
    body = [word for word in words if word]
    return "".join(body[:-1] if body and _CHECKSUM.fullmatch(body[-1]) else body)


def _first_packet(packets: bytes) -> bytes:
    """Return the body of the first packet, which must be a public key."""
    damaged = NotAPublicKey(_("The OpenPGP key is damaged: its first packet is no public key."))
    if len(packets) < 6 or not packets[0] & 0x80:
        raise damaged
    if packets[0] & 0x40:
        tag, (start, length) = packets[0] & 0x3F, _new_length(packets)
    else:
        octets = {0: 1, 1: 2, 2: 4}.get(packets[0] & 3, 0)
        tag, start = packets[0] >> 2 & 0x0F, 1 + octets
        length = int.from_bytes(packets[1:start], "big")
    body = packets[start : start + length]
    if tag != _PUBLIC_KEY or not body or len(body) != length:
        raise damaged
    return body


def _new_length(packets: bytes) -> tuple[int, int]:
    first = packets[1]
    if first < 192:
        return 2, first
    if first < 224:
        return 3, (first - 192 << 8) + packets[2] + 192
    return 6, int.from_bytes(packets[2:6], "big")


def _of_key(body: bytes) -> str:
    version = body[0]
    if version == 4:
        octets = b"\x99" + len(body).to_bytes(2, "big") + body
        return hashlib.sha1(octets, usedforsecurity=False).hexdigest().upper()
    if version in (5, 6):
        octets = (b"\x9a" if version == 5 else b"\x9b") + len(body).to_bytes(4, "big") + body
        return hashlib.sha256(octets).hexdigest().upper()
    raise NotAPublicKey(
        _("The OpenPGP key is of version {version}; versions 4 and 6 are in use.").format(version=version)
    )
