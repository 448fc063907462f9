"""Enter and change constituents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.directory.actions.rows import read_again
from tocsin.directory.choices import Status
from tocsin.directory.events import ConstituentAdded, ConstituentChanged
from tocsin.directory.models import Constituent
from tocsin.directory.rules import is_language, is_public_id, made_ids
from tocsin.directory.sectors import sectors
from tocsin.kernel.clock import Instant
from tocsin.kernel.events import plain
from tocsin.kernel.refusals import Conflict, InvalidInput

FIELDS = ("name", "names", "sector", "languages", "status", "region", "parent", "note")


@action("constituent.added")
def add_constituent(
    *, name: str, sector: str, public_id: str = "", by: Actor, at: Instant, **facts: Any
) -> ConstituentAdded:
    """Enter a constituent. Without `public_id` one is made; either stays for ever."""
    public_id = public_id or next(made_ids(Constituent.objects.values_list("public_id", flat=True)))
    if not is_public_id(public_id):
        remedy = _("Use letters, digits, dot, underscore and hyphen, at most 64.")
        raise InvalidInput(_("{value!r} cannot be an id.").format(value=public_id), remedy=remedy)
    if Constituent.objects.filter(public_id=public_id).exists():
        raise Conflict(_("There is a constituent {value} already.").format(value=public_id))
    facts = {"name": name, "sector": sector, **facts}
    _check(facts)
    row = Constituent(public_id=public_id, **facts, added_at=at, changed_at=at)
    row.fold_words()
    row.save()
    return ConstituentAdded(constituent=public_id, name=name)


@action("constituent.changed")
def change_constituent(constituent: Constituent, *, by: Actor, at: Instant, **facts: Any) -> ConstituentChanged:
    """Change facts. To become former is refused while a claim has no last day: end the claims first."""
    _check(facts)
    read_again(constituent)
    if facts.get("status") == Status.FORMER and (still := constituent.claims.filter(valid_to__isnull=True).count()):
        sentence = _("{name} still has {count} claims without a last day. End them first.")
        raise Conflict(sentence.format(name=constituent.name, count=still))
    _refuse_circle(constituent, facts.get("parent"))
    changed = {key: value for key, value in facts.items() if getattr(constituent, key) != value}
    before = {key: _named(getattr(constituent, key)) for key in changed}
    for key, value in changed.items():
        setattr(constituent, key, value)
    constituent.changed_at = at
    constituent.fold_words()
    constituent.save(update_fields=[*changed, "changed_at", "search_words"])
    after = {key: _named(value) for key, value in changed.items()}
    return ConstituentChanged(constituent=constituent.public_id, before=before, after=after)


def _named(value: Any) -> Any:
    return value.public_id if isinstance(value, Constituent) else plain(value)


def _check(facts: Mapping[str, Any]) -> None:
    """Refuse facts that the tables or the pages could not carry."""
    for key in facts:
        if key not in FIELDS:
            raise TypeError(f"a constituent has no field {key!r} that may be changed")
    if not facts.get("name", "-").strip():
        raise InvalidInput(_("A constituent needs a name."), where="name")
    if facts.get("sector", "other") not in sectors():
        raise InvalidInput(_("{value!r} is no sector.").format(value=facts["sector"]), where="sector")
    if facts.get("status", Status.ACTIVE) not in Status.values:
        raise InvalidInput(_("{value!r} is no status.").format(value=facts["status"]), where="status")
    for code in (*facts.get("languages", ()), *facts.get("names", {})):
        if not is_language(code):
            raise InvalidInput(_("{value!r} is not a language code.").format(value=code), where="languages")


def _refuse_circle(constituent: Constituent, parent: Constituent | None) -> None:
    seen = {constituent.pk}
    if parent is not None:
        read_again(parent)
    while parent is not None:
        if parent.pk in seen:
            raise Conflict(_("{name} would be its own parent.").format(name=constituent.name))
        seen.add(parent.pk)
        parent = parent.parent
