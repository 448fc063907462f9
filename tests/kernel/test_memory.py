"""The largest memory of a process is its own, not that of whoever started it."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import environment
from tocsin.kernel.memory import give_back, peak_rss_mb


def printed(program: str, home: Path) -> str:
    """Run a program in a process of its own; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


STARTED_BY_A_LARGE_ONE = """
import os, sys
large = b"x" * (300 << 20)
os.execv(sys.executable, [sys.executable, "-c", "from tocsin.kernel.memory import peak_rss_mb; print(peak_rss_mb())"])
"""


def test_it_is_what_the_process_itself_has_taken(tmp_path: Path) -> None:
    assert 1 < float(printed(STARTED_BY_A_LARGE_ONE, tmp_path)) < 150


def test_it_grows_and_does_not_shrink() -> None:
    before = peak_rss_mb()
    large = bytearray(int(before) + 64 << 20)
    large[::4096] = b"x" * len(large[::4096])
    after = peak_rss_mb()
    del large
    assert after > before + 50
    assert peak_rss_mb() >= after - 1


def test_where_linux_gives_no_account_the_other_one_is_taken(tmp_path: Path) -> None:
    assert peak_rss_mb(tmp_path / "none") > 1
    (tmp_path / "status").write_text("Name:\tpython\n")
    assert peak_rss_mb(tmp_path / "status") == peak_rss_mb(tmp_path / "none")


FREED_AND_GIVEN_BACK = """
import resource
from tocsin.kernel.memory import give_back

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() >> 20

pieces = [bytes(40_000) for _ in range(3_000)]
kept = pieces[999::1000]  # the last of them among these: the heap cannot simply end earlier
full = resident()
del pieces
give_back()
print(full - resident())
"""


def test_what_was_freed_goes_back_to_the_system(tmp_path: Path) -> None:
    assert int(printed(FREED_AND_GIVEN_BACK, tmp_path)) > 90


def test_without_a_c_library_that_can_nothing_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: object())
    give_back()
