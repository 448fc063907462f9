"""Coming in: links, passwords, authenticators, and that somebody signed in."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.audit.changes import change
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Conflict, InvalidInput
from tocsin.people import events, links, mailing, queries
from tocsin.people.actions.accounts import create_person, permit
from tocsin.people.choices import BY_MAIL, Purpose, Role
from tocsin.people.models import DemoSignInLink, EnrolmentLink, Person, SignedInSession


@action("person.enrolment_link_made")
def make_enrolment_link(
    person: Person, *, token: str, base: str = "", language: str = "", by: Actor, at: Instant
) -> events.EnrolmentLinkMade:
    """Let a person choose a password and set up a second factor, once, within a week.

    `token` is from `links.new_token`; only its hash is stored. Earlier links of the person stop working. With `base`,
    what addresses of this instance begin with, the link is mailed to the account's address, in `language` where the
    person has chosen none.
    """
    permit(by, person, opening=queries.is_unused(person))
    if not person.is_active:
        raise Conflict(_("This account is closed. Open it again first."))
    EnrolmentLink.objects.filter(person=person, used_at=None).delete()
    expires_at = at + links.ENROLMENT_LASTS
    EnrolmentLink.objects.create(person=person, token_hash=links.token_hash(token), made_at=at, expires_at=expires_at)
    if base:
        address = base + reverse("people_enrolment_link", args=[token])
        mailing.put_invitation(person, address, until=expires_at, language=language, at=at)
    return events.EnrolmentLinkMade(person=person.pk, expires_at=expires_at, is_mailed=bool(base))


@action("person.first_invited")
def invite_first_person(*, token: str, by: Actor, at: Instant) -> events.FirstPersonInvited:
    """Let whoever opens the link first become the first national administrator, while none can sign in.

    Earlier links of this kind stop working. Raises Conflict when an administrator can sign in.
    """
    if queries.an_administrator_can_sign_in():
        raise Conflict(_("A national administrator can sign in. Open further accounts with `tocsin user create`."))
    EnrolmentLink.objects.filter(person=None).delete()
    expires_at = at + links.ENROLMENT_LASTS
    EnrolmentLink.objects.create(token_hash=links.token_hash(token), made_at=at, expires_at=expires_at)
    return events.FirstPersonInvited(expires_at=expires_at)


@action("person.enrolled")
def enrol(
    *, token: str, password: str, email: str = "", name: str = "", by: Actor, at: Instant
) -> events.PersonEnrolled:
    """Use an enrolment link: set the password and forget any second factor, which must then be set up anew.

    `email` and `name` make the first national administrator, where the link
    has no person yet. Raises LinkUnknown, LinkUsed or LinkExpired. `password`
    has been validated by the form; whoever may sign in by a mailed link may have none.
    """
    link = links.open_enrolment_link(token, at=at)
    person = link.person or _first_administrator(email, name, by=by, at=at)
    change(link, used_at=at, person=person)
    Authenticator.objects.filter(user=person).delete()
    if not password and person.role not in BY_MAIL[Purpose.SIGN_IN]:
        raise InvalidInput(_("Choose a password."), where="password")
    person.set_password(password or None)  # None makes one that nothing is equal to
    person.save(update_fields=["password"])
    return events.PersonEnrolled(person=person.pk)


def _first_administrator(email: str, name: str, *, by: Actor, at: Instant) -> Person:
    created = create_person(email=email, name=name, role=Role.NATIONAL_ADMINISTRATOR, by=by, at=at)
    return Person.objects.get(pk=created.person)


@action("person.second_factor_set_up")
def set_up_second_factor(person: Person, *, secret: str, by: Actor, at: Instant) -> events.SecondFactorSetUp:
    """Keep the secret that a person's authenticator has shown to know, and make recovery codes."""
    if Authenticator.objects.filter(user=person, type=Authenticator.Type.TOTP).exists():
        raise Conflict(_("A second factor is set up already."))
    Authenticator.objects.filter(user=person).delete()
    TOTP.activate(person, secret)
    RecoveryCodes.activate(person)
    mailing.tell(person, mailing.Change.FACTOR_SET_UP, at=at)
    return events.SecondFactorSetUp(person=person.pk)


@action("person.recovery_codes_renewed")
def renew_recovery_codes(person: Person, *, by: Actor, at: Instant) -> events.RecoveryCodesRenewed:
    """Make new recovery codes in place of the old ones."""
    Authenticator.objects.filter(user=person, type=Authenticator.Type.RECOVERY_CODES).delete()
    RecoveryCodes.activate(person)
    return events.RecoveryCodesRenewed(person=person.pk)


@action("person.recovery_codes_kept")
def keep_recovery_codes(person: Person, *, by: Actor, at: Instant) -> events.RecoveryCodesKept:
    """Note that a person has kept the recovery codes, which are then not shown again. Raises Conflict without any."""
    kept = Authenticator.objects.filter(user=person, type=Authenticator.Type.RECOVERY_CODES).first()
    if kept is None:
        raise Conflict(_("There are no recovery codes."))
    kept.wrap().mark_as_viewed()
    return events.RecoveryCodesKept(person=person.pk)


@action("person.signed_in")
def record_sign_in(
    person: Person,
    *,
    method: str,
    by: Actor,
    at: Instant,
    session: SignedInSession | None = None,
    is_new_browser: bool = False,
) -> events.SignedIn:
    """Note that a person signed in, and in which browser. Of the session no word is in the event: its key opens it."""
    if is_new_browser:
        mailing.tell(person, mailing.Change.NEW_BROWSER, at=at)
    if session is not None:
        SignedInSession.objects.filter(session_key=session.session_key).delete()
        session.person, session.began_at, session.seen_at = person, at, at
        session.save()
    return events.SignedIn(person=person.pk, method=method)


@action("person.demo_link_made")
def make_demo_sign_in_link(person: Person, *, token: str, by: Actor, at: Instant) -> events.DemoSignInLinkMade:
    """Let somebody at this machine into the demonstration, once, within a day."""
    expires_at = at + links.DEMO_SIGN_IN_LASTS
    DemoSignInLink.objects.create(person=person, token_hash=links.token_hash(token), made_at=at, expires_at=expires_at)
    return events.DemoSignInLinkMade(person=person.pk, expires_at=expires_at)


@action("person.demo_link_used")
def use_demo_sign_in_link(*, token: str, by: Actor, at: Instant) -> events.SignedIn:
    """Use a link to the demonstration. That this is one, and asked from this machine, the caller has checked."""
    link = links.open_link(DemoSignInLink, token, at=at)
    change(link, used_at=at)
    return events.SignedIn(person=link.person.pk, method="demonstration")


@action("person.language_chosen")
def choose_language(person: Person, *, language: str, by: Actor, at: Instant) -> events.LanguageChosen:
    """Set the language of a person's pages and mail; empty for that of the browser, and the instance's for mail."""
    if language and language not in dict(settings.LANGUAGES):
        raise InvalidInput(_("{value!r} is not a language of this software.").format(value=language), where="language")
    before, after = change(person, language=language)
    return events.LanguageChosen(person=person.pk, before=before, after=after)
