"""A full disk is known by what those say who ran into it."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from tocsin.kernel import disk


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, "x"), True),
        (OSError(errno.EDQUOT, "x"), True),
        (OSError("[Errno 28] Error writing bytes to file. Detail: No space left on device"), True),
        (ValueError("database or disk is full"), True),
        (OSError(errno.EACCES, "Permission denied"), False),
        (ValueError("disk I/O error"), False),
        (ValueError("unable to open database file"), False),
    ],
)
def test_a_full_disk_is_known_in_whatever_words(error: Exception, full: bool, tmp_path: Path) -> None:
    assert disk.is_full(error, tmp_path) is full


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "x"), disk.FULL),
        (OSError(errno.EFBIG, "File too large"), disk.TOO_LARGE),
        (OSError("[Errno 27] Error writing bytes to file. Detail: [errno 27] File too large"), disk.TOO_LARGE),
        (OSError(errno.EACCES, "Permission denied"), None),
        (ValueError("File too large"), None),
    ],
)
def test_why_nothing_can_be_written_is_a_sentence(error: Exception, said: str | None, tmp_path: Path) -> None:
    assert disk.reason(error, tmp_path) == said


def test_an_error_that_may_be_one_is_when_nothing_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "_SQLITE_NEEDS_BYTES", 1 << 62)
    assert disk.is_full(ValueError("disk I/O error"), tmp_path / "none")
    assert not disk.is_full(ValueError("no such table"), tmp_path)
