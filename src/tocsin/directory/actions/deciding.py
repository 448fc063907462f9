"""What comes of what a member asked for: done or refused by the team, taken back, overtaken by what others did.

Each happens at most once: an action has its turn alone, and reads the request again before it decides.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.audit.changes import change
from tocsin.directory import letters, mistakes, queries, wishes
from tocsin.directory.actions.performing import perform
from tocsin.directory.actions.permitting import permit_team
from tocsin.directory.actions.rows import read_again
from tocsin.directory.choices import ChangeState
from tocsin.directory.events import ChangeDecided, ChangeTakenBack
from tocsin.directory.models import ChangeRequest
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Conflict, InvalidInput, NotPermitted, refuse
from tocsin.people import policy
from tocsin.people.models import Person

LONGEST_ANSWER = 2_000


@action("change.approved")
def approve_change(
    request: ChangeRequest, *, is_confirmed: bool = False, answer: str = "", by: Actor, at: Instant
) -> ChangeDecided:
    """Do what was asked for, as if `by` had typed it, and tell the member.

    `is_confirmed` says of a new claim that `by` has checked it. Refused for what staff may not enter either, and for
    what has changed since it was asked.
    """
    _must_wait(request)
    permit_team(by)
    _refuse_unreadable(answer)
    if wishes.is_outdated(request):
        raise Conflict(_("What it was to change has changed meanwhile. Refuse it with a word on how it is now."))
    wish = wishes.wish_of(request)
    refuse(wishes.mistakes_of(wish))
    perform(wish, request, is_confirmed=is_confirmed, by=by, at=at)
    return _decided(request, ChangeState.APPROVED, answer, by, at)


@action("change.refused")
def refuse_change(request: ChangeRequest, *, answer: str, by: Actor, at: Instant) -> ChangeDecided:
    """Refuse what was asked for, with a reason that the member reads."""
    _must_wait(request)
    permit_team(by)
    if not answer.strip():
        raise InvalidInput(_("Say why: the member reads it."), where="answer")
    _refuse_unreadable(answer)
    return _decided(request, ChangeState.REFUSED, answer, by, at)


@action("change.outdated")
def outdate_change(request: ChangeRequest, *, by: Actor, at: Instant) -> ChangeDecided:
    """Note that what was to be changed has changed meanwhile. Raises Conflict when it has not."""
    _must_wait(request)
    if not wishes.is_outdated(request):
        raise Conflict(_("What it is to change is as it was."))
    return _decided(request, ChangeState.OUTDATED, "", by, at)


@action("change.taken_back")
def take_back_change(request: ChangeRequest, *, by: Person, at: Instant) -> ChangeTakenBack:
    """Take back what was asked for: who asked, or who administers the entry."""
    _must_wait(request)
    if not queries.may_take_back(by, request):
        raise NotPermitted(f"{policy.REFUSED[policy.Ability.EDIT_OWN]}")
    about = wishes.wish_of(request).about
    change(request, state=ChangeState.TAKEN_BACK, decided_by=by.audit_label, decided_at=at)
    return ChangeTakenBack(
        constituent=request.constituent.public_id, request=request.pk, kind=request.kind, about=about
    )


def _must_wait(request: ChangeRequest) -> None:
    """Read a request as it is now. Raises Conflict when somebody was faster."""
    read_again(request)
    for row in filter(None, (request.constituent, request.claim, request.contact)):
        read_again(row)
    if not request.waits:
        raise Conflict(_("This is decided already."))


def _refuse_unreadable(answer: str) -> None:
    refuse(mistakes.of_texts({"answer": answer}, lines=("answer",)))
    if len(answer) > LONGEST_ANSWER:
        words = _("It has {number} characters; {most} are the most.")
        raise InvalidInput(words.format(number=len(answer), most=LONGEST_ANSWER), where="answer")


def _decided(request: ChangeRequest, state: ChangeState, answer: str, by: Actor, at: Instant) -> ChangeDecided:
    about = wishes.wish_of(request).about
    change(request, state=state, answer=answer.strip(), decided_by=by.audit_label, decided_at=at)
    return ChangeDecided(
        constituent=request.constituent.public_id,
        request=request.pk,
        kind=request.kind,
        about=about,
        answer=request.answer,
        message=letters.put_letter(request, at=at),
    )
