"""What is called durable has been given to the disk, whole, before the call returns."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tocsin.kernel import durable


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Return, filled as it happens, what fsync was called for: path and size at that moment."""
    told: list[tuple[str, int]] = []

    def fsync(handle: int) -> None:
        told.append((str(Path(f"/proc/self/fd/{handle}").readlink()), os.fstat(handle).st_size))

    monkeypatch.setattr(os, "fsync", fsync)
    return told


def test_a_file_is_on_the_disk_with_all_its_bytes(tmp_path: Path, synced: list[tuple[str, int]]) -> None:
    path = tmp_path / "a"
    durable.write(path, b"whole")
    assert path.read_bytes() == b"whole"
    assert synced == [(str(path), 5)]


def test_writing_again_replaces_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a"
    durable.write(path, b"longer than the next")
    durable.write(path, b"short")
    assert path.read_bytes() == b"short"


def test_what_an_open_file_still_holds_back_is_given_to_the_disk_too(
    tmp_path: Path, synced: list[tuple[str, int]]
) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.write(b"held back")
        durable.sync_file(file)
        assert synced == [(str(tmp_path / "a"), 9)]


def test_a_folder_and_a_written_file_are_synced_by_their_paths(tmp_path: Path, synced: list[tuple[str, int]]) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    durable.sync(tmp_path / "a")
    durable.sync(tmp_path)
    assert synced[0] == (str(tmp_path / "a"), 3)
    assert synced[1][0] == str(tmp_path)


def test_no_handle_stays_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_handle: int) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr(os, "fsync", broken)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for call in (lambda: durable.sync(tmp_path), lambda: durable.write(tmp_path / "a", b"")):
        with pytest.raises(OSError, match="gone"):
            call()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
