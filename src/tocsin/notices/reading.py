"""Bring together what planning needs: open findings in columns, and what the database knows of who is told.

Each table is read once, in one short question; nothing is asked for each finding.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import ipaddress
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import BigIntegerField, Count, Exists, F, Max, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast

from tocsin.courier.queries import never_leaves
from tocsin.directory.choices import ContactRole, Status
from tocsin.directory.models import Constituent, Contact
from tocsin.engine.public_ids import public_id
from tocsin.feeds import answers
from tocsin.feeds import queries as feeds
from tocsin.feeds.answers import Stood
from tocsin.feeds.choices import AnswerKind, Stands
from tocsin.feeds.models import Answer
from tocsin.kernel import networks
from tocsin.kernel.clock import Instant, day_of
from tocsin.kernel.tlp import TLP
from tocsin.notices.choices import PENDING, Channel, Happening, NoticeState, Whom, Why
from tocsin.notices.courses import Before
from tocsin.notices.history import AT_ONCE
from tocsin.notices.models import (
    HoldOut,
    HoldOutExemption,
    LedgerEntry,
    Notice,
    NoticeFinding,
    Policy,
    Suppression,
    Told,
)
from tocsin.notices.planning import Addressee, Columns, Known, Recipient
from tocsin.notices.rules import Answered, Holding, Hours, Step, Suppressed, Terms


def open_findings(constituents: Iterable[str] = ()) -> Iterator[Columns]:
    """Yield open findings that are somebody's, in the columns that planning sorts."""
    for k1, k2, types, classes, severities, holders, returns, high, low in feeds.open_to_tell(constituents):
        yield Columns(
            [public_id(*key) for key in zip(k1, k2, strict=True)],
            types,
            [each or "" for each in classes],
            severities,
            holders,
            returns,
            [_address(*words) for words in zip(high, low, strict=True)],
        )


def _address(high: int | None, low: int | None) -> int | None:
    return None if high is None or low is None else high << 64 | low


def known(at: Instant) -> Known:
    """Return all that is known besides the findings."""
    codes, default = [code for code, _name in settings.LANGUAGES], settings.LANGUAGE_CODE
    last = _last_notices()
    return Known(
        policies=tuple(terms_of(each) for each in _policies()),
        recipients=recipients(),
        labels={name: TLP.read(feed.tlp) for name, feed in feeds.feeds_of_types().items()},
        suppressions=tuple(suppressed(each) for each in standing_suppressions(at.date())),
        hold_outs=tuple(holdings(standing(at.date()))),
        told=_told(),
        prepared=frozenset(_prepared()),
        answered=_answered(at),
        last=last.left,
        waiting=frozenset(last.waiting),
        digests=last.listed,
        spoken=tuple(codes),
        default_language=default,
        is_exercise=settings.TOCSIN.exercise,
    )


def _policies() -> Iterable[Policy]:
    return Policy.objects.filter(is_active=True).select_related("constituent", "regulator")


def terms_of(policy: Policy) -> Terms:
    """Return a policy as planning needs it."""
    return Terms(
        key=policy.pk,
        constituent=policy.constituent.public_id if policy.constituent else "",
        sector=policy.sector,
        category=policy.category,
        threshold=policy.threshold,
        interval=dt.timedelta(hours=policy.interval_hours),
        hours=Hours(
            frozenset(policy.work_days), policy.works_from, policy.works_until,
            policy.time_zone or settings.TOCSIN.time_zone,
        ),
        channel=Channel(policy.channel),
        language=policy.language,
        tlp=TLP.read(policy.tlp),
        steps=steps_of(policy),
        digest=policy.digest,
    )  # fmt: skip


def steps_of(policy: Policy) -> tuple[Step, ...]:
    """Return who is told next by a policy, the earliest first."""
    given = [
        (policy.second_after_days, Whom.SECOND, ""),
        (policy.parent_after_days, Whom.PARENT, ""),
        (policy.regulator_after_days, Whom.REGULATOR, policy.regulator.public_id if policy.regulator else ""),
    ]
    steps = [Step(dt.timedelta(days=days), whom, named) for days, whom, named in given if days is not None]
    return tuple(sorted(steps, key=lambda step: step.after))


def suppressed(row: Suppression) -> Suppressed:
    """Return a suppression as planning needs it."""
    first = last = None
    if row.network:
        first, last = networks.spans(ipaddress.ip_network(row.network))[0]
    named = row.constituent.public_id if row.constituent else ""
    return Suppressed(row.until, named, row.category, row.finding, first, last)


def standing_suppressions(today: dt.date) -> list[Suppression]:
    """Return what is not told today."""
    return list(Suppression.objects.filter(until__gte=today, ended_at=None).select_related("constituent"))


def standing(today: dt.date) -> QuerySet[HoldOut]:
    """Return the hold-outs that hold today."""
    return HoldOut.objects.filter(until__gte=today, ended_at=None).order_by("category")


def replies() -> QuerySet[LedgerEntry]:
    """Return the mails that answer our notices."""
    return LedgerEntry.objects.filter(what=Happening.REPLIED).order_by()


def answers_to_notices() -> QuerySet[Answer]:
    """Return what was said on its own pages, by a constituent, of findings that a notice had told it of."""
    of_theirs = NoticeFinding.objects.filter(
        finding=OuterRef("finding"),
        notice__constituent__public_id=OuterRef("constituent"),
        notice__ledger__what=NoticeState.SENT,
        notice__ledger__at__lte=OuterRef("at"),
    )
    return Answer.objects.exclude(kind=AnswerKind.TAKEN_BACK).filter(Exists(of_theirs)).order_by()


def holdings(rows: Iterable[HoldOut]) -> list[Holding]:
    """Return hold-outs as planning needs them: who was exempted, or has answered a notice since one began, is told."""
    found = list(rows)
    if not found:
        return []
    exempt = HoldOutExemption.objects.order_by().annotate(of=F("hold_out"))
    of_all, since = Value(0, output_field=BigIntegerField()), min(row.began_at for row in found)
    mails, said = replies().annotate(of=of_all), answers_to_notices().filter(at__gte=since).annotate(of=of_all)
    told = exempt.values_list("constituent__public_id", "at", "of").union(
        mails.values_list("notice__constituent__public_id", "at", "of"), said.values_list("constituent", "at", "of")
    )
    asked = list(told)
    return [Holding(row.category, row.mildest, row.share, row.key, _exempt(row, asked)) for row in found]


def _exempt(row: HoldOut, asked: Iterable[tuple[str, Instant, int]]) -> frozenset[str]:
    return frozenset(public for public, at, of in asked if of == row.pk or (not of and at >= row.began_at))


@dataclasses.dataclass
class _People:
    """The contacts of one constituent, by what they may be asked for."""

    security: list[Contact] = dataclasses.field(default_factory=list)
    deputies: list[Contact] = dataclasses.field(default_factory=list)
    others: list[Contact] = dataclasses.field(default_factory=list)

    def addressees(self) -> list[Addressee]:
        """Return who is told first, and who may be told next, in order; nobody where nobody is told first.

        A deputy stands in where the contact is absent. Where security contacts stand in for each other, all are there.
        """
        first = [*self.security, *self.deputies] or [each for each in self.others if each.role == ContactRole.SECURITY]
        if not first:
            return []
        order = [*first, *(each for each in self.others if each not in first)]
        each_once = {each.email.lower(): each for each in reversed(order)}
        return [_addressee(each) for each in order if each_once[each.email.lower()] is each]


_SECOND_BY_ROLE = (ContactRole.TECHNICAL, ContactRole.CONTINUITY, ContactRole.MANAGEMENT)


def addressees_of(constituent: Constituent) -> list[int]:
    """Return the contacts of one constituent who are told, by their numbers: first who is told first, then who next."""
    people = _People()
    for contact in _reachable(constituent):
        _sort(contact, people)
    return [each.contact for each in people.addressees()[:2]]


def recipients() -> dict[str, Recipient]:
    """Return every constituent with those of its people who can be told."""
    people: dict[int, _People] = {}
    for contact in _reachable():
        _sort(contact, people.setdefault(contact.constituent_id, _People()))
    found: dict[str, Recipient] = {}
    rows = Constituent.objects.order_by().values_list(
        "pk", "public_id", "sector", "status", "languages", "parent__public_id"
    )
    for pk, public, sector, status, languages, parent in rows:
        own = people[pk].addressees() if pk in people else []
        found[public] = Recipient(
            sector, status == Status.ACTIVE, tuple(languages), parent or "", next(iter(own), None), tuple(own[1:])
        )
    return found


def _reachable(of: Constituent | None = None) -> Sequence[Contact]:
    """Return contacts with an address who may be told, those verified last first; of one constituent or of all."""
    told = Contact.objects.filter(is_active=True, undelivered_since=None).exclude(email="")
    rows = told.filter(constituent=of) if of else told
    rows = rows.select_related("deputy_of").order_by("pk")
    return sorted(rows, key=lambda row: row.verified_on or dt.date.min, reverse=True)


def _sort(contact: Contact, people: _People) -> None:
    stands_for = contact.deputy_of
    if stands_for is not None and stands_for.role == ContactRole.SECURITY:
        (people.others if _is_reached(stands_for) else people.deputies).append(contact)
    elif contact.role == ContactRole.SECURITY:
        people.security.append(contact)
    elif contact.role in _SECOND_BY_ROLE:
        people.others.append(contact)


def _is_reached(contact: Contact) -> bool:
    """Say whether somebody is told: one who is not, or to whom no mail goes, is absent."""
    return contact.is_active and contact.undelivered_since is None and bool(contact.email)


def _addressee(contact: Contact) -> Addressee:
    return Addressee(contact.pk, contact.email, contact.language)


def _told() -> dict[str, Before]:
    return dict(_before(Told.objects.order_by()))


def told_of(findings: Sequence[str]) -> dict[str, Before]:
    """Return what is known of some findings that were told."""
    parts = (findings[first : first + AT_ONCE] for first in range(0, len(findings), AT_ONCE))
    return {finding: before for part in parts for finding, before in _before(Told.objects.filter(finding__in=part))}


def _before(rows: QuerySet[Told]) -> Iterator[tuple[str, Before]]:
    fields = (
        "finding",
        "constituent",
        "first_at",
        "last_at",
        "step",
        "returns",
        "reacted_at",
        "security_at",
        "stepped_at",
        "opened",
        Cast("lost", TextField()),
        Cast("people", TextField()),
        "written_at",
    )
    read = functools.lru_cache(maxsize=None)(lambda said: tuple(json.loads(said)))
    """The same few people know of many findings: a list is read once and kept once."""
    why = {each.value: each for each in Why}
    for row in rows.values_list(*fields).iterator(20_000):
        finding, *facts, opened, lost, people, written = row
        yield finding, Before._make((*facts, why[opened], read(lost), read(people), written))


def _answered(at: Instant) -> dict[str, Answered]:
    """Return what was answered and how that stands. Where the last answer is over, another may stand: it has the word,

    and what has been told since the last one counts.
    """
    standing = answers.standing(day_of(at))
    return {finding: said for finding, (_found, stood) in standing.items() if (said := answered(stood)) is not None}


def answered(stood: Stood) -> Answered | None:
    """Return an answer as planning needs it; None for one that was taken back."""
    if stood.stands == Stands.TAKEN_BACK:
        return None
    return Answered(stood.answer.constituent, stood.last_at or stood.answer.at, stood.is_quiet)


def _prepared() -> Iterator[str]:
    rows = NoticeFinding.objects.filter(notice__state__in=PENDING).order_by().values_list("finding", flat=True)
    yield from rows.iterator(20_000)


def _left() -> Any:
    """Ask for notices that left, or are about to."""
    return Notice.objects.exclude(state=NoticeState.DISCARDED).order_by()


HELD_UP = dt.timedelta(hours=1)
"""What leaves later than that after it might have was held up: the interval runs from then."""


class _Last(NamedTuple):
    """What constituents had by policies and steps, or are about to have."""

    left: dict[tuple[str, int, int], Instant]
    """When the last notice left."""
    listed: dict[tuple[str, int], Instant]
    """When the last weekly list left that did not come back: of the first step only, nobody else gets one."""
    waiting: set[tuple[str, int, int]]
    """Where one is prepared and has not left."""


def _last_notices() -> _Last:
    is_sent, is_list = Q(ledger__what=NoticeState.SENT), Q(digest__gt=0) & ~Q(state=NoticeState.BOUNCED)
    never = Q(state=NoticeState.QUEUED) if never_leaves() else Q(state=NoticeState.QUEUED, is_exercise=True)
    rows = _left().values_list("constituent__public_id", "policy", "step")
    rows = rows.annotate(
        Max("not_before"),
        sent_at=Max("ledger__at", filter=is_sent),
        listed_at=Max("not_before", filter=is_list),
        list_sent_at=Max("ledger__at", filter=is_sent & is_list),
        waits=Count("pk", filter=Q(state__in=PENDING) & ~never),
    )
    found = _Last({}, {}, set())
    for constituent, policy, step, might, sent, listed, list_sent, waits in rows:
        found.left[constituent, policy, step] = _left_at(might, sent)
        if listed is not None:
            found.listed[constituent, policy] = _left_at(listed, list_sent)
        if waits:
            found.waiting.add((constituent, policy, step))
    return found


def _left_at(might: Instant, sent: Instant | None) -> Instant:
    """Return when the last of some notices left: when it might, unless it was held up."""
    return sent if sent is not None and sent > might + HELD_UP else might
