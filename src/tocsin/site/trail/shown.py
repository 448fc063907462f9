"""Rows of the trail as a page and a file show them: the sentence, what it is about, what was and what became."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from tocsin.audit import queries, recorded, wording
from tocsin.audit.models import AuditRow

LONGEST_VALUE = 200
"""Letters of a value; an OpenPGP key is longer, and the page of the row has all of it."""
EMPTY = "–"


@dataclasses.dataclass(frozen=True)
class Thing:
    """Something that a row is about."""

    kind: str
    key: str
    name: str
    """Its name, else its key."""
    url: str
    """Its page; empty where it has none."""


@dataclasses.dataclass(frozen=True)
class Change:
    """A field that was changed, in words."""

    label: str
    before: str
    after: str

    @property
    def had_value(self) -> bool:
        """Whether there was something before."""
        return self.before != EMPTY


@dataclasses.dataclass(frozen=True)
class Shown:
    """A row."""

    row: AuditRow
    sentence: str
    """What others wrote in it is marked: `apart` shows it."""
    things: tuple[Thing, ...]
    more_things: int
    """So many more it is about."""
    changes: tuple[Change, ...]


THINGS_SHOWN = 5


def shown(rows: Sequence[AuditRow], most_things: int = THINGS_SHOWN) -> list[Shown]:
    """Return rows in words. The things of all of them are asked for at once."""
    about = [wording.things(row.code, row.data) for row in rows]
    names = _names({thing for things in about for thing in things[:most_things]})
    return [
        Shown(
            row,
            wording.sentence(row.code, wording.quoted(row.data)),
            tuple(_thing(kind, key, names) for kind, key in things[:most_things]),
            max(len(things) - most_things, 0),
            tuple(changes(row)),
        )
        for row, things in zip(rows, about, strict=True)
    ]


def _names(things: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    keys: dict[str, list[str]] = defaultdict(list)
    for kind, key in sorted(things):
        keys[kind].append(key)
    kinds = wording.kinds()
    return {(kind, key): name for kind, some in keys.items() for key, name in kinds[kind].names(some).items()}


def _thing(kind: str, key: str, names: Mapping[tuple[str, str], str]) -> Thing:
    known = wording.kinds()[kind]
    name = names.get((kind, key)) or _("{kind} {key}").format(kind=known.label, key=key)
    return Thing(kind, key, name, known.address(key))


def changes(row: AuditRow, longest: int = LONGEST_VALUE) -> Iterator[Change]:
    """Yield what a row says was and became, field by field; nothing where it says no such thing."""
    before, after = row.data.get("before"), row.data.get("after")
    if not isinstance(before, dict) or not isinstance(after, dict):
        return
    group = wording.group_of(row.code)
    facts = group.facts() if group else {}
    for name in dict.fromkeys((*before, *after)):
        fact = facts.get(name, wording.Fact(name))
        yield Change(fact.label, *(_value(side.get(name), fact, longest) for side in (before, after)))


def _value(value: Any, fact: wording.Fact, longest: int) -> str:
    if value is None or value in ("", [], {}):
        return EMPTY
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        text = ", ".join(fact.words.get(str(each), str(each)) for each in value)
    elif isinstance(value, dict):
        text = ", ".join(f"{key}: {each}" for key, each in value.items())
    else:
        text = fact.words.get(str(value), str(value))
    return text if len(text) <= longest else f"{text[:longest]}…"


@dataclasses.dataclass(frozen=True)
class Standing:
    """What was found when the whole trail was last checked."""

    at: dt.datetime
    rows: int
    heads: int
    fault: str
    """What was wrong first, as a sentence; empty when nothing was."""
    others: int
    """So much more was wrong."""
    since: int
    """Rows that came after the check."""


def standing() -> Standing | None:
    """Return what the last daily check found; None before the first."""
    row = queries.last_check()
    if row is None:
        return None
    said = row.data
    faults = said["faults"]
    wrong = recorded.fault(faults[0]) if faults else ""
    others = max(len(faults) - 1, 0) + said.get("more", 0)
    return Standing(row.at, said["rows"], said["heads"], wrong, others, queries.last_number() - row.sequence + 1)


def whole_text(row: AuditRow) -> str:
    """Return all data of a row as it was written, laid out."""
    return json.dumps(row.data, ensure_ascii=False, indent=2)
