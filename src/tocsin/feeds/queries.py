"""Every read of the room beyond a simple filter.

Findings stand in the engine's files; which files count is read from the
manifest once for each of its versions and kept.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from tocsin.directory.models import Constituent
from tocsin.directory.queries import constituent_names, constituents_of
from tocsin.engine.public_ids import public_id, words_of
from tocsin.engine.query import SORTS, Database, Filter, Finding, Findings, TypeFiles
from tocsin.feeds import clearing, days, leases, reported, wording
from tocsin.feeds.models import Delivery, Feed, Report, ReportType, Run, Saying, State
from tocsin.feeds.orders import Order, orders
from tocsin.feeds.reported import at_one_version, manifest_version
from tocsin.jobs.models import Job
from tocsin.kernel import legible, rsit
from tocsin.kernel.clock import Instant
from tocsin.kernel.networks import address_text
from tocsin.kernel.tlp import TLP
from tocsin.people.models import Person
from tocsin.people.policy import Ability, is_cleared, may

WEB_MEMORY_MB = 96
STATES_OPEN = ("new", "still", "returned")

__all__ = [
    "SORTS", "Filter", "Finding", "Findings", "as_record", "asset_of", "at_one_version", "findings", "manifest_version",
]  # fmt: skip


@functools.cache
def database() -> Database:
    """Return the one DuckDB of this process."""
    scratch = settings.TOCSIN.store / "scratch"
    with contextlib.suppress(OSError):  # on a full disk what fits into memory is answered all the same
        scratch.mkdir(parents=True, exist_ok=True)
    return Database(WEB_MEMORY_MB, threads=2, scratch=scratch if scratch.is_dir() else None)


_kept: dict[Any, Any] = {}
_keeping = threading.Lock()


@at_one_version
def findings() -> Findings:
    """Return the findings of the manifest as it is now; of feeds that are hidden from the reader, none."""
    version, hidden = (settings.TOCSIN.store, manifest_version()), clearing.hidden()
    with _keeping:
        if _kept.get("version") != version:
            _kept.clear()
            _kept["version"] = version
        if hidden not in _kept:
            _kept[hidden] = Findings(database(), _type_files())
        found: Findings = _kept[hidden]
        return found


def findings_for(person: object) -> Findings:
    """Return the findings of the manifest as it is now that bear labels which a person is cleared for."""
    with clearing.reading_for(person):
        return findings()


def _type_files() -> list[TypeFiles]:
    store: Path = settings.TOCSIN.store
    return [
        TypeFiles(
            known.type.name,
            tuple(str(store / partition) for partition in known.state.partitions),
            known.state.horizon,
            known.latest or known.state.folded_to,
            _gone_since(known.state, known.latest),
        )
        for known in reported.types().values()
        if known.state
    ]


def _gone_since(state: State, latest: dt.date | None) -> dt.date | None:
    """Return from which day of last sight findings went gone in the type's latest cycle; None when none did."""
    counted = sorted(state.counted)
    if latest is None or len(counted) < state.gone_after or counted[-1] != latest.isoformat():
        return None
    before = counted[: -state.gone_after]
    return dt.date.fromisoformat(before[-1]) if before else dt.date.min


def only_constituents(person: object) -> tuple[str, ...] | None:
    """Return whose findings a person may see: None for everybody's, else those of the own constituents.

    Whom the policy lets see none sees none.
    """
    if isinstance(person, Person) and may(person, Ability.VIEW_FINDINGS):
        return None
    return tuple(constituents_of(person).order_by("public_id").values_list("public_id", flat=True))


def own(person: object) -> Filter:
    """Return the filter for what is a person's own as a member: of their organisations, and cleared for by its label.

    Whatever the role lets see besides is not a person's own.
    """
    constituents = tuple(constituents_of(person).order_by("public_id").values_list("public_id", flat=True))
    if not constituents or not isinstance(person, Person):
        return Filter(keys=(), only_constituents=())
    feeds = feeds_of_types()
    cleared = tuple(sorted(name for name, feed in feeds.items() if is_cleared(person, feed.tlp)))
    if not cleared:
        return Filter(keys=(), only_constituents=constituents)
    return Filter(only_constituents=constituents, types=() if len(cleared) == len(feeds) else cleared)


def is_own(person: object, finding: Finding) -> bool:
    """Say whether a finding is a person's own: see `own`."""
    asked = own(person)
    is_among = (finding.constituent or "") in (asked.only_constituents or ()) and asked.keys is None
    return is_among and (not asked.types or finding.type in asked.types)


def own_finding(person: object, public: str) -> Finding | None:
    """Return the finding of a public id; None when there is none, or when it is not the person's own."""
    found = finding_with(public)
    return found if found and is_own(person, found) else None


def orders_visible_to(person: object) -> list[Order]:
    """Return the orders that are not carried out, but for those about what a person may not see."""
    return [each for each in orders() if is_order_visible_to(person, each.job)]


def is_order_visible_to(person: object, job: Job) -> bool:
    """Say whether a person may see the run or the type of report that an order is about."""
    if not clearing.hidden_from(person):
        return True
    run, name = job.payload.get("run"), str(job.payload.get("type", ""))
    is_shown = run is None or runs_visible_to(person).filter(pk=run).exists()
    return is_shown and not is_type_hidden_from(person, name)


def holders() -> dict[str, Constituent]:
    """Return those whose findings may be, by public id, with name and sector only."""
    return {row.public_id: row for row in Constituent.objects.only("public_id", "name", "names", "sector")}


def names_asked_by() -> tuple[set[str], set[str], set[str]]:
    """Return the names that findings may be asked for by: of types of report, of constituents and of classes."""
    types = set(ReportType.objects.values_list("name", flat=True))
    classes = {*rsit.types(), *(each for (each, _) in findings().counts(("class",), Filter()) if each)}
    return types, set(Constituent.objects.values_list("public_id", flat=True)), classes


def today() -> dt.date:
    """Return the day it is for this instance."""
    return days.today(reported.arrived().days)


def latest_day() -> dt.date | None:
    """Return the newest day of which there are reports and that is not ahead."""
    return days.newest(reported.arrived().days)


def finding_with(public: str) -> Finding | None:
    """Return the finding of a public id."""
    try:
        return findings().one(*words_of(public))
    except ValueError:
        return None


def finding_asked_for(person: object, public: str) -> Finding | None:
    """Return the finding of a public id; None when there is none, or none that the person may see."""
    try:
        key = words_of(public)
    except ValueError:
        return None
    return next(iter(findings_among(person, [key])), None)


def findings_among(person: object, keys: Sequence[tuple[int, int]]) -> list[Finding]:
    """Return those of the findings with these keys that a person may see, in their order."""
    visible, found = only_constituents(person), findings_for(person).many(keys)
    return [each for each in found if visible is None or (each.constituent or "") in visible]


def feeds_visible_to(person: object) -> QuerySet[Feed]:
    """Return the feeds whose label a person is cleared for."""
    return Feed.objects.exclude(pk__in=clearing.hidden_from(person))


def feeds_hidden_from(person: object) -> frozenset[int]:
    """Return the keys of the feeds whose label a person is not cleared for."""
    return clearing.hidden_from(person)


def reports_shown() -> QuerySet[Report]:
    """Return the reports but for those that are hidden from who reads now."""
    return Report.objects.exclude(type__feed__in=clearing.hidden())


def is_type_hidden_from(person: object, name: str) -> bool:
    """Say whether there is a type of report of this name whose label a person is not cleared for."""
    return ReportType.objects.filter(name=name, feed__in=clearing.hidden_from(person)).exists()


def runs_visible_to(person: object) -> QuerySet[Run]:
    """Return the runs that a person may see: all parts of which bear labels that the person is cleared for.

    A file that could not be read bears none, and so does a run that has brought nothing yet: that counts as RED.
    """
    runs = Run.objects.all()
    if not clearing.is_restricted(person):
        return runs
    hidden = clearing.hidden_from(person)
    brought = Report.objects.order_by().filter(run=OuterRef("pk"))
    for kind in (Report, Delivery, Saying):
        runs = runs.exclude(Exists(kind._default_manager.order_by().filter(run=OuterRef("pk"), type__feed__in=hidden)))
    return runs.filter(Exists(brought)).filter(Q(summary__broken=[]) | Q(summary__broken__isnull=True))


def asset_of(finding: Finding) -> str:
    """Return the asset of a finding as people write it: an address, or the account where it has none."""
    if finding.ip_high is None or finding.ip_low is None:
        return finding.account or ""
    return address_text(finding.ip_high << 64 | finding.ip_low)


def place_of(finding: Finding) -> str:
    """Return where a finding is, fit to be shown: its asset, with the port."""
    asset = legible.shown(asset_of(finding))
    if finding.port is None:
        return asset
    return f"[{asset}]:{finding.port}" if ":" in asset else f"{asset}:{finding.port}"


def detail_of(finding: Finding) -> str:
    """Return what tells it apart from others of its type at the same place: an infection, the name of a site.

    It is fit to be shown. Empty where nothing does, and where the place says it already.
    """
    detail = legible.shown(finding.detail or "")
    return "" if detail in (legible.shown(asset_of(finding)), place_of(finding)) else detail


TO_TELL = ("k1", "k2", "type", "category", "severity", "constituent", "returns", "ip_high", "ip_low")
"""Columns of a finding that decide whether and how somebody is told of it."""


def open_to_tell(constituents: Iterable[str] = ()) -> Iterator[tuple[Sequence[Any], ...]]:
    """Yield the columns TO_TELL of all open findings that are somebody's, or theirs who are named, in batches.

    The files stay where they are until the last batch is read.
    """
    asked = Filter(states=STATES_OPEN, constituents=tuple(constituents))
    return leases.Leased(findings().held(TO_TELL, asked))


def findings_named(public: Iterable[str]) -> list[Finding]:
    """Return the findings with these public ids, in their order; those that are no more are left out."""
    return findings().many([words_of(each) for each in public])


RECORD = (
    "id", "constituent", "asset", "port", "protocol", "type", "identifier", "state", "first_seen", "last_seen", "count",
)  # fmt: skip
"""Keys of a finding as scripts get it, in order."""


def as_record(finding: Finding) -> dict[str, Any]:
    """Return a finding as `finding list --json` prints it."""
    return {
        "id": finding_id(finding),
        "constituent": finding.constituent,
        "asset": asset_of(finding),
        "port": finding.port,
        "protocol": finding.protocol,
        "type": finding.type,
        "identifier": finding.identifier,
        "state": finding.state,
        "first_seen": _instant(finding.first_seen),
        "last_seen": _instant(finding.last_seen),
        "count": finding.count,
    }


EXPORTED = (
    *RECORD, "tlp", "terms", "severity", "class", "what", "organisation", "name", "detail", "asn", "country", "returns",
)  # fmt: skip
"""Keys of a finding that leaves the house, in order, by page and by command. New ones are put at the end."""


def as_exported(finding: Finding, feed: Feed, *, what: str, organisation: str) -> dict[str, Any]:
    """Return a finding with what marks it, the label of its feed and what may be done with it, and all about it."""
    return {
        **as_record(finding),
        "tlp": TLP.read(feed.tlp).label,
        "terms": feed.terms_shown,
        "severity": f"C{finding.severity}",
        "class": finding.category,
        "what": what,
        "organisation": organisation,
        "name": finding.name,
        "detail": finding.detail,
        "asn": finding.asn,
        "country": finding.country,
        "returns": finding.returns,
    }


def exported(found: Iterable[Finding], feeds: Mapping[str, Feed]) -> Iterator[dict[str, Any]]:
    """Yield findings as they leave the house; `feeds` are those of their types."""
    names, titles = constituent_names(), titles_of_types()
    whats = {name: wording.kind(name, titles) for name in feeds}
    for finding in found:
        whose = names.get(finding.constituent or "", "")
        yield as_exported(finding, feeds[finding.type], what=whats[finding.type], organisation=whose)


def titles_of_types() -> dict[str, str]:
    """Return the publisher's title of each type of report."""
    return {known.type.name: known.type.title for known in reported.types().values()}


class LastReport(NamedTuple):
    """The last report of a type that has come."""

    on: dt.date
    """The latest day of which there is one."""
    arrived_at: Instant
    """When the last one came, of whichever day."""


def last_reports(until: Instant | None = None) -> dict[str, LastReport]:
    """Return, by type, what of its reports had come by an instant, or by now; of what could not be read nothing had."""
    cycles, last = reported.arrived().by_type, {}
    for key, known in reported.types().items():
        came = [each for each in cycles.get(key, ()) if each.rows or not each.broken]
        if came := [each for each in came if until is None or each.arrived_at <= until]:
            last[known.type.name] = LastReport(max(each.on for each in came), max(each.arrived_at for each in came))
    return last


def feeds_of_types() -> dict[str, Feed]:
    """Return of which feed each type of report is."""
    return {known.type.name: known.type.feed for known in reported.types().values()}


def finding_id(finding: Finding) -> str:
    """Return the public id of a finding."""
    return public_id(finding.k1, finding.k2)


def _instant(value: dt.datetime) -> str:
    return value.astimezone(dt.UTC).isoformat()
