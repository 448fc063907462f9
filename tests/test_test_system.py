"""What `make test` installs, or names, so that there is a browser: apt's, or Playwright's own where apt has none."""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.commands import ROOT
from tools.pictures import browser

BRIDGE = '#!/bin/sh\nif ! [ -x /snap/bin/chromium ]; then exit 1; fi\nexec /snap/bin/chromium "$@"\n'
"""What Ubuntu installs as chromium-browser, in short."""
DEBIAN = '#!/bin/sh\nexec /usr/lib/chromium/chromium "$@"\n'
PLAYWRIGHT = ".venv/bin/playwright install --with-deps --only-shell chromium"

KNOWN = "500 http://deb.example/debian stable/main amd64 Packages"
HAS = "chromium:\n  Installed: (none)\n  Candidate: 156.0.8078.79-1~deb12u1"
HAS_NONE = "chromium:\n  Installed: (none)\n  Candidate: (none)"
HAS_A_BRIDGE = "chromium:\n  Installed: (none)\n  Candidate: 2:1snap1-0ubuntu2"


def a_program(path: Path, script: str) -> Path:
    """Write a program; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script if script.startswith("#!") else f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


class Machine:
    """A clone of the project on a machine without a browser, whose apt says and does what the test wants."""

    def __init__(self, place: Path, known: str, chromium: str, user: int) -> None:
        """Set up what the script calls; everything is written down that it would have changed."""
        self.place = place
        self.calls = place / "calls"
        script = place / "tools/install-test-system"
        script.parent.mkdir()
        shutil.copy(ROOT / "tools/install-test-system", script)
        programs = place / "programs"
        a_program(programs / "id", f"echo {user}")
        a_program(programs / "apt-cache", f"""[ $# -eq 2 ] && echo '{chromium}' || echo '{known}'""")
        for path in (programs / "apt-get", place / ".venv/bin/playwright"):
            a_program(path, f'echo "${{0##*/}} $*" >>"{self.calls}"')
        a_program(programs / "sysctl", "exit 1")
        a_program(place / ".venv/bin/python", "exit 1")

    def install(self) -> subprocess.CompletedProcess[str]:
        """Run the script."""
        return subprocess.run(
            [self.place / "tools/install-test-system"],
            env={**os.environ, "PATH": f"{self.place / 'programs'}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=30,
        )

    @property
    def called(self) -> list[str]:
        """What it changed, or would have."""
        return self.calls.read_text(encoding="utf-8").splitlines() if self.calls.exists() else []


@pytest.mark.parametrize(
    ("chromium", "calls"),
    [
        (HAS, ["apt-get update -qq", "apt-get install -qq -y --no-install-recommends chromium"]),
        (HAS_NONE, ["apt-get update -qq", PLAYWRIGHT.removeprefix(".venv/bin/")]),
        (HAS_A_BRIDGE, ["apt-get update -qq", PLAYWRIGHT.removeprefix(".venv/bin/")]),
        ("", ["apt-get update -qq", PLAYWRIGHT.removeprefix(".venv/bin/")]),
    ],
)
def test_root_gets_the_browser_from_apt_else_from_playwright(tmp_path: Path, chromium: str, calls: list[str]) -> None:
    machine = Machine(tmp_path, KNOWN, chromium, user=0)
    done = machine.install()
    assert (done.returncode, machine.called) == (0, calls), done.stderr


def test_root_is_told_what_comes_first_where_playwright_is_not_there_yet(tmp_path: Path) -> None:
    machine = Machine(tmp_path, KNOWN, HAS_NONE, user=0)
    (tmp_path / ".venv/bin/playwright").unlink()
    done = machine.install()
    assert done.returncode == 1
    assert done.stderr == "Playwright brings the browser, and is not installed. Run: make .venv/.tools\n"


@pytest.mark.parametrize(
    ("chromium", "command"),
    [(HAS, "sudo apt-get install --no-install-recommends chromium"), (HAS_NONE, PLAYWRIGHT), ("", PLAYWRIGHT)],
)
def test_others_are_told_the_command_that_there_is_on_their_system(tmp_path: Path, chromium: str, command: str) -> None:
    machine = Machine(tmp_path, KNOWN, chromium, user=1000)
    done = machine.install()
    assert (done.returncode, machine.called) == (1, [])
    assert done.stderr == f"System packages are missing. Install them with:\n    {command}\n"


def test_who_may_not_ask_apt_for_its_packages_is_told_to_have_it_asked(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "100 /var/lib/dpkg/status", "", user=1000)
    done = machine.install()
    assert (done.returncode, machine.called) == (1, [])
    assert done.stderr.endswith("Run this, then try again:\n    sudo apt-get update\n")


def test_others_are_told_to_get_playwright_first_where_it_is_not_there_yet(tmp_path: Path) -> None:
    machine = Machine(tmp_path, KNOWN, HAS_NONE, user=1000)
    (tmp_path / ".venv/bin/playwright").unlink()
    assert machine.install().stderr.endswith(f"Install them with:\n    make .venv/.tools\n    {PLAYWRIGHT}\n")


@pytest.mark.parametrize(("user", "told"), [(1000, True), (0, False)])
def test_who_may_not_mount_is_told_so_before_the_tests_take_their_time(tmp_path: Path, user: int, told: bool) -> None:
    machine = Machine(tmp_path, KNOWN, HAS, user)
    a_program(tmp_path / "programs/sysctl", '[ "$2" = kernel.apparmor_restrict_unprivileged_userns ] && echo 1')
    a_program(tmp_path / ".venv/bin/python", "exit 0")  # all else is there
    done = machine.install()
    assert (done.returncode, machine.called) == (0, [])
    assert done.stderr.endswith("sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0\n") == told
    assert bool(done.stderr) == told


def system(place: Path, **programs: str) -> str | None:
    """Return what is found on a system with these programs, without where the system lies."""
    for name, script in programs.items():
        a_program(place / "usr/bin" / name.replace("_", "-"), script)
    found = browser.of_the_system(place)
    return found and found.removeprefix(str(place))


def test_a_browser_of_the_system_is_used_but_no_bridge_to_a_snap(tmp_path: Path) -> None:
    assert system(tmp_path) is None
    assert system(tmp_path, chromium_browser=BRIDGE) is None
    assert system(tmp_path, google_chrome=DEBIAN) == "/usr/bin/google-chrome"
    assert system(tmp_path, chromium=DEBIAN) == "/usr/bin/chromium"


def test_neither_is_a_link_to_snap_itself(tmp_path: Path) -> None:
    snap = a_program(tmp_path / "usr/bin/snap", "exit 1")
    (tmp_path / "usr/bin/chromium").symlink_to(snap)
    assert browser.of_the_system(tmp_path) is None


def test_a_program_that_is_no_script_may_hold_any_text(tmp_path: Path) -> None:
    path = a_program(tmp_path / "usr/bin/chromium", DEBIAN)
    path.write_bytes(b"\x7fELF /snap/ ")
    assert browser.of_the_system(tmp_path) == str(path)


def test_where_there_is_no_browser_the_command_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(browser, "PLACES", ())
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    with ThreadPoolExecutor(1) as apart:  # the thread of the tests may have Playwright's loop already
        assert apart.submit(browser.main).result() == 1
    assert "playwright install" in capsys.readouterr().err


def test_where_the_system_has_one_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(browser, "PLACES", (str(a_program(tmp_path / "chromium", DEBIAN)),))
    assert browser.main() == 0
    assert capsys.readouterr().err == ""
