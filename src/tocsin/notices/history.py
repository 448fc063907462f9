"""What stands in the ledgers of notices about findings: by it `courses` reckons who knows of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from tocsin.directory.models import Constituent
from tocsin.kernel.clock import Instant
from tocsin.notices.choices import Happening, NoticeState, Whom, Why
from tocsin.notices.courses import Entry, Telling
from tocsin.notices.models import LedgerEntry, Notice, NoticeFinding

AT_ONCE = 10_000
"""So many values in one question."""
SAYS_WHO_KNOWS = (
    NoticeState.SENT, NoticeState.BOUNCED, NoticeState.READ, NoticeState.ACTED, Happening.REPLIED
)  # fmt: skip


def entries_of(
    findings: Sequence[str], *, of: Constituent | None = None, besides: int | None = None, until: Instant | None = None
) -> dict[str, list[Entry]]:
    """Return what stands in ledgers about each of some findings, the earliest first; nothing of those never told.

    Of the notices of one constituent, or of whoever had them; without the notice whose key is given, and only what is
    known at an instant, when others may leave.
    """
    asked = NoticeFinding.objects.exclude(notice=besides).order_by()
    if of is not None:
        asked = asked.filter(notice__constituent=of)
    lines: dict[int, list[tuple[str, str, int]]] = defaultdict(list)
    for first in range(0, len(findings), AT_ONCE):
        rows = asked.filter(finding__in=findings[first : first + AT_ONCE])
        for notice, finding, why, returns in rows.values_list("notice", "finding", "why", "returns"):
            lines[notice].append((finding, why, returns))
    found: dict[str, list[Entry]] = defaultdict(list)
    for notice, what, at, telling in _ledgers(sorted(lines), until):
        for finding, why, returns in lines[notice]:
            said = telling._replace(at=at, why=Why(why), returns=returns)
            found[finding].append(Entry(at, notice, what, said))
    return found


def _ledgers(notices: Sequence[int], until: Instant | None) -> Iterable[tuple[int, str, Instant, Telling]]:
    """Return what stands in the ledgers of notices, in the order in which it happened, and to whom each was."""
    tellings = _tellings(notices)
    found: list[tuple[Instant, int, int, str]] = []
    for first in range(0, len(notices), AT_ONCE):
        rows = LedgerEntry.objects.filter(notice__in=notices[first : first + AT_ONCE], what__in=SAYS_WHO_KNOWS)
        if until is not None:
            rows = rows.filter(at__lte=until).exclude(at=until, what=NoticeState.SENT)
        found += rows.order_by().values_list("at", "pk", "notice", "what")
    return [(notice, what, at, tellings[notice]) for at, _pk, notice, what in sorted(found)]


def _tellings(notices: Sequence[int]) -> dict[int, Telling]:
    """Return to whom each of some notices was, and by which step."""
    found: dict[int, Telling] = {}
    for first in range(0, len(notices), AT_ONCE):
        rows = Notice.objects.filter(pk__in=notices[first : first + AT_ONCE]).order_by()
        for pk, made_at, constituent, step, whom, to in rows.values_list(
            "pk", "made_at", "constituent__public_id", "step", "whom", "to"
        ):
            found[pk] = Telling(made_at, constituent, step, Whom(whom), to, Why.NEW, 0)
    return found
