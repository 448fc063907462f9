"""A backup that is made while an import is at work holds the findings of before it or of after it, never of between."""

from __future__ import annotations

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


def test_what_is_restored_is_of_before_the_import_or_of_after_it(made: Home, tmp_path: Path) -> None:
    made.prepare().run(write(tmp_path / "first", 0, [1, 2, 3]))
    base = tmp_path / "base.tar.zst"
    made.done("backup", base)
    before = made.digest()
    second = write(tmp_path / "second", 1, [2, 3, 4, 70])
    made.run(second)
    after = made.digest()
    assert before != after

    for point, expected in (("written", before), ("state", before), ("committed", after)):
        made.done("restore", "--force", base)
        file = tmp_path / f"{point}.tar.zst"
        command, pipe = [sys.executable, "-c", IMPORT, point, second], subprocess.PIPE
        surroundings = environment(made.place, **made.settings)
        with subprocess.Popen(command, env=surroundings, stdin=pipe, stdout=pipe, text=True) as importing:
            assert importing.stdout and importing.stdout.readline() == "here\n", point
            made.done("backup", file)
            importing.communicate("go on\n", timeout=60)
        assert made.digest() == after, "the import was not disturbed"

        made.done("restore", "--force", file)
        assert made.digest() == expected, point
        made.run(second)
        assert made.digest() == after, f"{point}: nothing was lost and nothing counts twice"
    assert made.done("audit", "verify")
