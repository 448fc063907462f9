"""Tables of the room."""

from __future__ import annotations

from tocsin.courier.incoming.received import ReceivedMessage

__all__ = ["ReceivedMessage"]
