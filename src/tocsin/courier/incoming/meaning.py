"""What a received message means to us: decided by the tokens in the addresses it came to, never by what it says.

Pure but for the secret that tokens are signed with. Whoever quotes a subject, a
Message-ID or a reference proves nothing.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable

from tocsin.courier import tokens
from tocsin.courier.incoming.choices import Kind
from tocsin.formats.mail.message import Outcome
from tocsin.formats.mail.understanding import Understood

_TO_US = re.compile(r"(bounces|reply)\+([a-z0-9]{1,40})@", re.IGNORECASE)
_KINDS = {"bounces": "bounce", "reply": "reply"}
"""What stands before the token in an address, and what kind of token it is."""
GIVEN_UP = frozenset({Outcome.PERMANENT, Outcome.TRANSIENT})


@dataclasses.dataclass(frozen=True)
class Proof:
    """A token of ours in an address."""

    token: str = ""
    """`bounce` or `reply`; empty where there is none."""
    key: str = ""


NONE = Proof()


def proof_in(addresses: Iterable[str]) -> Proof:
    """Return the first token that we made; NONE when there is none."""
    for address in addresses:
        for word, token in _TO_US.findall(address):
            kind = _KINDS[word.lower()]
            if key := tokens.read(kind, token):
                return Proof(kind, key)
    return NONE


def kind_of(understood: Understood, proof: Proof) -> Kind:
    """Return what a message is.

    A bounce counts only when it came to the address that the message of ours
    was sent from; what a person writes to either address is a reply.
    """
    bounce = understood.bounce
    if bounce and bounce.outcome in GIVEN_UP and proof.token == "bounce":  # noqa: S105  # a kind, no secret
        return Kind.BOUNCE
    if bounce or understood.is_automatic:
        return Kind.AUTOMATIC
    return Kind.REPLY if proof.key else Kind.UNKNOWN


def kind_unread(proof: Proof) -> Kind:
    """Return what a message is taken for that nobody could read: what somebody has to look at."""
    return Kind.REPLY if proof.token == "reply" else Kind.UNKNOWN  # noqa: S105  # a kind, no secret
