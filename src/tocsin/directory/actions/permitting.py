"""Whose word an action on an entry takes: the team's, or of who administers it where nobody need approve.

The actions ask, not the pages alone: a page that forgets to ask gives nobody more than this.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tocsin.audit.actors import Actor
from tocsin.directory import queries, rules
from tocsin.directory.choices import ChangeKind
from tocsin.directory.models import Constituent
from tocsin.kernel.clock import Instant, day_of
from tocsin.kernel.refusals import NotPermitted
from tocsin.people import policy
from tocsin.people.models import Person


def permit_team(by: Actor) -> None:
    """Refuse a person who is not of the team, whatever entry the person administers. Parts of the software may."""
    if isinstance(by, Person):
        policy.require(by, policy.Ability.EDIT_DIRECTORY)


def permit_keeper(by: Actor, constituent: Constituent) -> None:
    """Refuse a person who is neither of the team nor administers the entry."""
    if isinstance(by, Person) and not queries.can_edit(by, constituent):
        raise NotPermitted(f"{policy.REFUSED[policy.Ability.EDIT_DIRECTORY]} {policy.ASK}")


def permit_change(
    by: Actor, constituent: Constituent, kind: ChangeKind, facts: Mapping[str, Any], *, at: Instant
) -> None:
    """Refuse a person whose word is not enough for a change of an entry (`rules.needs_no_approval`)."""
    if rules.needs_no_approval(kind, facts, day_of(at)):
        permit_keeper(by, constituent)
    else:
        permit_team(by)
