"""Enter and change constituents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.directory import mistakes
from tocsin.directory.actions.permitting import permit_change, permit_team
from tocsin.directory.actions.rows import read_again
from tocsin.directory.choices import ChangeKind
from tocsin.directory.events import ConstituentAdded, ConstituentChanged
from tocsin.directory.models import Constituent
from tocsin.directory.rules import made_ids
from tocsin.kernel.clock import Instant
from tocsin.kernel.events import plain
from tocsin.kernel.refusals import refuse

FIELDS = ("name", "names", "sector", "languages", "status", "region", "parent", "note")


@action("constituent.added")
def add_constituent(
    *, name: str, sector: str, public_id: str = "", by: Actor, at: Instant, **facts: Any
) -> ConstituentAdded:
    """Enter a constituent. Without `public_id` one is made; either stays for ever."""
    permit_team(by)
    public_id = public_id or next(made_ids(Constituent.objects.values_list("public_id", flat=True)))
    facts = {"name": name, "sector": sector, **facts}
    _refuse_unknown(facts)
    refuse(mistakes.of_new_constituent({"public_id": public_id, **facts}))
    row = Constituent(public_id=public_id, **facts, added_at=at, changed_at=at)
    row.fold_words()
    row.save()
    return ConstituentAdded(constituent=public_id, name=name)


@action("constituent.changed")
def change_constituent(constituent: Constituent, *, by: Actor, at: Instant, **facts: Any) -> ConstituentChanged:
    """Change facts. To become former is refused while a claim has no last day: end the claims first."""
    _refuse_unknown(facts)
    permit_change(by, constituent, ChangeKind.FACTS, facts, at=at)
    read_again(constituent)
    if facts.get("parent"):
        read_again(facts["parent"])
    refuse(mistakes.of_changed_constituent(constituent, facts))
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


def _refuse_unknown(facts: Mapping[str, Any]) -> None:
    for key in facts:
        if key not in FIELDS:
            raise TypeError(f"a constituent has no field {key!r} that may be changed")
