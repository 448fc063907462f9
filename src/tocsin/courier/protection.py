"""Whether a mail goes encrypted or in clear: decided from its label and what is known of the recipient's key.

What is marked AMBER or more strictly never goes in clear silently: with a key it is encrypted; with a key that cannot
be used it is refused, with the reason; without any key it goes, and says so to its reader.
"""

from __future__ import annotations

import dataclasses

from django.utils.translation import gettext as _

from tocsin.courier import openpgp
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Conflict
from tocsin.kernel.tlp import TLP

ENCRYPTED_FROM = TLP.AMBER


@dataclasses.dataclass(frozen=True)
class Decision:
    """How a mail goes."""

    encrypts: bool
    says: str = ""
    """What its reader is told about that, in the language that holds; empty for nothing."""


def decide(tlp: TLP, key: str, *, wants: bool = False, at: Instant) -> Decision:
    """Return how a mail so marked goes to somebody whose armoured key is `key`, empty when none is known.

    `wants` asks for encryption whatever the label. Raises Conflict where it may not go: a key is known and cannot be
    used, or encryption is wanted and there is no key.
    """
    is_strict = tlp.strictness >= ENCRYPTED_FROM.strictness
    if not is_strict and not wants:
        return Decision(encrypts=False)
    if key:
        if problem := openpgp.hindrance(key, at=at):
            raise Conflict(problem, where="openpgp_key")
        return Decision(encrypts=True)
    if wants:
        raise Conflict(_("No OpenPGP key of the recipient is known, and encryption is wanted."), where="openpgp_key")
    words = _(
        "This message was not encrypted, because we have no OpenPGP key of yours. Send us your public key, and we will "
        "encrypt what is marked so."
    )
    return Decision(encrypts=False, says=words)
