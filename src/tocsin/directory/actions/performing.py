"""Bringing about what a member asked for, by the actions that staff have."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from tocsin.audit.actors import Actor
from tocsin.directory.actions.claims import add_claim, end_claim
from tocsin.directory.actions.constituents import change_constituent
from tocsin.directory.actions.contacts import add_contact, change_contact
from tocsin.directory.choices import ChangeKind
from tocsin.directory.models import ChangeRequest
from tocsin.directory.wishes import Wish
from tocsin.kernel.clock import Instant


def perform(wish: Wish, request: ChangeRequest, *, is_confirmed: bool = False, by: Actor, at: Instant) -> None:
    """Do it, in the turn of the action that decides. `is_confirmed` says of a new claim that `by` has checked it."""
    facts: dict[str, Any] = dict(wish.facts)
    if wish.kind == ChangeKind.CLAIM:
        source = _("Asked for by {name}, request {number}").format(name=str(request.asked_by)[:120], number=request.pk)
        add_claim(wish.constituent, **facts, source=source, is_confirmed=is_confirmed, by=by, at=at)
    elif wish.kind == ChangeKind.END_OF_CLAIM:
        assert wish.claim is not None  # noqa: S101  the database sees to it
        end_claim(wish.claim, **facts, reason=wish.reason, by=by, at=at)
    elif wish.kind == ChangeKind.NEW_CONTACT:
        add_contact(wish.constituent, **facts, by=by, at=at)
    elif wish.kind == ChangeKind.CONTACT:
        assert wish.contact is not None  # noqa: S101  the database sees to it
        change_contact(wish.contact, **facts, by=by, at=at)
    else:
        change_constituent(wish.constituent, **facts, by=by, at=at)
