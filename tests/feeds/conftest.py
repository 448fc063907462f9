"""A store of a test's own on the chosen database, two constituents, and a hand to import with."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from django.test import Client

    from tests.cast import Cast
    from tests.feeds.kept import Kept

AT = dt.datetime(2026, 11, 19, 9, 0, tzinfo=dt.UTC)


class Store:
    """The store of a test, and what the manifest says of it."""

    has_week = False
    """Whether the four days of `week` were given back to it."""
    is_first = False
    """Whether nothing was recorded before it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, *paths: Path, checkpoint: Any = None, at: dt.datetime = AT, **options: Any) -> dict[str, Any]:
        """Import report files; return the run's summary. A finding is gone after one cycle unless told otherwise."""
        from tocsin.audit.actors import COMMAND_LINE
        from tocsin.engine.run import Options
        from tocsin.engine.store import no_checkpoint
        from tocsin.feeds import intake

        asked = Options(**{"gone_after": 1, **options})
        return intake.import_reports(
            paths, options=asked, by=COMMAND_LINE, at=at, wait_s=0, checkpoint=checkpoint or no_checkpoint
        )

    def withdraw(self, run: int, at: dt.datetime = AT) -> None:
        """Withdraw a run."""
        from tocsin.audit.actors import COMMAND_LINE
        from tocsin.feeds import intake
        from tocsin.feeds.models import Run

        intake.withdraw(Run.objects.get(pk=run), reason="It was of another country.", by=COMMAND_LINE, at=at)

    def findings(self, **asked: Any) -> list[dict[str, Any]]:
        """Return findings as `finding list --json` prints them."""
        from tocsin.feeds import queries

        return [queries.as_record(finding) for finding in queries.findings().stream(queries.Filter(**asked))]

    def states(self) -> dict[str, str]:
        """Return the state of each asset."""
        return {finding["asset"]: finding["state"] for finding in self.findings()}

    def files(self) -> set[str]:
        """Return all files that the engine wrote."""
        folders = ("observations", "state", "quarantine", "spill")
        found = (path for folder in folders for path in (self.root / folder).rglob("*") if path.is_file())
        return {path.relative_to(self.root).as_posix() for path in found}

    def leaving(self) -> set[str]:
        """Return the files that are about to be deleted."""
        path = self.root / "files.leaving"
        return {line.partition(" ")[2] for line in path.read_text().splitlines()} if path.exists() else set()

    def named(self) -> set[str]:
        """Return the files that the manifest names."""
        from tocsin.feeds.models import Baseline, Report, State

        reports = Report.objects.exclude(state="superseded")
        findings = (*State.objects.all(), *Baseline.objects.all())
        paths = {path for each in findings for path in each.partitions}
        return paths | {path for row in reports for path in (*row.parts, row.quarantine) if path}


def number_runs_from_one() -> None:
    """Begin the numbers of runs at 1: tests name runs by them, and what a test took is not given back."""
    from django.core.management.color import no_style
    from django.db import connection

    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_by_name_sql(
            no_style(), [{"table": "feeds_run", "column": "id"}]
        ):
            cursor.execute(statement)


def stood_still(monkeypatch: pytest.MonkeyPatch) -> dt.date:
    """Let it be the day of the latest report, as for a demonstration; return its last day."""
    from tocsin.feeds import days

    monkeypatch.setattr(days, "now", lambda: AT + dt.timedelta(days=300))
    return dt.date(2026, 11, 16)


@pytest.fixture
def store(
    db: None, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Store:
    """An empty store that deletes at once; 192.0.2.0/25 is the ministry's, 192.0.2.64/26 inside it the bank's.

    Where the test asks for `week` as well, and its four days were imported before, they are there at once.
    """
    from tests.feeds import kept
    from tocsin.feeds import sweeping

    monkeypatch.setattr(sweeping, "GRACE_S", 0)
    settings.TOCSIN_TODAY = stood_still(monkeypatch)
    settings.CONFIG = settings.TOCSIN = dataclasses.replace(settings.CONFIG, home=tmp_path / "home")
    made = Store(settings.TOCSIN.store)
    made.is_first = kept.nothing_is_there()
    if made.is_first and "week" in request.fixturenames and WEEK:
        kept.give_back(WEEK[0], settings.TOCSIN.home)
        made.has_week = True
        return made
    number_runs_from_one()
    enter_two_constituents()
    return made


def enter_two_constituents() -> None:
    """Enter the ministry and the bank inside it."""
    from tocsin.audit.actors import COMMAND_LINE
    from tocsin.directory import actions
    from tocsin.directory.choices import ClaimKind
    from tocsin.directory.models import Constituent

    for public_id, network in (("moh", "192.0.2.0/25"), ("bank", "192.0.2.64/26")):
        actions.add_constituent(public_id=public_id, name=public_id, sector="health", by=COMMAND_LINE, at=AT)
        constituent = Constituent.objects.get(public_id=public_id)
        actions.add_claim(constituent, kind=ClaimKind.NETWORK, value=network, by=COMMAND_LINE, at=AT)


WEEK: list[Kept] = []
"""The four days, once they were imported."""


@pytest.fixture
def week(store: Store, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Four days: hosts 1 to 8 are seen at first, then 1 to 4; on the last day 1 to 3, 5 again, and 20 to 29 are new.

    1 to 63 are the ministry's, 64 to 127 the bank's, above them nobody's: 200 stays open all the time.
    """
    from tests.feeds import kept
    from tests.feeds.reports import write

    seen = (range(1, 9), range(1, 5), range(1, 5), [1, 2, 3, 5, *range(20, 30)])
    for number, hosts in enumerate(seen):
        path = write(tmp_path / "reports", number, [*hosts, 70, 200])
        if not store.has_week:
            store.run(path, accept_drop=True)
    if store.is_first and not WEEK:
        taken = kept.take(store.root.parent, tmp_path_factory.mktemp("week") / "home")
        WEEK.extend(filter(None, [taken]))
    return store


@pytest.fixture
def browser_of_analyst(week: Store, cast: Cast) -> Client:
    """The analyst's browser, with four days of reports."""
    from tests.feeds.pages import signed_in

    return signed_in(cast.analyst)


@pytest.fixture
def keep(settings: Any) -> Any:
    """Return what sets for how many days observations are kept: fewer than an administrator could ask for."""

    def for_days(amber: int = 0, **others: int) -> None:
        named = {f"retention_days_{name}": number for name, number in {"amber": amber, **others}.items()}
        settings.TOCSIN = dataclasses.replace(settings.TOCSIN, **named)

    return for_days
