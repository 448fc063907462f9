"""An instance of a version that wrote no digests into names: upgraded, killed amid that, upgraded again, restored."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from tests import forking
from tests.commands import environment
from tests.feeds.reports import write
from tests.homes import Home

pytestmark = pytest.mark.slow
AS_BEFORE = r"""
import re
from django.conf import settings
from django.core.management import call_command
from tocsin.site.starting import set_up_django
set_up_django()
from tocsin.directory.models import ReferenceTable
from tocsin.feeds.models import Baseline, Report, State

def old(name):
    return re.sub(r"\.[0-9a-f]{32}(?=\.parquet)", "", name)

for path in settings.TOCSIN.store.rglob("*.parquet"):
    path.rename(path.with_name(old(path.name)))
for model in (State, Baseline):
    for row in model.objects.all():
        row.partitions = [old(name) for name in row.partitions]
        row.save()
for row in Report.objects.all():
    row.parts, row.quarantine = [old(name) for name in row.parts], old(row.quarantine)
    row.save()
for row in ReferenceTable.objects.all():
    row.file = old(row.file)
    row.save()
call_command("migrate", "feeds", "0008", verbosity=0)
"""
KILLED = """
import os, signal
from tocsin.engine import digests
first, named = digests.of, []

def of(path):
    named.append(path)
    if len(named) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return first(path)

digests.of = of
from tocsin.site.cli import run
run(["upgrade"])
"""
DIGEST = re.compile(r"\.[0-9a-f]{32}\.parquet$")


@pytest.fixture
def before(made: Home, tmp_path: Path) -> Home:
    """Three days of two types, a withdrawn one among them, and a table of addresses, on each database."""
    made.prepare()
    (tmp_path / "rib.txt").write_text("192.0.2.0/24\t64496\n")
    made.done("directory", "load-asn", tmp_path / "rib.txt")
    for number in range(3):
        for kind in ("scan_rdp", "scan_telnet"):
            with write(tmp_path / f"day{number}", number, [1, 2, 70, 100 + number], kind=kind).open("a") as file:
                file.write("torn,row\n")
        made.run(tmp_path / f"day{number}")
    made.done("feed", "withdraw", "3", "--reason", "It was of another country.")
    made.python(AS_BEFORE)
    return made


def unnamed(home: Home) -> list[str]:
    """Return the files of the store that say no digest."""
    found = (path for path in (home.place / "store").rglob("*.parquet") if not DIGEST.search(path.name))
    leaving = home.place / "store/files.leaving"
    due = leaving.read_text() if leaving.exists() else ""
    return sorted(path.name for path in found if path.name not in due)


def test_names_say_their_digests_after_an_upgrade_that_was_killed_and_begun_again(before: Home, tmp_path: Path) -> None:
    archive, other = tmp_path / "old.tar.zst", tmp_path / "new.tar.zst"
    before.done("backup", archive)
    assert "Run `tocsin upgrade` first" in before("finding", "list").stderr

    killed = forking.run(["-c", KILLED], environment(before.place, **before.settings))
    assert killed.returncode == -signal.SIGKILL
    assert "Run `tocsin upgrade` first" in before("finding", "list").stderr
    assert "feeds.0009_digests_in_names" in before.done("upgrade")

    findings = before.findings()
    assert len(findings) == 10
    assert before.done("doctor", "--thorough").startswith("Nothing to mend")
    assert before.done("feed", "refold") == "No findings are missing or damaged.\n"
    before.done("backup", other)
    before.run(tmp_path / "day2")
    assert not unnamed(before)

    for file in (archive, other):
        before.done("restore", "--force", file)
        before("upgrade")
        assert before.findings() == findings
        assert before.done("doctor", "--thorough").startswith("Nothing to mend")
        before.run(tmp_path / "day2")
        assert not unnamed(before)
