"""Who may do what: the one place that says so. What is not written here is not allowed."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Protocol

from django.utils.translation import gettext_lazy as _

from tocsin.kernel.refusals import NotPermitted
from tocsin.kernel.tlp import TLP
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
    VIEW_MAIL = "view what goes out"
    WORK_ON_MAIL = "have messages tried again and dismiss them"
    STOP_MAIL = "stop everything that goes out"
    VIEW_NOTICES = "view notices"
    SEND_NOTICES = "prepare and send notices"
    SET_NOTICE_POLICIES = "say who is told of what"
    HOLD_OUT = "hold organisations out of notices"
    VIEW_EFFECT = "view whether notices help"
    MANAGE_PEOPLE = "open and close accounts"
    READ_AUDIT = "read the audit trail"
    VIEW_OWN = "view what is one's own organisations'"
    EDIT_OWN = "edit one's own organisations"
    ANSWER_OWN = "answer to one's own organisations' findings"


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
        Ability.VIEW_MAIL,
        Ability.WORK_ON_MAIL,
        Ability.VIEW_NOTICES,
        Ability.VIEW_EFFECT,
        Ability.SEND_NOTICES,
    }
)
_ABILITIES: dict[str, frozenset[Ability]] = {
    Role.NATIONAL_ADMINISTRATOR: frozenset(Ability),
    Role.HEAD_OF_TEAM: _WORK
    | {Ability.STOP_MAIL, Ability.READ_AUDIT, Ability.MANAGE_PEOPLE, Ability.SET_NOTICE_POLICIES, Ability.HOLD_OUT},
    Role.ANALYST: _WORK,
    Role.AUDITOR: frozenset(
        {
            Ability.VIEW_SITUATION,
            Ability.VIEW_FINDINGS,
            Ability.VIEW_DIRECTORY,
            Ability.VIEW_FEEDS,
            Ability.VIEW_MAIL,
            Ability.VIEW_NOTICES,
            Ability.VIEW_EFFECT,
            Ability.READ_AUDIT,
        }
    ),
    Role.OBSERVER: frozenset({Ability.VIEW_SITUATION}),
    Role.CONSTITUENT_CONTACT: frozenset({Ability.VIEW_OWN, Ability.EDIT_OWN, Ability.ANSWER_OWN}),
}
"""What is a person's own, `directory` knows: the organisations that the person is a member or an administrator of."""
_CLEARED: dict[str, TLP] = {
    Role.NATIONAL_ADMINISTRATOR: TLP.RED,
    Role.HEAD_OF_TEAM: TLP.RED,
    Role.ANALYST: TLP.RED,
    Role.CONSTITUENT_CONTACT: TLP.AMBER_STRICT,
    Role.PEER: TLP.GREEN,
    Role.AUDITOR: TLP.RED,
    Role.OBSERVER: TLP.AMBER,
}
"""Up to which label each role may see, unless the account says otherwise."""
_GIVES: dict[str, frozenset[str]] = {
    Role.NATIONAL_ADMINISTRATOR: frozenset(Role.values),
    Role.HEAD_OF_TEAM: frozenset(Role.values) - {Role.NATIONAL_ADMINISTRATOR},
    Role.ANALYST: frozenset({Role.CONSTITUENT_CONTACT}),
}
"""Accounts of which roles somebody of a role may open."""


_OF_EVERY_LABEL = frozenset(
    {
        Ability.READ_AUDIT,
        Ability.VIEW_MAIL,
        Ability.WORK_ON_MAIL,
        Ability.VIEW_RECEIVED_MAIL,
        Ability.WORK_ON_RECEIVED_MAIL,
        Ability.VIEW_EFFECT,
    }
)
"""What they open holds things of every label, and things that bear none: they are for those cleared for RED."""


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
    Ability.VIEW_MAIL: _("This account may not view what goes out."),
    Ability.WORK_ON_MAIL: _("This account may not have messages tried again or dismiss them."),
    Ability.STOP_MAIL: _("This account may not stop everything that goes out."),
    Ability.VIEW_NOTICES: _("This account may not view notices."),
    Ability.SEND_NOTICES: _("This account may not prepare and send notices."),
    Ability.SET_NOTICE_POLICIES: _("This account may not say who is told of what."),
    Ability.HOLD_OUT: _("This account may not hold organisations out of notices."),
    Ability.VIEW_EFFECT: _("This account may not view whether notices help."),
    Ability.MANAGE_PEOPLE: _("This account may not open and close accounts."),
    Ability.READ_AUDIT: _("This account may not read the audit trail."),
    Ability.VIEW_OWN: _("This account is no contact of an organisation."),
    Ability.EDIT_OWN: _("This account may not edit the entry of an organisation."),
    Ability.ANSWER_OWN: _("This account may not answer to these findings."),
}
"""A whole sentence each: other languages do not put the verb where English does."""
ALLOWS: dict[Ability, StrPromise] = {
    Ability.VIEW_SITUATION: _("View the situation"),
    Ability.VIEW_FINDINGS: _("View all findings"),
    Ability.WORK_ON_FINDINGS: _("Work on findings"),
    Ability.VIEW_DIRECTORY: _("View the directory"),
    Ability.EDIT_DIRECTORY: _("Edit the directory and add members to organisations"),
    Ability.VIEW_FEEDS: _("View feeds and runs"),
    Ability.RUN_FEEDS: _("Import feeds and withdraw runs"),
    Ability.VIEW_NOTICES: _("View notices"),
    Ability.SEND_NOTICES: _("Prepare and send notices"),
    Ability.SET_NOTICE_POLICIES: _("Say who is told of what"),
    Ability.HOLD_OUT: _("Hold organisations out of notices for a while, to see whether telling helps"),
    Ability.VIEW_EFFECT: _("View whether notices help"),
    Ability.VIEW_MAIL: _("View what goes out"),
    Ability.WORK_ON_MAIL: _("Have messages tried again and dismiss them"),
    Ability.VIEW_RECEIVED_MAIL: _("View mail received"),
    Ability.WORK_ON_RECEIVED_MAIL: _("Work on mail received"),
    Ability.STOP_MAIL: _("Stop everything that goes out"),
    Ability.MANAGE_PEOPLE: _("Open, change and close accounts"),
    Ability.READ_AUDIT: _("Read the audit trail"),
    Ability.VIEW_OWN: _("View what is their own organisations'"),
    Ability.EDIT_OWN: _("Edit the entry of organisations that they administer"),
    Ability.ANSWER_OWN: _("Answer to findings of their own organisations"),
}
"""The same as it stands in a list of what a role may and may not."""
_COVERED_BY = {
    Ability.VIEW_OWN: Ability.VIEW_FINDINGS,
    Ability.EDIT_OWN: Ability.EDIT_DIRECTORY,
    Ability.ANSWER_OWN: Ability.WORK_ON_FINDINGS,
}
"""Who may the wider one needs no word about the narrower."""
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
    if ability in _OF_EVERY_LABEL and not is_cleared(person, TLP.RED):
        return False
    return ability in abilities(getattr(person, "role", ""))


def abilities(role: str) -> frozenset[Ability]:
    """Return what a role may."""
    return _ABILITIES.get(role, frozenset())


def sentences(role: str) -> tuple[list[StrPromise], list[StrPromise]]:
    """Return what a role may and what it may not, for a list of each."""
    has = abilities(role)
    told = [each for each in Ability if _COVERED_BY.get(each) not in has]
    return [ALLOWS[each] for each in told if each in has], [ALLOWS[each] for each in told if each not in has]


def cleared_up_to(person: Acting | None) -> TLP | None:
    """Return the strictest label that a person may see: the account's own, else the role's. None for nobody."""
    if person is None or not person.is_authenticated or not person.is_active:
        return None
    own = getattr(person, "clearance", "")
    return TLP(own) if own else role_cleared_up_to(getattr(person, "role", ""))


def role_cleared_up_to(role: str) -> TLP | None:
    """Return the strictest label that a role is cleared for; None for a role that is not known."""
    return _CLEARED.get(role)


def is_cleared(person: Acting | None, label: TLP | str | None) -> bool:
    """Say whether a person is cleared for what bears a label. What bears none, or an unknown one, counts as RED."""
    try:
        wanted = TLP.read(str(label))
    except ValueError:
        wanted = TLP.RED
    cleared = cleared_up_to(person)
    return cleared is not None and wanted.strictness <= cleared.strictness


def can_view(person: Acting | None, ability: Ability, *, is_own: bool, label: TLP | str | None = None) -> bool:
    """Say whether a person may view a thing: by an ability over all of its kind, or because it is the person's own.

    `is_own` says that it belongs to an organisation of the person. Either way the label must be one that the person
    is cleared for, where the thing bears labels at all; what never bears one is asked for without.
    """
    may_all = may(person, ability)
    need_to_know = may_all or (is_own and may(person, Ability.VIEW_OWN))
    return need_to_know and (label is None or is_cleared(person, label))


def can_edit(person: Acting | None, ability: Ability, *, administers: bool) -> bool:
    """Say whether a person may edit a thing: never because it may be viewed."""
    return may(person, ability) or (administers and may(person, Ability.EDIT_OWN))


def may_give(person: Acting | None, role: str) -> bool:
    """Say whether a person may open accounts of a role."""
    is_acting = person is not None and person.is_authenticated and person.is_active
    return is_acting and role in _GIVES.get(getattr(person, "role", ""), frozenset())


def may_manage(person: Acting | None, other: Acting) -> bool:
    """Say whether a person may change another's account: nobody's that the person could not have opened."""
    return may(person, Ability.MANAGE_PEOPLE) and may_give(person, getattr(other, "role", ""))


def require(person: Acting | None, ability: Ability) -> None:
    """Refuse with a sentence when a person may not."""
    if not may(person, ability):
        raise NotPermitted(f"{REFUSED[ability]} {ASK}")
