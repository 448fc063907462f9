"""Parts are started, started again and stopped. Real processes, no waiting for real minutes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands import ROOT
from tocsin.site.serving import supervisor
from tocsin.site.serving.supervisor import Part, pause_after, supervise

NOTE_PID = "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); time.sleep(60)"
IGNORE_STOP = (
    "import signal, sys, time; signal.signal(15, signal.SIG_IGN); open(sys.argv[1], 'w').write('1\\n'); time.sleep(60)"
)


def part(script: str, *arguments: str | Path) -> Part:
    return Part("test", [sys.executable, "-c", script, *map(str, arguments)], dict(os.environ))


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def pids(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def stop_when(condition: Callable[[], bool]) -> None:
    """Send SIGTERM to this process, which supervises, once the condition holds or ten seconds have passed."""

    def wait() -> None:
        deadline = time.monotonic() + 10
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_part_runs_until_the_supervisor_is_told_to_stop(tmp_path: Path) -> None:
    notes = tmp_path / "pids"
    stop_when(lambda: len(pids(notes)) == 1)

    assert supervise([part(NOTE_PID, notes)]) == 0

    (pid,) = pids(notes)
    assert not alive(pid)


def test_a_part_that_dies_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PAUSE_S", 0.01)
    notes = tmp_path / "pids"

    def kill_the_first() -> bool:
        if len(pids(notes)) == 1 and alive(pids(notes)[0]):
            os.kill(pids(notes)[0], signal.SIGKILL)
        return len(pids(notes)) >= 2

    stop_when(kill_the_first)
    assert supervise([part(NOTE_PID, notes)]) == 0
    assert len(pids(notes)) == 2
    assert "ended (signal SIGKILL)" in capfd.readouterr().err


def test_a_part_that_will_not_stop_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "STOP_S", 0.3)
    started = tmp_path / "started"
    stop_when(started.exists)
    assert supervise([part(IGNORE_STOP, started)]) == 1


def test_pauses_double_up_to_a_minute() -> None:
    assert [pause_after(deaths) for deaths in (1, 2, 3, 6, 7, 100)] == [1, 2, 4, 32, 60, 60]


def test_who_has_lived_long_starts_with_a_short_pause() -> None:
    short = part("raise SystemExit(3)")
    for at_s in (0.0, 10.0, 20.0):
        short.start(at_s)
        assert short.process
        short.process.wait()
        assert short.note_death(at_s + 1) == 3
    assert (short.deaths, short.start_at_s) == (3, 25.0)

    short.start(100.0)
    assert short.process
    short.process.wait()
    short.note_death(200.0)
    assert (short.deaths, short.start_at_s) == (1, 201.0)


def test_signal_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with supervisor._stop_signal() as wait:
        assert wait(0) is False
    assert signal.getsignal(signal.SIGTERM) is before


def test_children_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    notes = tmp_path / "pids"
    script = (
        "import sys, os\nfrom tocsin.site.serving.supervisor import Part, supervise\n"
        f"supervise([Part('test', [sys.executable, '-c', {NOTE_PID!r}, {str(notes)!r}], dict(os.environ))])"
    )
    outer = subprocess.Popen([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(ROOT / "src")})
    until(lambda: len(pids(notes)) == 1)

    outer.kill()
    outer.wait()

    until(lambda: not alive(pids(notes)[0]))
