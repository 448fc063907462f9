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


class Refusal(Exception):
    """Base of everything refused with a sentence."""


class InvalidInput(Refusal):
    """Something given is wrong."""

    def __init__(self, problem: str, *, where: str = "", remedy: str = "") -> None:
        self.problem, self.where, self.remedy = problem, where, remedy
        super().__init__(" ".join(part for part in (f"{where}:" if where else "", problem, remedy) if part))


class NotPermitted(Refusal):
    """The actor may not do this."""


class Conflict(Refusal):
    """The state of things does not allow it now."""


class Busy(Refusal):
    """Somebody else is doing it; trying later helps."""


class Unavailable(Refusal):
    """Something that is needed is not there."""
