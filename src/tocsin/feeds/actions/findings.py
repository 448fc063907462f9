"""What people say: notes, owners, terms of feeds, the schema in use. Light enough for a web process."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.audit.changes import change
from tocsin.feeds.events import FeedTermsChanged, NoteAdded, OwnerChanged, SchemaLoaded
from tocsin.feeds.models import Feed, FindingNote, FindingOwner
from tocsin.feeds.versions import touch
from tocsin.kernel import legible
from tocsin.kernel.clock import zone_of
from tocsin.kernel.refusals import Conflict, InvalidInput, refuse

MAX_NOTE = 10_000


def mistakes_in_note(text: str) -> Iterator[InvalidInput]:
    """Yield what is wrong with a note."""
    if not text.strip():
        yield InvalidInput(_("the note is empty."), remedy=_("Write what the next person should know."))
    if len(text.strip()) > MAX_NOTE:
        words = _("the note has {number} characters; {most} are the most.")
        yield InvalidInput(words.format(number=len(text.strip()), most=MAX_NOTE))
    if said := legible.flaw(text, lines=True):
        yield InvalidInput(_(said))


@action("finding.noted")
def add_note(finding: str, *, text: str, by: Actor, at: dt.datetime) -> NoteAdded:
    """Write about a finding."""
    text = text.strip()
    refuse(mistakes_in_note(text))
    FindingNote.objects.create(finding=finding, text=text, author_label=by.audit_label, at=at)
    return NoteAdded(finding=finding, text=text)


@action("finding.owner_changed")
def give_finding(finding: str, *, owner: Actor | None, seen: str | None, by: Actor, at: dt.datetime) -> OwnerChanged:
    """Give a finding to somebody, or to nobody.

    `seen` is the key of the owner whom the page showed, empty for none; None where nobody looked. Who decided by what
    is no longer so is refused, not obeyed: a colleague would lose the finding without a word. What is wanted and is so
    already, as after two clicks, is no mistake.
    """
    held = FindingOwner.objects.filter(finding=finding).first()
    before = held.owner_label if held else ""
    now, wanted = held.owner_key if held else "", owner.audit_key if owner else ""
    if seen is not None and now not in (seen, wanted):
        raise Conflict(_since_it_was_seen(held))
    if owner is None:
        FindingOwner.objects.filter(finding=finding).delete()
        return OwnerChanged(finding=finding, before=before, after="")
    FindingOwner.objects.update_or_create(
        finding=finding, defaults={"owner_key": owner.audit_key, "owner_label": owner.audit_label, "since": at}
    )
    return OwnerChanged(finding=finding, before=before, after=owner.audit_label)


def _since_it_was_seen(held: FindingOwner | None) -> str:
    """Return who has a finding now, in a sentence for whoever saw somebody else."""
    if held is None:
        return _("Nobody looks after it any more. Look again, then decide.")
    local = timezone.localtime(held.since)
    said = formats.date_format(local, pgettext("date format", "j M, H:i"))
    since = f"{said} {zone_of(local)}"
    # Not with the name at its beginning: pages begin sentences with a capital letter, and a name is as it was given.
    sentence = _("Since {since} {name} has looked after it. Nothing was changed; look again, then decide.")
    return sentence.format(name=held.owner_label.partition(" <")[0], since=since)


@action("feed.terms_changed")
def change_terms(feed: Feed, *, tlp: str, terms: str, by: Actor, at: dt.datetime) -> FeedTermsChanged:
    """Change the label and the terms under which a feed's rows stand."""
    if said := legible.flaw(terms, lines=True):
        raise InvalidInput(_(said), where="terms")
    before, after = change(feed, tlp=tlp, terms=terms)
    touch()  # what is kept of its types says the label, too
    return FeedTermsChanged(feed=feed.code, before=before, after=after)


@action("feed.schema_loaded")
def record_schema(*, published_at: str, types: int, sha256: Sequence[str], by: Actor, at: dt.datetime) -> SchemaLoaded:
    """Record that the publisher's schema was taken into use."""
    return SchemaLoaded(published_at=published_at, types=types, sha256=tuple(sha256))
