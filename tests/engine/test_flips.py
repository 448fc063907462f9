"""One changed byte anywhere in a file of the store is noticed by whoever reads it. Seeds draw where it changes."""

from __future__ import annotations

import functools
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.engine.manifest import Bench
from tests.engine.reports import as_csv, day, name_of, seen
from tocsin.engine import digests, wholeness
from tocsin.engine.lost import LostFile
from tocsin.engine.query import Database
from tocsin.engine.reduce import read_state
from tocsin.engine.store import Workspace
from tocsin.engine.wholeness import CHANGED, MISSING, OTHER_ROWS, UNREADABLE, Expected, faults

SEEDS = range(40)


def flip(file: Path, seed: int) -> None:
    """XOR one byte with something that is not nothing."""
    drawn = random.Random(seed)
    content = bytearray(file.read_bytes())
    content[drawn.randrange(len(content))] ^= drawn.randrange(1, 256)
    file.write_bytes(content)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of the store that holds a thousand numbers, written as all are."""
    table = pa.table({"k1": pa.array([number * 7_919 for number in range(1000)], pa.uint64())})
    write = functools.partial(pq.write_table, table)
    return tmp_path / Workspace(tmp_path, "r1").write("state", "scan_rdp", "0000", write)


def test_a_file_as_it_was_written_is_what_its_name_says(file: Path, tmp_path: Path) -> None:
    relative = file.relative_to(tmp_path).as_posix()
    assert digests.in_name(file) == digests.of(file)
    assert not digests.is_other(file) and not wholeness.is_changed(file)
    assert wholeness.lost_files(tmp_path, [relative]) == frozenset()
    assert read_state(file, ["k1"]).num_rows == 1000


@pytest.mark.parametrize("seed", SEEDS)
def test_a_changed_byte_is_noticed_by_every_reader(file: Path, tmp_path: Path, seed: int) -> None:
    relative, database = file.relative_to(tmp_path).as_posix(), Database(threads=1)
    question = ("SELECT sum(k1) FROM read_parquet(?)", [[str(file)]])
    assert database.ask(*question).fetchall()
    flip(file, seed)

    for read in (
        lambda: read_state(file, ["k1"]),
        lambda: database.ask(*question),
        lambda: database.stream(*question),
        lambda: Database(threads=1).ask(*question),
    ):
        with pytest.raises(LostFile) as raised:
            read()
        assert raised.value.file == relative
    assert wholeness.lost_files(tmp_path, [relative]) == {relative}
    ((_, (fault,)),) = faults(tmp_path, [Expected((relative,), 1000)], lambda _: wholeness.is_changed(file))
    assert fault.why in (CHANGED, UNREADABLE, OTHER_ROWS)


def test_two_bytes_near_the_beginning_are_noticed_where_the_name_says_no_digest(file: Path, tmp_path: Path) -> None:
    old = file.rename(file.with_name("r1-0000.parquet"))
    assert not wholeness.is_changed(old)
    with old.open("r+b") as opened:
        opened.seek(30)
        opened.write(b"zz")
    assert wholeness.is_changed(old)
    with pytest.raises(LostFile):
        Database(threads=1).ask("SELECT sum(k1) FROM read_parquet(?)", [[str(old)]])


def test_a_file_that_was_compared_is_read_again_only_when_it_has_changed(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    def is_other(path: Path) -> bool:
        read.append(path)
        return False

    monkeypatch.setattr(digests, "is_other", is_other)
    compared = digests.Compared()
    compared.require([str(file)])
    compared.require([str(file)])
    assert read == [file]
    file.write_bytes(file.read_bytes() + b"x")
    compared.require([str(file)])
    assert read == [file, file]


def test_a_file_that_is_gone_is_named_before_it_is_asked(file: Path, tmp_path: Path) -> None:
    file.unlink()
    relative = file.relative_to(tmp_path).as_posix()
    with pytest.raises(LostFile, match=r"tocsin doctor") as raised:
        digests.Compared().require([str(file)])
    assert raised.value.file == relative
    ((_, (fault,)),) = faults(tmp_path, [Expected((relative,))])
    assert fault.why == MISSING


def report(folder: Path, number: int) -> Path:
    """Write a report of a day with three hosts."""
    path = folder / name_of("scan_rdp", day(number))
    path.write_bytes(as_csv([seen(f"192.0.2.{host}", day(number)) for host in (1, 2, 3)]))
    return path


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["state", "observations"])
def test_nothing_is_folded_from_a_changed_byte(tmp_path: Path, kind: str, seed: int) -> None:
    bench = Bench(tmp_path / "store")
    days = [report(tmp_path, number) for number in range(3)]
    bench.run(days[:2])
    before = bench.manifest.files()
    (harmed, *_) = sorted(name for name in before if name.startswith(kind))
    flip(bench.root / harmed, seed)

    with pytest.raises(LostFile) as raised:
        if kind == "state":
            bench.run(days[2:])
        else:
            bench.refold(["scan_rdp"], gone_after=2)

    assert raised.value.file == harmed
    assert bench.manifest.files() == before
