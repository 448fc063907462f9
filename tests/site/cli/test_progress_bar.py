"""The progress bar of an import: on a terminal, and nowhere else."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import environment
from tests.feeds.reports import write
from tests.homes import Home


def on_a_terminal(home: Home, *arguments: str | Path) -> tuple[int, str, str]:
    """Run a command whose standard error is a terminal; return exit code, standard output and what the terminal got."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "tocsin", *map(str, arguments)],
        env=environment(home.place), stdout=subprocess.PIPE, stderr=theirs, text=True,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # Linux says so at the end of a terminal that nobody has open any more
        while part := os.read(ours, 4096):
            shown += part
    os.close(ours)
    out, _ = process.communicate(timeout=60)
    return process.returncode, out, shown.decode()


def test_an_import_shows_how_far_it_is_on_a_terminal(prepared: Home, tmp_path: Path) -> None:
    reports = [write(tmp_path, number, range(1, 100)) for number in range(3)]
    code, out, shown = on_a_terminal(prepared, "feed", "run", *reports)
    assert code == 0
    bars = re.findall(r"\r\[(#*)(\.*)\] +(\d+)% (\S+)", shown)
    assert [len(full) + len(rest) for full, rest, _, _ in bars] == [30] * len(bars)
    shares = [int(share) for _, _, share, _ in bars]
    assert shares == sorted(shares) and shares[-1] == 100
    assert {name for *_, name in bars} <= {report.stem for report in reports} | {report.name for report in reports}
    assert shown.endswith("\r\n"), "the next thing written stands on a line of its own"
    assert out.startswith("Run 1: 297 of 297 rows of 3 reports kept")
    assert "\r" not in out


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_there_is_none_where_no_terminal_is(prepared: Home, tmp_path: Path, more: list[str]) -> None:
    done = prepared("feed", "run", write(tmp_path, 0, range(1, 100)), *more)
    assert (done.returncode, done.stderr) == (0, "")
    assert "[" not in done.stdout or more
