"""What the software says when it will not or cannot do what was asked.

Refusal
├── InvalidInput      something given is wrong; says where and what would be right
├── NotPermitted      the actor may see it, but may not do this
├── Conflict          the state of things does not allow it now
├── Busy              somebody else is doing it; trying later helps
└── Unavailable       something needed (disk, service, library) is not there

A refusal's message is one sentence for a person, saying what to do next. The
command line prints it and exits 1; a page shows it in place.
"""

from __future__ import annotations

from collections.abc import Iterable


class Refusal(Exception):
    """Base of everything refused with a sentence."""

    where: str = ""
    """The field that it is about; empty when it is about none, or several."""
    further: tuple[Refusal, ...] = ()
    """What else is wrong with the same attempt, where all of it was looked at."""


class InvalidInput(Refusal):
    """Something given is wrong."""

    def __init__(self, problem: str, *, where: str = "", remedy: str = "") -> None:
        self.problem, self.where, self.remedy = problem, where, remedy
        super().__init__(" ".join(part for part in (f"{where}:" if where else "", problem, remedy) if part))


class NotPermitted(Refusal):
    """The actor may not do this."""


class Conflict(Refusal):
    """The state of things does not allow it now."""

    def __init__(self, *said: object, where: str = "") -> None:
        self.where = where
        super().__init__(*said)


class Busy(Refusal):
    """Somebody else is doing it; trying later helps."""


class Unavailable(Refusal):
    """Something that is needed is not there."""


def refuse(mistakes: Iterable[Refusal]) -> None:
    """Raise the first of the mistakes with the others behind it; nothing when there is none."""
    found = list(mistakes)
    if found:
        found[0].further = tuple(found[1:])
        raise found[0]
