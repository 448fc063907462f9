"""Messages as they came, on the disk."""

from __future__ import annotations

import errno
import hashlib
from pathlib import Path

import pytest

from tests.small_disks import mounted
from tocsin.courier.incoming import keeping

RAW = b"Subject: x\r\n\r\nAs it came \x00\xff.\r\n"
SHA256 = hashlib.sha256(RAW).hexdigest()


def test_a_message_is_kept_as_it_came_under_its_digest(tmp_path: Path) -> None:
    assert keeping.keep(tmp_path, RAW) == SHA256
    path = keeping.path_of(tmp_path, SHA256)
    assert path == tmp_path / "mail" / SHA256[:2] / f"{SHA256}.eml"
    assert path.read_bytes() == RAW
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_the_same_message_is_kept_once(tmp_path: Path) -> None:
    first = keeping.keep(tmp_path, RAW)
    number = keeping.path_of(tmp_path, first).stat().st_ino
    assert keeping.keep(tmp_path, RAW) == first
    assert keeping.path_of(tmp_path, first).stat().st_ino == number
    assert [path.name for path in (tmp_path / "mail").rglob("*") if path.is_file()] == [f"{SHA256}.eml"]


def test_what_a_crash_left_half_written_is_written_anew(tmp_path: Path) -> None:
    path = keeping.path_of(tmp_path, SHA256)
    path.parent.mkdir(parents=True)
    path.write_bytes(RAW[:7])
    assert not keeping.is_whole(tmp_path, SHA256)
    keeping.keep(tmp_path, RAW)
    assert path.read_bytes() == RAW and keeping.is_whole(tmp_path, SHA256)


@pytest.mark.mounts
def test_a_full_disk_is_told_and_nothing_is_left_behind(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "1m") as disk:
        with pytest.raises(OSError, match="No space left") as refused:
            keeping.keep(disk, b"x" * 2_000_000)
        assert refused.value.errno == errno.ENOSPC
        assert [path for path in disk.rglob("*") if path.is_file()] == []
        assert keeping.is_whole(disk, keeping.keep(disk, RAW))
