"""All that is to be known of a message at once, and how it goes from the process that reads it to the one that asks.

Reading is done by a process of its own, which may be ended: what it finds out
is told as JSON, and the other side takes nothing but what has this form.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from typing import Any

from tocsin.formats import strict_json
from tocsin.formats.mail.automatic import is_automatic
from tocsin.formats.mail.bounces import read_bounce
from tocsin.formats.mail.message import Attachment, Bounce, Cap, Mail, Outcome
from tocsin.formats.mail.reading import read_message

MOST_TOLD_BYTES = 16_000_000
_DEPTH = 8


@dataclasses.dataclass(frozen=True)
class Understood:
    """What a message says, and what it is."""

    mail: Mail
    is_automatic: bool
    bounce: Bounce | None


def understand(raw: bytes, *, envelope_sender: str = "") -> Understood:
    """Return all that is to be known of a message."""
    mail = read_message(raw)
    return Understood(mail, is_automatic(mail, envelope_sender=envelope_sender), read_bounce(mail))


def told(understood: Understood) -> bytes:
    """Return it as JSON."""
    data = dataclasses.asdict(understood)
    data["mail"]["sent_at"] = understood.mail.sent_at.isoformat() if understood.mail.sent_at else None
    return json.dumps(data).encode("ascii")


def heard(data: bytes) -> Understood:
    """Return what `told` has written. Raises InvalidInput, ValueError, TypeError or KeyError for anything else."""
    given: dict[str, Any] = strict_json.read(data, where="mail", max_bytes=MOST_TOLD_BYTES, max_depth=_DEPTH)
    mail, bounce = given["mail"], given["bounce"]
    return Understood(
        mail=Mail(
            **{
                **mail,
                "sent_at": dt.datetime.fromisoformat(mail["sent_at"]) if mail["sent_at"] else None,
                "addressed_to": tuple(mail["addressed_to"]),
                "references": tuple(mail["references"]),
                "headers": _pairs(mail["headers"]),
                "attachments": tuple(Attachment(**each) for each in mail["attachments"]),
                "over": tuple(map(Cap, mail["over"])),
                "defects": tuple(mail["defects"]),
                "report": tuple(map(_pairs, mail["report"])),
                "returned": _pairs(mail["returned"]),
            }
        ),
        is_automatic=bool(given["is_automatic"]),
        bounce=Bounce(**{**bounce, "outcome": Outcome(bounce["outcome"])}) if bounce else None,
    )


def _pairs(given: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in given)
