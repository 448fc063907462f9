"""The bytes of a message as it leaves: made anew where its room asks for that, and then fixed.

From the first try that may have reached the other side every try sends the same; what was certainly not taken is looked
at once more.
"""

from __future__ import annotations

from typing import Any

from tocsin.courier import actions, claiming, composing, outbox
from tocsin.courier.anew import NothingLeft, look_of
from tocsin.courier.composing import Mail
from tocsin.courier.models import OutgoingMessage
from tocsin.kernel.clock import Instant


def is_loose(message: OutgoingMessage) -> bool:
    """Say whether a message is looked at anew before it is tried."""
    return message.fixed_at is None and look_of(message.reference_room) is not None


def made_ready(message: OutgoingMessage, *, at: Instant) -> bool:
    """Make a message in hand ready to leave; False when it does not: nothing is left to say, or another has it.

    Raises the refusals of its room, and of composing.
    """
    look = look_of(message.reference_room)
    if look is None or not is_loose(message):
        return True
    anew = look(message, at)
    if isinstance(anew, NothingLeft):
        actions.drop_message(message, why=anew.why, by=actions.OUTBOX, at=at)
        return False
    return claiming.fix(message, _made(anew, message.key, at), at=at)


def _made(anew: Mail | dict[str, Any], key: str, at: Instant) -> dict[str, Any]:
    """Return the columns of a message that say what leaves."""
    if isinstance(anew, Mail):
        mail = composing.compose(anew, key=key, at=at)
        return {
            "content": mail.content, "subject": mail.subject[:300], "protection": mail.protection, "tlp": anew.tlp,
        }  # fmt: skip
    return {"content": outbox.posted(anew)}
