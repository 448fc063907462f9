"""The door of the command line: what Python does beside the command is kept small."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import environment
from tests.feeds.reports import write
from tests.homes import Home
from tocsin.__main__ import OBJECTS_BETWEEN_LOOKS, main


@pytest.fixture(autouse=True)
def _garbage_as_it_was() -> Iterator[None]:
    """Leave Python's garbage collector as this test found it."""
    before = gc.get_threshold()
    gc.unfreeze()  # what was collected (tests.discipline)
    yield
    gc.freeze()
    gc.set_threshold(*before)


@pytest.mark.parametrize("arguments", [["--version"], ["no such command"]])
def test_what_a_command_has_loaded_is_not_looked_through_for_garbage(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["tocsin", *arguments])
    monkeypatch.delitem(sys.modules, "_duckdb", raising=False)  # other tests have loaded it
    assert gc.get_freeze_count() == 0
    with pytest.raises(SystemExit):
        main()
    assert gc.get_threshold()[0] == OBJECTS_BETWEEN_LOOKS
    assert gc.get_freeze_count() > OBJECTS_BETWEEN_LOOKS  # when the process ends, nothing is left to be looked at


@pytest.mark.parametrize(
    "arguments",
    [
        ("feed", "run"),
        ("feed", "watch"),
        ("feed", "read"),
        ("feed", "map"),
        ("feed", "schema", "load"),
        ("directory", "import"),
        ("directory", "load-asn"),
        ("backup",),
        ("restore",),
        ("demo", "--home"),
    ],
)
@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_name_is_not_the_current_folder(
    arguments: tuple[str, ...], empty: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from tocsin.site.cli.parser import run

    with pytest.raises(SystemExit) as stopped:
        run([*arguments, empty])

    assert stopped.value.code == 2
    assert "it is empty: name a file or a folder" in capsys.readouterr().err


def test_a_command_that_has_ended_is_not_taken_apart_but_does_what_it_was_to_do_at_the_end() -> None:
    code = """
import atexit, sys, threading, time
import tocsin.site.cli as commands
class Left:
    def __del__(self):
        print("taken apart", flush=True)
kept = Left()
def run(arguments):
    atexit.register(lambda: print("at the end"))
    if arguments:
        threading.Thread(target=lambda: (time.sleep(0.2), print("a thread goes on", flush=True))).start()
    print("done")
    return 3
commands.run = run
from tocsin.__main__ import entry
sys.exit(entry())
"""
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    short = subprocess.run([sys.executable, "-c", code], env=plain, capture_output=True, text=True, timeout=60)
    assert (short.returncode, short.stdout, short.stderr) == (3, "done\nat the end\n", "")
    lasting = subprocess.run([sys.executable, "-c", code, "on"], env=plain, capture_output=True, text=True, timeout=60)
    assert lasting.returncode == 3 and "a thread goes on\n" in lasting.stdout and "at the end\n" in lasting.stdout
    with Path("/dev/full").open("w") as full:
        unwritten = subprocess.run([sys.executable, "-c", code], env=plain, stdout=full, stderr=-1, timeout=60)
    assert unwritten.returncode == 120 and b"No space left" in unwritten.stderr, "as Python says it"


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&- <&-"])
def test_what_is_said_into_closed_streams_goes_nowhere(prepared: Home, tmp_path: Path, closed: str) -> None:
    """And least of all into the database, which would be the next file that is opened."""
    file = write(tmp_path / "in", 0, [1])
    for command in (f"feed run {file}", "feed run nowhere.csv", "finding list --json", "finding export"):
        line = f"{sys.executable} -m tocsin {command} {closed}"
        done = subprocess.run(
            ["sh", "-c", line], env=environment(prepared.place), capture_output=True, text=True, timeout=60
        )
        assert (done.returncode, "Traceback" in done.stderr) == (int("nowhere" in command), False), command
    assert [each["asset"] for each in prepared.findings()] == ["192.0.2.1"]
    assert "Nothing to mend" in prepared.done("doctor")
