"""Every read of the room beyond a simple filter, and the only place that says who may see which notice."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from email import message_from_bytes
from email.policy import default
from ipaddress import ip_network
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.conf import settings
from django.db.models import Case, Count, Exists, F, OuterRef, QuerySet, Subquery, When
from django.db.models.functions import Coalesce

from tocsin.audit.queries import latest_rows
from tocsin.courier import queries as outgoing
from tocsin.courier import team_key
from tocsin.courier.choices import Channel as SentBy
from tocsin.courier.models import OutgoingMessage
from tocsin.directory.models import Constituent, Contact
from tocsin.directory.queries import constituents_of
from tocsin.engine.public_ids import words_of
from tocsin.feeds import clearing
from tocsin.feeds.last_rows import last_facts
from tocsin.feeds.queries import (
    STATES_OPEN,
    Filter,
    Finding,
    at_one_version,
    detail_of,
    finding_id,
    findings_among,
    findings_for,
    manifest_version,
    titles_of_types,
)
from tocsin.feeds.wording import class_label, kind
from tocsin.kernel.clock import Instant, day_of
from tocsin.kernel.networks import spans
from tocsin.kernel.tlp import TLP
from tocsin.notices import reading
from tocsin.notices.actions.holding_out import served_constituents
from tocsin.notices.actions.sending import people_of
from tocsin.notices.choices import (
    OF_ONES_OWN,
    PENDING,
    ROOM,
    UNSENT,
    WENT_OUT,
    Channel,
    Kept,
    NoticeState,
    Waits,
    Whom,
    Why,
)
from tocsin.notices.courses import told_at
from tocsin.notices.history import SAYS_WHO_KNOWS
from tocsin.notices.letters import attachment_of, letter_of, letter_of_plan
from tocsin.notices.mails import hindered, hindrance, is_in_clear, told_by, ways_of
from tocsin.notices.models import (
    HoldOut,
    HoldOutExemption,
    LedgerEntry,
    Notice,
    NoticeFinding,
    PageText,
    Policy,
    Suppression,
)
from tocsin.notices.planning import Plan, PlannedNotice
from tocsin.notices.planning import plan as planned
from tocsin.notices.reading import addressees_of
from tocsin.notices.remedies import headings, remedy_for
from tocsin.notices.rules import MILD, is_held_out, may_follow
from tocsin.notices.said import Said
from tocsin.notices.sentences import policy_sentences, policy_title
from tocsin.notices.ways import addressee, ways_gone, ways_now
from tocsin.notices.writing import Letter, subject, text
from tocsin.people.models import Person
from tocsin.people.policy import Ability, is_cleared, may

__all__ = [
    "MILD", "Letter", "Plan", "addressee", "addressees_of", "attachment_of", "classes_held_out", "covered",
    "current_plan", "held_out_of", "hindered", "hindrance", "hold_outs", "is_held_out", "is_in_clear", "is_ours",
    "is_unread", "letter_of", "letter_of_plan", "listed", "marks", "message_of", "named_plan", "notices_of",
    "notices_visible_to", "open_by_class", "own_notices", "people_of", "plan_for", "plan_now", "policies",
    "policy_sentences", "policy_title", "ready", "ready_for", "remedy_for", "sayings_of", "sent_notices",
    "served_count", "standing_hold_outs", "subject", "suppressions", "suppressions_visible_to", "text", "text_as_sent",
    "told_by", "told_findings", "unread_count", "unsent", "ways_of",
]  # fmt: skip

KEPT_S = 60
HELD_NAMED = 3
_kept: dict[str, Any] = {}
_keeping = threading.Lock()


@at_one_version
def plan_now(at: Instant, constituents: Sequence[str] = ()) -> Plan:
    """Return who is to be told what now, and why every other open finding waits; only theirs who are named."""
    return planned(reading.open_findings(constituents), reading.known(at), at)


def plan_for(person: object, at: Instant, constituents: Sequence[str] = ()) -> Plan:
    """Return the same of findings, and in notices, whose label a person is cleared for."""
    with clearing.reading_for(person):
        plan = plan_now(at, constituents)
    if not clearing.is_restricted(person):
        return plan
    labels = clearing.cleared_labels(person)
    return dataclasses.replace(plan, notices=tuple(each for each in plan.notices if each.tlp in labels))


def current_plan(at: Instant, person: object) -> Plan:
    """Return the plan for everybody as it was made within the last minute and before anything changed.

    Whatever people do is a row of the audit trail, and what feeds bring is a version of the manifest. It is that of
    what a person may see.
    """
    head = latest_rows(1).values_list("sequence", flat=True).first()
    cleared = (clearing.hidden_from(person), *clearing.cleared_labels(person))
    key = (settings.TOCSIN.store, manifest_version(), head, cleared)
    with _keeping:
        if _kept.get("key") == key and at - _kept["plan"].at < dt.timedelta(seconds=KEPT_S):
            known: Plan = _kept["plan"]
            return known
    made = plan_for(person, at)
    with _keeping:
        _kept["key"], _kept["plan"] = key, made
    return made


@dataclasses.dataclass(frozen=True)
class Named:
    """A planned notice with the constituent it is about, and how many findings stand in it for each reason."""

    notice: PlannedNotice
    constituent: Constituent
    way: Channel
    about: str
    """The class that its policy is for, in the reader's language; empty where it is for every class."""
    is_at_once: bool
    new: int
    returned: int
    escalated: int
    digest: int

    @property
    def where(self) -> str:
        """By which way it goes that is no mail, in words of the reader."""
        return addressee("", self.way)


@dataclasses.dataclass(frozen=True)
class Unreached:
    """A constituent that lacks somebody to tell."""

    constituent: Constituent
    whom: Whom
    findings: int
    comes_back: bool = False
    """Whether there is a contact, and mail to it comes back."""


@dataclasses.dataclass(frozen=True)
class OfItself:
    """A constituent that would be told of itself as its own parent or regulator: that step is passed over."""

    constituent: Constituent
    whom: Whom
    findings: int


@dataclasses.dataclass(frozen=True)
class NamedPlan:
    """A plan as a page shows it."""

    notices: tuple[Named, ...]
    unreached: tuple[Unreached, ...]
    waiting: tuple[tuple[Waits, int], ...]
    itself: tuple[OfItself, ...] = ()


def named_plan(plan: Plan) -> NamedPlan:
    """Return a plan with the names of its constituents, worst first."""
    others = (*plan.unreached, *plan.itself)
    wanted = {each.constituent for each in plan.notices} | {public for public, _whom in others}
    known = {row.public_id: row for row in Constituent.objects.filter(public_id__in=wanted)}
    ordered = sorted(plan.notices, key=lambda each: (each.severity, -len(each.lines), each.constituent))
    unreached = sorted(plan.unreached.items(), key=lambda each: (-each[1], each[0]))
    waiting = plan.waiting()
    back = _undelivered({public for public, _whom in plan.unreached})
    return NamedPlan(
        tuple(
            Named(
                each,
                known[each.constituent],
                by,
                class_label(each.category) if each.category else "",
                each.not_before <= plan.at,
                *map(each.count, Why),
            )
            for each, by in zip(ordered, ways_of(ordered), strict=True)
        ),
        tuple(Unreached(known[public], whom, number, public in back) for (public, whom), number in unreached),
        tuple((reason, waiting[reason]) for reason in Waits if waiting.get(reason)),
        tuple(OfItself(known[public], whom, number) for (public, whom), number in sorted(plan.itself.items())),
    )


def _undelivered(public_ids: Collection[str]) -> set[str]:
    """Return those of constituents that have a contact to whom mail comes back."""
    if not public_ids:
        return set()
    lost = Contact.objects.filter(is_active=True, undelivered_since__isnull=False)
    return set(lost.filter(constituent__public_id__in=public_ids).values_list("constituent__public_id", flat=True))


def notices_visible_to(person: object) -> QuerySet[Notice]:
    """Return the notices that a person may see: those whom the policy lets see notices see all, others none yet.

    None whose label the person is not cleared for.
    """
    if not isinstance(person, Person) or not may(person, Ability.VIEW_NOTICES):
        return Notice.objects.none()
    rows = Notice.objects.select_related("constituent", "policy")
    return rows.filter(tlp__in=clearing.cleared_labels(person)) if clearing.is_restricted(person) else rows


def notices_of(person: object, constituent: str) -> QuerySet[Notice]:
    """Return the notices about a constituent that a person may see, newest first."""
    return notices_visible_to(person).filter(constituent__public_id=constituent)


@dataclasses.dataclass(frozen=True)
class Listed:
    """A notice as a list has it."""

    notice: Notice
    way: Channel
    """By which it goes, or went."""

    @property
    def where(self) -> str:
        """By which way it goes that is no mail, in words of the reader."""
        return addressee("", self.way)


def listed(notices: Iterable[Notice]) -> list[Listed]:
    """Return notices, each with its way."""
    rows = list(notices)
    gone, now = ways_gone(rows), ways_now((row.policy.channel, row.whom, row.constituent.public_id) for row in rows)
    return [Listed(row, gone.get(row.pk, by)) for row, by in zip(rows, now, strict=True)]


def own_notices(person: object) -> QuerySet[Notice]:
    """Return the notices that a member's constituents were sent, newest first: those that the member is cleared for.

    What others were told about them, a parent or a regulator, is not among them, nor what has not left.
    """
    cleared = [label.value for label in TLP if is_cleared(person, label)] if isinstance(person, Person) else []
    left = Notice.objects.exclude(state__in=(*PENDING, NoticeState.DISCARDED)).filter(whom__in=OF_ONES_OWN)
    theirs = left.filter(constituent__in=constituents_of(person), tlp__in=cleared)
    return _with_day(theirs).select_related("constituent")


def _with_day(rows: QuerySet[Notice]) -> QuerySet[Notice]:
    """Give notices that have left the instant at which they did so, by which whoever got one knows it; newest first."""
    sent = LedgerEntry.objects.filter(notice=OuterRef("pk"), what=NoticeState.SENT).order_by("-at")
    left = Coalesce(Subquery(sent.values("at")[:1]), F("made_at"))
    return rows.annotate(left_at=left).order_by(left.desc(), "-pk")


def is_unread(notice: Notice) -> bool:
    """Say whether nobody there has opened a notice or acted on it yet."""
    return may_follow(NoticeState.READ, NoticeState(notice.state))


def text_as_sent(notice: Notice) -> tuple[str, Kept]:
    """Return the text of a notice, and whether it is as it was sent; what is not is written anew by what is known now.

    What was encrypted cannot be read here either. What stands on the own pages alone was no message, and is kept since
    the version that made its table.
    """
    message = message_of(notice)
    if message is None and (stood := PageText.objects.filter(notice=notice).first()):
        return stood.text, Kept.AS_STOOD
    if message is None:
        letter = letter_of(notice)
        return text(letter), Kept.ON_PAGES if letter.way == Channel.PORTAL else Kept.NOT
    if message.channel == SentBy.WEBHOOK:
        return str(json.loads(bytes(message.content))["text"]), Kept.AS_SENT
    if message.protection in ("encrypted", "both"):
        return text(letter_of(notice)), Kept.ENCRYPTED
    body = message_from_bytes(bytes(message.content), policy=default).get_body(("plain",))
    return (text(letter_of(notice)), Kept.NOT) if body is None else (str(body.get_content()), Kept.AS_SENT)


@dataclasses.dataclass(frozen=True)
class Unsent:
    """Notices that could have left, and nobody has sent them: what comes meanwhile waits behind them."""

    count: int
    since: Instant | None
    """When the first of them could have left."""


def counts_by_state(person: object, at: Instant) -> tuple[dict[str, int], Unsent]:
    """Return how many notices are in each state, and those of them that nobody has sent in time."""
    return _counts(notices_visible_to(person), at)


def unsent(at: Instant) -> Unsent:
    """Return those of all notices that nobody has sent for so long that the next one would have been due."""
    return _counts(Notice.objects.filter(state__in=UNSENT, is_exercise=False), at)[1]


def _counts(rows: QuerySet[Notice], at: Instant) -> tuple[dict[str, int], Unsent]:
    could_leave = Case(When(state__in=UNSENT, then=F("not_before")))
    asked = rows.order_by().annotate(could_leave=could_leave)
    alike = asked.values_list("state", "could_leave", "policy__interval_hours").annotate(Count("pk"))
    counts: Counter[str] = Counter()
    late: dict[Instant, int] = Counter()
    for state, first, hours, number in alike:
        counts[state] += number
        if first is not None and first + dt.timedelta(hours=hours) <= at:
            late[first] += number
    return dict(counts), Unsent(sum(late.values()), min(late, default=None))


def ready() -> QuerySet[Notice]:
    """Return the notices that somebody has read and nobody has sent yet, the worst first."""
    rows = Notice.objects.filter(state=NoticeState.PREVIEWED).select_related("constituent", "policy", "contact")
    return rows.order_by("severity", "pk")


def ready_for(person: object) -> QuerySet[Notice]:
    """Return those of them that a person may see."""
    return ready().filter(pk__in=notices_visible_to(person).order_by().values("pk"))


def unread_count() -> int:
    """Return how many notices wait for somebody of the team to read them."""
    return Notice.objects.filter(state=NoticeState.PLANNED).count()


def sayings_of(finding: Finding, language: str) -> list[tuple[str, str]]:
    """Return what the remedy of a finding points at besides where and when: heading and what the reports say."""
    remedy = remedy_for(finding.type, finding.category or "")
    if not remedy.columns:
        return []
    said = Said(last_facts([finding]).get(finding_id(finding), {}))
    named = headings(language)
    wanted = [each for each in named if each in remedy.columns and not (each == "detail" and detail_of(finding))]
    return [(named[each], text) for each in wanted if (text := getattr(said, each))]


def message_of(notice: Notice) -> OutgoingMessage | None:
    """Return the message in the outbox that a notice is sent by, without its content; None before that."""
    return outgoing.messages_of(ROOM, notice.reference).first()


@dataclasses.dataclass(frozen=True)
class Marks:
    """By what a reader knows that a notice is ours."""

    sender: str
    fingerprint: str
    phone: str


def marks() -> Marks:
    """Return by what a reader knows that a notice is ours; each may be empty."""
    return Marks(settings.TOCSIN.mail_from, team_key.fingerprint(), settings.TOCSIN.team_phone)


def is_ours(reference: str) -> Notice | None:
    """Return the notice with a reference, when it has left. Whoever got one and doubts it is told no more than when."""
    left = Notice.objects.exclude(state__in=(*PENDING, NoticeState.DISCARDED))
    return _with_day(left).filter(reference=reference.strip().lower()).first()


def policies() -> QuerySet[Policy]:
    """Return the policies that hold, the most general first."""
    rows = Policy.objects.filter(is_active=True).select_related("constituent", "regulator")
    return rows.order_by(F("constituent__name").asc(nulls_first=True), "sector", "category", "pk")


def suppressions(today: dt.date, person: object) -> list[Suppression]:
    """Return what is not told today, what ends first above; none of a finding that a person may not see."""
    return suppressions_visible_to(person, reading.standing_suppressions(today))


def covered(person: object, facts: Mapping[str, Any]) -> int:
    """Return how many open findings of somebody, of those that a person may see, a suppression would keep quiet."""
    named, network, finding = facts.get("constituent"), facts.get("network") or "", facts.get("finding") or ""
    asked = Filter(
        states=STATES_OPEN,
        constituents=(named.public_id,) if named else (),
        classes=(facts["category"],) if facts.get("category") else (),
        addresses=tuple(_words(*ends) for ends in spans(ip_network(network, strict=False))) if network else (),
        keys=(words_of(finding),) if finding else None,
    )
    found = findings_for(person)
    nobodys = 0 if named else found.count(dataclasses.replace(asked, constituents=("",)))
    return found.count(asked) - nobodys


def _words(first: int, last: int) -> tuple[int, int, int, int]:
    return first >> 64, first & _LOW, last >> 64, last & _LOW


_LOW = (1 << 64) - 1


def open_by_class(person: object) -> dict[str, list[tuple[str, int]]]:
    """Return what of somebody is open of each class now, as the pages of findings call it: kinds, the most first."""
    kinds: dict[str, Counter[str]] = {}
    titles = titles_of_types()
    facets = ("class", "type", "constituent")
    for category, name, whose, number in findings_for(person).counts(facets, Filter(states=STATES_OPEN)):
        if whose:
            kinds.setdefault(category or "", Counter())[kind(name, titles)] += number
    return {category: counts.most_common() for category, counts in kinds.items()}


def suppressions_visible_to(person: object, rows: list[Suppression]) -> list[Suppression]:
    """Return those that are about no finding, or about one that a person may see."""
    named = [row.finding for row in rows if row.finding] if clearing.is_restricted(person) else []
    if not named:
        return rows
    seen = {finding_id(each) for each in findings_among(person, [words_of(each) for each in named])}
    return [row for row in rows if not row.finding or row.finding in seen]


def hold_outs() -> QuerySet[HoldOut]:
    """Return all that were ever begun, the latest first."""
    return HoldOut.objects.prefetch_related("exemptions__constituent")


def standing_hold_outs(today: dt.date) -> list[HoldOut]:
    """Return those that hold today."""
    return list(reading.standing(today))


def held_out_of(row: HoldOut) -> list[Constituent]:
    """Return the constituents that are served and held out, by name: not those that asked, and are told."""
    (holding,) = reading.holdings([row])
    held = [each for each in served_constituents() if is_held_out(row.key, row.share, each)]
    rows = Constituent.objects.filter(public_id__in=set(held) - holding.exempt)
    return sorted(rows, key=lambda each: each.local_name)


def served_count() -> int:
    """Return among how many constituents lots are drawn."""
    return len(served_constituents())


def classes_held_out(constituent: str, today: dt.date) -> list[HoldOut]:
    """Return the hold-outs of whose findings a constituent is not told today."""
    exempt = HoldOutExemption.objects.filter(hold_out=OuterRef("pk"), constituent__public_id=constituent)
    asked = reading.replies().filter(at__gte=OuterRef("began_at"), notice__constituent__public_id=constituent)
    said = reading.answers_to_notices().filter(at__gte=OuterRef("began_at"), constituent=constituent)
    rows = reading.standing(today).filter(~Exists(exempt), ~Exists(asked), ~Exists(said))
    return [row for row in rows if is_held_out(row.key, row.share, constituent)]


@dataclasses.dataclass(frozen=True)
class Sent:
    """A notice that went out and did not come back: whose findings it told, by which policy, on which day."""

    constituent: str
    """Public id."""
    policy: int
    on: dt.date


def sent_notices() -> dict[int, Sent]:
    """Return every notice that was told, by key: it left and did not come back, or was read all the same."""
    left = Notice.objects.filter(state__in=WENT_OUT, is_exercise=False).order_by()
    entries = LedgerEntry.objects.filter(what__in=SAYS_WHO_KNOWS, notice__in=left).order_by("notice", "at", "pk")
    rows = entries.values_list("notice", "what", "at").iterator(20_000)
    told = {pk: told_at((what, at) for _pk, what, at in ledger) for pk, ledger in groupby(rows, itemgetter(0))}
    facts = left.values_list("pk", "constituent__public_id", "policy")
    return {pk: Sent(constituent, policy, day_of(at)) for pk, constituent, policy in facts if (at := told.get(pk))}


def told_findings(batch: int = 50_000) -> Iterator[tuple[Sequence[str], Sequence[int]]]:
    """Yield the findings that stand in notices which left, and the notice of each, in batches: see `sent_notices`."""
    rows = NoticeFinding.objects.filter(notice__state__in=WENT_OUT, notice__is_exercise=False).order_by()
    some: list[tuple[str, int]] = []
    for row in rows.values_list("finding", "notice").iterator(batch):
        some.append(row)
        if len(some) == batch:
            yield _turned(some)
            some = []
    if some:
        yield _turned(some)


def _turned(rows: Iterable[tuple[str, int]]) -> tuple[Sequence[str], Sequence[int]]:
    findings, notices = zip(*rows, strict=True)
    return findings, notices
