"""A file between its check and its import."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest

from tests.directory.conftest import AT
from tocsin.directory import uploads
from tocsin.kernel.refusals import Conflict


def test_what_was_kept_is_fetched_and_forgotten(tmp_path: Path) -> None:
    folder = tmp_path / "uploads"
    token = uploads.keep(b"id,name\n", folder, AT)
    assert uploads.fetch(token, folder) == b"id,name\n"
    assert (folder / token).stat().st_mode & 0o077 == 0
    uploads.forget(token, folder)
    with pytest.raises(Conflict, match="Choose it again"):
        uploads.fetch(token, folder)
    uploads.forget(token, folder)


@pytest.mark.parametrize("token", ["", "..", "../" + "0" * 61, "0" * 63, "0" * 64 + "\n", "G" * 64])
def test_only_tokens_lead_to_files(tmp_path: Path, token: str) -> None:
    (tmp_path / "secret").write_text("x")
    with pytest.raises(Conflict):
        uploads.fetch(token, tmp_path / "uploads")
    uploads.forget(token, tmp_path)
    assert (tmp_path / "secret").exists()


def test_a_file_that_was_changed_meanwhile_is_not_taken(tmp_path: Path) -> None:
    token = uploads.keep(b"checked", tmp_path, AT)
    (tmp_path / token).write_bytes(b"other")
    with pytest.raises(Conflict):
        uploads.fetch(token, tmp_path)


def test_what_nobody_applied_is_forgotten_after_a_day(tmp_path: Path) -> None:
    old = uploads.keep(b"old", tmp_path, AT)
    os.utime(tmp_path / old, (AT.timestamp(), AT.timestamp()))
    uploads.keep(b"new", tmp_path, AT + dt.timedelta(hours=23))
    assert (tmp_path / old).exists()
    uploads.keep(b"newer", tmp_path, AT + dt.timedelta(hours=25))
    assert not (tmp_path / old).exists()
