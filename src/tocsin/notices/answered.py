"""What was answered to findings that are told all the same, and why the answer keeps them quiet no more.

Whoever is told next must not read that nobody has reacted where somebody has, and whoever called a finding fixed must
read that it was seen again.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from tocsin.feeds import answers
from tocsin.feeds.answers import Stood
from tocsin.feeds.choices import AnswerKind, Stands
from tocsin.feeds.queries import Finding, finding_id
from tocsin.kernel import clock
from tocsin.kernel.clock import Instant, day_of
from tocsin.notices.writing import AnsweredBefore


class AnsweredSo(NamedTuple):
    """What was answered to one finding, and how that stands."""

    kind: AnswerKind
    stands: Stands
    on: dt.date
    seen_on: dt.date
    """The latest day on which the finding was seen."""

    @property
    def is_contradicted(self) -> bool:
        """Whether the reports say otherwise."""
        return self.stands == Stands.CONTRADICTED

    @property
    def words(self) -> str:
        """What is said of it beside its row: a day and what was answered, then how that stands."""
        stands = f"{self.seen_on.isoformat()} {self.stands.label}" if self.is_contradicted else str(self.stands.label)
        return f"{self.on.isoformat()} {self.kind.label}; {stands}"


def answered(
    found: Sequence[Finding], until: Instant | None, known: Mapping[str, Stood] | None = None
) -> dict[str, AnsweredSo]:
    """Return, by id, what the holder of each of some findings had answered by an instant, or by now, and holds not.

    `known` is what has the word on each, where that was asked for already.
    """
    said = answers.current(found, day_of(until or clock.now())) if known is None else known
    by_id = {finding_id(each): each for each in found}
    return {
        public: _so(by_id[public], stood)
        for public, stood in said.items()
        if not stood.is_quiet and stood.stands != Stands.CONFIRMED and (until is None or stood.answer.at <= until)
    }


def _so(finding: Finding, stood: Stood) -> AnsweredSo:
    on = day_of(stood.answer.at)
    seen = day_of(finding.last_seen)
    standing_still = finding.last_cycle if seen <= on else seen  # lists that stand still say when it was listed first
    return AnsweredSo(AnswerKind(stood.answer.kind), stood.stands, on, standing_still)


def counted(answers_by_finding: Mapping[str, AnsweredSo]) -> tuple[AnsweredBefore, ...]:
    """Return how many findings were answered so and stand so, and on which days, the most first."""
    alike: dict[tuple[AnswerKind, Stands], list[AnsweredSo]] = defaultdict(list)
    for each in answers_by_finding.values():
        alike[each.kind, each.stands].append(each)
    found = (_together(kind, stands, several) for (kind, stands), several in alike.items())
    return tuple(sorted(found, key=lambda each: (-each.rows, each.kind, each.stands)))


def _together(kind: AnswerKind, stands: Stands, several: Iterable[AnsweredSo]) -> AnsweredBefore:
    rows = list(several)
    days = [each.on for each in rows]
    return AnsweredBefore(kind, stands, min(days), max(days), max(each.seen_on for each in rows), len(rows))
