"""OpenPGP keys of recipients: their fingerprint, whether they can be encrypted to now, and doing so.

Sequoia reads the keys and does the arithmetic. It encrypts to what has expired as well, so expiry and revocation, of
the key and of each of its parts, are looked at here. Source: RFC 9580, sections 5.2.3 (validity) and 10.1 (parts).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TypeAlias

import pysequoia
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from pysequoia.packet import Packet, PacketPile, SignatureType, Tag

from tocsin.kernel.clock import Instant

AHEAD = dt.timedelta(days=1)
"""By so much the clock of who made a key may be ahead of ours."""
LONGEST = 200_000
"""Characters of a key: more is no key of a person."""
_BEGIN = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
_END = "-----END PGP PUBLIC KEY BLOCK-----"
_KEYS = (Tag.PublicKey, Tag.PublicSubkey)
Part: TypeAlias = list[Packet]
"""A key packet and what follows it, up to the next."""


class NotAPublicKey(ValueError):
    """The text holds no armoured OpenPGP public key."""


def fingerprint(armoured: str) -> str:
    """Return the primary key's fingerprint in upper-case hexadecimal. Raises NotAPublicKey with a sentence."""
    return str(_read(armoured).fingerprint).upper()


def _read(armoured: str) -> pysequoia.Cert:
    """Return the first key that a text holds. Raises NotAPublicKey."""
    if "PRIVATE KEY BLOCK" in armoured:
        raise NotAPublicKey(_("This is a private key. Never send it to anybody; export the public key instead."))
    # Searched, not matched: whoever sends the text must not choose how long a pattern tries.
    begin = armoured.find(_BEGIN)
    end = armoured.find(_END, begin + 1)
    if begin < 0 or end < 0 or len(armoured) > LONGEST:
        raise NotAPublicKey(_("This is not an armoured OpenPGP public key (-----BEGIN PGP PUBLIC KEY BLOCK-----)."))
    try:
        return pysequoia.Cert.split_bytes(armoured[begin : end + len(_END)].encode("utf-8", "replace") + b"\n")[0]
    except (RuntimeError, ValueError, TypeError, IndexError):
        raise NotAPublicKey(_("The OpenPGP key is damaged: it cannot be read.")) from None


def ends_at(armoured: str) -> Instant | None:
    """Return when a key expires; None for one that never does, or that cannot be read."""
    try:
        return _read(armoured).expiration
    except NotAPublicKey:
        return None


def hindrance(armoured: str, *, at: Instant) -> str:
    """Return in a whole sentence why nothing can be encrypted to a key now; empty when it can."""
    try:
        cert = _read(armoured)
    except NotAPublicKey:
        return _("The recipient's OpenPGP key cannot be read, and what must be encrypted is not sent in clear.")
    if cert.is_revoked:
        return _("The recipient's OpenPGP key was revoked, and what must be encrypted is not sent in clear.")
    if cert.expiration is not None and cert.expiration <= at:
        day = formats.date_format(cert.expiration, pgettext("date format", "j M Y"))
        words = _("The recipient's OpenPGP key expired on {day}, and what must be encrypted is not sent in clear.")
        return words.format(day=day)
    if _encrypted(cert, b"", at) is None:
        return _("The recipient's OpenPGP key cannot encrypt now, and what must be encrypted is not sent in clear.")
    return ""


def flaw(armoured: str, *, at: Instant) -> str:
    """Return in a whole sentence why a key that somebody gives serves nobody; empty when it does, or is none at all.

    Said before it is kept: one that can be read, and to which nothing could be encrypted.
    """
    try:
        cert = _read(armoured)
    except NotAPublicKey:
        return ""
    words, day = "", cert.expiration
    made = next(iter(_parts(PacketPile.from_bytes(bytes(cert)))))[0].key_created
    if cert.is_revoked:
        words = _(
            "This OpenPGP key was revoked by its owner: nothing can be encrypted to it. Give the one in its place."
        )
    elif day is not None and day <= at:
        words = _("This OpenPGP key expired on {day}: nothing can be encrypted to it. Give one that is still valid.")
    elif made is not None and made > at + AHEAD:
        day = made
        words = _("This OpenPGP key is valid from {day} on, which has not come yet: check the clock where it was made.")
    elif _encrypted(cert, b"", at) is None:
        words = _(
            "Nothing can be encrypted to this OpenPGP key: it only signs, or its part for encrypting has expired. Give "
            "one that can encrypt."
        )
    return words.format(day=formats.date_format(day, pgettext("date format", "j M Y")) if day else "")


def encrypt(content: bytes, armoured: str, *, at: Instant, signer: pysequoia.PySigner | None = None) -> bytes:
    """Return content encrypted to a key, armoured, and signed within when there is a signer. Raises NotAPublicKey."""
    found = _encrypted(_read(armoured), content, at, signer)
    if found is None:
        raise NotAPublicKey(hindrance(armoured, at=at))
    return found


def _encrypted(
    cert: pysequoia.Cert, content: bytes, at: Instant, signer: pysequoia.PySigner | None = None
) -> bytes | None:
    try:
        alive = pysequoia.Cert.from_packets(list(_alive(cert, at)))
        return bytes(pysequoia.encrypt(content, recipients=[alive], signer=signer))
    except RuntimeError:
        return None


def _alive(cert: pysequoia.Cert, at: Instant) -> Iterator[Packet]:
    """Yield a key without those of its parts that have expired or were revoked."""
    primary, *parts = _parts(PacketPile.from_bytes(bytes(cert)))
    yield from primary
    for part in parts:
        if not _is_revoked(part) and not _has_expired(part, at):
            yield from part


def _parts(packets: PacketPile) -> list[Part]:
    parts: list[Part] = []
    for packet in packets:
        if packet.tag in _KEYS or not parts:
            parts.append([])
        parts[-1].append(packet)
    return parts


def _is_revoked(part: Part) -> bool:
    return any(
        packet.tag == Tag.Signature and packet.signature_type == SignatureType.SubkeyRevocation for packet in part
    )


def _has_expired(part: Part, at: Instant) -> bool:
    """Say whether the newest binding of a part says that it has come to its end."""
    bindings = [packet for packet in part if packet.tag == Tag.Signature and _binds(packet)]
    made = part[0].key_created
    if not bindings or made is None:
        return False  # Sequoia takes no part without a valid binding
    newest = max(bindings, key=lambda packet: packet.signature_created or dt.datetime.min.replace(tzinfo=dt.UTC))
    lasts = newest.key_validity_period
    return lasts is not None and made + lasts <= at


def _binds(packet: Packet) -> bool:
    return packet.signature_type == SignatureType.SubkeyBinding
