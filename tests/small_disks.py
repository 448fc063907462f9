"""A disk of a few megabytes that a test may fill.

Mounting one is the administrator's. For everybody else the test runs anew in a name space of its own, in which its user
is one (`unshare`); where the kernel forbids that too, it fails and says so.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

REMEDY = "Run the tests as root, or let users have name spaces: sysctl kernel.apparmor_restrict_unprivileged_userns=0"


@contextlib.contextmanager
def mounted(place: Path, size: str) -> Iterator[Path]:
    """Make `place` a disk of `size` (`2m`) while the block runs; for who is no administrator it stays a folder."""
    place.mkdir()
    if os.geteuid():
        yield place
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tocsin-test", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test marked `mounts` anew where its user may mount."""
    if not pyfuncitem.get_closest_marker("mounts") or not os.geteuid():
        return None
    inside = ["unshare", "--user", "--map-root-user", "--mount"]
    config = pyfuncitem.config
    same = ["-c", str(config.inipath), "--rootdir", str(config.rootpath), "-p", "no:cacheprovider"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [*inside, sys.executable, "-m", "pytest", "-q", *same, f"--basetemp={folder}/apart", pyfuncitem.nodeid],
            cwd=config.rootpath, env=environment, capture_output=True, text=True, timeout=600,
        )  # fmt: skip
    if done.returncode:
        pytest.fail(f"{done.stdout[-3000:]}{done.stderr[-1000:]}\n{REMEDY}", pytrace=False)
    return True
