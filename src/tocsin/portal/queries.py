"""What the pages of members show, put together from the rooms below."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tocsin.directory.models import Constituent
from tocsin.directory.queries import constituents_of
from tocsin.feeds import answers, queries, wording
from tocsin.feeds.answers import Stood
from tocsin.feeds.choices import Stands
from tocsin.feeds.queries import STATES_OPEN, Filter, Finding
from tocsin.notices.queries import remedy_for
from tocsin.people.models import Person

KINDS_SHOWN = 5


@dataclasses.dataclass(frozen=True)
class Row:
    """A finding as a list shows it."""

    id: str
    finding: Finding
    what: str
    where: str
    detail: str
    whose: Constituent | None
    tlp: str
    said: Stood | None


def rows(found: Sequence[Finding], organisations: Mapping[str, Constituent], today: dt.date) -> list[Row]:
    """Return findings with what was said of each."""
    titles, feeds, said = queries.titles_of_types(), queries.feeds_of_types(), answers.current(found, today)
    return [
        Row(
            public,
            finding,
            wording.kind(finding.type, titles),
            queries.place_of(finding),
            queries.detail_of(finding),
            organisations.get(finding.constituent or ""),
            feeds[finding.type].tlp,
            said.get(public),
        )
        for public, finding in ((queries.finding_id(each), each) for each in found)
    ]


def organisations_of(person: object) -> dict[str, Constituent]:
    """Return a member's organisations by their ids, in the order of their names."""
    return {row.public_id: row for row in constituents_of(person).order_by("name", "public_id")}


def own_answers(person: Person, today: dt.date) -> dict[str, tuple[Finding, Stood]]:
    """Return what was said of a member's own findings and how it stands, by the ids of the findings."""
    asked = queries.own(person)
    if asked.keys is not None:
        return {}
    standing = answers.standing(today, asked.only_constituents or ())
    return {
        public: (finding, stood)
        for public, (finding, stood) in standing.items()
        if (finding.constituent or "") in (asked.only_constituents or ())
        and (not asked.types or finding.type in asked.types)
    }


@dataclasses.dataclass(frozen=True)
class Kind:
    """Open findings of one type of report: they are mended in the same way."""

    type: str
    what: str
    severity: int
    count: int
    wrong: str


@dataclasses.dataclass(frozen=True)
class Overview:
    """What a member should know first."""

    open: int
    gone: int
    kinds: tuple[Kind, ...]
    """What is open and not answered, worst first."""
    more_kinds: int
    said: Mapping[str, int]
    """How an answer stands → how many stand so."""
    by_organisation: Mapping[str, int]


def overview(person: Person, today: dt.date, language: str) -> Overview:
    """Return what a member should know first. What an answer keeps quiet is open, and nothing to do next."""
    found, asked = queries.findings(), queries.own(person)
    tally = found.tally(asked, ("state", "constituent"))
    said = own_answers(person, today)
    quiet = [(finding.k1, finding.k2) for finding, stood in said.values() if stood.is_quiet]
    to_do = dataclasses.replace(asked, states=STATES_OPEN, not_keys=tuple(quiet))
    kinds = _kinds(found.counts(("type", "severity", "class"), to_do), language)
    is_open = dataclasses.replace(asked, states=STATES_OPEN)
    by_organisation = found.tally(is_open, ("constituent",)).by_facet["constituent"]
    counted = Counter(stood.stands.value for _finding, stood in said.values())
    return Overview(
        sum(tally.by_facet["state"].get(state, 0) for state in STATES_OPEN),
        tally.by_facet["state"].get("gone", 0),
        tuple(kinds[:KINDS_SHOWN]),
        max(0, len(kinds) - KINDS_SHOWN),
        dict(counted),
        {whose: number for whose, number in by_organisation.items() if whose},
    )


def _kinds(counted: Iterable[tuple[Any, ...]], language: str) -> list[Kind]:
    titles = queries.titles_of_types()
    numbers: Counter[str] = Counter()
    worst: dict[str, tuple[int, str]] = {}
    for name, severity, category, number in counted:
        numbers[name] += number
        worst[name] = min(worst.get(name, (7, "")), (severity, category or ""))
    kinds = [
        Kind(
            name,
            wording.kind(name, titles),
            severity,
            numbers[name],
            remedy_for(name, category).text(language).wrong,
        )
        for name, (severity, category) in worst.items()
    ]
    return sorted(kinds, key=lambda kind: (kind.severity, -kind.count, kind.what))


def keys_that_stand(said: Mapping[str, tuple[Finding, Stood]], stands: Iterable[str]) -> tuple[tuple[int, int], ...]:
    """Return the keys of findings whose answers stand so."""
    wanted = set(stands)
    return tuple((finding.k1, finding.k2) for finding, stood in said.values() if stood.stands in wanted)


def narrowed_by_answer(
    asked: Filter, stands: Sequence[str], said: Mapping[str, tuple[Finding, Stood]], unanswered: str
) -> Filter:
    """Return the filter for findings whose answers stand in one of these ways; `unanswered` is one of them."""
    if not stands:
        return asked
    if unanswered in stands:
        others = keys_that_stand(said, set(Stands.values) - set(stands))
        return dataclasses.replace(asked, not_keys=others)
    keys = keys_that_stand(said, stands)
    return dataclasses.replace(asked, keys=keys if asked.keys is None else ())
