"""Kill an import without warning at each point where a crash could hurt, then import again on the command line.

Nothing may be lost, nothing counted twice, nothing left lying about, on both databases.
"""

from __future__ import annotations

import dataclasses
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests import forking
from tests.commands import environment
from tests.feeds.reports import write
from tests.homes import Home

BEFORE = ("written", "renamed", "state written", "state")
"""Points before the commit; after it come `committed` and `after`. At `state written` the first file of the findings
has been written, the second has not."""
DRIVER = """
import os, signal, sys
from pathlib import Path
from tocsin.site.starting import set_up_django
set_up_django()
from tocsin.audit.actors import COMMAND_LINE
from tocsin.engine.run import Options
from tocsin.engine import reduce
from tocsin.feeds import intake
from tocsin.kernel import clock

point, folder = sys.argv[1], Path(sys.argv[2])
write_state = reduce.write_state
state_files = []

def counted(state, path):
    write_state(state, path)
    state_files.append(path)
    if point == "state written" and len(state_files) == 1:
        os.kill(os.getpid(), signal.SIGKILL)

reduce.write_state = counted

def checkpoint(reached):
    if reached == point:
        os.kill(os.getpid(), signal.SIGKILL)

intake.import_reports(
    [folder], options=Options(gone_after=1), by=COMMAND_LINE, at=clock.now(), checkpoint=checkpoint
)
"""
AUDIT = """
from tocsin.site.starting import set_up_django
set_up_django()
from tocsin.audit.queries import verify
from tocsin.feeds.models import Report, Run
print(verify().broken_at, *sorted(Run.objects.values_list("state", flat=True)), Report.objects.count())
"""


def python(home: Home, code: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run code beside the command line, on the same home."""
    return forking.run(["-c", code, *map(str, arguments)], environment(home.place, **home.settings))


@dataclasses.dataclass
class Days:
    """Three days of reports, and what they come to when nothing is killed."""

    folders: list[Path]
    digests: list[str]
    """Of the findings after each day."""
    second: dict[str, Any]
    """Summary of the second day."""


@pytest.fixture(scope="module")
def unharmed(tmp_path_factory: pytest.TempPathFactory, _first_instance: Path) -> tuple[Home, Days]:
    """An instance that has a directory and no reports, and what the days come to on a copy of it."""
    root = tmp_path_factory.mktemp("unharmed")
    folders = [root / f"day{number}" for number in range(3)]
    for number, folder in enumerate(folders):
        for kind in ("scan_rdp", "scan_ssl"):
            write(folder, number, range(60 * number, 60 * number + 120), kind=kind)
    write(folders[1], 1, [250], kind="scan_telnet", timestamp="no time")
    empty = Home(_first_instance).copy(root / "empty").prepare()
    home = empty.copy(root / "home")
    summaries, digests = [], []
    for folder in folders:
        summaries.append(home.run(folder))
        digests.append(home.digest())
    return empty, Days(folders, digests, summaries[1])


@pytest.fixture
def days(unharmed: tuple[Home, Days]) -> Days:
    """What the days come to."""
    return unharmed[1]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def home(request: pytest.FixtureRequest, tmp_path: Path, unharmed: tuple[Home, Days]) -> Home:  # type: ignore[override]
    """An instance that has imported the first day, on each database."""
    if request.param == "postgresql":
        home = request.getfixturevalue("on_postgresql").prepare()
    else:
        home = unharmed[0].copy(tmp_path / "home")
    home.run(unharmed[1].folders[0])
    return home


@pytest.mark.slow
def test_an_import_that_is_killed_at_any_point_counts_wholly_or_not_at_all(home: Home, days: Days) -> None:
    for point in BEFORE:
        assert kill(home, point, days.folders[1]) == -signal.SIGKILL, point
        assert marked(home), point
        assert home.digest() == days.digests[0], f"killed at {point!r}, half an import counts"

    summary = home.run(days.folders[1])

    assert home.digest() == days.digests[1]
    for name in ("rows_read", "rows_kept", "rows_quarantined", "duplicates", "constituents", "cycles"):
        assert summary[name] == days.second[name]
    assert shape(home.files()) == shape_of_days(2)
    assert not marked(home)

    assert kill(home, "committed", days.folders[2]) == -signal.SIGKILL
    assert home.digest() == days.digests[2], "what is committed counts"
    assert home.run(days.folders[2])["rows_read"] == 0, "and not twice"
    assert home.digest() == days.digests[2]
    assert shape(home.files()) == shape_of_days(3)

    verdict = python(home, AUDIT).stdout.split()
    assert verdict == ["None", *["done"] * 4, *["failed"] * len(BEFORE), "7"]


@pytest.mark.slow
def test_an_import_that_is_killed_at_its_very_end_has_been_one(home: Home, days: Days) -> None:
    assert kill(home, "after", days.folders[1]) == -signal.SIGKILL
    assert home.digest() == days.digests[1]
    assert home.run(days.folders[1])["rows_read"] == 0
    home.run(days.folders[2])
    assert home.digest() == days.digests[2]
    assert shape(home.files()) == shape_of_days(3)
    assert not marked(home)


def kill(home: Home, point: str, folder: Path) -> int:
    """Import a folder and be killed at a point; return the exit code."""
    return python(home, DRIVER, point, folder).returncode


def marked(home: Home) -> bool:
    return (home.place / "store" / "unclean").exists()


def shape(files: set[str]) -> dict[str, int]:
    """Count files by folder."""
    folders = [file.rpartition("/")[0] for file in files]
    return {folder: folders.count(folder) for folder in folders}


def shape_of_days(number: int) -> dict[str, int]:
    """What the manifest names when so many days are in: two types a day, and a row that could not be kept."""
    return {
        "observations/scan_rdp": number,
        "observations/scan_ssl": number,
        "state/scan_rdp": 1,
        "state/scan_ssl": 1,
        "state/scan_telnet": 1,
        "quarantine/scan_telnet": 1,
    }
