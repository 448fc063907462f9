"""Ctrl-C in real commands: a sentence, exit code 130, and nothing that counts by half."""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import Command, environment
from tests.feeds.reports import FIRST, write
from tests.homes import Home
from tocsin.site.cli.parser import INTERRUPTED

ROWS = 400_000
"""Enough for an import to last for a second or two."""


@pytest.fixture(scope="session")
def long_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / f"{FIRST}-scan_rdp-xm-geo.csv"
    lines = (f"{FIRST} 06:00:00,medium,198.18.{n >> 8 & 255}.{n & 255},tcp,{n >> 16},rdp\n" for n in range(ROWS))
    path.write_text("timestamp,severity,ip,protocol,port,tag\n" + "".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def home(ready: Path) -> Home:
    return Home(ready)


def wait_for_import(home: Home, process: subprocess.Popen[str]) -> None:
    """Wait until an import has the store and is in the midst of it."""
    lock = home.place / "store/ingest.lock"
    for _ in range(1200):
        assert process.poll() is None, process.communicate()
        if lock.is_file() and lock.read_text().strip() == "import 1":
            time.sleep(0.1)
            return
        time.sleep(0.02)
    pytest.fail("no import began")


def of_run(home: Home) -> dict[str, str]:
    (run,) = json.loads(home.done("feed", "runs", "--json"))["runs"]
    return {name: run[name] for name in ("state", "note")}


def test_an_import_that_is_interrupted_says_so_and_leaves_nothing(home: Home, long_report: Path) -> None:
    process = home.start("feed", "run", long_report)
    wait_for_import(home, process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    sentence = "It was interrupted. Nothing of it counts; import its files again."
    assert (process.returncode, out) == (130, "")
    assert err == f"tocsin: run 1: {sentence}\n"
    assert of_run(home) == {"state": "interrupted", "note": sentence}
    assert home.findings() == [] and home.files() == set()
    assert home.done("audit", "verify").startswith("4 rows are as they were written")

    assert home.run(long_report)["rows_kept"] == ROWS
    assert len(home.findings("--limit", "5")) == 5


def test_a_watch_that_is_interrupted_finishes_the_import_that_runs(home: Home, long_report: Path) -> None:
    process = home.start("feed", "watch", long_report.parent, "--settled", "0", "--every", "0.1")
    wait_for_import(home, process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, f"Run 1: {ROWS} rows of 1 report kept.\n")
    assert "Traceback" not in err
    assert of_run(home)["state"] == "done"


def test_a_second_ctrl_c_interrupts_the_import_of_a_watch_and_the_next_watch_takes_it_in(
    home: Home, long_report: Path
) -> None:
    process = home.start("feed", "watch", long_report.parent, "--settled", "0")
    wait_for_import(home, process)
    process.send_signal(signal.SIGINT)
    time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[1:] == ["tocsin: run 1: It was interrupted. Nothing of it counts; import its files again."]
    assert of_run(home)["state"] == "interrupted"
    again = home.done("feed", "watch", long_report.parent, "--settled", "0", "--once")
    assert again == f"Run 2: {ROWS} rows of 1 report kept.\n", "nothing was lost"


def test_other_commands_end_with_a_sentence_too(home: Home, tmp_path: Path) -> None:
    """Here one that waits for an import which never ends."""
    report = write(tmp_path / "reports", 0, [1])
    home.run(report)
    with (home.place / "store/ingest.lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        process = home.start("feed", "withdraw", "1")
        assert process.stderr and "waiting" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "tocsin: interrupted before it was done.\n")


def test_a_command_that_is_interrupted_while_it_starts_ends_in_silence(tocsin: Command, tmp_path: Path) -> None:
    code = """
import sys
import tocsin.site.cli as commands
def interrupted(_arguments):
    raise KeyboardInterrupt
commands.run = interrupted
from tocsin.__main__ import main
sys.exit(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(tmp_path), capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (130, "")


def test_what_nobody_reads_after_ctrl_c_does_not_change_how_a_command_ended(home: Home, tmp_path: Path) -> None:
    """As in `finding export | gzip`: the pipe is full, and Ctrl-C ends its reader too."""
    home.run(write(tmp_path / "reports", 0, range(250)))
    process = home.start("finding", "export")
    assert process.stdout and process.stderr
    fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
    assert select.select([process.stdout], [], [], 60)[0]
    time.sleep(0.3)  # for the rest there is no room
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    said = process.stderr.readline()
    process.stdout.close()
    assert (process.wait(timeout=60), said + process.stderr.read()) == (130, f"tocsin: {INTERRUPTED}\n")
    process.stderr.close()


LINES = 40
INTERRUPTED_AGAIN_AND_AGAIN = """
import sys, time
from tocsin.site.cli import output
output.watch()
stream = getattr(sys, sys.argv[1])
for n in range(int(sys.argv[2])):
    try:
        print(n, file=stream, flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        pass
"""


@pytest.fixture
def on_one_processor() -> Iterator[None]:
    """Whoever reads goes on before whoever wrote: they share a processor, and so do those that are started."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    yield
    os.sched_setaffinity(0, allowed)


@pytest.mark.usefixtures("on_one_processor")
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_what_was_said_when_ctrl_c_came_is_said_once(tmp_path: Path, stream: str) -> None:
    """It comes the moment that the words are read: before whoever wrote them knows that they are written."""
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED_AGAIN_AND_AGAIN, stream, str(LINES)],
        env=environment(tmp_path),
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        **{stream: subprocess.PIPE},  # type: ignore[call-overload]
    ) as process:
        said, heard = getattr(process, stream), []
        for _ in range(LINES):
            heard.append(said.readline())
            process.send_signal(signal.SIGINT)
        process.kill()
    assert heard == [f"{n}\n" for n in range(LINES)]
