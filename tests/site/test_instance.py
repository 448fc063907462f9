"""The data directory of an instance."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tocsin import __version__
from tocsin.kernel.refusals import Busy, Conflict, Unavailable
from tocsin.site import instance


def test_a_home_is_private_and_marked_only_when_whole(home: Path) -> None:
    instance.make_home(home)
    assert instance.version_of(home) is None

    instance.mark(home)

    assert instance.version_of(home) == __version__
    assert {stat.S_IMODE(path.stat().st_mode) for path in (home, home / "keys", home / "store")} == {0o700}


def test_what_is_there_already_keeps_its_rights(home: Path) -> None:
    home.mkdir(mode=0o750)
    instance.make_home(home)
    assert stat.S_IMODE(home.stat().st_mode) == 0o750


def test_a_home_that_cannot_be_made_says_what_to_set(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="TOCSIN_HOME"):
        instance.make_home(tmp_path / "file" / "home")


@pytest.mark.parametrize(("version", "remedy"), [(None, "tocsin init"), ("0.0.9", "tocsin upgrade")])
def test_commands_refuse_an_instance_that_is_not_ready(home: Path, version: str | None, remedy: str) -> None:
    instance.make_home(home)
    if version:
        instance.mark(home, version)
    with pytest.raises(Conflict, match=remedy):
        instance.require_ready(home)


@pytest.mark.parametrize(
    ("version", "than", "newer"),
    [("0.2.0", "0.1.0", True), ("0.10.0", "0.9.0", True), ("0.1.0", "0.1.0", False), ("0.1.0", "0.1.1", False)],
)
def test_versions_are_compared_by_their_numbers(version: str, than: str, newer: bool) -> None:
    assert instance.is_newer(version, than) is newer


def test_servers_share_the_lock_and_a_restore_wants_it_alone(home: Path) -> None:
    instance.make_home(home)
    with instance.serving_lock(home, alone=False):
        with instance.serving_lock(home, alone=False):
            pass
        with pytest.raises(Busy, match="Stop"), instance.serving_lock(home, alone=True):
            pass
    with instance.serving_lock(home, alone=True), pytest.raises(Busy), instance.serving_lock(home, alone=False):
        pass
