"""The bell: heard as long as somebody lives who listens, and by nobody after."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tocsin.jobs import bell


@pytest.fixture(autouse=True)
def home(settings: Any, tmp_path: Path) -> Path:
    """A data directory of the test's own."""
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, home=tmp_path / "home")
    return tmp_path / "home"


def test_a_ring_wakes_who_listens() -> None:
    with bell.listening() as heard:
        threading.Timer(0.1, bell.ring).start()
        began = time.monotonic()
        heard.wait(30)
        assert time.monotonic() - began < 10
        began = time.monotonic()
        heard.wait(0.2)
        assert time.monotonic() - began >= 0.2, "one ring wakes once"


def test_nobody_hears_before_and_after() -> None:
    assert (bell.is_heard(), bell.ring()) == (False, False)
    with bell.listening():
        assert (bell.is_heard(), bell.ring()) == (True, True)
    assert (bell.is_heard(), bell.ring()) == (False, False)


def test_who_is_killed_hears_no_more(home: Path) -> None:
    with bell.listening():
        pass
    code = f"import os, time; os.open({str(home / 'worker.bell')!r}, os.O_RDWR | os.O_NONBLOCK); print(flush=True)"
    process = subprocess.Popen([sys.executable, "-c", f"{code}; time.sleep(60)"], stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    assert bell.is_heard()
    process.kill()
    process.wait()
    process.stdout.close()
    assert not bell.is_heard()


def test_it_may_ring_more_often_than_anybody_listens() -> None:
    with bell.listening():
        assert all(bell.ring() for _ in range(70_000))


def test_a_file_in_its_place_is_no_bell(home: Path) -> None:
    home.mkdir()
    (home / "worker.bell").write_text("")
    assert not bell.ring()


def test_without_pipes_work_is_looked_for_all_the_same(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_arguments: Any) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(bell.os, "mkfifo", refuse)
    with bell.listening() as heard:
        heard.wait(0.01)
        assert not bell.is_heard()
    assert "looked for once a second" in caplog.text
