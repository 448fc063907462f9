"""A member of a constituent asks for a change of its entry; where the member administers it, much is done at once."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from tocsin.audit.action import action
from tocsin.directory import queries, wishes
from tocsin.directory.actions.performing import perform
from tocsin.directory.actions.rows import read_again
from tocsin.directory.choices import ChangeState
from tocsin.directory.events import ChangeAsked
from tocsin.directory.models import ChangeRequest
from tocsin.directory.wishes import Wish
from tocsin.kernel.clock import Instant, day_of
from tocsin.kernel.refusals import Conflict, NotPermitted, Refusal, refuse
from tocsin.people import policy
from tocsin.people.models import Person

MOST_WAITING, MOST_OF_ONE = 50, 10
"""Requests of one constituent, and of one person for it, that wait at one time: the list of work is for people."""


@action("change.asked")
def ask_for_change(wish: Wish, *, by: Person, at: Instant) -> ChangeAsked:
    """Ask for a change of the entry of a constituent that `by` belongs to.

    It waits for the team. What the word of somebody who administers the entry is enough for is done in the same turn.
    """
    require_own(by, wish)
    for row in filter(None, (wish.constituent, wish.claim, wish.contact)):
        read_again(row)
    refuse([*wishes.mistakes_of(wish), *wishes.mistakes_of_key(wish, at)])
    wish = wishes.in_order(wish)
    today, administers = day_of(at), queries.can_edit(by, wish.constituent)
    is_at_once = wishes.takes_effect_at_once(wish, administers=administers, today=today)
    request = _request(wish, by, at)
    if is_at_once:
        request.state, request.is_at_once = ChangeState.APPROVED, True
        request.decided_at, request.decided_by = at, by.audit_label
    else:
        refuse(_of_waiting(request))
    request.save()
    if is_at_once:
        perform(wish, request, by=by, at=at)
    return ChangeAsked(
        constituent=wish.constituent.public_id,
        request=request.pk,
        kind=wish.kind.value,
        about=wish.about,
        facts=request.facts,
        reason=wish.reason,
        is_at_once=is_at_once,
    )


def require_own(by: Person, wish: Wish) -> None:
    """Refuse who does not belong to the constituent now, and a claim or contact of another one."""
    is_own = queries.constituents_of(by).filter(pk=wish.constituent.pk).exists()
    things = [each for each in (wish.claim, wish.contact) if each is not None]
    if not is_own or any(each.constituent_id != wish.constituent.pk for each in things):
        raise NotPermitted(f"{policy.REFUSED[policy.Ability.EDIT_OWN]}")


def _request(wish: Wish, by: Person, at: Instant) -> ChangeRequest:
    return ChangeRequest(
        constituent=wish.constituent,
        kind=wish.kind,
        claim=wish.claim,
        contact=wish.contact,
        facts=wishes.as_stored(wish.facts),
        before=wishes.before(wish),
        reason=wish.reason,
        asked_by=by,
        asked_at=at,
    )


def _of_waiting(request: ChangeRequest) -> Iterator[Refusal]:
    """Yield why a request is not added to those that wait."""
    waiting = list(ChangeRequest.objects.filter(constituent=request.constituent, state=ChangeState.WAITS))
    own = [each for each in waiting if each.asked_by_id == request.asked_by_id]
    same = ("kind", "claim_id", "contact_id", "facts")
    if any(all(getattr(each, name) == getattr(request, name) for name in same) for each in waiting):
        yield Conflict(_("This was asked for already, and waits for the team."))
    elif any(wishes.is_about(each) & wishes.is_about(request) for each in own):
        words = _("You have asked for another change of the same, and it waits for the team. Take that back first.")
        yield Conflict(words)
    elif len(own) >= MOST_OF_ONE:
        words = _("{number} requests of yours wait for the team already. Take back what is no longer wanted, or wait.")
        yield Conflict(words.format(number=len(own)))
    elif len(waiting) >= MOST_WAITING:
        words = _("{number} requests wait for the team already. Take back what is no longer wanted, or wait.")
        yield Conflict(words.format(number=len(waiting)))
