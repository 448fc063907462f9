"""What `tocsin doctor` looks at. Each check says how things are and, when something must be mended, by what.

A check is a function of the configuration that yields verdicts. The first
group needs no Django, so that it still speaks when the settings cannot be
loaded; the second asks the database.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import os
import random
import shutil
import sqlite3
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tocsin.kernel.clock import now
from tocsin.kernel.counting import counted
from tocsin.kernel.disk import is_filled, is_full
from tocsin.kernel.reference_data import LOCALE
from tocsin.kernel.refusals import Refusal
from tocsin.kernel.tlp import TLP
from tocsin.site import config as configuration
from tocsin.site import instance, unusable
from tocsin.site.belongings import hindrance
from tocsin.site.config import Config
from tocsin.site.serving.addresses import faults, listening
from tocsin.site.starting import is_gone, read_on_full_disk, set_up_django

OLDEST_PYTHON = (3, 11)
OLDEST_SQLITE = (3, 35, 0)
LEAST_DISK_BYTES = 2 * 10**9
SOFTWARE_MADE_ON = dt.date(2026, 1, 1)
"""A clock before this day is wrong."""
RETENTION_NAMED = 5
"""So many report types are named of those that are overdue."""
MOST_LOSSES = 20
"""Damaged reports that get a line each: when a whole disk is gone, thousands of lines say no more."""
MOST_COMPARED_BYTES = 10**9
"""So much of the store is read each time: a second of work, and for a slow disk ten. Findings are read all the same."""
RESTORE = "Restore the last backup: tocsin restore FILE --force"
MAIL_LOOKED_FOR = 10_000
"""So many of the newest messages are looked for on the disk."""
LOOKED_INTO_WITHIN = dt.timedelta(minutes=15)
TAKEN_UP_WITHIN = dt.timedelta(seconds=20)
"""A worker that has nothing else to do takes a job up after a second."""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """How one thing is. `fix` is empty when it is as it should be."""

    about: str
    says: str
    fix: str = ""

    @property
    def must_be_mended(self) -> bool:
        """Say whether there is something to do."""
        return bool(self.fix)


KEEPERS = 2
"""Outside, of the signed heads of the audit trail: one may be away when it matters."""


class Remark(Verdict):
    """How a thing is that need not be mended, and is worth saying all the same."""


Check = Callable[[Config], Iterator[Verdict]]


def examine(*, thorough: bool = False) -> list[Verdict]:
    """Return all verdicts. The database is asked only when the settings can be read and the instance is set up.

    `thorough` reads every file of the store.
    """
    config, problems = configuration.examine()
    if closed := _closed(config.home):
        return [closed]
    verdicts = [Verdict("settings", "one cannot be used", str(each)) for each in problems]
    verdicts += [Verdict("settings", "one is not known", str(each)) for each in configuration.unknown_variables()]
    verdicts = verdicts or [Verdict("settings", "read")]
    hindered = hindrance(config.home) if config.home.is_dir() else None
    if hindered:
        verdicts.append(Verdict("files", hindered.says, hindered.fix))
    if hindered and hindered.bars:
        return verdicts
    verdicts += [verdict for check in WITHOUT_DATABASE for verdict in check(config)]
    if not problems and instance.version_of(config.home) is not None:
        set_up_django()
        read_on_full_disk()
        verdicts += [verdict for check in WITH_DATABASE for verdict in _answered(check(config))]
        verdicts += _answered(_store(None if thorough else MOST_COMPARED_BYTES))
    return verdicts


def _answered(verdicts: Iterator[Verdict]) -> Iterator[Verdict]:
    """Yield what a check finds until the database gives no answer: why, `_database` and `_sqlite_whole` say."""
    from django.db import Error

    with contextlib.suppress(Error):
        yield from verdicts


def _closed(home: Path) -> Verdict | None:
    """Why nothing in the data directory can be looked at, if that is so."""
    if barrier := unusable.barrier(home):
        me = unusable.name_of(os.geteuid())
        return Verdict("home", f"{barrier} may not be entered by {me}", unusable.by_its_owner(home, home))
    last = unusable.end_of_way(home)
    return None if last.is_dir() else Verdict("home", f"{last} is a file", unusable.A_FOLDER)


def _python(_config: Config) -> Iterator[Verdict]:
    version = ".".join(map(str, sys.version_info[:3]))
    old = sys.version_info[:2] < OLDEST_PYTHON
    yield Verdict("python", f"Python {version}", "Install Python 3.11 or newer." if old else "")


def _sqlite(_config: Config) -> Iterator[Verdict]:
    old = sqlite3.sqlite_version_info < OLDEST_SQLITE
    yield Verdict("sqlite", f"SQLite {sqlite3.sqlite_version}", "Install SQLite 3.35 or newer." if old else "")


def _set_up(config: Config) -> Iterator[Verdict]:
    try:
        instance.require_ready(config.home)
    except Refusal as refusal:
        lacks = instance.version_of(config.home) is None
        fix = "Run: tocsin init; or set TOCSIN_HOME to where the instance is" if lacks else "Run: tocsin upgrade"
        yield Verdict("instance", str(refusal).split(". ")[0], fix)
    else:
        yield Verdict("instance", f"{config.home} is set up")


def _privacy(config: Config) -> Iterator[Verdict]:
    """Nobody but the owner may read the data directory and the keys."""
    for about, path in (("home", config.home), *(("keys", key) for key in sorted((config.home / "keys").glob("**/*")))):
        if path.exists():
            open_to_others = stat.S_IMODE(path.stat().st_mode) & 0o077
            fix = f"Run: chmod go-rwx {path}" if open_to_others else ""
            yield Verdict(about, f"{path} is {'open to others' if open_to_others else 'private'}", fix)


def _writable(config: Config) -> Iterator[Verdict]:
    for about, folder in (("home", config.home), ("store", config.store)):
        if folder.is_dir():
            try:
                with tempfile.TemporaryFile(dir=folder):
                    yield Verdict(about, f"{folder} can be written to")
            except OSError as error:
                if is_full(error, folder):
                    continue  # `_disk` says so
                yield Verdict(
                    about, f"{folder} cannot be written to ({error.strerror})", _for_writing(error, folder, config.home)
                )


def _for_writing(error: OSError, folder: Path, home: Path) -> str:
    if isinstance(error, PermissionError):
        return unusable.by_its_owner(folder, home)
    return "The messages of the system say why: journalctl -k"


def _disk(config: Config) -> Iterator[Verdict]:
    place = next(path for path in (config.home, *config.home.parents) if path.exists())
    free_bytes = shutil.disk_usage(place).free
    fix = f"Make room on the disk of {place}: at least {LEAST_DISK_BYTES / 1e9:.0f} GB."
    says = "it is full: nothing can be written" if is_filled(place) else f"{free_bytes / 1e9:.1f} GB free"
    yield Verdict("disk", says, fix if free_bytes < LEAST_DISK_BYTES else "")


def _clock(_config: Config) -> Iterator[Verdict]:
    today = now().date()
    fix = "Set the clock, and keep it right with: apt install systemd-timesyncd" if today < SOFTWARE_MADE_ON else ""
    yield Verdict("clock", f"today is {today.isoformat()} (UTC)", fix)


def _address(config: Config) -> Iterator[Verdict]:
    found = list(faults(config))
    yield from (Verdict("address", "the server would not start", str(fault)) for fault in found)
    if not found:
        yield Verdict("address", listening(config).url)


def _translations(_config: Config) -> Iterator[Verdict]:
    for source in sorted(LOCALE.glob("*/LC_MESSAGES/*.po")):
        compiled = source.with_suffix(".mo")
        missing = not compiled.is_file()
        language = source.relative_to(LOCALE).parts[0]
        state = "not compiled" if missing else "compiled"
        yield Verdict("translations", f"{language} is {state}", "Run: make i18n" if missing else "")


def _database(config: Config) -> Iterator[Verdict]:
    from django.db import Error, connection

    from tocsin.site.setting_up import pending_migrations

    try:
        missing = pending_migrations()
    except Error as error:
        if not unusable.is_damaged(error) and not unusable.is_barred(error):  # else `_sqlite_whole` says so
            said = unusable.first_line(error)
            yield Verdict("database", f"cannot be used: {said}", "Start the database, or mend TOCSIN_DATABASE_URL.")
        return
    if is_gone(config.store):
        yield Verdict("database", "gone, but the store holds what was imported", RESTORE)
        return
    yield Verdict("database", f"{connection.vendor} answers")
    fix = "Run: tocsin upgrade" if missing else ""
    yield Verdict("migrations", f"{counted(len(missing), 'step')} missing" if missing else "complete", fix)


def _administrators(config: Config) -> Iterator[Verdict]:
    """Whether anybody can keep the instance: open accounts, settle disputes."""
    from tocsin.people import queries

    there, ends = queries.an_administrator_can_sign_in(), queries.administrators_link_ends(now())
    nobody = "no national administrator can sign in"
    if there or instance.is_demonstration(config.home):
        yield Verdict("accounts", "somebody can administer")
    elif ends:
        until = f"until {ends:%Y-%m-%d %H:%M} UTC"
        yield Remark("accounts", f"{nobody} yet. A link for the first is open {until}; `tocsin init` prints a new one")
    else:
        yield Verdict("accounts", nobody, "Run: tocsin init (it prints a link)")


def _sqlite_whole(config: Config) -> Iterator[Verdict]:
    from django.db import Error, connection

    path = Path(str(connection.settings_dict["NAME"]))
    if connection.vendor != "sqlite" or not path.is_file():
        return
    try:
        with connection.cursor() as cursor:
            said = cursor.execute("PRAGMA quick_check(1)").fetchone()[0]
    except Error as error:
        if unusable.is_barred(error):
            yield Verdict(
                "database file", f"{path} may not be used ({error})", unusable.by_its_owner(path, config.home)
            )
            return
        said = error
    fix = "" if said == "ok" else RESTORE
    yield Verdict("database file", "whole" if said == "ok" else str(said), fix)


def _store(most_bytes: int | None) -> Iterator[Verdict]:
    """Files that the manifest names and that are missing or damaged."""
    from tocsin.feeds.wholeness import compared

    done = compared(most_bytes, random.SystemRandom())
    found = done.losses
    for loss in found[:MOST_LOSSES]:
        yield Verdict("store", loss.says, loss.fix)
    if len(found) > MOST_LOSSES:
        yield Verdict("store", f"so are the files of {counted(len(found) - MOST_LOSSES, 'report')} more", RESTORE)
    if not found and done.compared_bytes == done.all_bytes:
        yield Verdict("store", "all files that the database names are there and hold what was written")
    elif not found:
        share = f"{done.compared_bytes / 1e9:.1f} of {done.all_bytes / 1e9:.1f} GB"
        yield Remark(
            "store", f"all files are there, and {share} hold what was written; `tocsin doctor --thorough` reads all"
        )


def _mappings(config: Config) -> Iterator[Verdict]:
    """The files by which reports are read: while one is wrong, nothing is imported."""
    from tocsin.feeds.mappings import faults

    found = faults(config.home)
    yield from (Verdict("mappings", "nothing can be imported", str(fault)) for fault in found)
    if not found:
        yield Verdict("mappings", "read")


def _imports(_config: Config) -> Iterator[Verdict]:
    """An import that was cut short does not run, whatever its row says, and what it read counts for nothing."""
    from tocsin.feeds.standing import again, interrupted_runs

    cut = interrupted_runs()
    for run in cut:
        same = "" if run.options.get("replay") else ", with the same files"
        fix = f"Run it again: {again(run)}{same}"
        yield Verdict("imports", f"run {run.pk} was interrupted; nothing of it was counted", fix)
    if not cut:
        yield Verdict("imports", "none was interrupted")


def _cycles(_config: Config) -> Iterator[Verdict]:
    """Cycles that wait for somebody: until then what they do not show is not gone."""
    from tocsin.feeds.unfinished import unfinished_cycles

    waiting = [each for each in unfinished_cycles(now()) if each.is_due]
    for each in waiting:
        yield Verdict("cycles", each.says, each.fix)
    if not waiting:
        yield Verdict("cycles", "none waits for a decision or a file")


def _orders(_config: Config) -> Iterator[Verdict]:
    """What people ordered and a worker could not do, and other work whose last turn failed."""
    from tocsin.feeds.fetched import FETCH_JOB
    from tocsin.feeds.orders import orders
    from tocsin.jobs.queries import kinds_that_fail

    failed = [order for order in orders() if order.failed]
    others = [job for job in kinds_that_fail() if job.kind != FETCH_JOB]  # `_fetching` speaks of it
    for order in failed:
        yield Verdict(
            "orders",
            f"{order.what} came to nothing: {order.reason.rstrip('.')}",
            "Try it again or take it off the list, on the page Feeds and runs.",
        )
    for job in others:
        says = f"{job.kind} failed: {job.last_error.rstrip('.')}"
        yield Verdict("jobs", says, "Mend what it names; the log of the worker says more.")
    if not failed and not others:
        yield Verdict("jobs", "none has failed")


def _waiting(config: Config) -> Iterator[Verdict]:
    """Work that waits, and nobody there who will do it."""
    from tocsin.jobs.helping import is_anybody_there
    from tocsin.jobs.queries import overdue_jobs

    waiting = list(overdue_jobs(at=now(), by=TAKEN_UP_WITHIN).values_list("run_after", flat=True))
    there = is_anybody_there()
    if waiting and not there:
        jobs = counted(len(waiting), "job", "waits", "wait")
        served = instance.is_served(config.home)
        command = "tocsin serve --only worker" if served else "tocsin serve"
        says = f"{jobs} since {waiting[0]:%Y-%m-%d %H:%M} UTC, and no worker runs"
        yield Verdict("worker", says, f"Run: {command}")
    else:
        says = counted(len(waiting), "job", "waits", "wait") + " for a worker that is busy"
        says = says if waiting else "no work waits"
        yield Verdict("worker", says)


def _fetching(config: Config) -> Iterator[Verdict]:
    """The settings with which reports are fetched, and what became of it."""
    from tocsin.feeds.fetched import fetching, lacking
    from tocsin.feeds.publisher import faults

    wrong = list(faults(config))
    yield from (Verdict("fetching", says, fix) for says, fix in wrong)
    stands, missing = fetching(), lacking()
    if stands and stands.problem:
        yield Verdict("fetching", f"it failed: {stands.problem.rstrip('.')}", "Mend that, then run: tocsin feed fetch")
    elif not wrong:
        idle = "not in an exercise" if config.exercise else "no key and no secret are set"
        yield Verdict("fetching", "every hour" if stands else idle)
    for report in missing if stands else ():
        command = f"tocsin feed fetch --date {report.on} --type {report.type}"
        yield Verdict("fetching", f"{report.file} is not imported: {report.problem.rstrip('.')}", f"Run: {command}")


def _mail(config: Config) -> Iterator[Verdict]:
    """Whether what is to go out goes: the switch, the mail server, what failed. The server is greeted, no mail sent."""
    from tocsin.courier import composing, mail_servers, queries, trying

    hindered: trying.Hindrance | None = None
    health = queries.health(at=now())
    line, waiting = health.line, counted(health.waiting, "message", "waits", "wait")
    if config.exercise or instance.is_demonstration(config.home):
        yield Verdict("mail", "nothing leaves an exercise or a demonstration")
        return
    if line.is_stopped:
        who = f"{line.changed_by.partition(' <')[0]} on {line.changed_at:%Y-%m-%d %H:%M} UTC ({line.reason})"
        yield Verdict("mail", f"everything is stopped by {who}; {waiting}", "Run: tocsin mail start")
    elif health.mails_wait and not health.is_mail_set_up:
        yield Verdict("mail", f"{waiting}, and no mail server is set", "Set TOCSIN_SMTP_URL and TOCSIN_MAIL_FROM.")
    elif line.problem:
        says = (
            f"the mail server takes nothing since {line.failing_since:%Y-%m-%d %H:%M} UTC: {line.problem.rstrip('.')}"
        )
        yield Verdict("mail", f"{says}; {waiting}", "Mend that, or TOCSIN_SMTP_URL; it is tried again by itself.")
    elif health.is_mail_set_up and (
        hindered := trying.hindrance(mail_servers.read(config.smtp_url), name=composing.domain())
    ):
        remedy = f"{hindered.remedy} The address is that of TOCSIN_SMTP_URL."
        yield Verdict("mail", f"none can leave: {hindered.says}; {waiting}", remedy)
    elif health.is_late:
        yield Verdict("mail", f"{waiting} since {health.due_since:%Y-%m-%d %H:%M} UTC", "See that a worker runs.")
    if health.failed:
        failed = counted(health.failed, "message", "was not delivered", "were not delivered")
        yield Verdict("mail", failed, "Decide about them on the page Outbox.")
    if health.is_well and not hindered:
        says = f"the mail server takes ours; {waiting}"
        yield Verdict("mail", says if health.is_mail_set_up else "no mail server is set, and nothing waits")


def _notices(config: Config) -> Iterator[Verdict]:
    """Notices that are prepared and that nobody sends, and what waits behind them; and those that come back."""
    from tocsin.notices.coming_back import coming_back
    from tocsin.notices.models import Notice
    from tocsin.notices.queries import unsent

    if config.exercise or instance.is_demonstration(config.home):
        return
    late = unsent(now())
    if late.since is None:
        yield Verdict("notices", "none waits for somebody to send it")
    else:
        says = f"{counted(late.count, 'notice', 'waits', 'wait')} to be sent since {late.since:%Y-%m-%d %H:%M} UTC"
        fix = "Read and send them on the page Notices, or say there why they are not sent."
        yield Verdict("notices", f"{says}, and what comes meanwhile waits behind", fix)
    if back := coming_back(Notice.objects.all(), now()):
        last = back[0]
        says = f"what is sent to {counted(len(back), 'recipient')} comes back, though the address is right"
        says += f"; {last.notice.to}, {last.times} in a row: {last.answer or 'no reason was given'}"
        yield Verdict("notices", says, "Nobody else is told. Look at the page Notices, and mend what is answered.")


def _sender(config: Config) -> Iterator[Verdict]:
    """What the domain that mail comes from says of itself: asked only where mail is sent."""
    from tocsin.courier import domains

    if not (config.smtp_url and config.mail_from) or config.exercise or instance.is_demonstration(config.home):
        return
    domain = config.mail_from.rpartition("@")[2].lower()
    try:
        found = domains.examined(domain, domains.resolver(), selector=config.mail_dkim_selector)
    except domains.NotAsked as problem:
        yield Remark("sender", f"SPF, DKIM and DMARC of {domain} could not be asked for: {problem}")
        return
    for each in found:
        yield Verdict(each.about, each.says, each.remedy)


def _retention(config: Config) -> Iterator[Verdict]:
    """For how long observations are kept, and whether what is older goes."""
    from tocsin.feeds.keeping import overdue

    kept = ", ".join(f"{label.label} {config.retention.days(label) or 'for ever'}" for label in TLP)
    if not config.retention.is_set:
        yield Verdict("retention", "observations are kept for ever")
        return
    late = overdue()
    says = f"days that observations are kept: {kept}"
    if late:
        what = counted(len(late), "report type", "has", "have")
        says = f"{what} rows that are older than they are to be kept: {', '.join(late[:RETENTION_NAMED])}"
        yield Verdict("retention", says, "Run: tocsin feed expire; and see that a worker runs, which does it each day")
    else:
        yield Verdict("retention", says)


def _trail(config: Config) -> Iterator[Verdict]:
    """Whether the trail's head is signed each day, and what was found when it was last checked."""
    from tocsin.audit import keeping
    from tocsin.audit.queries import last_head

    said = keeping.flaw(config.home, at=now())
    if said:
        yield Verdict("audit trail", *said)
    elif head := last_head():
        yield Verdict("audit trail", f"its head of {head.on} is signed")
    else:
        yield Verdict("audit trail", "its first head is signed within two days")
    leaves = config.smtp_url and config.mail_from and not (config.exercise or instance.is_demonstration(config.home))
    if leaves and (kept_by := len(config.audit_head_to)) < KEEPERS:
        whom = "one person outside alone" if kept_by else "nobody outside"
        says = f"its signed head goes to {whom}: who keeps the trail and its key could write both anew"
        yield Remark("audit trail", f"{says}. Name {KEEPERS} in TOCSIN_AUDIT_HEAD_TO")


def _incoming_mail(config: Config) -> Iterator[Verdict]:
    """Messages that nobody has looked into, and those whose file is gone."""
    from tocsin.courier.incoming import keeping, queries

    left = queries.not_looked_into(at=now(), after=LOOKED_INTO_WITHIN).count()
    newest = queries.received().values_list("pk", "sha256")[:MAIL_LOOKED_FOR]
    gone = [pk for pk, sha256 in newest if not keeping.path_of(config.home, sha256).is_file()]
    if left:
        says = counted(left, "message", "that came in was", "that came in were") + " not looked into"
        yield Verdict("mail", says, "See that a worker runs: tocsin serve")
    if gone:
        says = f"the file of message {gone[0]}" + (f" and of {len(gone) - 1} more" if gone[1:] else "") + " is missing"
        yield Verdict("mail", says, RESTORE)
    if not left and not gone:
        yield Verdict("mail", "every message that came in was looked into")


WITHOUT_DATABASE: tuple[Check, ...] = (
    _disk,  # first: a full one makes much else fail
    _python,
    _sqlite,
    _set_up,
    _privacy,
    _writable,
    _clock,
    _address,
    _translations,
)
WITH_DATABASE: tuple[Check, ...] = (
    _database,
    _administrators,
    _sqlite_whole,
    _mappings,
    _imports,
    _cycles,
    _orders,
    _fetching,
    _retention,
    _trail,
    _mail,
    _notices,
    _sender,
    _incoming_mail,
    _waiting,
)
