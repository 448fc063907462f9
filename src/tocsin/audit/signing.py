"""The instance's own signature under the head of the trail, and the text in which a head is kept elsewhere.

A head says: on this day the trail ended with this row, and the row had this hash. Whoever could change the database
could compute all hashes anew; who holds an older head on paper or in a mailbox sees it. The signed text is plain, and
the key is in the form that OpenSSL reads, so that a head can be checked without this software.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import functools
import os
import re
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tocsin.kernel.refusals import InvalidInput, Unavailable

HEADING = "Tocsin audit head"
LONGEST_TEXT = 10_000
_QUOTED = re.compile(r"^[>|\s]+", re.M)
_HEAD = re.compile(
    r"day:(?P<on>\d{4}-\d\d-\d\d)row:(?P<sequence>\d{1,18})hash:(?P<hash>[0-9a-f]{64})key:(?P<key>[0-9a-f]{64})"
    r"signature:(?P<signature>[a-z0-9+/]{86}==)",
    re.I,
)


@dataclasses.dataclass(frozen=True)
class Head:
    """How long the trail was on a day, and the hash of its last row, signed."""

    on: dt.date
    sequence: int
    hash: str
    key: str
    """The public key, 64 hexadecimal digits."""
    signature: str = ""
    """Base64."""

    @property
    def signed_text(self) -> str:
        """What the signature stands under: these lines, each with its line end."""
        return f"{HEADING}\nday: {self.on}\nrow: {self.sequence}\nhash: {self.hash}\nkey: {self.key}\n"

    @property
    def text(self) -> str:
        """The head as a person mails and prints it."""
        return f"{self.signed_text}signature: {self.signature}\n"

    @functools.cached_property
    def is_signed(self) -> bool:
        """Whether the signature is that of the key, under these very values."""
        try:
            public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.key))
            public.verify(base64.b64decode(self.signature, validate=True), self.signed_text.encode())
        except (ValueError, InvalidSignature):
            return False
        return True


def read_head(text: str) -> Head:
    """Return the head that stands in a text, also where a mailer has quoted it and wrapped its lines.

    Raises InvalidInput. Whether the signature is right is not asked here.
    """
    found = _HEAD.search(re.sub(r"\s", "", _QUOTED.sub("", text[:LONGEST_TEXT])))
    remedy = "Give the whole text, from day to signature, or a file that holds it."
    if found is None:
        raise InvalidInput("this is no head of an audit trail.", where="--head", remedy=remedy)
    try:
        on = dt.date.fromisoformat(found["on"])
    except ValueError:
        raise InvalidInput(f"{found['on']} is no day.", where="--head", remedy=remedy) from None
    return Head(on, int(found["sequence"]), found["hash"].lower(), found["key"].lower(), found["signature"])


def sign(head: Head, path: Path) -> Head:
    """Return a head with the signature of the key in a file. Raises Unavailable."""
    signature = _private_key(path).sign(head.signed_text.encode())
    return dataclasses.replace(head, signature=base64.b64encode(signature).decode())


def make_key(path: Path) -> bool:
    """Make the key in a file that only its owner reads; return False when there is one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(handle, "wb") as file:
        file.write(
            Ed25519PrivateKey.generate().private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        file.flush()
        os.fsync(file.fileno())
    return True


def public_key(path: Path) -> str:
    """Return the public half of the key in a file, 64 hexadecimal digits. Raises Unavailable."""
    return _private_key(path).public_key().public_bytes_raw().hex()


def public_pem(key: str) -> str:
    """Return a public key as OpenSSL reads it."""
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).public_bytes(encoding, form).decode()


def _private_key(path: Path) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except FileNotFoundError as error:
        raise Unavailable(
            f"{path} is not there: heads of the audit trail cannot be signed. Put it back from a backup, or have a "
            "new one made: tocsin upgrade"
        ) from error
    except OSError as error:
        raise Unavailable(f"{path} cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise Unavailable(f"{path} holds no key. Put it back from a backup.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Unavailable(f"{path} holds a key of another kind. Put it back from a backup.")
    return key
