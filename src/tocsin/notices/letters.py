"""Put together what a notice says: its findings as they are now, the words of their types, the remedies.

And the attachment: every finding of the notice, in the columns that any export of findings has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import translation

from tocsin.courier import team_key
from tocsin.directory.models import Constituent
from tocsin.directory.queries import members_of
from tocsin.feeds import exports, wording
from tocsin.feeds import queries as feeds
from tocsin.feeds.queries import Finding
from tocsin.kernel.tlp import TLP
from tocsin.notices.addresses import page_of_members, whole
from tocsin.notices.choices import OF_ONES_OWN, Attachment, Whom, Why
from tocsin.notices.models import Notice, Policy
from tocsin.notices.planning import PlannedNotice
from tocsin.notices.remedies import remedy_for
from tocsin.notices.writing import Entry, Kind, Letter

COLUMNS = (*feeds.EXPORTED, "why")
UNNAMED = "----------"
"""Stands for the reference of a notice that is not prepared yet."""


def letter_of(notice: Notice) -> Letter:
    """Return what a notice says. A finding that is no more since it was prepared is left out."""
    lines = dict(notice.lines.order_by("pk").values_list("finding", "why"))
    return _letter(
        notice.constituent, notice.policy, lines,
        reference=notice.reference, to=notice.to, whom=Whom(notice.whom), language=notice.language,
        tlp=TLP.read(notice.tlp), is_exercise=notice.is_exercise,
    )  # fmt: skip


def letter_of_plan(planned: PlannedNotice, *, is_exercise: bool) -> Letter:
    """Return what a notice would say that is only planned."""
    return _letter(
        Constituent.objects.get(public_id=planned.constituent), Policy.objects.get(pk=planned.policy),
        {line.finding: line.why for line in planned.lines},
        reference=UNNAMED, to=planned.to.to, whom=planned.whom, language=planned.language, tlp=planned.tlp,
        is_exercise=is_exercise,
    )  # fmt: skip


def _letter(constituent: Constituent, policy: Policy, lines: Mapping[str, str], **facts: Any) -> Letter:
    with translation.override(facts["language"]):
        return Letter(
            team=settings.TOCSIN.team_name,
            constituent=constituent.local_name,
            kinds=_kinds(feeds.findings_named(lines), lines),
            verify_at=whole(reverse("notices:verify")),
            has_attachment=policy.attachment == Attachment.CSV,
            sender=settings.TOCSIN.mail_from,
            fingerprint=team_key.fingerprint(),
            phone=settings.TOCSIN.team_phone,
            answer_at=_answer_at(constituent, facts["reference"], facts["whom"]),
            **facts,
        )


def _answer_at(constituent: Constituent, reference: str, whom: Whom) -> str:
    """Return where the reader can answer each finding: the constituent itself, as soon as somebody signs in for it."""
    is_for_itself = whom in OF_ONES_OWN and members_of(constituent).exists()
    return page_of_members(reference) if is_for_itself and reference != UNNAMED else ""


def _kinds(found: Sequence[Finding], lines: Mapping[str, str]) -> tuple[Kind, ...]:
    """Return findings by what they say, worst first, then the most frequent."""
    titles = feeds.titles_of_types()
    by_type: dict[str, list[Finding]] = defaultdict(list)
    for finding in found:
        by_type[finding.type].append(finding)
    kinds = [
        Kind(
            title=wording.kind(name, titles),
            severity=min(each.severity for each in several),
            remedy=remedy_for(name, several[0].category or ""),
            entries=tuple(_entry(each, lines) for each in sorted(several, key=_order)),
        )
        for name, several in by_type.items()
    ]
    return tuple(sorted(kinds, key=lambda kind: (kind.severity, -len(kind.entries), kind.title)))


def _order(finding: Finding) -> tuple[Any, ...]:
    return finding.severity, finding.ip_high or 0, finding.ip_low or 0, finding.port or 0, finding.account or ""


def _entry(finding: Finding, lines: Mapping[str, str]) -> Entry:
    return Entry(
        place=feeds.place_of(finding),
        detail=feeds.detail_of(finding),
        since=finding.opened_on,
        last=finding.last_seen,
        why=Why(lines[feeds.finding_id(finding)]),
    )


def attachment_of(notice: Notice) -> bytes:
    """Return the findings of a notice as a CSV file, in the language of its reader. No cell is a formula."""
    return b"".join(exports.as_csv(records_of(notice), COLUMNS))


def records_of(notice: Notice) -> list[dict[str, Any]]:
    """Return the findings of a notice with why they stand there, the worst first, in the language of its reader."""
    lines = dict(notice.lines.order_by("pk").values_list("finding", "why"))
    with translation.override(notice.language):
        return list(_records(feeds.findings_named(lines), lines))


def _records(found: Sequence[Finding], lines: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for record in feeds.exported(found, feeds.feeds_of_types()):
        yield {**record, "why": lines[record["id"]]}
