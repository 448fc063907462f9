"""PGP/MIME: a content with its describing lines in, the same signed or encrypted out. Source: RFC 3156.

What is signed are the very bytes that are sent; nothing between here and the mail server may write them anew.
"""

from __future__ import annotations

import dataclasses

import pysequoia

from tocsin.courier import openpgp, team_key, tokens
from tocsin.kernel.clock import Instant

SIGNED, ENCRYPTED, BOTH = "signed", "encrypted", "both"
_LINE = b"\r\n"


@dataclasses.dataclass(frozen=True)
class Sealed:
    """A content as it is sent."""

    entity: bytes
    how: str
    """`signed`, `encrypted`, `both`, or empty."""


def seal(entity: bytes, *, sign: bool, to: str, at: Instant) -> Sealed:
    """Return a content encrypted to a key when there is one, signed when that is wanted or the team has a key.

    Raises Unavailable when a signature is wanted and the team has no key.
    """
    if to:
        signer = team_key.signer() if sign or team_key.exists() else None
        return Sealed(_encrypted(openpgp.encrypt(entity, to, at=at, signer=signer)), BOTH if signer else ENCRYPTED)
    return Sealed(_signed(entity), SIGNED) if sign else Sealed(entity, "")


def _signed(entity: bytes) -> bytes:
    """Return `multipart/signed` of a content and its signature."""
    mode = pysequoia.SignatureMode.DETACHED
    signature = bytes(pysequoia.sign(team_key.signer(), entity, mode=mode))
    algorithm = str(pysequoia.Sig.from_bytes(signature).hash_algorithm).rpartition(".")[2].lower()
    beside = [
        b'Content-Type: application/pgp-signature; name="signature.asc"',
        b"Content-Description: OpenPGP digital signature",
        b'Content-Disposition: attachment; filename="signature.asc"',
    ]
    kind = f'multipart/signed; micalg="pgp-{algorithm}"; protocol="application/pgp-signature"'
    return _parts(kind, entity, _part(beside, signature))


def _encrypted(message: bytes) -> bytes:
    """Return `multipart/encrypted` of an encrypted message."""
    version = _part([b"Content-Type: application/pgp-encrypted"], b"Version: 1\n")
    beside = [
        b'Content-Type: application/octet-stream; name="encrypted.asc"',
        b'Content-Disposition: inline; filename="encrypted.asc"',
    ]
    return _parts('multipart/encrypted; protocol="application/pgp-encrypted"', version, _part(beside, message))


def _part(head: list[bytes], armoured: bytes) -> bytes:
    lines = armoured.replace(_LINE, b"\n").strip(b"\n").split(b"\n")
    return _LINE.join([*head, b"", *lines, b""])


def _parts(kind: str, *parts: bytes) -> bytes:
    boundary = f"sealed-{tokens.new_key()}".encode()
    head = b"Content-Type: " + kind.replace("; ", ";\r\n ").encode() + b';\r\n boundary="' + boundary + b'"'
    body = b"".join(_LINE + b"--" + boundary + _LINE + part for part in parts)
    return head + _LINE + body + _LINE + b"--" + boundary + b"--" + _LINE
