"""Style sheets are there without anybody collecting them."""

from __future__ import annotations

import dataclasses
import gzip
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.commands import environment
from tests.site.cli.test_serve import free_port
from tocsin.kernel.refusals import Unavailable
from tocsin.site.serving.addresses import Listening
from tocsin.site.serving.parts import web_command
from tocsin.site.static_files import KEPT_FOLDERS, StaticFileNames, gathered


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    """An instance whose style sheets nobody has gathered yet."""
    settings.TOCSIN_STATIC = tmp_path / "static"
    settings.MIDDLEWARE = ["tocsin.site.static_files.StaticFileServer"]
    return tmp_path / "static"


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came back, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def serve(address: str, **headers: str) -> Answer:
    response = Client().get(address, headers=headers)
    return Answer(response.status_code, response.headers, b"".join(response))


def test_the_first_use_gathers_and_the_address_carries_a_hash(folder: Path) -> None:
    address = StaticFileNames().url("site/tocsin.css")

    assert re.fullmatch(r"/static/site/tocsin\.[0-9a-f]{12}\.css", address)
    assert [path for path in folder.iterdir() if path.is_dir()] == [gathered()]


def test_the_hashed_file_is_served_for_ever(folder: Path) -> None:
    response = serve(StaticFileNames().url("site/tocsin.css"))

    assert response.status == 200
    assert "immutable" in response.headers["Cache-Control"]
    assert b"--paper" in response.body


def test_a_browser_that_takes_gzip_gets_gzip(folder: Path) -> None:
    response = serve(StaticFileNames().url("site/tocsin.css"), accept_encoding="gzip")

    assert response.headers["Content-Encoding"] == "gzip"
    assert b"--paper" in gzip.decompress(response.body)


def test_what_is_not_there_is_passed_on(folder: Path) -> None:
    assert serve("/static/site/missing.css").status == 404


def test_gathering_twice_writes_once(folder: Path) -> None:
    first = gathered()
    changed_at = (first / "staticfiles.json").stat().st_mtime_ns

    assert gathered() == first
    assert (first / "staticfiles.json").stat().st_mtime_ns == changed_at


def test_a_half_folder_of_a_killed_process_is_not_taken_for_a_whole_one(folder: Path) -> None:
    (folder / ".left-behind").mkdir(parents=True)

    assert (gathered() / "staticfiles.json").is_file()


def test_folders_of_old_versions_go_but_the_last_one_stays(folder: Path) -> None:
    for age in (3, 2, 1):
        old = folder / f"version-{age}"
        old.mkdir(parents=True)
        os.utime(old, (1_000_000 - age, 1_000_000 - age))

    now = gathered()

    assert {path.name for path in folder.iterdir()} == {now.name, "version-1"}
    assert KEPT_FOLDERS == 2


def test_a_folder_that_cannot_be_written_is_named(settings: Any, tmp_path: Path) -> None:
    (tmp_path / "static").write_text("a file stands where the folder should be")
    settings.TOCSIN_STATIC = tmp_path / "static"

    with pytest.raises(Unavailable, match=r"cannot be written to .*static"):
        gathered()


def test_a_web_process_that_cannot_start_says_so_without_a_traceback(ready: Path) -> None:
    """Whoever takes the style sheets away from under a server with a full disk: it tries again, and says a sentence."""
    shutil.rmtree(ready / "static", ignore_errors=True)
    (ready / "static").write_text("a file stands where the folder should be")
    command = [*web_command(Listening("127.0.0.1", free_port())), "--workers", "1"]
    done = subprocess.run(command, env=environment(ready), capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert f"tocsin: Style sheets cannot be written to {ready}/static (" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_vendored_script_comes_with_its_licence(folder: Path) -> None:
    names = sorted(path.name for path in (gathered() / "vendor").iterdir() if re.match(r"htmx-[\dL]", path.name))

    assert "htmx-LICENSE.txt" in names
    assert any(name.endswith(".min.js") for name in names)
