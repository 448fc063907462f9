"""What is wrong with the machine when a job fails, and not with the job: the database is away, the disk is full.

Rooms below do not know these errors; whoever runs the instance does, and says of each what to tell people.
"""

from __future__ import annotations

from collections.abc import Callable

Tell = Callable[[BaseException], str | None]
_told_by: list[Tell] = []


def told_by(tell: Tell) -> None:
    """Let it be known who says of an error what is wrong with the machine; None of any other error."""
    _told_by.append(tell)


def sentence(error: BaseException) -> str:
    """Return what is wrong with the machine that an error comes from; empty when it comes from the software."""
    return next(filter(None, (tell(error) for tell in _told_by)), "")
