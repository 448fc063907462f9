"""What was said of findings, and how that stands now: every read of answers.

An answer belongs to the constituent that gave it. Who holds the finding later
does not see it; the team sees all.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from tocsin.engine.query import Finding
from tocsin.feeds import queries, reported, rules
from tocsin.feeds.choices import JUDGED, Stands
from tocsin.feeds.models import Answer, Judgement
from tocsin.kernel.clock import Instant

AT_ONCE = 10_000


@dataclasses.dataclass(frozen=True)
class Stood:
    """An answer and how it stands."""

    answer: Answer
    stands: Stands
    judgement: Judgement | None = None
    came_back: bool = False
    """Whether the finding had gone, and was found again after the answer."""
    counted: int = 0
    """How many reports that count have come without the finding since it was last seen."""
    of: int = 0
    """After how many it is gone."""
    last_at: Instant | None = None
    """When the last answer to the finding was given, which may be another that is over."""

    @property
    def is_quiet(self) -> bool:
        """Whether nobody is told of the finding while it stands so."""
        return self.stands in rules.QUIET


def is_to_judge(answer: Answer) -> bool:
    """Say whether an answer waits for the team."""
    return to_judge().filter(pk=answer.pk).exists()


def to_judge() -> QuerySet[Answer]:
    """Return the answers that the team has to agree to or not, oldest first."""
    later = Answer.objects.order_by().filter(
        finding=OuterRef("finding"), constituent=OuterRef("constituent"), pk__gt=OuterRef("pk")
    )
    return Answer.objects.filter(~Exists(later), kind__in=JUDGED, judgement=None)


def current(found: Sequence[Finding], today: dt.date) -> dict[str, Stood]:
    """Return, by id, the answer that has the word on each of some findings that has one, of whose it is now."""
    by_id = {queries.finding_id(finding): finding for finding in found}
    return _current(by_id, _said_of(by_id), today)


def _current(by_id: Mapping[str, Finding], said: Mapping[str, Sequence[Answer]], today: dt.date) -> dict[str, Stood]:
    counted, holding = _counted(), {}
    for public in said.keys() & by_id.keys():
        finding = by_id[public]
        own = [row for row in said[public] if row.constituent == finding.constituent]
        if own:
            holding[public] = _holding(own, finding, counted, today)
    return holding


def given(finding: Finding, today: dt.date) -> list[Stood]:
    """Return all answers to a finding, newest first, whoever held it then, each as it stands by itself."""
    rows = _said_of([queries.finding_id(finding)]).get(queries.finding_id(finding), [])
    counted = _counted()
    return [_stood(row, finding, counted, today) for row in reversed(rows)]


def standing(today: dt.date, constituents: Collection[str] | None = None) -> dict[str, tuple[Finding, Stood]]:
    """Return every finding that was answered, with the answer that has the word: theirs who are named, or all."""
    rows = Answer.objects.select_related("judgement")
    if constituents is not None:
        rows = rows.filter(constituent__in=constituents)
    said = _by_finding(rows)
    found = queries.findings_named(said) if said else []
    by_id = {queries.finding_id(finding): finding for finding in found}
    return {public: (by_id[public], stood) for public, stood in _current(by_id, said, today).items()}


def _said_of(public: Iterable[str]) -> dict[str, list[Answer]]:
    named = list(public)
    parts = (named[first : first + AT_ONCE] for first in range(0, len(named), AT_ONCE))
    asked = (Answer.objects.filter(finding__in=part).select_related("judgement") for part in parts)
    return _by_finding(row for rows in asked for row in rows)


def _by_finding(rows: Iterable[Answer]) -> dict[str, list[Answer]]:
    said: dict[str, list[Answer]] = defaultdict(list)
    for row in rows:
        said[row.finding].append(row)
    return dict(said)


Counted = Mapping[str, tuple[list[str], int]]
"""Type of report → days that count, ascending, and after how many a finding is gone."""


def _counted() -> Counted:
    types = [known for known in reported.types().values() if known.state]
    return {each.type.name: (sorted(each.state.counted), each.state.gone_after) for each in types if each.state}


def _holding(rows: Sequence[Answer], finding: Finding, counted: Counted, today: dt.date) -> Stood:
    found = rules.holding([_as_said(row) for row in rows], _as_seen(finding, counted), today)
    assert found is not None  # noqa: S101  somebody has spoken
    return _stood(rows[found[0]], finding, counted, today, last_at=rows[-1].at)


def _stood(row: Answer, finding: Finding, counted: Counted, today: dt.date, *, last_at: Instant | None = None) -> Stood:
    said, seen = _as_said(row), _as_seen(finding, counted)
    days, gone_after = counted.get(finding.type, ([], 0))
    since = sum(day > finding.last_cycle.isoformat() for day in days)
    return Stood(
        row,
        rules.stands(said, seen, today),
        getattr(row, "judgement", None),
        rules.came_back_since(said, seen),
        min(since, gone_after),
        gone_after,
        last_at or row.at,
    )


def _as_said(row: Answer) -> rules.Said:
    judged: Any = getattr(row, "judgement", None)
    verdict, quiet_until = (judged.verdict, judged.until) if judged else ("", None)
    return rules.Said(row.kind, row.constituent, row.at, row.until, verdict, quiet_until)


def _as_seen(finding: Finding, counted: Counted) -> rules.Seen:
    days, _gone_after = counted.get(finding.type, ([], 0))
    return rules.Seen(
        finding.constituent or "",
        finding.state == "gone",
        finding.last_seen,
        finding.last_cycle,
        finding.last_cycle.isoformat() in days,
        finding.opened_on,
    )
