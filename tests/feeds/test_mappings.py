"""Which mappings are in force: files of the data directory, looked at again when they change."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.feeds.reports import day
from tests.feeds.test_schemas import columns, meaning
from tocsin.feeds import mappings
from tocsin.feeds.reasons import MEND
from tocsin.kernel.refusals import InvalidInput

OWN = """
[feed]
name = "{name}"
title = "Lamps of the country"
[fields]
"time.source" = "seen"
"source.ip" = "{column}"
[constants]
"classification.type" = "vulnerable-system"
"""


@pytest.fixture
def home(settings: Any, tmp_path: Path) -> Path:
    settings.CONFIG = settings.TOCSIN = dataclasses.replace(settings.CONFIG, home=tmp_path / "home")
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def publish(folder: Path) -> None:
    """Put a publisher's schema of one type into a folder."""
    folder.mkdir()
    (folder / "intelmq.json").write_text(json.dumps(meaning()))
    (folder / "reports.json").write_text(json.dumps(columns()))


def own(home: Path, name: str = "lamps", column: str = "address", file: str = "lamps.toml") -> Path:
    """Write a mapping file."""
    (home / "mappings").mkdir(exist_ok=True)
    path = home / "mappings" / file
    path.write_text(OWN.format(name=name, column=column))
    return path


def test_out_of_the_box_the_built_in_ones_are_in_force(home: Path) -> None:
    known = mappings.current().by_type
    assert known["scan_rdp"].origin == "built-in"
    assert mappings.in_force(home) is None
    recognised = mappings.recognition()(f"{day(0)}-scan_rdp-xm.csv", ("timestamp", "ip", "port"))
    assert (recognised.mapping.type, recognised.on) == ("scan_rdp", day(0))


def test_a_schema_is_in_force_as_soon_as_it_is_there_and_no_longer(home: Path) -> None:
    assert "scan_lamp" not in mappings.current().by_type
    publish(home / "schema")
    assert mappings.current().by_type["scan_lamp"].title == "Lamps"
    for path in (home / "schema").iterdir():
        path.unlink()
    assert "scan_lamp" not in mappings.current().by_type


def test_while_a_load_swaps_folders_the_last_schema_is_in_force(home: Path) -> None:
    publish(home / "schema.last")
    assert mappings.folder_in_force(home) == home / "schema.last"
    assert "scan_lamp" in mappings.current().by_type
    (home / "schema").mkdir()
    assert mappings.folder_in_force(home) == home / "schema"


def test_files_are_read_again_only_when_they_change(home: Path) -> None:
    path = own(home)
    first = mappings.current()
    assert mappings.current() is first
    path.write_text(OWN.format(name="lamps", column="addr"))
    os.utime(path, ns=(1, 1))
    assert mappings.current() is not first
    assert mappings.current().by_type["lamps"].roles.address == "addr"


def test_an_own_feed_is_one_of_the_feeds(home: Path) -> None:
    own(home)
    (feed,) = mappings.own_feeds(home)
    assert (feed.mapping.type, feed.mapping.title, feed.mapping.origin) == ("lamps", "Lamps of the country", "file")


def test_two_files_for_one_feed_are_refused_by_name(home: Path) -> None:
    own(home)
    own(home, file="more.toml")
    with pytest.raises(InvalidInput, match=r"mappings/more\.toml: two files describe the feed lamps"):
        mappings.current()


def test_a_mapping_file_that_is_wrong_is_named(home: Path) -> None:
    own(home).write_text("[feed\n")
    with pytest.raises(InvalidInput, match=rf"^mappings/lamps\.toml: is not TOML: .* {MEND}$"):
        mappings.recognition()


def test_a_mapping_file_that_cannot_be_opened_is_named(home: Path) -> None:
    own(home)
    (home / "mappings" / "gone.toml").symlink_to("nowhere")
    (home / "mappings" / "folder.toml").mkdir()
    with pytest.raises(InvalidInput, match=rf"^mappings/folder\.toml: cannot be read \(Is a directory\)\. {MEND}$"):
        mappings.recognition()
    (home / "mappings" / "folder.toml").rmdir()
    with pytest.raises(InvalidInput, match=r"^mappings/gone\.toml: cannot be read \(No such file or directory\)\."):
        mappings.recognition()
    (home / "mappings" / "gone.toml").unlink()
    assert mappings.recognition().feeds[0].mapping.type == "lamps"


def test_a_folder_without_files_holds_no_schema(tmp_path: Path) -> None:
    assert mappings.in_force(tmp_path) is None
    (tmp_path / mappings.SCHEMA).mkdir()
    assert mappings.in_force(tmp_path) is None
    assert mappings.files_in(tmp_path / "none") == {}
