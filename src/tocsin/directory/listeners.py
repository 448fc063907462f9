"""What the room does when its own things change: requests are set aside whose thing is no longer as it was.

Every command and process registers listeners; what they do is loaded when it is done. Should a process die before, the
request waits on: it cannot be approved, and its page says why.
"""

from __future__ import annotations

from collections.abc import Iterable

from tocsin.audit.listening import listens_to
from tocsin.directory.events import (
    ClaimsChanged,
    ConflictSettled,
    ConstituentChanged,
    ContactChanged,
    DirectoryImported,
)
from tocsin.kernel import clock
from tocsin.kernel.events import Event

CHANGES: tuple[type[Event], ...] = (
    ClaimsChanged, ConflictSettled, ConstituentChanged, ContactChanged, DirectoryImported,
)  # fmt: skip


def entry_changed(event: Event) -> None:
    """Set aside what members asked for of things that have changed."""
    from tocsin.directory import outdating

    outdating.set_aside(_concerned(event), at=clock.now())


def _concerned(event: Event) -> Iterable[str]:
    if isinstance(event, ClaimsChanged | ConflictSettled):
        return event.constituents
    if isinstance(event, DirectoryImported):
        return event.changed
    return [str(event.as_data()["constituent"])]


for _kind in CHANGES:
    listens_to(_kind)(entry_changed)
