"""Backup and restore, as an administrator runs them, and what they refuse."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tarfile
import textwrap
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest

from tests.commands import Command, environment
from tests.homes import Home
from tocsin.kernel.clock import now
from tocsin.kernel.refusals import Unavailable
from tocsin.site.backups import databases, reading, writing
from tocsin.site.backups.contents import belongs
from tocsin.site.config import Config

Change = Callable[[dict[str, bytes]], None]


@pytest.fixture(scope="module")
def backed_up(_first_instance: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an instance that has something in its store, and its backup, made once."""
    place = tmp_path_factory.mktemp("backed-up")
    home = Home(_first_instance).copy(place / "home")
    (home.place / "store/observations").mkdir()
    (home.place / "store/observations/one.parquet").write_bytes(b"one" * 1000)
    (home.place / "store/half.parquet.tmp").write_bytes(b"half")
    home.done("backup", place / "backup.tar.zst")
    return place


@pytest.fixture
def archive(backed_up: Path, home: Path, tmp_path: Path) -> Path:
    """The backup of the instance in `home`, both of the test's own."""
    Home(backed_up / "home").copy(home)
    return Path(shutil.copy2(backed_up / "backup.tar.zst", tmp_path))


def unpack(archive: Path) -> dict[str, bytes]:
    with pa.input_stream(str(archive), compression="zstd") as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isreg()}  # type: ignore[union-attr]


def pack(archive: Path, members: dict[str, bytes]) -> None:
    with pa.output_stream(str(archive), compression="zstd") as out, tarfile.open(fileobj=out, mode="w|") as tar:
        for name, content in members.items():
            information = tarfile.TarInfo(name)
            information.size = len(content)
            tar.addfile(information, io.BytesIO(content))


def listed(members: dict[str, bytes], **changes: object) -> None:
    """Renew the list of an archive's members."""
    contents = json.loads(members.pop("MANIFEST.json"))
    contents["members"] = [
        {"name": name, "size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in members.items()
    ]
    members["MANIFEST.json"] = json.dumps({**contents, **changes}).encode()


def everything(home: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


def test_what_was_backed_up_is_restored_in_an_empty_directory(
    tocsin: Command, home: Path, archive: Path, tmp_path: Path
) -> None:
    key = (home / "keys/session.key").read_bytes()
    other = tmp_path / "other"

    done = tocsin("restore", archive, home=str(other))

    assert done.returncode == 0, done.stderr
    assert (other / "store/observations/one.parquet").read_bytes() == b"one" * 1000
    assert not (other / "store/half.parquet.tmp").exists()
    assert (other / "keys/session.key").read_bytes() == key
    assert stat.S_IMODE((other / "keys/session.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(other.stat().st_mode) == 0o700
    assert not (other / "restore.tmp").exists()
    assert tocsin("doctor", home=str(other)).returncode == 0
    assert "was set up before" in tocsin("init", home=str(other)).stdout


def test_what_a_stopped_server_leaves_is_neither_backed_up_nor_in_the_way(
    tocsin: Command, ready: Path, tmp_path: Path
) -> None:
    other, file = tmp_path / "other", tmp_path / "b.tar.zst"
    other.mkdir()
    for place in (ready, other):
        os.mkfifo(place / "worker.bell")  # reading it would wait for ever
        (place / "helper.lock").touch()

    assert tocsin("backup", file).returncode == 0
    done = tocsin("restore", file, home=str(other))

    assert done.returncode == 0, done.stderr
    assert not [name for name in unpack(file) if name.startswith(("home/worker", "home/helper"))]


def test_the_file_is_private_whole_and_readable_by_tar(archive: Path) -> None:
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    members = unpack(archive)
    assert list(members)[-1] == "MANIFEST.json"
    for member in json.loads(members["MANIFEST.json"])["members"]:
        assert hashlib.sha256(members[member["name"]]).hexdigest() == member["sha256"]
    assert not [name for name in members if name.endswith((".tmp", ".lock", "-wal"))]


def test_a_file_that_is_there_is_not_overwritten(tocsin: Command, archive: Path) -> None:
    before = archive.read_bytes()
    done = tocsin("backup", archive)
    assert done.returncode == 1
    assert "is there already" in done.stderr
    assert archive.read_bytes() == before


@pytest.mark.parametrize("place", ["b.tar.zst", "store/b.tar.zst", "media/../b.tar.zst"])
def test_a_file_in_the_data_directory_is_refused(tocsin: Command, archive: Path, home: Path, place: str) -> None:
    done = tocsin("backup", home / place)
    assert done.returncode == 1
    assert "lies in the data directory" in done.stderr
    assert not list(home.rglob("b.tar*"))


def test_what_is_no_backup_makes_no_data_directory(tocsin: Command, tmp_path: Path) -> None:
    (tmp_path / "junk.tar.zst").write_bytes(b"junk")
    for source in ("junk.tar.zst", "none.tar.zst"):
        done = tocsin("restore", tmp_path / source, home=str(tmp_path / "new"))
        assert done.returncode == 1 and "Traceback" not in done.stderr
    assert not (tmp_path / "new").exists()


def test_a_restore_into_nothing_sets_nothing_aside(tocsin: Command, archive: Path, tmp_path: Path) -> None:
    assert tocsin("restore", archive, home=str(tmp_path / "new")).returncode == 0
    assert not list((tmp_path / "new").glob("before-restore*"))


@pytest.mark.parametrize("folder", ["none", "backup.tar.zst"])
def test_a_folder_that_is_none_is_said(tocsin: Command, archive: Path, folder: str) -> None:
    done = tocsin("backup", archive.parent / folder / "b.tar.zst")
    assert done.returncode == 1
    assert "cannot be written" in done.stderr and "Traceback" not in done.stderr


def test_the_database_is_copied_beside_the_file_that_is_written(
    home: Path, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the disk that is full is the one that the sentence names."""
    copies: list[Path] = []

    def copy_out(copy: Path) -> None:
        copies.append(copy)
        copy.write_bytes(b"database")

    monkeypatch.setattr(databases, "copy_out", copy_out)
    monkeypatch.setattr(databases, "vendor", lambda: "sqlite")
    monkeypatch.setattr("tocsin.feeds.wholeness.losses", lambda _changed: [])
    writing.back_up(Config(home=home), tmp_path / "b.tar.zst", at=now())
    assert [copy.parent.parent for copy in copies] == [tmp_path]
    assert not list(tmp_path.glob("tocsin-backup-*"))


@pytest.mark.parametrize("folder", ["scratch", "spill/scan_rdp"])
def test_what_was_put_aside_for_a_while_is_not_backed_up(home: Path, folder: str) -> None:
    file = home / "store" / folder / "one.parquet"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"one")
    assert not belongs(file, home)
    assert belongs(Path(shutil.copy2(file, home / "store")), home)


def test_a_full_disk_is_said_and_leaves_nothing_behind(
    ready: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writing, "_write", full)
    with pytest.raises(Unavailable, match="larger disk"):
        writing.back_up(Config(home=ready), tmp_path / "b.tar.zst", at=now())
    assert not list(tmp_path.glob("b.tar*"))


def test_restore_wants_an_empty_directory(tocsin: Command, home: Path, archive: Path) -> None:
    before = everything(home)
    done = tocsin("restore", archive)
    assert done.returncode == 1
    assert "--force" in done.stderr
    assert everything(home) == before


def test_force_moves_aside_what_it_replaces(tocsin: Command, home: Path, archive: Path) -> None:
    (home / "store/newer.parquet").write_bytes(b"newer")
    (home / "tocsin.toml").write_text("language = 'fr'\n")

    done = tocsin("restore", archive, "--force")

    assert done.returncode == 0, done.stderr
    assert not (home / "store/newer.parquet").exists()
    (aside,) = home.glob("before-restore-*")
    assert (aside / "store/newer.parquet").read_bytes() == b"newer"
    assert (aside / "tocsin.sqlite3").is_file()
    assert (home / "tocsin.toml").read_text() == "language = 'fr'\n"


def test_a_backup_after_a_restore_leaves_out_what_was_moved_aside(
    tocsin: Command, home: Path, archive: Path, tmp_path: Path
) -> None:
    tocsin("restore", archive, "--force")
    tocsin("backup", tmp_path / "second.tar.zst")
    assert not [name for name in unpack(tmp_path / "second.tar.zst") if "before-restore" in name]


def test_a_damaged_file_in_a_backup_that_did_not_look_is_named_when_it_is_restored(
    tocsin: Command, archive: Path, tmp_path: Path
) -> None:
    members = unpack(archive)
    members[f"home/store/state/scan_rdp/r1-0000.{'0' * 32}.parquet"] = b"x"
    listed(members)
    pack(archive, members)
    done = tocsin("restore", archive, home=str(tmp_path / "other"))
    assert done.returncode == 1
    assert done.stderr.startswith(f"tocsin: state/scan_rdp/r1-0000.{'0' * 32}.parquet is missing or damaged.\n")


def test_an_older_backup_is_followed_by_an_upgrade(tocsin: Command, archive: Path, tmp_path: Path) -> None:
    members = unpack(archive)
    listed(members, version="0.0.1")
    pack(archive, members)
    other = str(tmp_path / "other")
    assert "tocsin upgrade" in tocsin("restore", archive, home=other).stdout
    assert tocsin("serve", home=other).returncode == 1
    assert tocsin("upgrade", home=other).returncode == 0


def drop(name: str) -> Change:
    return lambda members: members.__delitem__(name)


def put(name: str, content: bytes) -> Change:
    return lambda members: members.update({name: content})


def put_listed(name: str, content: bytes = b"x", **changes: object) -> Change:
    def change(members: dict[str, bytes]) -> None:
        members[name] = content
        listed(members, **changes)

    return change


def drop_listed(name: str) -> Change:
    def change(members: dict[str, bytes]) -> None:
        del members[name]
        listed(members)

    return change


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (drop("MANIFEST.json"), "cut off"),
        (drop("home/keys/session.key"), "session.key is missing"),
        (put("home/keys/session.key", b"other"), "session.key in the backup is damaged"),
        (put("MANIFEST.json", b"[]"), "cannot be read"),
        (put("home/surplus", b"x"), "surplus in the backup is damaged"),
        (put_listed("../outside"), "is not a name that a backup has"),
        (put_listed("home/../../outside"), "is not a name that a backup has"),
        (put_listed("/outside"), "is not a name that a backup has"),
        (put_listed("elsewhere/file"), "is not a name that a backup has"),
        (put_listed("home/x", version="99.0"), "newer than this software"),
        (put_listed("home/x", format=2), "newer version"),
        (put_listed("home/x", database="postgresql"), "TOCSIN_DATABASE_URL"),
        (put_listed("database/tocsin.sqlite3", b"not a database" * 1000), "is damaged"),
        (drop_listed("database/tocsin.sqlite3"), "holds nothing as its database"),
        (put_listed("database/other.sqlite3"), "other.sqlite3 as its database"),
    ],
)
def test_a_backup_that_is_not_whole_or_not_ours_changes_nothing(
    tocsin: Command, home: Path, archive: Path, change: Change, sentence: str
) -> None:
    before = everything(home)
    members = unpack(archive)
    change(members)
    pack(archive, members)

    done = tocsin("restore", archive, "--force")

    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert everything(home) == before
    assert not (home.parent / "outside").exists()


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_a_backup_of_another_database_is_refused_before_anything_else(
    tocsin: Command, home: Path, archive: Path, force: tuple[str, ...]
) -> None:
    """Not after somebody has moved aside, with `--force`, what could stay."""
    before = everything(home)
    members = unpack(archive)
    as_server = {name.replace("database/tocsin.sqlite3", "database/postgresql.dump"): x for name, x in members.items()}
    listed(as_server, database="postgresql")
    pack(archive, as_server)

    done = tocsin("restore", archive, *force)

    said = "tocsin: The backup holds a postgresql database, this instance uses sqlite, and neither becomes the other. "
    assert (done.returncode, done.stderr.startswith(said)) == (1, True), done.stderr
    assert "Set TOCSIN_DATABASE_URL to an empty database" in done.stderr and "--force" not in done.stderr
    assert everything(home) == before


@pytest.mark.postgresql
def test_a_backup_of_sqlite_is_refused_by_an_instance_on_postgresql_at_once(
    on_postgresql: Home, backed_up: Path
) -> None:
    refused = on_postgresql("restore", backed_up / "backup.tar.zst")
    assert refused.returncode == 1
    assert "The backup holds a sqlite database, this instance uses postgresql" in refused.stderr
    assert "Leave TOCSIN_DATABASE_URL out" in refused.stderr and "--force" not in refused.stderr


@pytest.mark.parametrize(
    ("content", "said"), [(None, "cannot be restored (No such file"), (b"x", "not a whole backup")]
)
def test_what_is_no_backup_is_said_before_what_is_in_its_way(
    tocsin: Command, home: Path, archive: Path, content: bytes | None, said: str
) -> None:
    archive.unlink()
    if content:
        archive.write_bytes(content)
    assert said in tocsin("restore", archive).stderr


@pytest.mark.parametrize("kept", [0, 1, 100, -200])
def test_a_truncated_backup_changes_nothing(tocsin: Command, home: Path, archive: Path, kept: int) -> None:
    before = everything(home)
    archive.write_bytes(archive.read_bytes()[:kept])
    done = tocsin("restore", archive, "--force")
    assert done.returncode == 1
    assert "backup" in done.stderr
    assert "Traceback" not in done.stderr
    assert everything(home) == before


def test_a_link_in_an_archive_is_refused(tocsin: Command, archive: Path) -> None:
    with pa.output_stream(str(archive), compression="zstd") as out, tarfile.open(fileobj=out, mode="w|") as tar:
        link = tarfile.TarInfo("home/keys/session.key")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    assert "is not a plain file" in tocsin("restore", archive, "--force").stderr


IMPORTER = textwrap.dedent("""
    import fcntl, itertools, os, pathlib, sqlite3, sys
    home = pathlib.Path(sys.argv[1])
    connection = sqlite3.connect(home / "tocsin.sqlite3", isolation_level=None, timeout=20)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("CREATE TABLE manifest (name TEXT PRIMARY KEY)")
    print("started", flush=True)
    for number in itertools.count():
        path = home / "store" / f"{number}.parquet"
        unfinished = path.with_name(path.name + ".tmp")
        unfinished.write_bytes(os.urandom(20_000))
        unfinished.rename(path)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO manifest VALUES (?)", [path.name])
        connection.execute("DELETE FROM manifest WHERE name = ?", [f"{number - 20}.parquet"])
        connection.execute("COMMIT")
        with (home / "store/backup.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            named = {name for (name,) in connection.execute("SELECT name FROM manifest")}
            for old in (home / "store").glob("*.parquet"):
                if old.name not in named:
                    old.unlink()
""")


def test_a_backup_under_a_running_import_is_consistent(tocsin: Command, ready: Path, tmp_path: Path) -> None:
    """An importer that writes a file, names it in the manifest, drops an older one and deletes it, without a pause."""
    importer = subprocess.Popen(
        [sys.executable, "-c", IMPORTER, ready], env=environment(ready), stdout=subprocess.PIPE, text=True
    )
    try:
        assert importer.stdout and importer.stdout.readline()
        for number in range(3):
            file, other = tmp_path / f"{number}.tar.zst", tmp_path / f"restored{number}"
            assert tocsin("backup", file).returncode == 0
            assert importer.poll() is None
            assert tocsin("restore", file, home=str(other)).returncode == 0
            with closing(sqlite3.connect(other / "tocsin.sqlite3")) as connection:
                named = {name for (name,) in connection.execute("SELECT name FROM manifest")}
            assert len(named) >= 1
            assert named <= {path.name for path in (other / "store").iterdir()}
    finally:
        importer.kill()
        importer.wait()
        assert importer.stdout
        importer.stdout.close()


@pytest.fixture
def on_postgresql(on_postgresql: Home) -> Home:
    """An instance on PostgreSQL, with something in its store."""
    (on_postgresql.place / "store/one.parquet").write_bytes(b"one")
    return on_postgresql


@contextmanager
def connected(home: Home) -> Iterator[psycopg.Connection]:
    """A connection to the database of an instance on PostgreSQL."""
    with psycopg.connect(home.settings["database_url"]) as connection:
        yield connection


def keep(home: Home) -> None:
    """Put a row into the database that nothing but a backup brings back."""
    with connected(home) as connection:
        connection.execute("INSERT INTO django_content_type (app_label, model) VALUES ('kept', 'kept')")


def kept(home: Home) -> int:
    """Count such rows."""
    with connected(home) as connection:
        found = connection.execute("SELECT FROM django_content_type WHERE app_label = 'kept'").fetchall()
    return len(found)


@pytest.mark.postgresql
def test_postgresql_is_backed_up_and_restored_with_the_store(on_postgresql: Home, tmp_path: Path) -> None:
    keep(on_postgresql)
    file = tmp_path / "backup.tar.zst"
    on_postgresql.done("backup", file)
    with connected(on_postgresql) as connection:
        connection.execute("DELETE FROM django_content_type WHERE app_label = 'kept'")

    other = Home(tmp_path / "other", **on_postgresql.settings)
    refused = other("restore", file)
    assert refused.returncode == 1
    assert "not empty" in refused.stderr
    other.done("restore", file, "--force")

    assert kept(other) == 1
    other.done("doctor")


@pytest.mark.postgresql
def test_an_older_backup_is_restored_over_the_tables_of_a_newer_version(on_postgresql: Home, tmp_path: Path) -> None:
    """What the archive does not know goes: the newer table would hold on to the older ones."""
    file = tmp_path / "b.tar.zst"
    on_postgresql.done("backup", file)
    with connected(on_postgresql) as connection:
        connection.execute("CREATE TABLE feeds_newer (run bigint REFERENCES feeds_run)")
        connection.execute("CREATE VIEW newer AS SELECT * FROM feeds_run")
        connection.execute("CREATE FUNCTION newer_one() RETURNS int LANGUAGE sql AS 'SELECT 1'")

    on_postgresql.done("restore", "--force", file)

    with connected(on_postgresql) as connection:
        found = connection.execute(
            "SELECT to_regclass('feeds_newer'), to_regclass('newer'), to_regproc('newer_one'), to_regclass('feeds_run')"
        ).fetchone()
    assert found == (None, None, None, "feeds_run")
    assert "Nothing to do" in on_postgresql.done("upgrade")
    on_postgresql.done("doctor")


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("stub", "sentence"),
    [
        (
            "echo 'pg_restore: error: unsupported version (1.16) in file header' >&2; echo 'hint: newer' >&2; exit 1",
            "unsupported version (1.16) in file header). Nothing was changed.",
        ),
        (
            'case $1 in --list) ;; *) "$real" "$@" | head -n 60; echo "error: cut" >&2; exit 1; esac',
            "pg_restore failed: error: cut",
        ),
        (
            'case $1 in --list) ;; *) echo "SELECT nothing;"; exec "$real" "$@"; esac',
            'ERROR:  column "nothing" does not exist',
        ),
    ],
)
def test_a_restore_that_postgresql_refuses_changes_nothing(
    on_postgresql: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stub: str, sentence: str
) -> None:
    """A script stands before `pg_restore`, which is `"$real"` in it."""
    file = tmp_path / "b.tar.zst"
    on_postgresql.done("backup", file)
    keep(on_postgresql)
    before = everything(on_postgresql.place)
    (tmp_path / "pg_restore").write_text(f"#!/bin/sh\nreal={shutil.which('pg_restore')}\n{stub}\n")
    (tmp_path / "pg_restore").chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    done = on_postgresql("restore", "--force", file)

    assert done.returncode == 1
    assert sentence in done.stderr and "Traceback" not in done.stderr
    assert everything(on_postgresql.place) == before
    assert kept(on_postgresql) == 1
    assert "was set up before" in on_postgresql.done("init")


def test_a_restore_that_cannot_place_the_database_moves_everything_back(
    home: Path, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_copy: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (home / "store/newer.parquet").write_bytes(b"newer")
    before = everything(home)
    monkeypatch.setattr(databases, "vendor", lambda: "sqlite")
    monkeypatch.setattr(databases, "copy_in", refused)
    with pytest.raises(Unavailable, match="No space left"):
        reading.restore(Config(home=home), archive, force=True, at=now())
    assert everything(home) == before
    assert not list(home.glob("before-restore-*"))
