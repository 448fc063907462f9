"""Fetch what the publisher has and we have not, and import it in one run.

A report is known by its id and its file name. It lies in the inbox, in a folder
named by a digest of the id, from the moment it is whole until a month later:
what is there already is not downloaded again, so a fetch that was cut short
goes on where it was. What became of each report is recorded once the import is
over; before that nothing counts, and the next fetch finds the files where they
are. Days stay open until the next one of their type begins, as for a watched
folder: reports of one day need not come at once.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import fcntl
import hashlib
import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tocsin.audit.actors import Actor, System
from tocsin.engine.opening import plain_name
from tocsin.engine.run import Broken, Options
from tocsin.feeds import intake
from tocsin.feeds.actions.downloads import Outcome, record_fetch
from tocsin.feeds.choices import DownloadState
from tocsin.feeds.holding import WAIT_S, Waiting, in_silence
from tocsin.feeds.models import Download, Report
from tocsin.feeds.publisher import Publisher, Unserved
from tocsin.feeds.unfinished import due_cycles
from tocsin.formats.shadowserver.api import Listed
from tocsin.kernel import clock, disk
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Busy, Unavailable

EVERY_S = 3600.0
DAYS = 7
"""How far back is looked when nobody says so."""
GIVEN_UP_AFTER = 3
"""Reports in a row for which the line failed, however often each was tried: the others wait for another time."""
KEPT_FOR = dt.timedelta(days=30)
INBOX = "inbox/shadowserver"
BY_ITSELF = System("feed fetch")
Progress = Callable[[str, float], None]


class AlreadyFetching(Busy):
    """Somebody else fetches now."""


def in_quiet(_name: str, _share: float) -> None:
    """Tell nobody how far it is."""


@dataclasses.dataclass(frozen=True)
class Asked:
    """Which reports are wanted."""

    days: tuple[dt.date, ...]
    types: frozenset[str] = frozenset()
    """Empty for all."""
    again: bool = False
    """Also those that came and could not be read."""


@dataclasses.dataclass(frozen=True)
class Offer:
    """A report that the publisher has, and whether we have it."""

    report: Listed
    state: str
    """`new`, `here` (downloaded, not imported), or what became of it: `imported`, `broken`, `refused`."""
    problem: str = ""


@dataclasses.dataclass(frozen=True)
class Offers:
    """What the publisher has."""

    offers: tuple[Offer, ...]
    odd: tuple[str, ...]
    """Sentences about entries of its list that cannot be used, and about lists that may be cut short."""

    def wanted(self, *, again: bool) -> list[Listed]:
        """Return the reports that shall be taken."""
        have = {DownloadState.IMPORTED.value} if again else {DownloadState.IMPORTED.value, DownloadState.BROKEN.value}
        return [offer.report for offer in self.offers if offer.state not in have]


def last_days(today: dt.date, number: int = DAYS) -> tuple[dt.date, ...]:
    """Return today and as many days before it, the earliest first: a report comes on the day after its day."""
    return tuple(today - dt.timedelta(days=ago) for ago in range(number, -1, -1))


def offers(publisher: Publisher, asked: Asked) -> Offers:
    """Return what the publisher has of what is asked for. Raises Unavailable.

    Each day is asked for by itself: a list has a greatest length.
    """
    reports: list[Listed] = []
    odd: list[str] = []
    for day in asked.days:
        listing = publisher.reports(day, day, type=next(iter(asked.types)) if len(asked.types) == 1 else "")
        reports += [report for report in listing.reports if not asked.types or report.type in asked.types]
        odd += listing.odd
        if listing.is_full:
            words = _(
                "The publisher's list of {day} may be cut short. Fetch that day by type: --date {day} --type TYPE"
            )
            odd.append(words.format(day=day))
    return Offers(tuple(_as_it_stands(reports)), tuple(odd))


def _as_it_stands(reports: Sequence[Listed]) -> Iterator[Offer]:
    """Yield each report with its state."""
    files = [report.file for report in reports]
    rows = list(Download.objects.filter(file__in=files))
    known = {(row.publisher_id, row.file): row for row in rows}
    fetched_files = {row.file for row in rows}
    names = {plain_name(file): file for file in files}
    by_hand = {names[name] for name in Report.objects.filter(name__in=names).values_list("name", flat=True)}
    for report in reports:
        row = known.get((report.id, report.file))
        if row:
            yield Offer(report, row.state, row.problem)
        elif report.file in by_hand and report.file not in fetched_files:
            yield Offer(report, DownloadState.IMPORTED)
        else:  # new; or a corrected one, under another id than the one of the same name that was fetched before
            yield Offer(report, "here" if place_of(report).is_file() else "new")


def inbox() -> Path:
    """Return the folder in which downloads lie."""
    home: Path = settings.TOCSIN.home
    return home / INBOX


def place_of(report: Listed) -> Path:
    """Return where a report lies once it is whole."""
    return inbox() / hashlib.sha256(report.id.encode()).hexdigest()[:16] / report.file


def fetch(
    asked: Asked,
    *,
    by: Actor,
    at: Instant,
    publisher: Publisher | None = None,
    wait_s: float = WAIT_S,
    waiting: Waiting = in_silence,
    downloading: Progress = in_quiet,
    importing: Progress = in_quiet,
) -> dict[str, Any]:
    """Take what is wanted and import it; return what was done.

    A report that is refused does not hinder the others; its day stays open.
    Raises AlreadyFetching, Busy when another import runs for longer than
    `wait_s`, Unavailable when the publisher cannot be reached or the disk is
    full, Conflict when it does not let us in.
    """
    publisher = publisher or Publisher(settings.TOCSIN)
    with _alone(), _full_disk_told():
        offered = offers(publisher, asked)
        wanted = offered.wanted(again=asked.again)
        refused = _download(publisher, wanted, downloading)
        came = [report for report in wanted if report not in refused]
        summary, aside = None, list[Broken]()
        if came:
            summary = intake.import_reports(
                [place_of(report) for report in came],
                options=Options(gone_after=settings.TOCSIN.gone_after, complete=False),
                by=by,
                at=at,
                wait_s=wait_s,
                waiting=waiting,
                progress=importing,
                tell_broken=aside.extend,
            )
        outcomes = [*_imported(came, aside), *_refused(refused)]
        changed = [each for each in outcomes if each.state != DownloadState.REFUSED or _is_news(each)]
        if changed:
            record_fetch(changed, run=summary["run"] if summary else None, by=by, at=clock.now())
        closed = _due(at)
        if closed:
            intake.close(closed, by=by, at=clock.now(), wait_s=wait_s)
        _forget_old()
    return _account(asked, offered, outcomes, closed, summary)


def _due(at: Instant) -> list[tuple[str, dt.date]]:
    """Return the cycles to be closed, of types that are fetched; the others are somebody else's to close."""
    fetched = set(Download.objects.order_by().values_list("type", flat=True).distinct())
    return [(kind, day) for kind, day in due_cycles(at) if kind in fetched]


def fetch_by_itself(*, at: Instant, downloading: Progress, importing: Progress) -> None:
    """Fetch as the schedule has it. Raises Unavailable when reports are lacking, so that it is tried again soon."""
    asked = Asked(last_days(at.date()))
    try:
        done = fetch(asked, by=BY_ITSELF, at=at, downloading=downloading, importing=importing)
    except AlreadyFetching:
        return
    if done["refused"]:
        words = ngettext(
            "Not downloaded: {number} of the {all} report that the publisher offers.",
            "Not downloaded: {number} of the {all} reports that the publisher offers.",
            done["offered"],
        )
        raise Unavailable(words.format(number=len(done["refused"]), all=done["offered"]))


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Be the only one that fetches. The lock is the operating system's and ends with its holder."""
    inbox().mkdir(parents=True, exist_ok=True, mode=0o700)
    with (inbox() / ".lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyFetching(_("reports are being fetched already. Try again when that is done.")) from None
        yield


@contextlib.contextmanager
def _full_disk_told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if said := disk.reason(error, settings.TOCSIN.home):
            raise Unavailable(said) from error
        raise


def _download(publisher: Publisher, wanted: Sequence[Listed], progress: Progress) -> dict[Listed, str]:
    """Download what is not here; return what is not to be had, and why."""
    refused: dict[Listed, str] = {}
    failed_in_a_row, last_problem = 0, ""
    for number, report in enumerate(wanted):
        share = number / len(wanted)
        progress(report.file, share)
        if place_of(report).is_file():
            continue
        if failed_in_a_row >= GIVEN_UP_AFTER:
            refused[report] = last_problem
            continue
        try:
            publisher.download(report, place_of(report), _counted(report.file, share, progress))
        except Unserved as refusal:
            refused[report] = last_problem = refusal.problem
            failed_in_a_row = failed_in_a_row + 1 if refusal.is_line else 0
            with contextlib.suppress(OSError):  # not empty
                place_of(report).parent.rmdir()
        else:
            failed_in_a_row = 0
    return refused


def _counted(file: str, share: float, progress: Progress) -> Callable[[int], None]:
    """Return what tells, twice a second at most, how much of a file has come."""
    told_at = time.monotonic()

    def tick(size_bytes: int) -> None:
        nonlocal told_at
        if time.monotonic() - told_at >= 0.5:
            told_at = time.monotonic()
            progress(f"{file} {size_bytes / 1e6:.1f} MB", share)

    return tick


def _imported(came: Collection[Listed], aside: Iterable[Broken]) -> Iterator[Outcome]:
    """Yield what became of the files that came."""
    broken: defaultdict[Path, list[str]] = defaultdict(list)
    for each in aside:
        if each.spot:
            broken[each.spot.file].append(each.reason)
    for report in came:
        place = place_of(report)
        problem = " ".join(broken[place])
        state = DownloadState.BROKEN if problem else DownloadState.IMPORTED
        yield Outcome(report, state, place.stat().st_size, problem)


def _refused(refused: dict[Listed, str]) -> Iterator[Outcome]:
    for report, problem in refused.items():
        yield Outcome(report, DownloadState.REFUSED, problem=problem)


def _is_news(outcome: Outcome) -> bool:
    """Say whether a refusal is another than the one on record: the same one every hour is not written again."""
    report = outcome.report
    known = Download.objects.filter(publisher_id=report.id, file=report.file, problem=outcome.problem)
    return not known.exists()


def _forget_old() -> None:
    """Delete what was imported long ago, and what a crash left of a download."""
    before = (clock.now() - KEPT_FOR).timestamp()
    for folder in inbox().iterdir():
        if folder.is_dir() and folder.stat().st_mtime < before:
            shutil.rmtree(folder)


def _account(
    asked: Asked,
    offered: Offers,
    outcomes: Sequence[Outcome],
    closed: Sequence[tuple[str, dt.date]],
    summary: dict[str, Any] | None,
) -> dict[str, Any]:
    """Return what `feed fetch --json` prints."""

    def told(state: DownloadState) -> list[dict[str, str]]:
        return [{"file": each.report.file, "reason": each.problem} for each in outcomes if each.state == state]

    return {
        "first": asked.days[0].isoformat(),
        "last": asked.days[-1].isoformat(),
        "offered": len(offered.offers),
        "known": len(offered.offers) - len(outcomes),
        "fetched": [each.report.file for each in outcomes if each.state != DownloadState.REFUSED],
        "refused": told(DownloadState.REFUSED),
        "broken": told(DownloadState.BROKEN),
        "odd": list(offered.odd),
        "closed": [{"type": kind, "date": day.isoformat()} for kind, day in closed],
        "summary": summary,
    }
