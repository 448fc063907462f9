"""Accounts: opened, changed, closed, and by whom that may be done."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.audit.changes import change
from tocsin.courier import mail_addresses
from tocsin.kernel import legible
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Conflict, InvalidInput, NotPermitted
from tocsin.people import events, policy, queries, sessions
from tocsin.people.choices import Clearance, Role
from tocsin.people.models import EnrolmentLink, Person, SignedInSession, normal_email


@action("person.created")
def create_person(*, email: str, name: str, role: str, by: Actor, at: Instant) -> events.PersonCreated:
    """Open an account without password: an enrolment link lets its person choose one."""
    email = normal_email(email)
    try:
        validate_email(email)
    except ValidationError:
        raise InvalidInput(_("{value!r} is not an e-mail address.").format(value=email), where="email") from None
    if role not in Role.values:
        remedy = _("Choose one of these: {roles}.").format(roles=", ".join(Role.values))
        raise InvalidInput(_("{value!r} is no role.").format(value=role), where="role", remedy=remedy)
    _permit_role(by, role)
    _refuse_unfit(email=email, name=name)
    if said := mail_addresses.deceit(email):
        raise InvalidInput(said, where="email")
    if Person.objects.filter(email=email).exists():
        raise Conflict(_("There is an account for {email} already.").format(email=email))
    person = Person(email=email, name=name.strip() or email.partition("@")[0], role=role, created_at=at)
    person.set_unusable_password()
    person.save()
    return events.PersonCreated(person=person.pk, email=email, role=role)


def _refuse_unfit(**given: str) -> None:
    for field, value in given.items():
        most = int(Person._meta.get_field(field).max_length or 0)  # type: ignore[union-attr]
        if len(value) > most:
            words = _("It has {number} characters; {most} are the most.")
            raise InvalidInput(words.format(number=len(value), most=most), where=field)
        if said := legible.flaw(value):
            raise InvalidInput(_(said), where=field)


@action("person.changed")
def change_person(
    person: Person, *, name: str, role: str, clearance: str, by: Actor, at: Instant
) -> events.PersonChanged:
    """Change name, role and clearance of an account. An empty clearance is that of the role.

    Refused: another role or clearance for oneself, and any other role for the last national administrator who can sign
    in.
    """
    person.refresh_from_db()
    permit(by, person)
    _refuse_unfit(name=name)
    if clearance and clearance not in Clearance.values:
        raise InvalidInput(_("{value!r} is no label.").format(value=clearance), where="clearance")
    if clearance != person.clearance:
        _refuse_own(by, person, _("Nobody changes their own clearance. Ask another national administrator."))
    if role != person.role:
        _permit_role(by, role)
        _refuse_own(by, person, _("Nobody changes their own role. Ask another national administrator."))
        _refuse_last(person, role=role)
    before, after = change(person, name=name.strip() or person.name, role=role, clearance=clearance)
    return events.PersonChanged(person=person.pk, before=before, after=after)


@action("person.closed")
def close_account(person: Person, *, by: Actor, at: Instant) -> events.AccountClosed:
    """Close an account: its sessions end, its links stop working, its keys open nothing.

    Refused for oneself, and for the last national administrator who can sign in.
    """
    person.refresh_from_db()
    permit(by, person)
    _refuse_own(by, person, _("Nobody closes their own account. Ask another national administrator."))
    _refuse_last(person, role="")
    if not person.is_active:
        raise Conflict(_("This account is closed already."))
    change(person, is_active=False)
    EnrolmentLink.objects.filter(person=person, used_at=None).delete()
    end_all_of(person)
    return events.AccountClosed(person=person.pk)


@action("person.opened_again")
def open_account_again(person: Person, *, by: Actor, at: Instant) -> events.AccountOpenedAgain:
    """Open a closed account again, with the password and the second factor that it had."""
    person.refresh_from_db()
    permit(by, person)
    if person.is_active:
        raise Conflict(_("This account is open."))
    change(person, is_active=True)
    return events.AccountOpenedAgain(person=person.pk)


@action("person.sessions_ended")
def end_sessions(person: Person, *, by: Actor, at: Instant) -> events.SessionsEnded:
    """End all sessions of a person, also those that no list knows of."""
    person.refresh_from_db()
    if by != person:
        permit(by, person)
    return events.SessionsEnded(person=person.pk, ended=end_all_of(person))


@action("person.session_ended")
def end_session(session: SignedInSession, *, by: Actor, at: Instant) -> events.SessionEnded:
    """End one session: whoever sits at that browser must sign in."""
    person, began_at = session.person, session.began_at
    if by != person:
        permit(by, person)
    sessions.forget(session.session_key)
    session.delete()
    return events.SessionEnded(person=person.pk, began_at=began_at)


def end_all_of(person: Person) -> int:
    """End the sessions of a person within an action; return how many were known."""
    known = list(SignedInSession.objects.filter(person=person))
    for session in known:
        sessions.forget(session.session_key)
    SignedInSession.objects.filter(person=person).delete()
    change(person, sessions_ended=person.sessions_ended + 1)
    return len(known)


def permit(by: Actor, person: Person, *, opening: bool = False) -> None:
    """Refuse where somebody may not change an account. Commands and parts of the software may.

    `opening` says that nobody can have signed in to it yet: then whoever may open such an account may go on with it.
    """
    if not isinstance(by, Person) or (opening and policy.may_give(by, person.role)):
        return
    policy.require(by, policy.Ability.MANAGE_PEOPLE)
    if not policy.may_manage(by, person):
        raise NotPermitted(_("Only a national administrator may change the account of a national administrator."))


def _permit_role(by: Actor, role: str) -> None:
    if isinstance(by, Person) and not policy.may_give(by, role):
        raise NotPermitted(_("This account may not give that role. Ask a national administrator."))


def _refuse_own(by: Actor, person: Person, said: str) -> None:
    if by == person:
        raise Conflict(said)


def _refuse_last(person: Person, *, role: str) -> None:
    """Refuse what would leave nobody who can open accounts; `role` is what the person becomes."""
    if role != Role.NATIONAL_ADMINISTRATOR and queries.is_last_administrator(person):
        raise Conflict(_("This is the last national administrator who can sign in. Let another one enrol first."))
