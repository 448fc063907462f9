"""The team's own OpenPGP key: signs what goes out, and is what others encrypt to.

It lies in the data directory, readable by its owner only, without a passphrase: the worker signs while nobody is
there. A key that is replaced is kept beside it, for what was encrypted to it.
"""

from __future__ import annotations

from pathlib import Path

import pysequoia
from django.conf import settings
from django.utils.translation import gettext as _

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.courier.events import TeamKeyChanged
from tocsin.kernel import durable
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Conflict, InvalidInput, Unavailable

LASTS_S = 5 * 365 * 86_400
LARGEST_BYTES = 1_000_000
_SAMPLE = b"a sample"


def path() -> Path:
    """Return where the key lies."""
    home: Path = settings.TOCSIN.home
    return home / "keys" / "openpgp.key"


def exists() -> bool:
    """Say whether the team has a key."""
    return path().is_file()


def signer() -> pysequoia.PySigner:
    """Return what signs with the team's key. Raises Unavailable."""
    return _key().signer()


def public() -> str:
    """Return the public part, armoured, to be given to everybody. Raises Unavailable."""
    return str(_key().extract_certificate())


def fingerprint() -> str:
    """Return the fingerprint in upper-case hexadecimal; empty when there is no key."""
    return str(_key().extract_certificate().fingerprint).upper() if exists() else ""


def _key() -> pysequoia.Tsk:
    try:
        return pysequoia.Tsk.from_bytes(path().read_bytes())
    except FileNotFoundError:
        raise Unavailable(_("The team has no OpenPGP key. Run: tocsin mail key make")) from None
    except (OSError, RuntimeError) as error:
        raise Unavailable(_("The team's OpenPGP key cannot be read: {path}").format(path=path())) from error


def made(name: str, address: str) -> bytes:
    """Return a new key of the team."""
    return str(pysequoia.Tsk.generate(user_id=f"{name} <{address}>", validity_seconds=LASTS_S)).encode()


def checked(content: bytes) -> bytes:
    """Return a private key that somebody brings. Raises InvalidInput for one that cannot sign without a passphrase."""
    try:
        if len(content) > LARGEST_BYTES:
            raise RuntimeError
        key = pysequoia.Tsk.from_bytes(content)
    except (RuntimeError, ValueError):
        raise InvalidInput(_("This is no OpenPGP private key."), where="key") from None
    try:
        pysequoia.sign(key.signer(), _SAMPLE)
    except RuntimeError:
        words = _("This key cannot sign: it has no part that signs, or is protected by a passphrase.")
        remedy = _("Take the passphrase off a copy, and import that.")
        raise InvalidInput(words, where="key", remedy=remedy) from None
    return str(key).encode()


@action("team_key.changed")
def take_into_use(content: bytes, *, replace: bool, by: Actor, at: Instant) -> TeamKeyChanged:
    """Sign with a key from now on. Raises Conflict when there is one, unless it is to be replaced."""
    before = fingerprint()
    if before and not replace:
        raise Conflict(_("The team has the key {fingerprint} already.").format(fingerprint=before))
    place = path()
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = place.with_suffix(".tmp")
    beside.touch(mode=0o600)
    durable.write(beside, content)
    if before:
        place.replace(place.with_name(f"openpgp-{before}.key"))
    beside.replace(place)
    durable.sync(place.parent)
    return TeamKeyChanged(fingerprint=fingerprint(), before=before)
