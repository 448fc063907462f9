"""Put together what a notice says: its findings as they are now, the words of their types, the remedies.

And the attachment: every finding of the notice, in the columns that any export of findings has.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db.models import Max
from django.urls import reverse
from django.utils import translation

from tocsin.courier import team_key
from tocsin.directory.models import Constituent, Contact
from tocsin.directory.queries import members_of
from tocsin.feeds import exports, wording
from tocsin.feeds import queries as feeds
from tocsin.feeds.answers import Stood
from tocsin.feeds.last_rows import FACTS, last_facts
from tocsin.feeds.queries import Finding
from tocsin.kernel.clock import Instant
from tocsin.kernel.tlp import TLP
from tocsin.notices.addresses import page_of_members, whole
from tocsin.notices.answered import answered, counted
from tocsin.notices.choices import OF_ONES_OWN, PENDING, Attachment, Channel, NoticeState, Whom, Why
from tocsin.notices.models import Notice, Policy
from tocsin.notices.planning import PlannedNotice
from tocsin.notices.remedies import remedy_for
from tocsin.notices.said import Said
from tocsin.notices.striking import standing
from tocsin.notices.telling import Story, ToTell, story_of
from tocsin.notices.ways import way_now, way_of
from tocsin.notices.writing import Entry, Kind, Letter, Unheard

COLUMNS = (*feeds.EXPORTED, "why", *FACTS, "told", "answered")
"""Of the attachment. New ones are put at the end: programs read them."""
UNNAMED = "----------"
"""Stands for the reference of a notice that is not prepared yet."""


@dataclasses.dataclass(frozen=True)
class _Content:
    """What of a notice is told, and by when it is known what was told and answered before."""

    lines: Mapping[str, ToTell]
    """Finding → why it is told, and how often it had come back."""
    tlp: TLP
    until: Instant | None
    """None for now."""
    answers: Mapping[str, Stood] | None = None
    """What has the word on each finding that was answered, where that is known already."""


def letter_of(notice: Notice, at: Instant | None = None, *, is_revised: bool = False) -> Letter:
    """Return what a notice says; with an instant, what it would say if it left then.

    A finding that is no more since it was prepared is left out; not looked for when it `is_revised`, and up to date.
    """
    content = _content_of(notice, at, is_revised=is_revised)
    return _letter(
        notice.constituent, notice.policy, content, notice=notice.pk,
        reference=notice.reference, to=notice.to, whom=Whom(notice.whom), language=notice.language,
        tlp=content.tlp, is_exercise=notice.is_exercise, contact=notice.contact, way=way_of(notice),
    )  # fmt: skip


def _content_of(notice: Notice, at: Instant | None, *, is_revised: bool) -> _Content:
    """Return what a notice tells: as it is to leave at an instant, or as it left."""
    if at is not None and not is_revised and notice.state in PENDING:
        found = standing(notice, at)
        now = {feeds.finding_id(each): each.returns for each in found.found}
        return _Content(
            {each: ToTell(why, now[each]) for each, why in found.why.items()}, found.label, at, found.answers
        )
    left = None if is_revised else notice.ledger.filter(what=NoticeState.SENT).aggregate(at=Max("at"))["at"]
    rows = notice.lines.order_by("pk").values_list("finding", "why", "returns")
    lines = {finding: ToTell(why, returns) for finding, why, returns in rows}
    return _Content(lines, TLP.read(notice.tlp), left or at)


def letter_of_plan(planned: PlannedNotice, *, is_exercise: bool) -> Letter:
    """Return what a notice would say that is only planned."""
    return _letter(
        Constituent.objects.get(public_id=planned.constituent), Policy.objects.get(pk=planned.policy),
        _Content(
            {line.finding: ToTell(line.why, line.returns) for line in planned.lines}, planned.tlp, planned.not_before
        ),
        reference=UNNAMED, to=planned.to.to, whom=planned.whom, language=planned.language, tlp=planned.tlp,
        is_exercise=is_exercise,
        contact=Contact.objects.filter(pk=planned.to.contact).first(),
        way=way_now(planned.channel, planned.whom, planned.constituent),
    )  # fmt: skip


def _letter(
    constituent: Constituent, policy: Policy, content: _Content, *, contact: Contact | None,
    notice: int | None = None, **facts: Any,
) -> Letter:  # fmt: skip
    with translation.override(facts["language"]):
        found = feeds.findings_named(content.lines)
        story = story_of(constituent, content.lines, besides=notice, until=content.until)
        return Letter(
            told_before=story.told_before(),
            told_again=story.told_again(facts["to"]),
            told_gone=story.told_gone(one for one, line in content.lines.items() if line.why == Why.RETURNED),
            answered=counted(answered(found, content.until, content.answers)),
            unheard=_unheard(found, content.lines, story, content.until),
            team=settings.TOCSIN.team_name,
            constituent=constituent.local_name,
            kinds=_kinds(found, content.lines),
            verify_at=whole(reverse("notices:verify")),
            has_attachment=policy.attachment == Attachment.CSV and facts["way"] == Channel.MAIL,
            sender=settings.TOCSIN.mail_from,
            fingerprint=team_key.fingerprint(),
            phone=settings.TOCSIN.team_phone,
            answer_at=_answer_at(constituent, facts["reference"], facts["whom"]),
            reader=_reader(facts["whom"], contact),
            **facts,
        )


def _unheard(
    found: Sequence[Finding], lines: Mapping[str, ToTell], story: Story, until: Instant | None
) -> Unheard | None:
    """Return on how many findings that are told as open still no report has come since they were told last."""
    still = [each for each in found if lines[feeds.finding_id(each)].why in (Why.DIGEST, Why.ESCALATED)]
    told = [(each.type, those[-1].at) for each in still if (those := story.told.get(feeds.finding_id(each)))]
    reports = feeds.last_reports(until) if told else {}
    days = [reports[kind].on for kind, at in told if kind in reports and reports[kind].arrived_at <= at]
    return Unheard(len(days), days[0] if len(set(days)) == 1 else None) if days else None


def _reader(whom: Whom, contact: Contact | None) -> str:
    """Return the organisation that reads what is told of another; empty where it is told of itself."""
    return contact.constituent.local_name if whom not in OF_ONES_OWN and contact is not None else ""


def _answer_at(constituent: Constituent, reference: str, whom: Whom) -> str:
    """Return where the reader can answer each finding: the constituent itself, as soon as somebody signs in for it."""
    is_for_itself = whom in OF_ONES_OWN and members_of(constituent).exists()
    return page_of_members(reference) if is_for_itself and reference != UNNAMED else ""


def _kinds(found: Sequence[Finding], lines: Mapping[str, ToTell]) -> tuple[Kind, ...]:
    """Return findings by what they say, worst first, then the most frequent."""
    titles = feeds.titles_of_types()
    by_type: dict[str, list[Finding]] = defaultdict(list)
    for finding in found:
        by_type[finding.type].append(finding)
    kinds = []
    for name, several in by_type.items():
        remedy = remedy_for(name, several[0].category or "")
        facts = last_facts(several) if remedy.columns else {}
        kinds.append(
            Kind(
                title=wording.kind(name, titles),
                severity=min(each.severity for each in several),
                remedy=remedy,
                entries=tuple(_entry(each, lines, facts) for each in sorted(several, key=_order)),
            )
        )
    return tuple(sorted(kinds, key=lambda kind: (kind.severity, -len(kind.entries), kind.title)))


def _order(finding: Finding) -> tuple[Any, ...]:
    return finding.severity, finding.ip_high or 0, finding.ip_low or 0, finding.port or 0, finding.account or ""


def _entry(finding: Finding, lines: Mapping[str, ToTell], facts: Mapping[str, Mapping[str, str]]) -> Entry:
    public = feeds.finding_id(finding)
    said = Said(facts.get(public, {}))
    return Entry(
        place=feeds.place_of(finding),
        detail=feeds.detail_of(finding) or said.detail,
        since=finding.opened_on,
        last=finding.last_seen,
        why=Why(lines[public].why),
        source_port=said.source_port,
        destination=said.destination,
        page=said.page,
    )


def attachment_of(notice: Notice, at: Instant | None = None, *, is_revised: bool = False) -> bytes:
    """Return the findings of a notice as a CSV file, in the language of its reader. No cell is a formula."""
    with translation.override(notice.language):
        records = records_of(notice, at, is_revised=is_revised)
        rows = [{**each, "why": str(Why(each["why"]).label)} for each in records]
    return b"".join(exports.as_csv(rows, COLUMNS))


def records_of(notice: Notice, at: Instant | None = None, *, is_revised: bool = False) -> list[dict[str, Any]]:
    """Return the findings of a notice with why they stand there, the worst first, in the language of its reader.

    With an instant, those that it would tell if it left then. Each says who was told of it before, and when, and what
    was answered that does not hold.
    """
    content = _content_of(notice, at, is_revised=is_revised)
    with translation.override(notice.language):
        found = feeds.findings_named(content.lines)
        story = story_of(notice.constituent, content.lines, besides=notice.pk, until=content.until)
        said = answered(found, content.until, content.answers)
        return [
            {
                **each,
                "told": "; ".join(f"{told.days} {told.who}" for told in story.of(each["id"])) or None,
                "answered": said[each["id"]].words if each["id"] in said else None,
            }
            for each in _records(found, content.lines)
        ]


def _records(found: Sequence[Finding], lines: Mapping[str, ToTell]) -> Iterator[dict[str, Any]]:
    needing = [each for each in found if remedy_for(each.type, each.category or "").columns]
    facts = last_facts(needing)
    for record in feeds.exported(found, feeds.feeds_of_types()):
        said = facts.get(record["id"], {})
        yield {**record, "why": lines[record["id"]].why, **{name: said.get(name) for name in FACTS}}
