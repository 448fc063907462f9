"""A disk that is full: a sentence, nothing changed, what is there can be read, and when there is room it goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.feeds.reports import write
from tests.homes import Home
from tests.small_disks import mounted

SIZE_MB = 64


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few megabytes."""
    with mounted(tmp_path / "disk", f"{SIZE_MB}m") as place:
        yield place


def fill(disk: Path, *, leave: int) -> Path:
    """Fill a disk but for so many bytes; return the file that does it."""
    filler = disk / "filler"
    space = os.statvfs(disk)
    with filler.open("wb") as file:
        file.write(b"\0" * max(space.f_bavail * space.f_frsize - leave, 0))
    return filler


@pytest.mark.slow
@pytest.mark.mounts
def test_an_import_on_a_full_disk_changes_nothing_and_succeeds_when_there_is_room(
    small_disk: Path, tmp_path: Path, _first_instance: Path
) -> None:
    home = Home(_first_instance).copy(small_disk / "home").prepare()
    home.run(write(tmp_path, 0, range(200)))
    files, before = home.files(), home.digest()
    # Rows that are hard to compress: the disk fills up in the middle of writing them.
    second = write(tmp_path, 1, range(200))
    with second.open("a") as file:
        for number in range(120_000):
            address = f"192.0.{number % 250}.{number % 241}"
            file.write(f"2026-11-17 {number % 24:02d}:00:00,medium,{address},tcp,{number % 60_000 + 1},rdp,64496,XM,\n")

    for room in (0, 60_000, 1_500_000):
        filler = fill(small_disk, leave=room)
        done = home("feed", "run", "--json", "--gone-after", "1", second)
        assert done.returncode == 1, f"{room} bytes were enough"
        assert "Traceback" not in done.stderr
        assert done.stderr.startswith("tocsin: The disk is full. Nothing was changed"), done.stderr
        if room:  # with nothing left at all, SQLite cannot open its database even to read
            assert home.digest() == before, "what was there can be read as it was"
        filler.unlink()

    summary = home.run(second)
    assert summary["rows_read"] == 120_200
    assert files - home.files() == {file for file in files if file.startswith("state/")}
    assert len(home.files()) == 4, "two days of observations in three parts, and the findings"
    assert json.loads(home.done("audit", "verify", "--json"))
