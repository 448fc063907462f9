"""Bad input through the real command line: a clear sentence, the right code, nothing lost, nothing counted twice."""

from __future__ import annotations

import bz2
import contextlib
import fcntl
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands import Command, Completed
from tocsin.feeds.sweeping import LEAVING

HEADER = "timestamp,severity,ip,protocol,port,hostname,tag,asn,geo,region,city,naics,hostname_source,sector"
KIND = "scan_rdp"
JSON_TEXT = dict[str, Any]


def row(day: int, host: int, tag: str = "rdp") -> str:
    return f"2026-03-{day:02} 04:00:00,high,198.51.100.{host},tcp,3389,,{tag},64500,XM,,,,,"


def report(day: int, hosts: range | list[int], header: str = HEADER) -> str:
    return "\n".join([header, *(row(day, host) for host in hosts)]) + "\n"


class Desk:
    """An instance, a folder to put reports into, and the commands."""

    def __init__(self, folder: Path, tocsin: Command) -> None:
        self.folder, self.tocsin = folder, tocsin
        folder.mkdir()

    def put(self, content: str | bytes, day: int = 1, suffix: str = "", kind: str = KIND) -> Path:
        path = self.folder / f"2026-03-{day:02}-{kind}-xx.csv{suffix}"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def run(self, *paths: Path, code: int, arguments: tuple[str, ...] = ()) -> tuple[JSON_TEXT, str]:
        """Import files; return the summary and what was said on standard error."""
        done = self.tocsin("feed", "run", *paths, "--gone-after", "1", "--json", *arguments)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return json.loads(done.stdout) if done.stdout else {}, done.stderr

    def findings(self) -> dict[str, tuple[str, int]]:
        """State and count of each asset: the store can be read."""
        done: Completed = self.tocsin("finding", "list", "--json")
        assert done.returncode == 0, done.stderr
        return {found["asset"]: (found["state"], found["count"]) for found in json.loads(done.stdout)}

    def files(self, kind: str) -> set[str]:
        """The files of a kind in the store, without those that leave because nothing names them any more."""
        store = self.folder.parent / "home" / "store"
        leaving = store / LEAVING
        left = {line.partition(" ")[2] for line in leaving.read_text().splitlines()} if leaving.exists() else set()
        return {path.relative_to(store).as_posix() for path in store.glob(f"{kind}/*/*")} - left


@pytest.fixture
def desk(ready: Path, tocsin: Command, tmp_path: Path) -> Desk:
    """An instance that is set up, on SQLite: `test_bad_on_both` has what differs by the database."""
    return Desk(tmp_path / "in", tocsin)


def packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def archive(names: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in names.items():
            made.writestr(name, content)
    return out.getvalue()


def tar(content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        member = tarfile.TarInfo("2026-03-01-scan_rdp-xx.csv")
        member.size = len(content)
        made.addfile(member, io.BytesIO(content))
    return out.getvalue()


GOOD = report(1, range(1, 5)).encode()


def broken() -> dict[str, tuple[bytes, str, str]]:
    """Return files that cannot be read: what is in them, how their names end, what is said. Made by whoever tries."""
    return {
        "truncated gzip": (packed(GOOD * 50)[:-40], ".gz", "it ends in the middle"),
        "binary junk": (bytes(range(256)) * 64, "", "is not"),
        "zeros": (b"\0" * 5000, "", "it is not a text file"),
        "empty": (b"", "", "it is empty"),
        "a blank line": (b"\n", "", "it is empty"),
        "other columns": (b"name,colour\nlamp,red\n", "", "has neither its column"),
        "10,000 columns": (",".join(f"c{n}" for n in range(10_000)).encode() + b"\n", "", "10000 columns"),
        "a bomb": (packed(HEADER.encode() + (b"\n" + b" " * 2**20) * 80), ".gz", "250 times its size"),
        "a bomb in a zip": (archive({"2026-03-01-scan_rdp-xx.csv": b"0" * (80 * 2**20)}), ".zip", "would unpack to"),
        "a name that leads out": (archive({"../../2026-03-01-scan_rdp-xx.csv": GOOD}), ".zip", "leads out of it"),
        "an absolute name": (archive({"/etc/2026-03-01-scan_rdp-xx.csv": GOOD}), ".zip", "leads out of it"),
        "bzip2": (bz2.compress(GOOD), ".bz2", "it is packed as bz2, which is not read here; only plain text is"),
        "xz": (lzma.compress(GOOD), ".xz", "it is packed as xz, which is not read here"),
        "a tar archive": (packed(tar(GOOD)), ".gz", "it is packed as tar, which is not read here"),
        "packed twice": (
            packed(packed(GOOD)),
            ".gz",
            "it is packed as gz within another archive, which is not read here",
        ),
        "a zip cut short": (archive({"2026-03-01-scan_rdp-xx.csv": GOOD})[:60], ".zip", "cannot be read"),
    }


def test_files_that_cannot_be_read_are_refused_each_with_its_reason_and_good_copies_heal_them(desk: Desk) -> None:
    files = broken()
    paths = {case: desk.put(content, day, suffix) for day, (case, (content, suffix, _)) in enumerate(files.items(), 1)}
    summary, said = desk.run(*paths.values(), code=1)
    assert (summary["rows_read"], summary["files"], len(summary["broken"])) == (0, [], len(files))
    lines = said.splitlines()
    assert len(lines) == len(files)
    for path, (_, _, sentence) in zip(paths.values(), files.values(), strict=True):
        (line,) = (line for line in lines if line.removeprefix("tocsin: ").split(": ")[0] == path.name)
        assert sentence in line
    assert desk.findings() == {}
    assert not desk.files("observations") | desk.files("quarantine") | desk.files("spill")
    for path in paths.values():
        path.unlink()
    days = range(1, len(files) + 1)
    summary, said = desk.run(*(desk.put(report(day, range(1, 5)), day) for day in days), code=0)
    assert ({cycle["new"] + cycle["still"] for cycle in summary["cycles"]}, said) == ({4}, "")
    assert desk.findings() == {f"198.51.100.{host}": ("still", len(files)) for host in range(1, 5)}


def test_a_field_of_three_megabytes_is_a_field(desk: Desk) -> None:
    long = "x" * (3 * 2**20)
    summary, _ = desk.run(desk.put(f"{HEADER}\n{row(1, 1)}\n{row(1, 2, long)}\n{row(1, 3)}\n"), code=0)
    assert (summary["rows_read"], summary["rows_kept"], summary["rows_quarantined"]) == (3, 3, 0)
    assert len(desk.findings()) == 3


def test_rows_that_cannot_be_read_are_set_aside_and_counted(desk: Desk) -> None:
    rows = [row(1, 1), "torn,row", 'an "open quote', row(1, 2), "never,high,198.51.100.3,tcp,3389" + "," * 9]
    summary, _ = desk.run(desk.put("\n".join([HEADER, *rows]) + "\n"), code=0)
    assert (summary["rows_read"], summary["rows_kept"], summary["rows_quarantined"]) == (5, 2, 3)


def test_wrong_columns_are_kept_as_extra_and_named(desk: Desk) -> None:
    content = report(1, [1, 2], HEADER.replace("naics", "wingspan"))
    done = desk.tocsin("feed", "run", desk.put(content))
    assert (done.returncode, done.stderr) == (0, "")
    assert "columns that no mapping knows, kept as extra: wingspan" in done.stdout
    assert len(desk.findings()) == 2


def test_header_only_is_a_complete_cycle_of_no_rows_and_held(desk: Desk) -> None:
    desk.run(desk.put(GOOD), code=0)
    done = desk.tocsin("feed", "run", desk.put(HEADER + "\n", day=2), "--gone-after", "1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "scan_rdp of 2026-03-02 is held: it has 0 rows, less than half of the 4 on the days before." in done.stdout
    assert {state for state, _ in desk.findings().values()} == {"still"}
    confirmed = desk.tocsin("feed", "confirm", KIND, "2026-03-02")
    assert (confirmed.returncode, confirmed.stderr) == (0, "")
    assert {state for state, _ in desk.findings().values()} == {"gone"}


def test_the_same_file_twice_changes_nothing(desk: Desk) -> None:
    path = desk.put(GOOD)
    desk.run(path, code=0)
    done = desk.tocsin("feed", "run", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "2026-03-01-scan_rdp-xx.csv was imported before; nothing to do.\n"
    desk.run(path, path, code=0)
    desk.run(desk.put(packed(GOOD), suffix=".gz"), code=0)
    assert desk.findings() == {f"198.51.100.{host}": ("new", 1) for host in range(1, 5)}


def test_a_corrected_file_of_the_same_name_takes_the_place_of_the_first(desk: Desk) -> None:
    desk.run(desk.put(GOOD), code=0)
    summary, said = desk.run(desk.put(report(1, [1, 2, 9])), code=0)
    assert (summary["rows_read"], said) == (3, "")
    assert desk.findings() == {f"198.51.100.{host}": ("new", 1) for host in (1, 2, 9)}
    assert len(desk.files("observations")) == 2, "should the correction be withdrawn, the first counts again"


def test_a_late_older_day_gives_what_the_right_order_gives(desk: Desk) -> None:
    days = {1: [1, 2, 3, 4], 2: [1, 2], 3: [1, 3]}
    for day in (1, 3, 2):
        desk.run(desk.put(report(day, days[day]), day=day), code=0)
    assert desk.findings() == {
        "198.51.100.1": ("still", 3),
        "198.51.100.2": ("gone", 2),
        "198.51.100.3": ("returned", 2),
        "198.51.100.4": ("gone", 1),
    }


def test_one_broken_among_good_ones_keeps_its_cycle_open_until_a_good_copy_comes(desk: Desk) -> None:
    desk.run(desk.put(report(1, range(1, 5))), desk.put(report(1, [50], HEADER), kind="scan_ssh"), code=0)
    broken = desk.put(packed(report(2, [1, 2, 3]).encode())[:-20], day=2, suffix=".gz")
    good = desk.put(report(2, [50, 51]), day=2, kind="scan_ssh")
    summary, said = desk.run(broken, good, code=1)
    assert said.count("tocsin: ") == 1
    assert [(file["type"], file["kept"]) for file in summary["files"]] == [("scan_ssh", 2)]
    assert desk.findings()["198.51.100.51"] == ("new", 1)
    part = desk.folder / f"2026-03-02-{KIND}-part2.csv"
    part.write_text(report(2, [1]))
    desk.run(part, code=0)  # of the same cycle, and whole: what the broken one would show is still not known
    assert {desk.findings()[f"198.51.100.{host}"][0] for host in range(2, 5)} == {"still"}
    broken.unlink()
    summary, _ = desk.run(desk.put(report(2, [1, 2, 3]), day=2), code=0)
    assert summary["findings_gone"] == 1
    assert desk.findings()["198.51.100.4"] == ("gone", 1)


@contextlib.contextmanager
def importing(home: Path) -> Iterator[None]:
    """Hold the lock of the store as a running import does."""
    with (home / "store" / "ingest.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_a_second_import_waits_and_then_gives_way(desk: Desk, ready: Path) -> None:
    path = desk.put(GOOD)
    desk.run(path, code=0)
    with importing(ready):
        later = desk.put(report(2, [1]), day=2)
        _, said = desk.run(later, code=1, arguments=("--wait", "1"))
    assert said == (
        "tocsin: waiting for up to 1 s: another import is at work on the store.\n"
        "tocsin: another import has kept the store busy for more than 1 s. Try again when it is done.\n"
    )
    summary, _ = desk.run(later, code=0)
    assert summary["rows_kept"] == 1


def test_a_file_that_is_not_there_and_one_that_is_a_folder_of_nothing(desk: Desk) -> None:
    _, said = desk.run(desk.folder / "none.csv", code=1)
    assert "there is no such file" in said
    _, said = desk.run(desk.folder, code=1)
    assert "there is no file to import" in said


def test_a_name_that_runs_over_lines_is_written_on_one_and_hinders_no_other(desk: Desk) -> None:
    desk.put(report(1, [1, 2]))
    (desk.folder / "2026-03-02-foo\nbar.csv").write_text(report(2, [3]))
    with zipfile.ZipFile(desk.folder / "more.zip", "w") as archive:
        archive.writestr("2026-03-03-a\u2028b\x1b[2J.csv", report(3, [4]))

    summary, _said = desk.run(desk.folder, code=0)

    assert [each["name"] for each in summary["files"]] == [
        "2026-03-01-scan_rdp-xx.csv",
        "2026-03-02-foo\\nbar.csv",
        "2026-03-03-a\\u2028b\\x1b[2J.csv",
    ]
    assert set(desk.findings()) == {f"198.51.100.{host}" for host in (1, 2, 3, 4)}
