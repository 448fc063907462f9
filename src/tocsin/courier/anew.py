"""Who looks anew at messages of a room right before they leave, so that they say what is so then.

Every process registers; what is done is loaded when it is done.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from tocsin.courier.models import OutgoingMessage
from tocsin.kernel.clock import Instant

if TYPE_CHECKING:
    from tocsin.courier.composing import Mail


@dataclasses.dataclass(frozen=True)
class NothingLeft:
    """There is nothing to be said any more."""

    why: str


Anew: TypeAlias = "Mail | dict[str, Any] | NothingLeft"
"""A mail, the body of a posting, or that there is none."""
Look: TypeAlias = Callable[[OutgoingMessage, Instant], Anew]
_looks: dict[str, Look] = {}


def looked_at_by(room: str, look: Look) -> None:
    """Have the messages of a room looked at anew before their first try.

    The function is asked once more as long as no try can have reached the other side. It may raise a refusal: then the
    message is put off. It may be asked for the same message twice, and changes nothing the second time.
    """
    _looks[room] = look


def look_of(room: str) -> Look | None:
    """Return who looks at messages of a room; None where their bytes stay as they were queued."""
    return _looks.get(room)
