"""Kill retention without warning at each point where a crash could hurt: rows are there wholly, or gone for good.

And a backup of such an instance, restored, knows what went.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.faults.test_crash import marked, python
from tests.feeds.reports import write
from tests.homes import Home

DRIVER = """
import datetime as dt, os, signal, sys
from tocsin.site.starting import set_up_django
set_up_django()
from tocsin.audit.actors import COMMAND_LINE
from tocsin.feeds import expiring, keeping
from tocsin.kernel import clock

point = sys.argv[1]
keeping.today = lambda: dt.date(2026, 12, 18)  # 32 days after the first report: two days are too old

def checkpoint(reached):
    if reached == point:
        os.kill(os.getpid(), signal.SIGKILL)

gone = expiring.expire(by=COMMAND_LINE, at=clock.now(), checkpoint=checkpoint)
print(*(each.reports for each in gone))
"""
KEPT = """
from tocsin.site.starting import set_up_django
set_up_django()
from tocsin.audit.queries import verify
from tocsin.feeds.models import Baseline, Report
kept = Report.objects.filter(expired_at=None)
print(verify().broken_at, Report.objects.count(), kept.count(), Baseline.objects.count())
"""


def filled(home: Home, folder: Path) -> Home:
    """Import three days of two types into an instance that keeps thirty days."""
    home.settings["retention_days"] = "30"
    home.prepare()
    for number in range(3):
        for kind in ("scan_rdp", "scan_ssl"):
            write(folder / f"day{number}", number, range(40 * number, 40 * number + 80), kind=kind)
        home.run(folder / f"day{number}")
    return home


@pytest.fixture
def old(made: Home, tmp_path: Path) -> Home:
    """Such an instance, on each database."""
    return filled(made, tmp_path)


@pytest.mark.slow
def test_rows_that_go_are_there_wholly_or_gone(old: Home, tmp_path: Path) -> None:
    before, files = old.digest(), old.files()
    for point in ("written", "renamed", "state"):
        assert python(old, DRIVER, point).returncode == -signal.SIGKILL, point
        assert (old.digest(), marked(old)) == (before, True), point
        assert python(old, KEPT).stdout.split() == ["None", "6", "6", "0"], point
    assert python(old, DRIVER, "committed").returncode == -signal.SIGKILL
    after = old.digest()
    assert after != before, "what had gone on the first day is forgotten"
    assert python(old, KEPT).stdout.split() == ["None", "6", "2", "2"]
    done = python(old, DRIVER, "never")
    assert (done.returncode, done.stdout.strip()) == (0, ""), "it is done already"
    old.run(tmp_path / "day2")  # takes the lock, and with it away what the crash left
    assert not marked(old)
    kept = {file for file in files if file.startswith("observations/") and "/r00000003-" in file}
    assert {file for file in old.files() if file.startswith("observations/")} == kept
    assert old.digest() == after
    assert _late(old, tmp_path)


@pytest.mark.slow
def test_a_backup_knows_what_went(_first_instance: Path, tmp_path: Path) -> None:
    old = filled(Home(_first_instance).copy(tmp_path / "home"), tmp_path)
    assert python(old, DRIVER, "never").stdout.split() == ["2", "2"]
    old.done("backup", tmp_path / "backup.tar.zst")
    other = Home(tmp_path / "other", **old.settings)
    other.done("restore", tmp_path / "backup.tar.zst")
    assert other.digest() == old.digest()
    assert python(other, KEPT).stdout.split() == ["None", "6", "2", "2"]
    assert _late(other, tmp_path)


def _late(home: Home, tmp_path: Path) -> bool:
    """Say whether a report of a day that went is refused, and one of a day that is kept is folded from the baseline."""
    late = home("feed", "run", "--json", write(tmp_path / "late", 1, [250]))
    refused = late.returncode == 1 and "nothing from before 2026-11-18 is kept any more" in late.stderr
    before = {each["id"]: each for each in home.findings("--state", "open")}
    home.run(write(tmp_path / "late", 2, [250], part="-more"))
    after = {each["id"]: each for each in home.findings("--state", "open")}
    return refused and before == {name: after[name] for name in before} and len(after) == len(before) + 1
