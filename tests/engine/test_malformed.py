"""The twelve ways in which a report can be malformed: no record is lost, and damage stays where it is.

What must come out is stated by the test while it writes the file, record by record.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.manifest import Bench
from tests.engine.reports import COLUMNS, MONDAY, name_of, row
from tocsin.engine import records

TAG = COLUMNS.index("tag")


@dataclasses.dataclass(frozen=True)
class Line:
    """One physical record as written, and whether it must be kept; None for what is no record at all."""

    text: bytes
    kept: bool | None = True
    end: bytes = b""
    """Its own line end, where it differs from the file's."""


@dataclasses.dataclass(frozen=True)
class Dialect:
    """How the file is written."""

    quoted: bool
    line_end: bytes
    final_end: bool

    def join(self, cells: list[bytes]) -> bytes:
        """Return one record."""
        return b",".join(b'"' + cell + b'"' if self.quoted else cell for cell in cells)


def cells(number: int, tag: bytes = b"rdp") -> list[bytes]:
    made = row(ip=f"192.0.2.{number}", port=1000 + number)
    found = [made.get(column, "").encode() for column in COLUMNS]
    found[TAG] = tag
    return found


def clean(dialect: Dialect) -> Iterator[Line]:
    yield Line(dialect.join(cells(100)))


def short_row(dialect: Dialect) -> Iterator[Line]:
    yield Line(dialect.join(cells(100)[:-1]), kept=False)


def long_row(dialect: Dialect) -> Iterator[Line]:
    yield Line(dialect.join([*cells(100), b"more"]), kept=False)


def open_quote(dialect: Dialect) -> Iterator[Line]:
    yield Line(dialect.join(cells(100)[:3]) + b',"and then nothing closes it,', kept=False)


def bad_utf8(dialect: Dialect) -> Iterator[Line]:
    yield Line(dialect.join(cells(100, tag=b"\xff\xfe\x80")))


def nul(dialect: Dialect) -> Iterator[Line]:
    yield Line(dialect.join(cells(100, tag=b"a\0b")))


def newline_in_field(dialect: Dialect) -> Iterator[Line]:
    tag = b"two\nlines" if dialect.quoted else b'"two\nlines"'
    yield Line(dialect.join(cells(100, tag=tag)))


def other_line_end(dialect: Dialect) -> Iterator[Line]:
    yield Line(dialect.join(cells(100)), end=b"\n" if dialect.line_end == b"\r\n" else b"\r\n")


def stray_quote(dialect: Dialect) -> Iterator[Line]:
    yield Line(dialect.join(cells(100, tag=b'a"b')))


def empty_lines(dialect: Dialect) -> Iterator[Line]:
    yield Line(b"", kept=None)
    yield Line(b"", kept=None)
    yield Line(dialect.join(cells(100)))
    yield Line(b"", kept=None)


def huge_field(dialect: Dialect) -> Iterator[Line]:
    yield Line(dialect.join(cells(100, tag=b"x" * 3_000_000)))


CASES: list[Callable[[Dialect], Iterator[Line]]] = [
    clean, short_row, long_row, open_quote, bad_utf8, nul, newline_in_field, other_line_end, stray_quote, empty_lines,
    huge_field,
]  # fmt: skip
DIALECTS = [
    Dialect(quoted, line_end, final_end)
    for quoted in (True, False)
    for line_end in (b"\n", b"\r\n")
    for final_end in (True, False)
]


def written(path: Path, dialect: Dialect, lines: list[Line]) -> Path:
    """Write a report whose records are `lines`."""
    text = dialect.join([column.encode() for column in COLUMNS]) + dialect.line_end
    text += b"".join(line.text + (line.end or dialect.line_end) for line in lines)
    if not dialect.final_end:
        text = text.removesuffix(lines[-1].end or dialect.line_end)
    path.write_bytes(text)
    return path


def check(root: Path, path: Path, lines: list[Line]) -> None:
    """Import the report and compare with what the lines say of themselves."""
    bench = Bench(root)
    delta = bench.run([path])
    assert not delta.broken
    (report,) = delta.accepted
    kept = [line for line in lines if line.kept]
    refused = [line for line in lines if line.kept is False]
    assert (report.records, report.kept, report.rows_quarantined) == (
        len(kept) + len(refused),
        len(kept),
        len(refused),
    )
    ips = [cell.decode() for cell in bench.observations(report)["c.ip"].to_pylist()]
    assert ips == [line.text.replace(b'"', b"").split(b",")[2].decode() for line in kept]
    whole = [entry for entry in bench.quarantine(report) if entry["whole_row"]]
    assert [entry["raw"] for entry in whole] == [line.text for line in refused]
    assert all(entry["reason"] for entry in whole)


def around(case: Callable[[Dialect], Iterator[Line]], dialect: Dialect) -> list[Line]:
    before = [Line(dialect.join(cells(number))) for number in range(1, 6)]
    after = [Line(dialect.join(cells(number))) for number in range(6, 11)]
    return [*before, *case(dialect), *after]


@pytest.mark.parametrize("dialect", DIALECTS, ids=str)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_damage_is_confined_to_its_record(
    case: Callable[[Dialect], Iterator[Line]], dialect: Dialect, tmp_path: Path
) -> None:
    lines = around(case, dialect)
    path = written(tmp_path / name_of("scan_rdp", MONDAY), dialect, lines)
    check(tmp_path / "store", path, lines)


@pytest.mark.parametrize("dialect", DIALECTS, ids=str)
def test_a_truncated_tail_costs_its_last_record_alone(dialect: Dialect, tmp_path: Path) -> None:
    whole = dialect.join(cells(100))
    lines = [*around(clean, dialect), Line(whole[: len(whole) // 2], kept=False)]
    path = written(tmp_path / name_of("scan_rdp", MONDAY), dialect, lines)
    check(tmp_path / "store", path, lines)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_damage_first_and_last_in_the_file_is_confined_too(
    case: Callable[[Dialect], Iterator[Line]], tmp_path: Path
) -> None:
    dialect = Dialect(quoted=True, line_end=b"\n", final_end=True)
    lines = [*case(dialect), *(Line(dialect.join(cells(number))) for number in range(1, 4)), *case(dialect)]
    path = written(tmp_path / name_of("scan_rdp", MONDAY), dialect, lines)
    check(tmp_path / "store", path, lines)


@pytest.mark.parametrize("block", [128, 300, 1_000])
@pytest.mark.parametrize("case", CASES[:-1], ids=lambda case: case.__name__)
def test_damage_at_the_edge_of_a_block_is_confined_too(
    case: Callable[[Dialect], Iterator[Line]], block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "BLOCK_BYTES", block)
    monkeypatch.setattr(records, "_OPEN_QUOTE_BYTES", 4 * block)
    monkeypatch.setattr(records, "CHUNK_ROWS", 4)
    dialect = Dialect(quoted=block != 300, line_end=b"\n", final_end=True)
    lines = around(case, dialect) + around(case, dialect) + around(clean, dialect)
    path = written(tmp_path / name_of("scan_rdp", MONDAY), dialect, lines)
    check(tmp_path / "store", path, lines)


def test_all_damage_at_once_leaves_every_good_row_in_place(tmp_path: Path) -> None:
    dialect = Dialect(quoted=True, line_end=b"\n", final_end=True)
    lines = [line for case in CASES for line in around(case, dialect)]
    path = written(tmp_path / name_of("scan_rdp", MONDAY), dialect, lines)
    check(tmp_path / "store", path, lines)


def test_quarantine_names_the_line_a_record_begins_on(tmp_path: Path) -> None:
    dialect = Dialect(quoted=True, line_end=b"\n", final_end=True)
    lines = [*newline_in_field(dialect), *empty_lines(dialect), *short_row(dialect)]
    bench = Bench(tmp_path / "store")
    delta = bench.run([written(tmp_path / name_of("scan_rdp", MONDAY), dialect, lines)])
    (entry,) = [entry for entry in bench.quarantine(delta.accepted[0]) if entry["whole_row"]]
    # The header is line 1, the first record lies on 2 and 3, then come two blank lines, a record and a blank one.
    assert (entry["line"], entry["reason"]) == (8, f"{len(COLUMNS) - 1} cells where the header has {len(COLUMNS)}")
    assert bench.observations(delta.accepted[0])["line"].to_pylist() == [2, 6]
