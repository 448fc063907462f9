"""Links that come by mail: sent, used to sign in, used to choose a new password."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.audit.changes import change
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import NotPermitted
from tocsin.people import events, links, mailing, queries
from tocsin.people.actions.accounts import end_all_of
from tocsin.people.choices import Purpose
from tocsin.people.models import MailedLink, Person

ADDRESSES = {Purpose.SIGN_IN: "people_mailed_link", Purpose.RESET: "people_reset"}


@action("person.link_mailed")
def mail_link(
    person: Person, *, purpose: str, browser_hash: str, base: str, by: Actor, at: Instant
) -> events.LinkMailed:
    """Mail a link to the address of an account, for the browser that asked. Earlier ones stop working.

    `base` is how that browser reached this instance.
    """
    if not queries.may_have_by_mail(person, purpose):
        raise NotPermitted(_("This account does not get links by mail."))
    MailedLink.objects.filter(person=person, used_at=None).delete()
    token, expires_at = links.new_token(), at + links.MAILED_LASTS
    MailedLink.objects.create(
        person=person, purpose=purpose, browser_hash=browser_hash, token_hash=links.token_hash(token), made_at=at,
        expires_at=expires_at,
    )  # fmt: skip
    mailing.put_link(person, purpose, base + reverse(ADDRESSES[Purpose(purpose)], args=[token]), at=at)
    return events.LinkMailed(person=person.pk, purpose=purpose, expires_at=expires_at)


@action("person.mailed_link_used")
def use_mailed_link(*, token: str, browser: str, by: Actor, at: Instant) -> events.MailedLinkUsed:
    """Use a link to sign in; what follows asks for the second factor. Raises as `links.open_mailed_link` does."""
    link = links.open_mailed_link(token, Purpose.SIGN_IN, browser=browser, at=at)
    change(link, used_at=at)
    return events.MailedLinkUsed(person=link.person.pk)


@action("person.password_reset")
def reset_password(*, token: str, browser: str, password: str, by: Actor, at: Instant) -> events.PasswordReset:
    """Set a new password by a link, and end all sessions. Raises as `links.open_mailed_link` does.

    That the password will do, the form has seen. The second factor stays, and is asked for by whoever signs in next.
    """
    link = links.open_mailed_link(token, Purpose.RESET, browser=browser, at=at)
    change(link, used_at=at)
    person = link.person
    person.set_password(password)
    person.save(update_fields=["password"])
    mailing.tell(person, mailing.Change.PASSWORD_RESET, at=at)
    return events.PasswordReset(person=person.pk, sessions_ended=end_all_of(person))
