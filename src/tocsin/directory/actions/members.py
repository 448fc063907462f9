"""Who belongs to a constituent."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext as _

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.audit.changes import change
from tocsin.directory.actions.permitting import permit_keeper
from tocsin.directory.events import MemberAdded, MembershipChanged, MembershipEnded
from tocsin.directory.models import Constituent, Membership
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Conflict
from tocsin.people import policy
from tocsin.people.actions import create_person, make_enrolment_link
from tocsin.people.choices import Role
from tocsin.people.models import Person
from tocsin.people.queries import person_by_email


@action("membership.added")
def add_member(
    constituent: Constituent,
    *,
    email: str,
    name: str = "",
    is_administrator: bool,
    token: str = "",
    base: str = "",
    by: Actor,
    at: Instant,
) -> MemberAdded:
    """Make the person with an address a member, opening an account of a constituent's contact where there is none.

    `token`, from `people.links.new_token`, becomes the enrolment link of an account that is opened, mailed to the
    address where `base` says what addresses of this instance begin with; where there was one, no link is made.
    Refused for people of other roles: they see by their role.
    """
    permit_keeper(by, constituent)
    person = person_by_email(email)
    _refuse_stranger(by, person, constituent)
    if person is None:
        made = create_person(email=email, name=name, role=Role.CONSTITUENT_CONTACT, by=by, at=at)
        person = Person.objects.get(pk=made.person)
        make_enrolment_link(person, token=token, base=base, language=_language(constituent), by=by, at=at)
    _refuse_unfit(person)
    if Membership.objects.filter(person=person, constituent=constituent, ended_at=None).exists():
        raise Conflict(_("{name} is a member already.").format(name=person), where="email")
    Membership.objects.create(person=person, constituent=constituent, is_administrator=is_administrator, since=at)
    return MemberAdded(
        constituent=constituent.public_id, person=person.pk, name=str(person), is_administrator=is_administrator
    )


def _language(constituent: Constituent) -> str:
    """Return the language of a constituent that letters can be written in; empty for none."""
    return next((code for code in constituent.languages if code in dict(settings.LANGUAGES)), "")


def _refuse_stranger(by: Actor, person: Person | None, constituent: Constituent) -> None:
    """Refuse all but those who were members before, unless the team adds them.

    Who has an account here, and by which name, is not for a member to learn; and whoever opens an account at somebody
    else's address would see what that address is given sight of later.
    """
    is_of_team = not isinstance(by, Person) or policy.may(by, policy.Ability.EDIT_DIRECTORY)
    if not is_of_team and not Membership.objects.filter(person=person, constituent=constituent).exists():
        raise Conflict(_("The person with this address cannot be added here. Ask the team to do it."), where="email")


def _refuse_unfit(person: Person) -> None:
    if not person.is_active:
        raise Conflict(_("The account with this address is closed."), where="email")
    if person.role != Role.CONSTITUENT_CONTACT:
        raise Conflict(
            _("The account with this address has another role: only constituents' contacts are members."), where="email"
        )


@action("membership.changed")
def change_membership(membership: Membership, *, is_administrator: bool, by: Actor, at: Instant) -> MembershipChanged:
    """Let a member administer the constituent's entry, or no longer."""
    _read_open(membership)
    permit_keeper(by, membership.constituent)
    before, after = change(membership, is_administrator=is_administrator)
    return MembershipChanged(
        constituent=membership.constituent.public_id,
        person=membership.person_id,
        name=str(membership.person),
        before=before,
        after=after,
    )


@action("membership.ended")
def end_membership(membership: Membership, *, by: Actor, at: Instant) -> MembershipEnded:
    """End a membership: from now on the person sees nothing of the constituent's. Nobody ends their own."""
    _read_open(membership)
    permit_keeper(by, membership.constituent)
    if isinstance(by, Person) and by.pk == membership.person_id:
        raise Conflict(_("Nobody ends their own membership. Ask another administrator of the entry, or the team."))
    change(membership, ended_at=max(at, membership.since))
    return MembershipEnded(
        constituent=membership.constituent.public_id, person=membership.person_id, name=str(membership.person)
    )


def _read_open(membership: Membership) -> None:
    membership.refresh_from_db()
    if membership.ended_at is not None:
        raise Conflict(_("This membership has ended already."))
