"""Which findings of a notice that has not left are not so any more, and why: they are struck off, and not told.

Looked at when a notice is shown, put into the outbox, and right before it leaves. Asks the findings as they are now and
what is known of each; nothing is written here (see `actions.revising`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from tocsin.directory.choices import Status
from tocsin.engine.query import Finding
from tocsin.feeds import answers
from tocsin.feeds import queries as feeds
from tocsin.feeds.answers import Stood
from tocsin.kernel.clock import Instant, day_of
from tocsin.kernel.refusals import Conflict
from tocsin.kernel.tlp import TLP, strictest
from tocsin.notices import noted, reading
from tocsin.notices.choices import Struck, Why
from tocsin.notices.models import HoldOut, Notice, NoticeFinding
from tocsin.notices.rules import Holding, Suppressed, is_told_since, why_now

ANEW = (Why.NEW, Why.RETURNED)


class NothingIsLeft(Conflict):
    """Nothing of a notice is so any more: it is not sent."""

    def __init__(self, struck: Mapping[str, Struck]) -> None:
        self.struck = struck
        super().__init__(noted.words(noted.struck_off(struck, is_all=True)))


@dataclasses.dataclass(frozen=True)
class Standing:
    """What of a notice stands."""

    found: tuple[Finding, ...]
    """Findings that may be told, as they are now."""
    struck: Mapping[str, Struck]
    """Findings that may not, and why."""
    label: TLP
    """The strictest label of those that may."""
    returns: Mapping[str, int]
    """How often those have come back that have done so once more since it was prepared."""
    why: Mapping[str, str]
    """Why each of those that may is told, as it is now."""
    changed: frozenset[str]
    """Those that are told for another reason than when it was prepared."""
    answers: Mapping[str, Stood]
    """What has the word on each of those that may and were answered."""

    @property
    def severity(self) -> int:
        """The worst of those that may."""
        return min(each.severity for each in self.found)


def standing(notice: Notice, at: Instant) -> Standing:
    """Return what of a notice stands."""
    lines = {line.finding: line for line in notice.lines.order_by("pk")}
    judge = _Judge(notice, lines, at)
    struck = {finding: why for finding, line in lines.items() if (why := judge.why_struck(line))}
    left = {finding: found for finding, found in judge.found.items() if finding not in struck}
    label = strictest({judge.label(each) for each in left.values()}) if left else TLP.read(notice.tlp)
    returns = {finding: row.returns for finding, row in left.items() if row.returns != lines[finding].returns}
    whys = {finding: judge.why(line) for finding, line in lines.items() if finding in left}
    changed = frozenset(finding for finding, why in whys.items() if why != lines[finding].why)
    said = {finding: stood for finding, stood in judge.answers.items() if finding in left}
    return Standing(tuple(left.values()), struck, label, returns, whys, changed, said)


class _Judge:
    """All that is asked once for a notice."""

    def __init__(self, notice: Notice, lines: Iterable[str], at: Instant) -> None:
        named = list(lines)
        self._notice, self._whose = notice, notice.constituent.public_id
        self.found = {feeds.finding_id(each): each for each in feeds.findings_named(named)}
        self._labels = {name: TLP.read(feed.tlp) for name, feed in feeds.feeds_of_types().items()}
        self._allowed = TLP.read(notice.policy.tlp)
        rows = reading.standing_suppressions(at.date())
        self._suppressions: list[Suppressed] = [reading.suppressed(row) for row in rows]
        self._holdings: list[Holding] = reading.holdings(filter(self._may_hold, reading.standing(at.date())))
        said = answers.current(list(self.found.values()), day_of(at))
        self.answers: Mapping[str, Stood] = said
        known = reading.told_of(named)
        self._before = {each: before for each, before in known.items() if before.constituent == self._whose}

    def _may_hold(self, row: HoldOut) -> bool:
        """Say whether a hold-out is about any of it: who is told all the same need not be asked of others."""
        drawn = Holding(row.category, row.mildest, row.share, row.key)
        return any(drawn.covers(self._whose, each.category or "", each.severity) for each in self.found.values())

    def label(self, finding: Finding) -> TLP:
        """Return the label of a finding; one of a feed without is RED."""
        return self._labels.get(finding.type, TLP.RED)

    def why(self, line: NoticeFinding) -> str:
        """Return why a finding that is told is told."""
        stood = self.answers.get(line.finding)
        answer = reading.answered(stood) if stood else None
        return why_now(line.why, line.returns, self._before.get(line.finding), answer)

    def why_struck(self, line: NoticeFinding) -> Struck | None:
        """Return why a finding is not told any more; None when it is."""
        finding = self.found.get(line.finding)
        if self._notice.constituent.status != Status.ACTIVE:
            return Struck.UNSERVED
        if finding is None:
            return Struck.UNKNOWN
        if finding.constituent != self._whose:
            return Struck.MOVED
        if finding.state == "gone":
            return Struck.GONE
        return self._kept_quiet(line, finding) or self._known_there(line, finding)

    def _kept_quiet(self, line: NoticeFinding, finding: Finding) -> Struck | None:
        about = (self._whose, finding.category or "", line.finding, _address(finding))
        if any(each.covers(*about) for each in self._suppressions):
            return Struck.SUPPRESSED
        if self.label(finding).strictness > self._allowed.strictness:
            return Struck.TLP
        answer = self.answers.get(line.finding)
        return Struck.ANSWERED if answer and answer.is_quiet else None

    def _known_there(self, line: NoticeFinding, finding: Finding) -> Struck | None:
        """Return why it need not be told, by what its holder knows of it and by what is tried out."""
        before = self._before.get(line.finding)
        if before is None:
            return self._never_told(line, finding)
        if line.why not in ANEW and finding.returns > before.returns:
            return Struck.GONE  # and it came back: that is told anew
        if self._notice.step and before.has_reacted:
            return Struck.REACTED
        is_told = is_told_since(line.why, self._notice.step, line.returns, before, self._notice.made_at)
        return Struck.TOLD if is_told else None

    def _never_told(self, line: NoticeFinding, finding: Finding) -> Struck | None:
        if line.why not in ANEW:
            return Struck.UNTOLD
        if line.finding in self.answers:
            return None
        held = (each.covers(self._whose, finding.category or "", finding.severity) for each in self._holdings)
        return Struck.HELD_OUT if any(held) else None


def _address(finding: Finding) -> int | None:
    if finding.ip_high is None or finding.ip_low is None:
        return None
    return finding.ip_high << 64 | finding.ip_low
