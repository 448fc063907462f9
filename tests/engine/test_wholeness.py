"""Files of the store that are missing or damaged: found by their footers, and said in a sentence by whoever reads."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tocsin.engine import lost, wholeness
from tocsin.engine.lost import LostFile
from tocsin.engine.query import Database
from tocsin.engine.reduce import read_state
from tocsin.engine.wholeness import MISSING, OTHER_ROWS, UNREADABLE, Expected, Fault, faults

FILE = "state/scan_rdp/r1-0000.parquet"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A Parquet file of a thousand numbers."""
    place = tmp_path / FILE
    place.parent.mkdir(parents=True)
    numbers = [number * number * 7_919 for number in range(1000)]
    pq.write_table(pa.table({"k1": numbers}), place, compression="zstd", use_dictionary=False)
    return place


def cut_off(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def zeroed(path: Path) -> None:
    """Amid the data, so that the footer is whole."""
    with path.open("r+b") as file:
        file.seek(60)
        file.write(bytes(300))


def garbled(path: Path) -> None:
    """From the first header of a page on."""
    with path.open("r+b") as file:
        file.seek(4)
        file.write(b"\xff" * 300)


def test_a_store_that_is_whole_has_no_fault(path: Path, tmp_path: Path) -> None:
    assert list(faults(tmp_path, [Expected((FILE,), 1000), Expected((FILE,)), Expected(())])) == []


@pytest.mark.parametrize(
    ("harm", "why"), [(Path.unlink, MISSING), (cut_off, UNREADABLE), (emptied, UNREADABLE), (os.truncate, UNREADABLE)]
)
def test_a_file_that_is_missing_or_cut_off_is_named(
    path: Path, tmp_path: Path, harm: Callable[..., None], why: str
) -> None:
    whole = tmp_path / "state/scan_rdp/r1-0001.parquet"
    whole.write_bytes(path.read_bytes())
    _ = harm(path, 30) if harm is os.truncate else harm(path)
    expected = Expected((FILE, "state/scan_rdp/r1-0001.parquet"), 2000)

    assert list(faults(tmp_path, [expected])) == [(expected, [Fault(FILE, why)])]


def test_several_footers_are_read_at_once_and_what_is_wrong_keeps_its_order(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    met = threading.Barrier(wholeness.READERS, timeout=20)

    def rows_in(file: Path) -> int | str:
        met.wait()  # each waits for the others: one after the other would wait in vain
        return 1000 if file == path else MISSING

    monkeypatch.setattr(wholeness, "_rows_in", rows_in)
    monkeypatch.setattr(wholeness, "_AT_ONCE", 2 * wholeness.READERS)
    files = [FILE, *(f"state/scan_rdp/{number}.parquet" for number in range(3 * wholeness.READERS - 1))]

    found = list(faults(tmp_path, (Expected((file,)) for file in files)))

    assert [fault.file for _expected, (fault,) in found] == files[1:]


def test_a_file_with_other_rows_than_it_had_is_named(path: Path, tmp_path: Path) -> None:
    expected = Expected((FILE,), 999)
    ((_, (fault,)),) = faults(tmp_path, [expected])
    assert fault == Fault(FILE, OTHER_ROWS)
    assert str(fault) == f"{FILE}: it holds other rows than it did"


@pytest.mark.parametrize("harm", [Path.unlink, cut_off, emptied, zeroed, garbled])
def test_a_question_to_a_damaged_file_is_answered_with_a_sentence(path: Path, harm: Callable[[Path], None]) -> None:
    harm(path)
    database = Database()
    for ask in (database.ask, lambda *asked: database.fetched(database.stream(*asked), 10)):
        with pytest.raises(LostFile, match=r"missing or damaged. Run `tocsin doctor`"):
            ask("SELECT sum(k1) FROM read_parquet(?)", [[str(path)]])


def test_a_question_that_is_wrong_itself_is_no_damage(path: Path) -> None:
    with pytest.raises(Exception, match="k9") as raised:
        Database().ask("SELECT k9 FROM read_parquet(?)", [[str(path)]])
    assert not isinstance(raised.value, LostFile)


@pytest.mark.parametrize("harm", [Path.unlink, cut_off, emptied, zeroed, garbled])
def test_a_fold_over_a_damaged_file_names_it(path: Path, harm: Callable[[Path], None]) -> None:
    harm(path)
    with pytest.raises(LostFile) as raised:
        read_state(path, ["k1"])
    assert raised.value.file == FILE


def test_a_disk_that_is_full_is_no_damage(path: Path) -> None:
    with pytest.raises(OSError, match="No space left"), lost.told(path):
        raise OSError(28, "No space left on device")


def test_the_sentence_comes_whole_from_another_process() -> None:
    there = pickle.loads(pickle.dumps(LostFile(FILE)))
    assert (there.file, str(there)) == (FILE, str(LostFile(FILE)))
