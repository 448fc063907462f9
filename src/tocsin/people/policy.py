"""Who may do what: the one place that says so. What is not written here is not allowed."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Protocol

from django.utils.translation import gettext_lazy as _

from tocsin.kernel.refusals import NotPermitted
from tocsin.people.choices import Role

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise


class Ability(enum.StrEnum):
    """What a page, an address or an action may need."""

    VIEW_SITUATION = "view the situation"
    VIEW_FINDINGS = "view findings"
    WORK_ON_FINDINGS = "work on findings"
    VIEW_RECEIVED_MAIL = "view mail received"
    WORK_ON_RECEIVED_MAIL = "work on mail received"
    VIEW_DIRECTORY = "view the directory"
    EDIT_DIRECTORY = "edit the directory"
    VIEW_FEEDS = "view feeds and runs"
    RUN_FEEDS = "import feeds and withdraw runs"
    MANAGE_PEOPLE = "open and close accounts"
    READ_AUDIT = "read the audit trail"


_WORK = frozenset(
    {
        Ability.VIEW_SITUATION,
        Ability.VIEW_FINDINGS,
        Ability.WORK_ON_FINDINGS,
        Ability.VIEW_RECEIVED_MAIL,
        Ability.WORK_ON_RECEIVED_MAIL,
        Ability.VIEW_DIRECTORY,
        Ability.EDIT_DIRECTORY,
        Ability.VIEW_FEEDS,
        Ability.RUN_FEEDS,
    }
)
_ABILITIES: dict[str, frozenset[Ability]] = {
    Role.NATIONAL_ADMINISTRATOR: frozenset(Ability),
    Role.HEAD_OF_TEAM: _WORK | {Ability.READ_AUDIT, Ability.MANAGE_PEOPLE},
    Role.ANALYST: _WORK,
    Role.AUDITOR: frozenset(
        {Ability.VIEW_SITUATION, Ability.VIEW_FINDINGS, Ability.VIEW_DIRECTORY, Ability.VIEW_FEEDS, Ability.READ_AUDIT}
    ),
    Role.OBSERVER: frozenset({Ability.VIEW_SITUATION}),
}
"""Constituents' contacts and peers have none of these: their own pages show them what is theirs."""


REFUSED: dict[Ability, StrPromise] = {
    Ability.VIEW_SITUATION: _("This account may not view the situation."),
    Ability.VIEW_FINDINGS: _("This account may not view findings."),
    Ability.WORK_ON_FINDINGS: _("This account may not work on findings."),
    Ability.VIEW_RECEIVED_MAIL: _("This account may not view mail received."),
    Ability.WORK_ON_RECEIVED_MAIL: _("This account may not work on mail received."),
    Ability.VIEW_DIRECTORY: _("This account may not view the directory."),
    Ability.EDIT_DIRECTORY: _("This account may not edit the directory."),
    Ability.VIEW_FEEDS: _("This account may not view feeds and runs."),
    Ability.RUN_FEEDS: _("This account may not import feeds and withdraw runs."),
    Ability.MANAGE_PEOPLE: _("This account may not open and close accounts."),
    Ability.READ_AUDIT: _("This account may not read the audit trail."),
}
"""A whole sentence each: other languages do not put the verb where English does."""
ASK = _("Ask a national administrator for another role.")


class Acting(Protocol):
    """A person, or nobody signed in."""

    @property
    def is_authenticated(self) -> bool:
        """Whether somebody is signed in."""
        ...

    @property
    def is_active(self) -> bool:
        """Whether the account is open."""
        ...


def may(person: Acting | None, ability: Ability) -> bool:
    """Say whether a person may. Nobody, closed accounts and unknown roles may nothing."""
    if person is None or not person.is_authenticated or not person.is_active:
        return False
    return ability in _ABILITIES.get(getattr(person, "role", ""), frozenset())


def require(person: Acting | None, ability: Ability) -> None:
    """Refuse with a sentence when a person may not."""
    if not may(person, ability):
        raise NotPermitted(f"{REFUSED[ability]} {ASK}")
