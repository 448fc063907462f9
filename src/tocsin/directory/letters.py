"""The letter by which a member is told what came of what was asked for: put into the outbox by the action that decides.

Who is no member any more is told nothing; where no mail can be sent, the pages of the member say it alone.
"""

from __future__ import annotations

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils import translation
from django.utils.translation import gettext as _

from tocsin.courier import outbox, page_addresses, team_key
from tocsin.courier.composing import Mail
from tocsin.courier.outbox import Posting, Reference
from tocsin.directory.asked import title
from tocsin.directory.choices import ChangeState
from tocsin.directory.models import ChangeRequest
from tocsin.directory.queries import constituents_of
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Refusal
from tocsin.kernel.tlp import TLP

ROOM = "directory"
PAGES = "my:entry-of"
"""The name of the address of the entry among the pages of members, which a room above answers."""


def put_letter(request: ChangeRequest, *, at: Instant) -> str:
    """Queue the letter and return the key of its message; empty where none can be sent."""
    if not constituents_of(request.asked_by).filter(pk=request.constituent_id).exists():
        return ""
    posting = Posting(f"{ROOM}:change:{request.pk}", Reference(ROOM, str(request.pk)))
    try:
        return outbox.put_mail(letter(request), posting, at=at).key
    except Refusal:  # no sender is set, or the key of the member has come to its end
        return ""


def letter(request: ChangeRequest) -> Mail:
    """Return the letter about a request that is decided, in the language of who asked."""
    person = request.asked_by
    language = person.language or settings.LANGUAGE_CODE
    with translation.override(language):
        subject, text = _outcome(request), _text(request)
    return Mail(
        to=person.email,
        subject=subject,
        text=text,
        tlp=TLP.AMBER,
        language=language,
        openpgp_key=_key_of(request),
        sign=team_key.exists(),
    )


def _outcome(request: ChangeRequest) -> str:
    words = {
        ChangeState.APPROVED: _("Done: what you asked for {organisation}"),
        ChangeState.REFUSED: _("Not done: what you asked for {organisation}"),
        ChangeState.OUTDATED: _("Overtaken: what you asked for {organisation}"),
    }
    return words[ChangeState(request.state)].format(organisation=_short(request.constituent.local_name))


def _short(name: str) -> str:
    return name if len(name) <= 100 else f"{name[:99]}…"


def _text(request: ChangeRequest) -> str:
    asked = _("You asked: {title}.").format(title=title(request))
    said = {
        ChangeState.APPROVED: _("It is done."),
        ChangeState.REFUSED: _("It is not done."),
        ChangeState.OUTDATED: _(
            "What it was to change has changed meanwhile, so it is not done. Look at the entry as it is now, and ask "
            "again if it is still wanted."
        ),
    }[ChangeState(request.state)]
    answer = (_("We say to it:"), request.answer) if request.answer else ()
    page = page_address(request)
    where = (_("The entry as it is now, and all that was asked:"), page) if page else ()
    return "\n\n".join((f"{asked} {said}", *answer, *where, settings.TOCSIN.team_name))


def page_address(request: ChangeRequest) -> str:
    """Return the whole address of the entry among the member's pages; empty where there are none."""
    try:
        return page_addresses.whole(reverse(PAGES, args=[request.constituent.public_id]))
    except NoReverseMatch:
        return ""


def _key_of(request: ChangeRequest) -> str:
    """Return the key of the contact whose address the member has; empty without one."""
    contacts = request.constituent.contacts.filter(is_active=True, email__iexact=request.asked_by.email)
    return next((each.openpgp_key for each in contacts if each.openpgp_key), "")
