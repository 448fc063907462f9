"""Files that the user of a command may not read, or that belong to another than the data directory does."""

from __future__ import annotations

import getpass
import os
import pwd
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.commands import Completed, environment
from tests.feeds.reports import write
from tests.homes import Home
from tocsin.engine.wholeness import lost_files
from tocsin.site import unusable
from tocsin.site.belongings import hindrance

NOBODY = 65534
LIKE_OTHERS = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"]
"""Root whom modes of files bar as they bar others."""


def as_barred(home: Path, *arguments: str | Path, **settings: str) -> Completed:
    """Run a command as a user whom modes of files bar."""
    before = LIKE_OTHERS if os.geteuid() == 0 else []
    return subprocess.run(
        [*before, sys.executable, "-m", "tocsin", *map(str, arguments)],
        env=environment(home, **settings),
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def take_away() -> Iterator[Callable[..., str]]:
    """Take a file or folder from whoever runs the tests; returns how it is said whose it is and what that mends.

    The administrator gives it to somebody else. Others may not, and shut themselves out.
    """
    taken: list[Path] = []

    def take(path: Path, home: Path) -> str:
        taken.append(path)
        if os.geteuid():
            path.chmod(0)
            return f"It is yours, and its mode forbids it. Run: chmod -R u+rwX {path}"
        for each in (path, *path.rglob("*")):
            os.chown(each, NOBODY, NOBODY)
        path.chmod(0o700)
        name = pwd.getpwuid(NOBODY).pw_name
        if path != home:
            return f"It belongs to {name}, the data directory to you. Run: sudo chown -R root: {home}"
        as_owner = f"sudo -u {name} TOCSIN_HOME={home} tocsin doctor"
        return f"It belongs to {name}. Run commands as that user, for instance: {as_owner}"

    yield take
    for path in taken:
        path.chmod(0o700)


Take = Callable[[Path, Path], str]


@pytest.mark.parametrize("command", ["feed runs", "init", "serve", "upgrade", "backup b.tar.zst"])
def test_a_home_of_somebody_else_is_named_with_its_owner_by_every_command(
    ready: Path, take_away: Take, command: str
) -> None:
    fix = take_away(ready, ready)
    done = as_barred(ready, *command.split())
    said = f"tocsin: {ready}/tocsin.toml: it cannot be read (Permission denied). {fix}\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)


def test_doctor_says_in_one_line_who_may_enter_a_home(ready: Path, take_away: Take) -> None:
    fix = take_away(ready, ready)
    done = as_barred(ready, "doctor")
    says = f"home: {ready} may not be entered by {getpass.getuser()}. {fix}\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, says, "")


def test_a_folder_above_the_home_bars_it_too(ready: Path, take_away: Take) -> None:
    take_away(ready.parent, ready)
    done = as_barred(ready, "doctor")
    assert done.returncode == 1
    assert done.stdout.startswith(f"home: {ready.parent} may not be entered by {getpass.getuser()}. It ")


def test_settings_that_may_not_be_read_are_named_with_their_owner(ready: Path, take_away: Take) -> None:
    toml = ready / "tocsin.toml"
    toml.write_text("port = 8001\n")
    fix = take_away(toml, ready)
    said = f"{toml}: it cannot be read (Permission denied). {fix}\n"

    doctor, other = as_barred(ready, "doctor"), as_barred(ready, "feed", "runs")

    assert (doctor.returncode, doctor.stdout) == (1, f"settings: one cannot be used. {said}")
    assert (other.returncode, other.stderr) == (1, f"tocsin: {said}")


@pytest.mark.parametrize("command", ["finding list", "finding export", "feed runs", "audit verify", "upgrade", "init"])
def test_a_database_of_somebody_else_is_named_with_its_owner(ready: Path, take_away: Take, command: str) -> None:
    database = ready / "tocsin.sqlite3"
    fix = take_away(database, ready)
    done = as_barred(ready, *command.split())
    said = f"tocsin: {database} cannot be used (Permission denied). {fix}\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)


@pytest.mark.parametrize("name", ["store", "version", "keys"])
def test_what_may_not_be_read_is_no_damage(ready: Path, tmp_path: Path, take_away: Take, name: str) -> None:
    Home(ready).run(write(tmp_path / "in", 0, [1]))
    fix = take_away(ready / name, ready)
    done = as_barred(ready, "doctor")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == f"files: {ready / name} may not be read by {getpass.getuser()}. {fix}\n"


def test_an_import_into_a_store_of_somebody_else_says_whose_it_is(ready: Path, tmp_path: Path, take_away: Take) -> None:
    fix = take_away(ready / "store", ready)
    done = as_barred(ready, "feed", "run", write(tmp_path / "in", 0, [1]))
    said = f"tocsin: {ready}/store/ingest.lock cannot be used (Permission denied). "
    assert done.returncode == 1
    assert done.stderr.startswith(said) and done.stderr.endswith(f"{fix}\n"), done.stderr


def test_what_root_has_left_behind_is_given_back(ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only root gives files away: here they look as if it had."""
    (ready / "tocsin.toml").touch()  # an administrator's own, whoever that is
    locks = [ready / f"store/{number}.lock" for number in range(3)]
    for lock in locks:
        lock.touch()

    def status(path: Path) -> os.stat_result:
        found = list(os.lstat(path))
        found[4] += path in (*locks, ready / "tocsin.toml")  # its owner
        return os.stat_result(found)

    monkeypatch.setattr(Path, "lstat", status)
    other, name = unusable.name_of(os.geteuid() + 1), getpass.getuser()

    found = hindrance(ready)

    assert found and not found.bars
    assert found.says == f"{locks[0]} and 2 files more belong to {other}, the data directory to {name}"
    assert found.fix == f"Run: sudo chown -R {name}: {ready}"
    for lock in locks:
        lock.unlink()
    assert hindrance(ready) is None


def test_whoever_may_not_look_at_a_file_does_not_call_it_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: Path) -> None:
        raise PermissionError(13, "Failed to open local file")

    monkeypatch.setattr("pyarrow.parquet.read_metadata", refuse)
    with pytest.raises(PermissionError) as raised:
        lost_files(tmp_path, ["state/a.parquet"])
    assert raised.value.filename == str(tmp_path / "state/a.parquet")
    assert (unusable.sentence(raised.value, tmp_path) or "").startswith(f"{tmp_path}/state/a.parquet cannot be used (")
