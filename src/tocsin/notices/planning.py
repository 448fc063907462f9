"""Decide who is told what now, and why each other open finding waits.

Pure: columns of findings and what is known come in, a plan comes out. Every
open finding of a constituent is in exactly one place of the plan: in a notice,
or held with a reason. Only changes are told; what was told is told again when
it came back, when an answer to it does not stand, when a step is due, or in a
weekly list. While an answer stands, its finding waits.

Reading the columns is `reading`, writing notices down is `actions`.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from tocsin.kernel.clock import Instant
from tocsin.kernel.tlp import TLP, strictest
from tocsin.notices.choices import Channel, Waits, Whom, Why
from tocsin.notices.courses import FIRST, Before, Telling, after
from tocsin.notices.rules import (
    Answered,
    Holding,
    Step,
    Suppressed,
    Terms,
    due_step,
    is_digest_due,
    language_of,
    not_before,
    policy_for,
)


class Columns(NamedTuple):
    """A batch of open findings, a sequence for each column."""

    finding: Sequence[str]
    """Public ids."""
    type: Sequence[str]
    category: Sequence[str]
    severity: Sequence[int]
    constituent: Sequence[str]
    returns: Sequence[int]
    address: Sequence[int | None]


@dataclasses.dataclass(frozen=True)
class Addressee:
    """Somebody who can be told."""

    contact: int
    to: str
    language: str = ""


@dataclasses.dataclass(frozen=True)
class Recipient:
    """A constituent as planning needs it."""

    sector: str
    is_served: bool = True
    languages: tuple[str, ...] = ()
    parent: str = ""
    security: Addressee | None = None
    """The primary security contact, or who stands in for an absent one."""
    others: tuple[Addressee, ...] = ()
    """Who may be told next, in order: the second contact is the first of them whom nobody has told yet."""

    def second(self, told: Collection[str]) -> Addressee | None:
        """Return the second contact of a finding of which some addresses were told; of none, besides the first."""
        if self.security is None:
            return None
        known = told or {self.security.to.lower()}
        return next((each for each in (self.security, *self.others) if each.to.lower() not in known), None)


@dataclasses.dataclass(frozen=True)
class Known:
    """All that is known besides the findings."""

    policies: tuple[Terms, ...]
    recipients: Mapping[str, Recipient]
    labels: Mapping[str, TLP]
    """Of each type of report; what has none is RED."""
    suppressions: tuple[Suppressed, ...] = ()
    hold_outs: tuple[Holding, ...] = ()
    told: Mapping[str, Before] = dataclasses.field(default_factory=dict)
    prepared: frozenset[str] = frozenset()
    """Findings in notices that have not left."""
    answered: Mapping[str, Answered] = dataclasses.field(default_factory=dict)
    """Findings that their constituents have answered."""
    last: Mapping[tuple[str, int, int], Instant] = dataclasses.field(default_factory=dict)
    """When a constituent last had a notice by a policy and step."""
    waiting: frozenset[tuple[str, int, int]] = frozenset()
    """For whom, by which policy and step a notice is prepared and has not left: what comes meanwhile is in the next."""
    digests: Mapping[tuple[str, int], Instant] = dataclasses.field(default_factory=dict)
    """When it last had a weekly list by a policy."""
    spoken: tuple[str, ...] = ("en",)
    default_language: str = "en"
    is_exercise: bool = False


class Line(NamedTuple):
    """A finding in a notice that is planned."""

    finding: str
    why: Why
    returns: int
    severity: int
    type: str


@dataclasses.dataclass(frozen=True)
class PlannedNotice:
    """A notice that is to be prepared."""

    constituent: str
    policy: int
    category: str
    """The class of findings that its policy is for; empty for every one."""
    step: int
    whom: Whom
    to: Addressee
    channel: Channel
    """By which its policy wants it to go: see `rules.way`."""
    language: str
    tlp: TLP
    not_before: Instant
    lines: tuple[Line, ...]

    @property
    def severity(self) -> int:
        """The worst of its findings."""
        return min(line.severity for line in self.lines)

    def count(self, why: Why) -> int:
        """Return how many findings stand in it for a reason."""
        return sum(line.why == why for line in self.lines)


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be told now, and why the rest waits."""

    at: Instant
    notices: tuple[PlannedNotice, ...]
    held: Mapping[Waits, Mapping[str, tuple[str, ...]]]
    """Reason → constituent → findings."""
    unreached: Mapping[tuple[str, Whom], int]
    """Who cannot be told, of whose findings, and how many: a constituent and the person that it lacks."""
    is_exercise: bool = False
    has_policies: bool = True
    """Whether anybody is told of anything at all."""
    itself: Mapping[tuple[str, Whom], int] = dataclasses.field(default_factory=dict)
    """Steps that are passed over because they would tell a constituent of itself, and of how many findings."""

    def people(self) -> dict[int, int]:
        """Return how many addresses each policy would write to."""
        found: dict[int, set[str]] = defaultdict(set)
        for notice in self.notices:
            found[notice.policy].add(notice.to.to.lower())
        return {policy: len(addresses) for policy, addresses in found.items()}

    def waiting(self) -> dict[Waits, int]:
        """Return how many findings wait for each reason."""
        return {reason: sum(map(len, found.values())) for reason, found in self.held.items()}

    @property
    def told(self) -> int:
        """How many findings stand in its notices."""
        return sum(len(notice.lines) for notice in self.notices)


def plan(batches: Iterable[Columns], known: Known, at: Instant) -> Plan:
    """Return the plan for all open findings of constituents."""
    desk = _Desk(known, at)
    for batch in batches:
        for row in zip(*batch, strict=True):
            desk.sort(*row)
    return desk.plan()


Key = tuple[str, int, int]
"""Constituent, policy, step: by which intervals run."""


class _To(NamedTuple):
    """To whom the findings go that stand in one notice."""

    constituent: str
    policy: int
    step: int
    to: str
    """Address; empty where nobody can be told."""


class _Desk:
    """The findings as they are sorted, one after the other, into notices and reasons to wait."""

    def __init__(self, known: Known, at: Instant) -> None:
        self._known, self._at = known, at
        self._held: dict[Waits, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        self._due: dict[_To, list[Line]] = defaultdict(list)
        self._addressees: dict[_To, Addressee] = {}
        self._unreached: dict[tuple[str, Whom], int] = defaultdict(int)
        self._itself: dict[tuple[str, Whom], int] = defaultdict(int)
        self._terms: dict[int, Terms] = {each.key: each for each in known.policies}
        self._stands: dict[tuple[str, str, str, int], Waits | Terms] = {}
        today = at.date()
        standing = [each for each in known.suppressions if each.until >= today]
        self._of_findings = {each.finding for each in standing if each.finding}
        self._suppressions = standing
        self._concerned: dict[tuple[str, str], list[Suppressed]] = {}
        self._held_out: dict[tuple[str, str, int], bool] = {}

    def sort(
        self, finding: str, kind: str, category: str, severity: int, constituent: str, returns: int,
        address: int | None,
    ) -> None:  # fmt: skip
        """Put a finding where it belongs."""
        stands = self._stands_for(constituent, category, kind, severity)
        if self._is_suppressed(stands, constituent, category, finding, address):
            stands = Waits.SUPPRESSED
        if isinstance(stands, Waits):
            self._hold(stands, constituent, finding)
        elif finding in self._known.prepared:
            self._hold(Waits.PREPARED, constituent, finding)
        else:
            self._ask(
                stands, constituent, finding, kind, severity, returns, self._is_held(constituent, category, severity)
            )

    def _stands_for(self, constituent: str, category: str, kind: str, severity: int) -> Waits | Terms:
        """Return the policy for findings that are alike, or why none of them is told. Asked once for each sort."""
        key = (constituent, category, kind, severity)
        if key not in self._stands:
            self._stands[key] = self._judged(*key)
        return self._stands[key]

    def _judged(self, constituent: str, category: str, kind: str, severity: int) -> Waits | Terms:
        recipient = self._known.recipients.get(constituent)
        if recipient is None or not recipient.is_served:
            return Waits.UNSERVED
        terms = policy_for(self._known.policies, constituent, recipient.sector, category)
        if terms is None:
            return Waits.NO_POLICY
        if severity > terms.threshold:
            return Waits.BELOW
        label = self._known.labels.get(kind, TLP.RED)
        return Waits.TLP if label.strictness > terms.tlp.strictness else terms

    def _is_suppressed(
        self, stands: Waits | Terms, constituent: str, category: str, finding: str, address: int | None
    ) -> bool:
        if stands in (Waits.UNSERVED, Waits.NO_POLICY):
            return False
        key = (constituent, category)
        if key not in self._concerned:
            self._concerned[key] = [
                each
                for each in self._suppressions
                if each.constituent in ("", constituent) and each.category in ("", category)
            ]
        return any(
            each.covers(constituent, category, finding, address)
            for each in self._concerned[key]
            if not each.finding or finding in self._of_findings
        )

    def _hold(self, reason: Waits, constituent: str, finding: str) -> None:
        self._held[reason][constituent].append(finding)

    def _is_held(self, constituent: str, category: str, severity: int) -> bool:
        """Say whether findings that are alike are held out. Asked once for each sort."""
        key = (constituent, category, severity)
        if key not in self._held_out:
            self._held_out[key] = any(each.covers(*key) for each in self._known.hold_outs)
        return self._held_out[key]

    def _ask(
        self, terms: Terms, constituent: str, finding: str, kind: str, severity: int, returns: int, is_held: bool
    ) -> None:
        """Put a finding that may be told into a notice when something about it has changed.

        What anybody was told of already is never held out, nor what its holder has answered.
        """
        before, answer = self._known.told.get(finding), self._known.answered.get(finding)
        if answer and answer.constituent != constituent:
            answer = None
        if answer and answer.is_quiet:
            self._hold(Waits.ANSWERED, constituent, finding)
            return
        if before is None and answer is None and is_held:
            self._hold(Waits.HELD_OUT, constituent, finding)
            return
        told_so = self._due_now(terms, constituent, returns, before, answer)
        if told_so is None:
            self._hold(Waits.TOLD, constituent, finding)
            return
        why, step = told_so
        to = self._addressee(terms, constituent, step, before)
        key = _To(constituent, terms.key, step, to.to if to else "")
        if to:
            self._addressees[key] = to
        self._due[key].append(Line(finding, why, returns, severity, kind))

    def _due_now(
        self, terms: Terms, constituent: str, returns: int, before: Before | None, answer: Answered | None
    ) -> tuple[Why, int] | None:
        """Return why a finding is told now, and by which step; None while nothing about it has changed."""
        if before is None or before.constituent != constituent:
            return Why.NEW, FIRST
        if returns > before.returns:
            return Why.RETURNED, FIRST
        if answer and answer.reopens(before):
            return Why.ESCALATED, FIRST
        if self._is_first_owed(constituent, before):
            return before.opened, FIRST
        if step := self._reachable_step(terms, constituent, before):
            return Why.ESCALATED, step
        last_list = self._known.digests.get((constituent, terms.key))
        is_listed = terms.digest and is_digest_due(before.listed_from, last_list, self._at)
        return (Why.DIGEST, FIRST) if is_listed else None

    def _is_first_owed(self, constituent: str, before: Before) -> bool:
        """Say whether what told the security contact came back, and others know of the finding, but not that one."""
        first = self._known.recipients[constituent].security
        is_told = first is None or first.to.lower() in before.people
        return FIRST in before.owed and not is_told and not before.has_reacted

    def _reachable_step(self, terms: Terms, constituent: str, before: Before) -> int:
        """Return the step that is due and has somebody to tell; one that has nobody is passed over and noted."""
        step = 0
        while step := due_step(terms.steps, before, self._at, passed=step):
            if self._addressee(terms, constituent, step, before):
                return step
            wanted = terms.steps[step - 1]
            passed_over = self._itself if self._is_itself(constituent, wanted) else self._unreached
            passed_over[constituent, wanted.whom] += 1
        return 0

    def _other(self, constituent: str, wanted: Step) -> str:
        """Return the organisation that is told next; empty for the constituent's own second contact."""
        if wanted.whom == Whom.SECOND:
            return ""
        return self._known.recipients[constituent].parent if wanted.whom == Whom.PARENT else wanted.regulator

    def _is_itself(self, constituent: str, wanted: Step) -> bool:
        """Say whether a step would tell a constituent of itself."""
        return self._other(constituent, wanted) == constituent

    def _addressee(self, terms: Terms, constituent: str, step: int, before: Before | None) -> Addressee | None:
        """Return who is told of a finding by a step: as second contact somebody who has not been told of it yet."""
        own = self._known.recipients[constituent]
        if step == FIRST:
            return own.security
        wanted = terms.steps[step - 1]
        if wanted.whom == Whom.SECOND:
            return own.second(before.people if before else ())
        other = self._known.recipients.get(self._other(constituent, wanted))
        return other.security if other and other is not own else None

    def plan(self) -> Plan:
        """Return what has been sorted."""
        notices = [notice for key, lines in sorted(self._due.items()) if (notice := self._notice(key, lines))]
        held = {
            reason: {constituent: tuple(found) for constituent, found in by.items()}
            for reason, by in self._held.items()
        }
        has_policies = bool(self._known.policies)
        return Plan(
            self._at, tuple(notices), held, dict(self._unreached), self._known.is_exercise, has_policies,
            dict(self._itself),
        )  # fmt: skip

    def _notice(self, key: _To, lines: list[Line]) -> PlannedNotice | None:
        """Return the notice of findings that are due; None while nobody can be told or it is too soon: they wait."""
        constituent, policy, step, _address = key
        terms, to = self._terms[policy], self._addressees.get(key)
        whom = terms.steps[step - 1].whom if step else Whom.SECURITY
        leaves_at = not_before(terms.hours, self._at)
        waits = self._too_soon((constituent, policy, step), terms, leaves_at)
        if to is None:
            self._unreached[constituent, whom] += len(lines)
        if to is None or waits:
            reason = Waits.NOBODY if to is None or waits is None else waits
            self._held[reason][constituent].extend(line.finding for line in lines)
            return None
        wanted = (terms.language, to.language, *self._known.recipients[constituent].languages)
        lines.sort(key=lambda line: (line.severity, line.type, line.finding))
        return PlannedNotice(
            constituent, policy, terms.category, step, whom, to, terms.channel,
            language=language_of(wanted, self._known.spoken, self._known.default_language),
            tlp=strictest({self._known.labels.get(line.type, TLP.RED) for line in lines}),
            not_before=leaves_at,
            lines=tuple(lines),
        )  # fmt: skip

    def _too_soon(self, key: Key, terms: Terms, leaves_at: Instant) -> Waits | None:
        """Return why it is too soon: the one before it has not left yet, or would have left too shortly before it."""
        if key in self._known.waiting:
            return Waits.BEHIND
        last = self._known.last.get(key)
        return Waits.INTERVAL if last and leaves_at < last + terms.interval else None


def told_after(told: Mapping[str, Before], notice: PlannedNotice, at: Instant) -> dict[str, Before]:
    """Return what is known of the findings of a notice once it has been sent at an instant."""
    telling = Telling(at, notice.constituent, notice.step, notice.whom, notice.to.to, Why.NEW, 0)
    return {
        line.finding: after(told.get(line.finding), telling._replace(why=line.why, returns=line.returns))
        for line in notice.lines
    }
