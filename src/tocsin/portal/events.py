"""What has happened in the room."""

from __future__ import annotations

import dataclasses

from tocsin.kernel.events import Event


@dataclasses.dataclass(frozen=True, kw_only=True)
class FindingsAnnounced(Event):
    """Webhooks are told what an import brought their organisations."""

    run: int
    webhooks: tuple[str, ...]
    """Their keys."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class NoticeAnnounced(Event):
    """Webhooks are told that their organisation was sent a notice."""

    notice: str
    constituent: str
    webhooks: tuple[str, ...]
