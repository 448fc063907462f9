"""`python -m tools.pictures` sets up what it shows, shows it, and takes it down."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import ROOT
from tools.pictures.__main__ import Progress
from tools.pictures.scenes import Place, free_port
from tools.pictures.sheet import write
from tools.pictures.taking import Taken

pytestmark = pytest.mark.browser

PAGES = [{"name": "findings", "path": "/findings/?q=<b>"}, {"name": "feeds", "path": "/feeds/", "scene": "fresh"}]
SERVED = 8
"""Left behind while an instance is served: its folder, three of the browser's, and whoever serves it with its parts."""
MANNERS = {"light": False, "320": True}


@pytest.fixture
def homes() -> Iterator[Path]:
    """A folder for what the tool sets up. Its name is short: the browser makes a socket in it."""
    with tempfile.TemporaryDirectory(prefix="p", dir="/tmp") as folder:
        yield Path(folder)


def picturing(tmp_path: Path, homes: Path, *words: str) -> subprocess.Popen[str]:
    """Start the tool where another instance's settings surround it."""
    environment = {**os.environ, "TMPDIR": str(homes), "TOCSIN_HOME": str(tmp_path / "earnest")}
    command = [sys.executable, "-m", "tools.pictures", str(tmp_path / "pictures"), *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **pipes)  # type: ignore[call-overload]


def left_behind(homes: Path) -> list[str]:
    """Return the folders and the processes of instances that are still there."""
    mark = str(homes).encode()
    found = [str(path) for path in homes.iterdir()]
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            found += [str(environ)] if b"TOCSIN_HOME=" + mark in environ.read_bytes() else []
        except OSError:  # it has ended, or is another user's
            continue
    return found


@pytest.mark.slow
def test_it_needs_no_running_instance_and_leaves_none(tmp_path: Path, homes: Path) -> None:
    tool = picturing(tmp_path, homes, "--scene", "fresh", "--manner", "light", "--manner", "fr", "--only", "fresh-f")
    printed, said = tool.communicate(timeout=180)

    assert tool.returncode == 0, said
    taken = {path.name for path in (tmp_path / "pictures").iterdir()}
    names = {f"fresh-{page}-{manner}.png" for page in ("feeds", "findings") for manner in ("light", "fr")}
    assert taken == names | {"index.html"}
    assert "fresh        2 of" in printed and "4 of 4" in said
    assert left_behind(homes) == [] and not (tmp_path / "earnest").exists()


@pytest.mark.slow
def test_it_takes_down_what_it_set_up_when_it_is_ended(tmp_path: Path, homes: Path) -> None:
    tool = picturing(tmp_path, homes, "--scene", "fresh", "--manner", "light")
    until = time.monotonic() + 120
    while len(left_behind(homes)) < SERVED and time.monotonic() < until:
        time.sleep(0.1)
    assert len(left_behind(homes)) >= SERVED
    tool.send_signal(signal.SIGTERM)
    tool.communicate(timeout=60)

    assert tool.returncode == 143
    assert left_behind(homes) == []


def test_an_instance_that_does_not_answer_is_a_fault_of_every_page(tmp_path: Path, homes: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    tool = picturing(tmp_path, homes, "--address", address, "--manner", "320", "--only", "findings-b")
    printed, said = tool.communicate(timeout=60)

    assert tool.returncode == 1
    assert "findings-bulk, 320" in said and "ERR_CONNECTION_REFUSED" in said
    assert "findings-bulk, 320" in (tmp_path / "pictures/index.html").read_text(encoding="utf-8")
    assert printed.splitlines()[-2].split() == ["all", "1", "1"]


def test_the_sheet_shows_what_was_taken_and_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "findings-320.png").touch()
    text = write(tmp_path, PAGES, MANNERS).read_text(encoding="utf-8")

    assert text.count("<img ") == 1 and text.count("<td>–</td>") == 3
    assert '<a href="findings-320.png"><img src="findings-320.png" alt="findings, 320"' in text
    assert text.index("<h2>demo</h2>") < text.index("<h2>fresh</h2>")


def test_the_sheet_runs_nothing_and_asks_nobody(tmp_path: Path) -> None:
    text = write(tmp_path, PAGES, MANNERS, faults=["findings, 320: <script>"]).read_text(encoding="utf-8")

    assert "<script" not in text and "//" not in text
    assert "/findings/?q=&lt;b&gt;" in text and "<li>findings, 320: &lt;script&gt;</li>" in text


def test_progress_counts_by_scene_and_names_every_fault(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(2)
    progress.begin("demo")
    progress.note(Taken("findings", "light", ()))
    progress.note(Taken("findings", "320", ("scrolls sideways by 4 px",)))
    progress.failures.append("The instance does not answer.")

    assert progress.faults == ["The instance does not answer.", "findings, 320: scrolls sideways by 4 px"]
    assert "2 of 2" in capsys.readouterr().err


def test_commands_see_no_settings_of_the_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_DATABASE_URL", "postgresql://somebody/earnest")
    place = Place(tmp_path, tell=lambda _sentence: None)
    environment = place.environment(tmp_path / "home", TOCSIN_EXERCISE="yes")

    ours = {name: value for name, value in environment.items() if name.startswith("TOCSIN_")}
    assert ours == {"TOCSIN_HOME": str(tmp_path / "home"), "TOCSIN_EXERCISE": "yes"}
    assert environment["TMPDIR"] == str(tmp_path)
