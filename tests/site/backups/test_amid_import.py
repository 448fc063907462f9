"""A backup that is made while an import is at work holds the findings of before it or of after it, never of between."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.commands import environment
from tests.feeds.reports import write
from tests.homes import Home

IMPORT = """
import sys
from pathlib import Path
from tocsin.site.starting import open_instance
open_instance()
from tocsin.audit.actors import COMMAND_LINE
from tocsin.engine.run import Options
from tocsin.feeds import intake
from tocsin.kernel import clock

def checkpoint(reached):
    if reached == sys.argv[1]:
        print("here", flush=True)
        sys.stdin.readline()

intake.import_reports(
    [Path(sys.argv[2])], options=Options(gone_after=1), by=COMMAND_LINE, at=clock.now(), checkpoint=checkpoint
)
"""


def seen(home: Home) -> tuple[str, int, str]:
    """Return what there is of an instance: all findings, and how far its audit trail goes, with its head."""
    findings, verdict = home.many(["finding", "export"], ["audit", "verify", "--json"])
    trail = json.loads(verdict)
    assert trail["ok"]
    return findings, trail["rows"], trail["head"]


def test_what_is_restored_is_of_before_the_import_or_of_after_it(made: Home, tmp_path: Path) -> None:
    made.prepare().run(write(tmp_path / "first", 0, [1, 2, 3]))
    base = tmp_path / "base.tar.zst"
    made.done("backup", base)
    before, *_ = seen(made)
    second = write(tmp_path / "second", 1, [2, 3, 4, 70])
    made.run(second)
    after, *_ = seen(made)
    assert before != after

    for point, expected in (("written", before), ("state", before), ("committed", after)):
        made.done("restore", "--force", base)
        file = tmp_path / f"{point}.tar.zst"
        command, pipe = [sys.executable, "-c", IMPORT, point, second], subprocess.PIPE
        surroundings = environment(made.place, **made.settings)
        with subprocess.Popen(command, env=surroundings, stdin=pipe, stdout=pipe, text=True) as importing:
            assert importing.stdout and importing.stdout.readline() == "here\n", point
            meanwhile = seen(made)
            made.done("backup", file)
            importing.communicate("go on\n", timeout=60)
        assert meanwhile[0] == expected, point
        assert made.done("finding", "export") == after, "the import was not disturbed"

        # Another data directory, which is empty. The database of PostgreSQL is the same, and not.
        other = Home(tmp_path / point, **made.settings)
        other.done("restore", *(["--force"] if made.settings else []), file)
        assert seen(other) == meanwhile, f"{point}: findings, rows of the trail and its head"
        other.run(second)
        assert seen(other)[0] == after, f"{point}: nothing was lost and nothing counts twice"
