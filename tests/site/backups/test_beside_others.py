"""Neither a restore nor an upgrade begins while somebody works on the instance, on either database."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.commands import environment
from tests.feeds.reports import write
from tests.homes import Home
from tocsin.kernel.refusals import Busy
from tocsin.site import instance

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
    if reached == "written":
        print("here", flush=True)
        sys.stdin.read()

summary = intake.import_reports(
    [Path(sys.argv[1])], options=Options(gone_after=1), by=COMMAND_LINE, at=clock.now(), checkpoint=checkpoint
)
print(summary["rows_kept"])
"""


@contextmanager
def importing(home: Home, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """An import of one report that has come half of its way and waits there for its input to end."""
    command = [sys.executable, "-c", IMPORT, write(folder, 0, [1, 2])]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, env=environment(home.place, **home.settings), stdin=pipe, stdout=pipe, text=True
    ) as process:
        assert process.stdout and process.stdout.readline() == "here\n"
        yield process


def test_an_import_that_runs_is_not_restored_over(made: Home, tmp_path: Path) -> None:
    file = tmp_path / "b.tar.zst"
    made.done("backup", file)
    with importing(made, tmp_path / "reports") as process:
        for command in (("restore", "--force", file), ("upgrade",)):
            refused = made(*command)
            assert refused.returncode == 1
            assert refused.stderr.startswith("tocsin: run 1 has kept the store busy"), refused.stderr
        assert process.communicate()[0].endswith("2\n")

    assert len(made.findings()) == 2
    assert not list(made.place.glob("before-restore-*"))
    made.done("restore", "--force", file)
    assert made.findings() == []


def test_a_folder_that_is_watched_is_not_restored_over(ready: Path, tmp_path: Path) -> None:
    """Between two imports it holds no lock of the store, but a database that would be moved away beneath it."""
    home, file = Home(ready), tmp_path / "b.tar.zst"
    home.done("backup", file)
    (tmp_path / "post").mkdir()
    watching = home.start("feed", "watch", tmp_path / "post")
    assert watching.stderr and "watching" in watching.stderr.readline()
    try:
        for command in (("restore", "--force", file), ("upgrade",)):
            assert "perhaps `tocsin feed watch`, works on" in home(*command).stderr
    finally:
        watching.send_signal(signal.SIGTERM)
        watching.communicate(timeout=60)
    home.done("restore", "--force", file)


def test_no_command_begins_while_a_restore_is_at_work(ready: Path) -> None:
    with instance.command_lock(ready, alone=True):
        refused = Home(ready)("finding", "list")
    assert (refused.returncode, "A restore or an upgrade is at work on" in refused.stderr) == (1, True)


def test_no_backup_is_made_of_what_is_just_being_replaced(made: Home, tmp_path: Path) -> None:
    """Amid a restore the database is of one moment and the files of another, and `version` is away."""
    file = tmp_path / "b.tar.zst"
    for amid in ("an upgrade", "a restore"):
        if amid == "a restore":
            (made.place / "version").rename(made.place / "version.aside")
        with instance.command_lock(made.place, alone=True):
            refused = made("backup", file)
        assert (refused.returncode, refused.stdout) == (1, ""), amid
        assert (
            refused.stderr
            == f"tocsin: A restore or an upgrade is at work on {made.place}. Try again when it has ended.\n"
        )
        assert list(tmp_path.glob("b.tar*")) == []
    (made.place / "version.aside").rename(made.place / "version")
    made.done("backup", file)


def test_a_restore_waits_for_nobody_while_a_backup_is_made(ready: Path, tmp_path: Path) -> None:
    home, file = Home(ready), tmp_path / "b.tar.zst"
    home.done("backup", file)
    with instance.command_lock(ready, alone=False):  # as a backup holds it
        refused = home("restore", "--force", file)
    assert (refused.returncode, "Another command" in refused.stderr) == (1, True)


def test_no_command_takes_an_instance_amid_a_restore_for_none(ready: Path) -> None:
    (ready / "version").unlink()
    with instance.command_lock(ready, alone=True):
        assert "A restore or an upgrade is at work on" in Home(ready)("finding", "list").stderr


def test_commands_do_not_mind_each_other(ready: Path) -> None:
    with instance.command_lock(ready, alone=False):
        with instance.command_lock(ready, alone=False):
            pass
        with pytest.raises(Busy), instance.command_lock(ready, alone=True):
            pass
